"""The process that times what the search tries: `python -m costmodel.worst.worker`, a WorkerSetting on its standard
input, answered by Started, and then an Ask a line, each answered by Told. It ends when its input does.

It is asked for the next inputs while it times one, so that its core is timing and not waiting.
"""

from __future__ import annotations

import math
import signal
import sys
from typing import TypeAlias

import msgspec

from costmodel.errors import CalibrateError
from costmodel.machine import CellLost, Evaluator
from costmodel.runs.design import Cell
from costmodel.timing.batches import Stopwatch, WorkInBatch
from costmodel.timing.clock import Clock, ClockName
from costmodel.timing.memory import DrawnHeap, take_own_pages
from costmodel.timing.native_evaluator import NativeEvaluator
from costmodel.timing.protocol import Fault
from costmodel.timing.worker import evaluator_named, pin

_YARDSTICK_NS = 50_000.0
_TRIES = 3  # of a round that was disturbed, the last of which is taken as it is
_UNLIKE = ("its result is another", "evaluation failure", "out of budget")  # faults where the exact machine succeeds
_STEPS = 3  # towards an iteration count


class WorkerSetting(msgspec.Struct, frozen=True, kw_only=True):
    """Where and what to time, and how long batches are."""

    core: int
    clock: ClockName
    evaluator: str
    batch_us: float


class Started(msgspec.Struct, frozen=True, tag=True):
    """The worker is ready for inputs."""

    facts: dict[str, str]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Time an input in so many rounds; its `cells` come with the first of its asks. It is forgotten after the `last`.
    Without rounds it is only forgotten, and nothing is answered. What is not `timed` is run once, and compared with the
    exact machine."""

    number: int
    cells: tuple[Cell, ...] = ()
    rounds: int = 1
    last: bool = False
    timed: bool = True


class Told(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nanoseconds of one run of each cell by round, brought to one state of the machine. `fault` says why there are
    none, `difference` what the evaluator does unlike the exact machine, `timed_seconds` what was inside the clock."""

    number: int
    ns: tuple[tuple[float, ...], ...] = ()
    fault: str = ""
    difference: str = ""
    timed_seconds: float = 0.0


Said: TypeAlias = Started | Told | Fault


class Bench:
    """Works that are loaded, and the clock that times them."""

    def __init__(self, setting: WorkerSetting) -> None:
        self.setting = setting
        self.stopwatch = Stopwatch(Clock(setting.clock))
        native = NativeEvaluator(self.stopwatch.clock, DrawnHeap())
        self.evaluator: Evaluator = evaluator_named(setting.evaluator, setting.core, native, self.stopwatch.ns_per_tick)
        self._target_ns = setting.batch_us * 1e3
        self._yardstick = WorkInBatch(native.hash_yardstick())
        self._fit(self._yardstick, _YARDSTICK_NS)
        self._reference = self._ns(self._yardstick, self.stopwatch.time([self._yardstick])[0].ticks)
        self._loaded: dict[int, list[WorkInBatch]] = {}

    def answer(self, ask: Ask) -> Told:
        before = self.stopwatch.timed_ticks
        told = self._answer(ask)
        seconds = (self.stopwatch.timed_ticks - before) * self.stopwatch.ns_per_tick / 1e9
        if ask.last or told.fault:
            self.forget(ask.number)
        return msgspec.structs.replace(told, timed_seconds=seconds)

    def forget(self, number: int) -> None:
        self._loaded.pop(number, None)

    def _answer(self, ask: Ask) -> Told:
        difference = ""
        try:
            if not ask.timed:
                for cell in ask.cells:
                    self.evaluator.prepare(cell)
            elif ask.cells:
                self._loaded[ask.number] = [self._load(cell) for cell in ask.cells]
            found = (self.evaluator.differences.get(cell.id, "") for cell in ask.cells)
            difference = next(filter(None, found), "")
            timed = self._loaded[ask.number] if ask.timed else None
            rounds = () if timed is None else tuple(self._round(timed) for _ in range(ask.rounds))
        except CellLost as reason:
            told = str(reason)
            return Told(number=ask.number, fault=told, difference=told if told.startswith(_UNLIKE) else "")
        return Told(number=ask.number, ns=rounds, difference=difference)

    def _load(self, cell: Cell) -> WorkInBatch:
        timed = WorkInBatch(self.evaluator.prepare(cell))
        self._fit(timed, self._target_ns)
        return timed

    def _fit(self, timed: WorkInBatch, target_ns: float) -> None:
        """Find about how many iterations make a batch."""
        for _ in range(_STEPS):
            (reading,) = self.stopwatch.time([timed])
            if reading.fault:
                raise CellLost(reading.fault)
            ns = max(reading.ticks * self.stopwatch.ns_per_tick, 1.0)
            if ns >= target_ns / 2:
                return
            timed.iterations = max(timed.iterations, min(math.ceil(target_ns / ns * timed.iterations), 1_000_000))

    def _round(self, works: list[WorkInBatch]) -> tuple[float, ...]:
        """One batch of each forwards and backwards, between two of the yardstick."""
        order = [self._yardstick, *works, *reversed(works), self._yardstick]
        for attempt in range(_TRIES):
            readings = self.stopwatch.time(order)
            fault = next((reading.fault for reading in readings if reading.fault), "")
            if fault:
                raise CellLost(fault)
            if not any(reading.disturbance for reading in readings) or attempt == _TRIES - 1:
                break
        first, *timed, last = (self._ns(item, reading.ticks) for item, reading in zip(order, readings, strict=True))
        state = self._reference / math.sqrt(first * last)
        return tuple(state * (timed[at] + timed[-1 - at]) / 2 for at in range(len(works)))

    def _ns(self, timed: WorkInBatch, ticks: int) -> float:
        return ticks * self.stopwatch.ns_per_tick / timed.iterations


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _serve(msgspec.json.decode(sys.stdin.buffer.readline(), type=WorkerSetting))
    except CalibrateError as error:
        _reply(Fault(0, type(error).__name__, str(error)))
    return 0


def _serve(setting: WorkerSetting) -> None:
    pin(setting.core)
    take_own_pages()
    bench = Bench(setting)
    try:
        _reply(Started(dict(bench.evaluator.facts)))
        for line in sys.stdin.buffer:
            ask = msgspec.json.decode(line, type=Ask)
            if ask.rounds:
                _reply(bench.answer(ask))
            else:
                bench.forget(ask.number)
    finally:
        bench.evaluator.close()


def _reply(said: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
