"""The programs that take longest for their ExUnits, within the limits of a transaction at protocol version 11.

    python -m benches.extremes [PATTERN]

A program applies one builtin again and again, at one point of its domain, until the CPU or the memory of a transaction
is used up. Shown are the highest times for a charged picosecond, a line a builtin, and how many times the median of the
contracts' they are. What is timed is the CPU time of an evaluation in a process that has run before; the shortest of
several. Programs are larger than a transaction's bytes where their operands are.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from benches.contracts import SHARED, from_folder
from costmodel.errors import CalibrateError
from costmodel.experiments.domains import DOMAINS, Sizes
from costmodel.experiments.terms import LANGUAGE, PROTOCOL_VERSION, Application, Bound, Item
from costmodel.machine import Script, exact_machine
from costmodel.model import ExUnits, variant_for
from costmodel.plutus import BUILTIN_BY_NAME, UPLC_1_1_0, Apply, Builtin, Lam, Program, Term, Var, encode_flat

TRANSACTION: Final = ExUnits(10_000_000_000, 16_500_000)
_APPLICATIONS: Final = 16  # a turn of the loop
_SECONDS: Final = 0.1
_FEWEST_RUNS: Final = 4
_SHOWN: Final = 10


def endless(builtin: Builtin, sizes: Sizes) -> bytes:
    """A program, as flat, that applies a builtin until its budget ends."""
    domain = DOMAINS[builtin.name]
    prepared, operands = domain.prepare(sizes, max(_APPLICATIONS, domain.fewest), random.Random(0))
    items: list[Item] = list(prepared)
    calls = []
    for constants in operands:
        places = []
        for constant in constants:
            if isinstance(constant, Bound):
                places.append(constant)
            else:
                places.append(Bound(len(items)))
                items.append(constant)
        calls.append(Application(builtin, tuple(places)))
    depth = len(items) + 1  # below `self`
    body: Term = Apply(Var(1 + len(calls)), Var(1 + len(calls)))
    for at, call in reversed(list(enumerate(calls))):
        body = Apply(Lam(body), call.term(depth + at))
    term: Term = Apply(Lam(Apply(Var(1), Var(1))), Lam(body))
    for at, item in reversed(list(enumerate(items))):
        term = Apply(Lam(term), item.term(at) if isinstance(item, Application) else item)
    return encode_flat(Program(UPLC_1_1_0, term))


def time_over_charge(flat: bytes) -> float:
    """Picoseconds of an evaluation for each that it is charged."""
    script = Script.decode(flat, LANGUAGE, PROTOCOL_VERSION)
    machine = exact_machine(variant_for(LANGUAGE, PROTOCOL_VERSION))
    best, runs, began = float("inf"), 0, time.perf_counter()
    while runs < _FEWEST_RUNS or time.perf_counter() - began < _SECONDS:
        started = time.process_time_ns()
        outcome = machine.evaluate(script, TRANSACTION)
        best = min(best, (time.process_time_ns() - started) * 1000 / outcome.spent.cpu)
        runs += 1
    return best


def points(name: str) -> Iterator[Sizes]:
    """The smallest and the largest point of a domain, and one between."""
    candidates = sorted(DOMAINS[name].candidates, key=sum)
    yield from dict.fromkeys((candidates[0], candidates[len(candidates) // 2], candidates[-1]))


def main(pattern: str = "*") -> None:
    median = statistics.median(time_over_charge(contract.path.read_bytes()) for contract in from_folder(SHARED))
    print(f"median of the contracts: {median:.4f} ps a charged ps")
    found = []
    for name in DOMAINS:
        builtin = BUILTIN_BY_NAME[name]
        if fnmatchcase(name, pattern):
            try:
                found.append(max((time_over_charge(endless(builtin, sizes)), name, sizes) for sizes in points(name)))
            except CalibrateError as error:
                print(f"{name}: {error}")
    for ratio, name, sizes in sorted(found, reverse=True)[:_SHOWN]:
        print(f"{name:32} {'×'.join(map(str, sizes)):>16} {ratio:8.3f} {ratio / median:8.2f} × median")


if __name__ == "__main__":
    main(*sys.argv[1:])
