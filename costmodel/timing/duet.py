"""Duets: two builds timed side by side, in processes that take turns on one core.

A turn is a few milliseconds long, and turns come as baseline, candidate, candidate, baseline or the other way about, so
that whatever the machine does meanwhile it does to both (L. Bulej et al., Duet Benchmarking, ICPE 2020).

Where code and data lie makes an operation up to some percent faster or slower. Both processes have each operation at
several places in turn: its data at others that the heap draws, its code in other pages of the process's own.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from costmodel.errors import EnvironmentFault, InputError
from costmodel.runs.design import Cell
from costmodel.timing.backend import complaint, error_of, import_path, padded, started
from costmodel.timing.clock import ClockName
from costmodel.timing.protocol import DuetPart, Fault, Played, Ready, Turn
from costmodel.timing.surroundings import other_threads_off

_CELLS_A_TURN: Final = 4
_BATCH_US: Final = 200.0


@dataclass(frozen=True, slots=True)
class Build:
    """A build of calibrate: the interpreter that runs it, and the folders to import it from."""

    name: str
    interpreter: Path
    path: tuple[str, ...]

    @classmethod
    def this(cls) -> Build:
        return cls("this build", Path(sys.executable), tuple(import_path()))

    @classmethod
    def at(cls, folder: Path) -> Build:
        """The build in a virtual environment, or in a checkout or other folder that holds the package; the latter runs
        with its own .venv or else with this interpreter. InputError where there is none."""
        own = folder / ".venv" / "bin" / "python"
        if next((folder / "costmodel").glob("_native*.so"), None) is not None:
            interpreter = own if own.exists() else Path(sys.executable)
            return cls(str(folder), interpreter, (str(folder.resolve()),))
        if (folder / "bin" / "python").exists():
            return cls(str(folder), folder / "bin" / "python", ())
        raise InputError(
            f"{folder} is no build of calibrate: it is no virtual environment, and holds no costmodel/ with its "
            "compiled extension (make setup)"
        )


class Ratios(NamedTuple):
    """One pair of processes: log(candidate ÷ baseline) by [round, cell], NaN where it was disturbed, and nanoseconds
    of one iteration by [baseline or candidate, cell]."""

    logs: NDArray[np.float64]
    ns: NDArray[np.float64]


def play(
    baseline: Build,
    candidate: Build,
    cells: Sequence[Cell],
    *,
    core: int,
    clock: ClockName,
    rounds: int,
    seed: str,
    draws: int = 1,
) -> Ratios:
    """Time the cells in one fresh process of each build, `rounds` times in either, at each of `draws` places in turn.

    What a process fails with is raised: EnvironmentFault where it cannot run, CheckFailed where the machine does not do
    what a cell says.
    """
    chance = random.Random(seed)  # noqa: S311 - an order to be reproduced, no secret
    builds = [baseline, candidate]
    part = DuetPart(cells=tuple(cells), core=core, clock=clock, target_batch_us=_BATCH_US, draws=draws)
    with ExitStack() as stack:
        players = {number: stack.enter_context(_player(builds[number], part)) for number in chance.sample((0, 1), 2)}
        ready = [players[number].ready() for number in (0, 1)]
        iterations = tuple(map(max, *(answer.iterations for answer in ready)))
        # Only now: processes inherit where they may run, and start faster on all cores.
        stack.enter_context(other_threads_off(core))
        ticks = np.array(
            [
                _round([players[0], players[1]], number * draws // rounds, iterations, chance, swapped=bool(number % 2))
                for number in range(rounds)
            ]
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(np.where(ticks > 0, ticks, np.nan)).mean(axis=3)
    scale = np.array([answer.ns_per_tick for answer in ready])[:, None] / np.array(iterations)
    return Ratios(logs[:, 1] - logs[:, 0], np.exp(_median(logs)) * scale)


def _median(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the rounds; NaN where there is none to take it of."""
    known = np.isfinite(logs).any(axis=0)
    found: NDArray[np.float64] = np.nanmedian(np.where(known, logs, 0.0), axis=0)
    return np.where(known, found, np.nan)


class _Player:
    def __init__(self, build: Build, process: Any, complaints: IO[bytes]) -> None:
        self._build, self._process, self._complaints = build, process, complaints

    def ready(self) -> Ready:
        answer = self._answer()
        if not isinstance(answer, Ready):
            raise EnvironmentFault(f"{self._build.name} speaks another protocol; compare builds of like versions")
        return answer

    def turn(self, draw: int, order: Sequence[int], iterations: tuple[int, ...]) -> tuple[int, ...]:
        self._process.stdin.write(msgspec.json.encode(Turn(draw, tuple(order), iterations)) + b"\n")
        self._process.stdin.flush()
        answer = self._answer()
        if not isinstance(answer, Played) or len(answer.ticks) != len(order):
            raise EnvironmentFault(f"{self._build.name} speaks another protocol; compare builds of like versions")
        return answer.ticks

    def _answer(self) -> Ready | Played:
        line = self._process.stdout.readline()
        if not line:
            reason = complaint(self._process, self._complaints)
            # What another version says that does not know the worker, or not what it is told.
            other = any(sign in reason for sign in ("msgspec.", "costmodel.timing"))
            advice = "; compare builds of like versions" if other else ""
            raise EnvironmentFault(f"{self._build.name}: {reason}{advice}")
        try:
            answer = msgspec.json.decode(line, type=Ready | Played | Fault)
        except msgspec.MsgspecError as error:
            raise EnvironmentFault(f"{self._build.name} speaks another protocol: {error}") from error
        if isinstance(answer, Fault):
            raise error_of(answer)
        return answer


@contextmanager
def _player(build: Build, part: DuetPart) -> Iterator[_Player]:
    environment = padded(os.environ | {"PYTHONPATH": os.pathsep.join(build.path)})
    command = [str(build.interpreter), "-P", "-m", "costmodel.timing.duet_worker"]
    with started(command, environment, part) as (process, complaints):
        yield _Player(build, process, complaints)


def _round(
    players: Sequence[_Player], draw: int, iterations: tuple[int, ...], chance: random.Random, *, swapped: bool
) -> NDArray[np.int64]:
    """Ticks by [player, cell, first or second turn]; 0 where disturbed."""
    ticks = np.zeros((2, len(iterations), 2), dtype=np.int64)
    for order in _turns(len(iterations), chance):
        taken = [0, 0]
        for who in (1, 0, 0, 1) if swapped else (0, 1, 1, 0):
            ticks[who, order, taken[who]] = players[who].turn(draw, order, iterations)
            taken[who] += 1
    return ticks


def _turns(cells: int, chance: random.Random) -> Iterator[list[int]]:
    shuffled = chance.sample(range(cells), cells)
    for start in range(0, cells, _CELLS_A_TURN):
        yield shuffled[start : start + _CELLS_A_TURN]
