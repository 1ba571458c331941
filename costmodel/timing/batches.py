"""Timing batches: iteration counts, disturbances, yardsticks, blocks."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from costmodel.machine import CellLost, LoadedSubject, Order, Reading
from costmodel.timing.clock import Clock
from costmodel.timing.protocol import Block, TimedBatch

_ROUNDS: Final = 4  # a batch is timed this often before its block does without it
_GROWTH: Final = 16  # at most so much longer is the next try at an iteration count
_PROBE_NS: Final = 400_000
_GAP_NS: Final = 1_000  # a clock reading takes some 30 ns; an interrupt takes microseconds
_GAP_LIMIT: Final = 0.25  # a core with busy neighbours loses up to 10 % of a probe, one that it shares half
_YARDSTICK_EVERY: Final = 8  # batches of the target's length lie between two readings of the yardsticks
_YARDSTICK_SHARE: Final = 0.5  # of the target: a yardstick's batch; a block takes the median of many
_WARM_SHARE: Final = 8  # one iteration in so many, rounded up, goes before the clock starts, or more if need be

# What ran before has taught the branch predictor other things. A program's first run takes a quarter more than those
# that come much later, its second 4 % (1.5 to 9 %), its third 1.5 %, its fourth 1 %: so three go before, unless they
# are so long that predictions matter little.
_WARM_RUNS: Final = 3
_WARM_NS: Final = 600_000

_LONGER: Final = 4  # times as long is a batch that is to say whether one is long enough,
_SAME: Final = 0.03  # which it is where a run takes the same by both, but for so much
_USUAL: Final = 3  # batches are compared with one another,
_SPREAD: Final = 0.08  # and differ where the slowest takes longer than the fastest by more
_FEW_ITERATIONS: Final = 4  # of a cell with so few or fewer a warm-up pays for two batches, with one for three


@dataclass(slots=True)
class WorkInBatch:
    """A work and the iterations of its batch."""

    work: LoadedSubject
    iterations: int = 1
    expected_ns: float = 0.0  # of a batch, as when the iterations were confirmed

    @property
    def warm_up(self) -> int:
        wanted_ns = self.work.evaluator.warm_up_ns
        # How long one takes is not known at first, and then a batch is short.
        share = max(
            1 / _WARM_SHARE, min(1.0, wanted_ns / self.expected_ns) if self.expected_ns else float(wanted_ns > 0)
        )
        runs = math.ceil(self.iterations * share)
        if runs >= _WARM_RUNS or not self.expected_ns:
            return runs
        return max(runs, min(_WARM_RUNS, math.ceil(_WARM_NS * self.iterations / self.expected_ns)))

    @property
    def batches(self) -> int:
        """How many are timed in a row, after one warm-up."""
        if self.iterations == 1:
            return 3
        return 2 if self.iterations <= _FEW_ITERATIONS else 1

    @property
    def visit_ns(self) -> float:
        """How long it takes to time the work once in a block, warm-up included."""
        return self.expected_ns * (self.batches + self.warm_up / self.iterations)


class Stopwatch:
    """Has batches timed by the evaluators of their works."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.start, self.ns_per_tick = clock.calibrate()
        self.timed_ticks = 0

    def time(self, timed: Sequence[WorkInBatch]) -> list[Reading]:
        """One batch of each, in this order, with a warm-up unless it follows a batch of the same. CheckFailed where a
        run of the native machine did not come to its expected result; what a driver does wrong is in its reading."""
        orders, before = [], None
        for item in timed:
            orders.append(Order(item.work, item.iterations, 0 if item is before else item.warm_up))
            before = item
        readings: list[Reading] = []
        for evaluator, together in groupby(orders, key=lambda order: order.work.evaluator):
            readings += evaluator.time(list(together))
        self.timed_ticks += sum(reading.ticks for reading in readings)
        return readings

    def confirm_iterations(self, timed: WorkInBatch, target_ns: float, *, known: bool = False) -> None:
        """Raise the iterations until two consecutive batches take the target or longer. Of iterations that are `known`
        to, since an earlier process confirmed them, the first batch is enough if it does so again. Where memory is
        collected, a batch is also to be so long that its share of that shows, and one that is so at once is enough.
        CellLost where the evaluator cannot go on with the work."""
        confirmed: list[float] = []
        lengthen = timed.work.evaluator.collects and not known
        while len(confirmed) < (1 if known else 2):
            ns = self._batch_ns(timed)
            if ns >= target_ns:
                confirmed.append(ns)
                if lengthen and ns >= _LONGER * target_ns:
                    known, lengthen = True, False
            else:
                confirmed.clear()
                known = False
                wanted = math.ceil(1.05 * target_ns / max(ns, 1.0) * timed.iterations)
                timed.iterations = min(max(wanted, timed.iterations + 1), _GROWTH * timed.iterations)
        timed.expected_ns = min(confirmed)
        if lengthen and self._lengthened(timed, confirmed, differing=True):
            # What still differs, four times as long batches do no better.
            self._lengthened(timed, [], differing=False)

    def _lengthened(self, timed: WorkInBatch, usual: list[float], *, differing: bool) -> bool:
        """Take longer batches where more or less of one is collecting: where a longer one comes to another time of a
        run than batches, of which `usual` are some, and does so again, or with `differing` where they differ from one
        another."""
        usual = usual + [self._batch_ns(timed) for _ in range(len(usual), _USUAL)]
        longer = WorkInBatch(timed.work, _LONGER * timed.iterations, _LONGER * timed.expected_ns)
        longs = [self._batch_ns(longer) / _LONGER]
        if not differing or max(usual) <= (1 + _SPREAD) * min(usual):
            if not _beyond(longs, usual):
                return False
            longs.append(self._batch_ns(longer) / _LONGER)
            if not _beyond(longs, [*usual, self._batch_ns(timed)]):
                return False
        timed.iterations, timed.expected_ns = longer.iterations, _LONGER * min(longs)
        return True

    def _batch_ns(self, timed: WorkInBatch) -> float:
        """What a batch takes now. CellLost where the evaluator cannot go on with the work."""
        (reading,) = self.time([timed])
        if reading.fault:
            raise CellLost(reading.fault)
        return reading.ticks * self.ns_per_tick


