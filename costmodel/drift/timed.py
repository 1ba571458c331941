"""Drift by time: two builds, or two evaluators, side by side, and verdicts by equivalence.

Each pair of fresh processes gives one log-ratio an operation, the median over its rounds: where the machine changes its
pace between the turns of a round, the round is off by the whole of that, one way or the other. Pairs are independent,
but not of one normal law: of a hundred, one has a process that is twice as slow for its whole life. One such pair would
take the mean of fifty along and leave nothing decided, so the trimmed mean over pairs is taken, with the error that
follows from the Winsorized variance (J. W. Tukey and D. H. McLaughlin, Sankhya A 25, 1963; K. K. Yuen, Biometrika 61,
1974). Pairs are looked at after a few set numbers of them, and what is decided then is measured no more; each look has
its equal part of the 5 %, so that looking often does not help chance.

- regressed, improved: the ratio lies beyond the band, after Holm over all operations and both directions
- unchanged: the interval lies within the band
- inconclusive: neither
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from costmodel.drift.limits import NO_LIMITS, DriftLimits
from costmodel.drift.verdict import DriftVerdict, OperationDrift
from costmodel.errors import Inconclusive
from costmodel.judging.estimate import Change, Estimate, holm
from costmodel.runs.design import Cell
from costmodel.timing.clock import choose_clock
from costmodel.timing.duet import Build, Ratios, play

DEFAULT_SECONDS: Final = 150.0

_LOOKS: Final = (8, 20, 50, 100)  # pairs of processes
_ALPHA: Final = 0.05 / len(_LOOKS)
_ROUNDS: Final = 32  # of a pair
_DRAWS: Final = 16  # places of code and data that these are spread over
_FEWEST_ROUNDS: Final = 4  # one in so many rounds of a pair has to be clean
_TRIM: Final = 0.2  # of the pairs, at each end

Floats = NDArray[np.float64]
Progress = Callable[[int, int, float], None]
"""Called with pairs of processes done, operations still undecided, and seconds passed."""


@dataclass(slots=True)
class _TimedOperation:
    """What is known of one cell: log-ratios and nanoseconds [baseline, candidate] by pair of processes."""

    cell: Cell
    logs: list[float]
    ns: list[Floats]

    def clean(self) -> Floats:
        logs = np.array(self.logs)
        known: Floats = logs[np.isfinite(logs)]
        return known


Duet = Callable[[Sequence[Cell], str], Ratios]
"""Times cells in one fresh process of either side, with the seed of an order."""


def compare_builds(
    baseline: Build,
    candidate: Build,
    cells: Sequence[Cell],
    *,
    core: int,
    limits: DriftLimits = NO_LIMITS,
    seconds: float = DEFAULT_SECONDS,
    seed: int = 0,
    progress: Progress | None = None,
) -> DriftVerdict:
    """Time both builds side by side on a core until every operation is decided, or `seconds` have passed.

    Inconclusive where that was too short for the first look. Otherwise as `play`.
    """
    clock = choose_clock()

    def duet(open_ones: Sequence[Cell], order: str) -> Ratios:
        return play(baseline, candidate, open_ones, core=core, clock=clock, rounds=_ROUNDS, seed=order, draws=_DRAWS)

    drifts = compare_pairs(duet, cells, limits=limits, seconds=seconds, seed=seed, progress=progress)
    return DriftVerdict("timed", baseline.name, drifts)


def compare_pairs(
    duet: Duet,
    cells: Sequence[Cell],
    *,
    limits: DriftLimits,
    seconds: float,
    seed: int,
    progress: Progress | None,
) -> tuple[OperationDrift, ...]:
    """Have duets played until every operation is decided, or `seconds` have passed. Inconclusive where that was too
    short for the first look."""
    began = time.monotonic()
    operations = [_TimedOperation(cell, [], []) for cell in cells]
    decided: dict[str, OperationDrift] = {}
    pairs, longest = 0, 0.0
    for look in _LOOKS:
        open_ones = [operation for operation in operations if operation.cell.id not in decided]
        while pairs < look and time.monotonic() - began + longest < seconds:
            before = time.monotonic()
            _take(duet([operation.cell for operation in open_ones], f"{seed}/{pairs}"), open_ones)
            pairs, longest = pairs + 1, max(longest, time.monotonic() - before)
            if progress is not None:
                progress(pairs, len(open_ones), time.monotonic() - began)
        if pairs < min(look, _LOOKS[0]):
            raise Inconclusive(f"{pairs} pairs of processes in {seconds:.0f} s are too few; allow more time")
        found = _judged(open_ones, [limits.tolerance(each.cell.id, "time") for each in open_ones], len(operations))
        out_of_time = pairs < look
        decided |= {drift.operation: drift for drift in found if drift.status is not Change.INCONCLUSIVE}
        if len(decided) == len(operations) or out_of_time:
            break
    rest = {drift.operation: drift for drift in found} | decided
    return tuple(rest[operation.cell.id] for operation in operations)


def _take(ratios: Ratios, operations: Sequence[_TimedOperation]) -> None:
    for operation, log, ns in zip(operations, _medians(ratios.logs), ratios.ns.T, strict=True):
        operation.logs.append(log)
        operation.ns.append(ns)


def _medians(logs: Floats) -> Floats:
    """Over the rounds; NaN where fewer than a quarter are clean."""
    enough = np.isfinite(logs).sum(axis=0) * _FEWEST_ROUNDS >= len(logs)
    medians: Floats = np.nanmedian(np.where(enough, logs, 0.0), axis=0)
    return np.where(enough, medians, np.nan)


def compare_times(
    baseline: Sequence[Sequence[float]],
    candidate: Sequence[Sequence[float]],
    cells: Sequence[Cell],
    limits: DriftLimits,
) -> tuple[OperationDrift, ...]:
    """Times of cells, by process, that were measured apart: differences between the two series of processes."""
    statistics = [
        _Statistics.between(np.log(np.array(was)), np.log(np.array(now)))
        for was, now in zip(baseline, candidate, strict=True)
    ]
    medians = [float(np.median(was)) if len(was) else np.nan for was in baseline]
    tolerances = [limits.tolerance(cell.id, "time") for cell in cells]
    counts = [f"{len(was)} and {len(now)} processes" for was, now in zip(baseline, candidate, strict=True)]
    return tuple(_decided(cells, statistics, medians, counts, tolerances, len(cells), _ALPHA * len(_LOOKS)))


def _judged(operations: Sequence[_TimedOperation], tolerances: Sequence[float], family: int) -> list[OperationDrift]:
    """Drifts of operations; Holm over `family` operations, those decided before included as not rejected."""
    known = [operation.clean() for operation in operations]
    return _decided(
        [operation.cell for operation in operations],
        [_Statistics.of(logs) for logs in known],
        [
            float(np.nanmedian(np.array(operation.ns)[:, 0])) if len(logs) else np.nan
            for operation, logs in zip(operations, known, strict=True)
        ],
        [f"{len(logs)} pairs" for logs in known],
        tolerances,
        family,
        _ALPHA,
    )


def _decided(
    cells: Sequence[Cell],
    statistics: Sequence[_Statistics],
    baseline_ns: Sequence[float],
    counts: Sequence[str],
    tolerances: Sequence[float],
    family: int,
    alpha: float,
) -> list[OperationDrift]:
    if not cells:
        return []
    bands = np.log1p(tolerances)
    beyond = np.array([[each.beyond(band), each.below(-band)] for each, band in zip(statistics, bands, strict=True)])
    rejected = holm(beyond, 2 * family) <= alpha
    drifts = []
    for at, (cell, found) in enumerate(zip(cells, statistics, strict=True)):
        low, high = found.interval(alpha)
        status = Change.INCONCLUSIVE
        if rejected[at, 0]:
            status = Change.REGRESSED
        elif rejected[at, 1]:
            status = Change.IMPROVED
        elif -bands[at] <= low and high <= bands[at]:
            status = Change.UNCHANGED
        ratio = Estimate(*map(float, np.exp([found.mean, low, high])))
        note = counts[at] if status is Change.INCONCLUSIVE else ""
        was = baseline_ns[at]
        drifts.append(
            OperationDrift(
                cell.id, cell.operation, "time", was, was * ratio.value, ratio, float(tolerances[at]), status, note
            )
        )
    return drifts


@dataclass(frozen=True, slots=True)
class _Statistics:
    """Of the log-ratio: trimmed mean, its standard error, and degrees of freedom."""

    mean: float
    error: float
    freedom: float

    @classmethod
    def of(cls, logs: Floats) -> _Statistics:
        if len(logs) < 2:
            return cls(0.0, np.inf, 1)
        ordered = np.sort(logs)
        cut = int(_TRIM * len(ordered))
        kept = ordered[cut : len(ordered) - cut]
        spread = np.clip(ordered, kept[0], kept[-1]).std(ddof=1) * np.sqrt(len(ordered) - 1)
        # Ratios that agree to the last digit are ties of the clock, not exact knowledge.
        error = max(float(spread) / np.sqrt(len(kept) * (len(kept) - 1)), 1e-6)
        return cls(float(kept.mean()), error, len(kept) - 1)

    @classmethod
    def between(cls, was: Floats, now: Floats) -> _Statistics:
        """Of the difference of two independent series (K. K. Yuen, as above)."""
        if min(len(was), len(now)) < 2:
            return cls(0.0, np.inf, 1)
        first, second = cls.of(was), cls.of(now)
        error = float(np.hypot(first.error, second.error))
        parts = sum(each.error**4 / each.freedom for each in (first, second))
        return cls(second.mean - first.mean, error, error**4 / parts)

    def beyond(self, bound: float) -> float:
        """P-value against a ratio of at most `bound`."""
        return float(stdtr(self.freedom, (bound - self.mean) / self.error))

    def below(self, bound: float) -> float:
        """P-value against a ratio of at least `bound`."""
        return float(stdtr(self.freedom, (self.mean - bound) / self.error))

    def interval(self, alpha: float) -> tuple[float, float]:
        half = float(stdtrit(self.freedom, 1 - alpha / 2)) * self.error
        return self.mean - half, self.mean + half
