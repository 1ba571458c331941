"""The protocol between the manager and the drivers, and a driver's side of it in Python.

A driver is a process that times one evaluator. It says first what it is, then answers requests, one line each; fields
are separated by tabs.

- hello: `ready`, the evaluator with its version, how it was built;
- request: `decode` or `evaluate`, iterations, path of a file with a flat program;
- answer: `ok`, nanoseconds of all iterations by a monotonic clock and, for `evaluate` where the evaluator tells them,
  ExUnits of one (cpu in ps, mem in words); or `fail` and the reason.

Before the clock starts, a driver reads the file, decodes the program for `evaluate`, and warms up with an eighth of the
iterations. Standard library only: the Python
peers run this in environments of their own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Timing(NamedTuple):
    """What one request came to; `cpu` in ps and `mem` in words, None where the evaluator does not say."""

    ns: int
    cpu: int | None = None
    mem: int | None = None


class Request(NamedTuple):
    """`work` is decode or evaluate."""

    work: str
    iterations: int
    flat: bytes


def parse_request(line: str) -> Request:
    """A request from its line. ValueError or OSError, with the reason, where it is none or the file cannot be read."""
    work, iterations, path = line.rstrip("\n").split("\t", 2)
    if work not in ("decode", "evaluate"):
        raise ValueError(f"no such work: {work}")
    return Request(work, int(iterations), Path(path).read_bytes())


def time_calls(request: Request, function: Callable[[], Any]) -> int:
    """Nanoseconds of the request's iterations of a function, after its warm-up."""
    for _ in range(request.iterations // 8):
        function()
    begin = time.perf_counter_ns()
    for _ in range(request.iterations):
        function()
    return time.perf_counter_ns() - begin


def answer_line(timing: Timing) -> str:
    """The line that tells a timing."""
    spent = () if timing.cpu is None else (timing.cpu, timing.mem)
    return "\t".join(("ok", *map(str, (timing.ns, *spent))))


def serve(evaluator: str, built: str, answer: Callable[[Request], Timing]) -> None:
    """Say hello, then answer requests until standard input ends. Whatever an answer raises is a failed request."""
    print("ready", evaluator, built, sep="\t", flush=True)
    for line in sys.stdin:
        try:
            text = answer_line(answer(parse_request(line)))
        except Exception as error:
            text = "fail\t" + " ".join(f"{type(error).__name__}: {error}".split())
        print(text, flush=True)
