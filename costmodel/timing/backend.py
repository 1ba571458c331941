"""Where measuring processes run."""

from __future__ import annotations

import os
import random
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol

import msgspec

from costmodel import errors
from costmodel.timing.protocol import Begin, Counted, End, Event, Fault, Job, Reply
from costmodel.timing.surroundings import other_threads_off

_WORKER: Final = (sys.executable, "-P", "-m", "costmodel.timing.worker")
_POLL_SECONDS: Final = 0.1
_PADDING_BYTES: Final = 4096  # a page: the environment's length moves the stack by up to so much


class Backend(Protocol):
    """Runs jobs in fresh processes and passes on what they report."""

    def run(self, jobs: Iterable[Job], halt: Callable[[], bool]) -> Iterator[Event]:
        """Events of one process after another, or of several at once, each told by its process number.

        Ends when the jobs are done, or, with processes left unfinished, soon after `halt()` has become true. Closing
        the iterator ends the processes too. Raises what a process failed with.
        """


@dataclass(frozen=True, slots=True)
class LocalBackend:
    """Processes on this machine, one after another.

    With `ahead`, the next process is started when its predecessor gets its job, and waits for its own: it loads on
    another core while that one sets up its cells, before anything is timed. Not where other cores measure too.
    """

    ahead: bool = True

    def run(self, jobs: Iterable[Job], halt: Callable[[], bool]) -> Iterator[Event]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(import_path())}
        following = None
        with ExitStack() as waiting:
            for job in jobs:
                asked = time.monotonic()
                process, complaints = following or waiting.enter_context(_opened(_WORKER, padded(environment)))
                with waiting.pop_all(), other_threads_off(job.core):
                    _send(process, job)
                    following = waiting.enter_context(_opened(_WORKER, padded(environment))) if self.ahead else None
                    for reply in _heard(process, complaints, halt):
                        if isinstance(reply, Begin):
                            yield msgspec.structs.replace(reply, start_seconds=time.monotonic() - asked)
                        elif not isinstance(reply, Counted):
                            yield reply
                if halt():
                    return


def padded(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment of a length of its own: it shifts the stack, and each process is to draw where that is."""
    return {**environment, "CALIBRATE_PADDING": random.SystemRandom().randrange(_PADDING_BYTES) * "x"}


def replies(
    command: Sequence[str], environment: Mapping[str, str], job: Job, halt: Callable[[], bool]
) -> Iterator[Event | Counted]:
    """What a worker that runs in a fresh process says to its job, up to its End, or until `halt()`. Raises what it
    failed with."""
    with started(command, environment, job) as (process, complaints):
        yield from _heard(process, complaints, halt)


def _heard(
    process: subprocess.Popen[bytes], complaints: IO[bytes], halt: Callable[[], bool]
) -> Iterator[Event | Counted]:
    for line in _lines(process, halt):
        reply = msgspec.json.decode(line, type=Reply)
        if isinstance(reply, Fault):
            raise error_of(reply)
        yield reply
        if isinstance(reply, End):
            return
    if not halt():
        raise errors.EnvironmentFault(complaint(process, complaints))


@contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str], job: msgspec.Struct
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """A worker that has its job, and is ended and reaped with the context. Also what it says on its error output."""
    with _opened(command, environment) as (process, complaints):
        _send(process, job)
        yield process, complaints


def piped(
    command: Sequence[str], environment: Mapping[str, str], complaints: IO[bytes], **options: Any
) -> subprocess.Popen[bytes]:
    """A process that is spoken with by its input and output; `options` are further ones of Popen."""
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=complaints, env=environment, **options)


@contextmanager
def _opened(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    with (
        tempfile.TemporaryFile() as complaints,
        # In a group with what it starts: a driver ends with its worker.
        piped(command, environment, complaints, process_group=0) as process,
    ):
        try:
            yield process, complaints
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _send(process: subprocess.Popen[bytes], job: msgspec.Struct) -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # it died already; that it says nothing is noticed later
            process.stdin.write(msgspec.json.encode(job) + b"\n")
            process.stdin.flush()


def import_path() -> list[str]:
    """Where a worker finds this very package, also when it is used from a source tree."""
    return [str(Path(errors.__file__).resolve().parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]


def _lines(process: subprocess.Popen[bytes], halt: Callable[[], bool]) -> Iterator[bytes]:
    """Complete lines of the process's output, until it ends or `halt()`."""
    if process.stdout is None:
        return
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not halt():
            if not selector.select(_POLL_SECONDS):
                continue
            chunk = os.read(process.stdout.fileno(), 1 << 20)
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines


def error_of(fault: Fault) -> errors.CalibrateError:
    """What a worker failed with."""
    kind = getattr(errors, fault.error, errors.CalibrateError)
    error: errors.CalibrateError = kind(fault.message)
    return error


def complaint(process: subprocess.Popen[bytes], complaints: IO[bytes]) -> str:
    """How a worker ended, and the last that it said of it."""
    code = process.wait()
    complaints.seek(0)
    lines = complaints.read().decode("utf-8", "replace").strip().splitlines()
    how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    return f"a measuring process {how}: {lines[-1] if lines else 'it said nothing'}"
