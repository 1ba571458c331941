"""Has inputs timed, in a process of its own on the measuring core, while the next ones are made here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final, Protocol

import msgspec

from costmodel.errors import EnvironmentFault
from costmodel.timing.backend import complaint, error_of, import_path, padded, started
from costmodel.timing.protocol import Fault
from costmodel.timing.surroundings import other_threads_off
from costmodel.worst.worker import Ask, Said, Started, Told, WorkerSetting

_COMMAND: Final = (sys.executable, "-P", "-m", "costmodel.worst.worker")


class Timer(Protocol):
    """Times inputs in the order in which it is asked."""

    @property
    def facts(self) -> dict[str, str]:
        """The evaluator, as a manifest names it."""

    def ask(self, ask: Ask) -> None: ...

    def told(self) -> Told:
        """The answer to the first ask that has none yet."""


class WorkerTimer:
    """`Timer` by a worker."""

    def __init__(self, process: Any, complaints: IO[bytes]) -> None:
        self._process, self._complaints = process, complaints
        answer = self._said()
        if not isinstance(answer, Started):
            raise EnvironmentFault("a timing process did not start as expected")
        self.facts = answer.facts

    def ask(self, ask: Ask) -> None:
        try:
            self._process.stdin.write(msgspec.json.encode(ask) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise EnvironmentFault(complaint(self._process, self._complaints)) from None

    def told(self) -> Told:
        answer = self._said()
        if not isinstance(answer, Told):
            raise EnvironmentFault("a timing process answered out of turn")
        return answer

    def _said(self) -> Started | Told:
        line = self._process.stdout.readline()
        if not line:
            raise EnvironmentFault(complaint(self._process, self._complaints))
        answer: Said = msgspec.json.decode(line, type=Said)
        if isinstance(answer, Fault):
            raise error_of(answer)
        return answer


@contextmanager
def worker_timer(setting: WorkerSetting) -> Iterator[WorkerTimer]:
    """A worker, which ends with the context. Meanwhile this process keeps off its core."""
    environment = padded(os.environ | {"PYTHONPATH": os.pathsep.join(import_path())})
    with started(_COMMAND, environment, setting) as (process, complaints), other_threads_off(setting.core):
        yield WorkerTimer(process, complaints)