def _beyond(longs: Sequence[float], usual: Sequence[float]) -> bool:
    """Whether all of the one lie on the same side of all of the others, by more than what is taken for the same."""
    return min(longs) > max(usual) * (1 + _SAME) or max(longs) < min(usual) * (1 - _SAME)


class Yardsticks:
    """The two fixed loops whose time says which state the machine is in."""

    def __init__(
        self, stopwatch: Stopwatch, arithmetic: LoadedSubject, machine: LoadedSubject, target_ns: float
    ) -> None:
        self._stopwatch = stopwatch
        self.timed = (WorkInBatch(arithmetic), WorkInBatch(machine))
        self.every_ns = _YARDSTICK_EVERY * target_ns
        self.timed_ticks = 0
        for timed in self.timed:
            stopwatch.confirm_iterations(timed, _YARDSTICK_SHARE * target_ns)

    def ns(self, readings: Sequence[Reading]) -> tuple[float, float, bool]:
        """Nanoseconds of one run of the hash and of the machine yardstick, from readings of them in turn, and whether
        there was a clean reading of both; disturbed ones are left out where there are clean ones."""
        values = []
        trusted = True
        for timed, of_one in zip(self.timed, (readings[0::2], readings[1::2]), strict=True):
            clean = [reading.ticks for reading in of_one if not reading.disturbance]
            trusted &= bool(clean)
            ticks = statistics.median(clean or [reading.ticks for reading in of_one])
            values.append(ticks * self._stopwatch.ns_per_tick / timed.iterations)
        return values[0], values[1], trusted


def time_block(
    stopwatch: Stopwatch,
    yardsticks: Yardsticks,
    cells: Mapping[int, WorkInBatch],
    order: Sequence[int],
    process: int,
    block: int,
) -> Block:
    """Time the cells of `order` once, in this order, with yardsticks before, between and after; what was disturbed is
    timed again at the end.

    Every batch is in the block's result, disturbed ones with what disturbed them, and so is what the evaluator lost.
    Where the spin probe or all readings of a yardstick say that the whole block was disturbed, every batch of it is.
    """
    gap_share = stopwatch.clock.spin_gap(_PROBE_NS, _GAP_NS, stopwatch.ns_per_tick)
    sequence = _with_yardsticks(cells, order, yardsticks.every_ns)
    works = {**cells, -2: yardsticks.timed[0], -1: yardsticks.timed[1]}
    numbered = list(zip(sequence, stopwatch.time([works[index] for index in sequence]), strict=True))
    around = [reading for index, reading in numbered if index < 0]
    numbered = [(index, reading) for index, reading in numbered if index >= 0]
    numbered += _again(stopwatch, cells, numbered)
    lost = {index: reading.fault for index, reading in numbered if reading.fault}
    numbered = [(index, reading) for index, reading in numbered if not reading.fault]
    for _ in range(_ROUNDS):
        if not yardsticks.ns(around)[2]:
            around += stopwatch.time(yardsticks.timed)
    yardsticks.timed_ticks += sum(reading.ticks for reading in around)
    hash_ns, machine_ns, trusted = yardsticks.ns(around)
    whole = [name for name, raised in (("gap", gap_share > _GAP_LIMIT), ("yardstick", not trusted)) if raised]
    batches = tuple(
        TimedBatch(
            cell=index,
            order=place,
            iterations=cells[index].iterations,
            ticks=reading.ticks,
            disturbance="+".join(filter(None, [reading.disturbance, *whole])),
            cpu=reading.cpu,
        )
        for place, (index, reading) in enumerate(numbered)
    )
    return Block(process, block, hash_ns, machine_ns, gap_share, batches, tuple(lost.items()))


def _with_yardsticks(cells: Mapping[int, WorkInBatch], order: Sequence[int], every_ns: float) -> list[int]:
    """The batches of a block in turn: the index of a cell, or -2 and -1 for the yardsticks."""
    sequence = [-2, -1]
    ns = 0.0
    for index in order:
        if ns >= every_ns:
            sequence += [-2, -1]
            ns = 0.0
        sequence += [index] * cells[index].batches
        ns += cells[index].visit_ns
    return [*sequence, -2, -1]


def _again(
    stopwatch: Stopwatch, cells: Mapping[int, WorkInBatch], first: Sequence[tuple[int, Reading]]
) -> Iterator[tuple[int, Reading]]:
    """Time again, a bounded number of times, what was disturbed."""
    disturbed = [index for index, reading in first if reading.disturbance and not reading.fault]
    for _ in range(_ROUNDS - 1):
        if not disturbed:
            return
        again = list(zip(disturbed, stopwatch.time([cells[index] for index in disturbed]), strict=True))
        yield from again
        disturbed = [index for index, reading in again if reading.disturbance]
