"""From samples to times per contract, geometric means and ratios.

All are taken on logarithms: in each round the trimmed mean of a cell's batches, over the rounds their mean. Rounds are
fresh processes, so whole rounds are resampled, the same ones for all cells: what two evaluators of a round have in
common cancels in their ratio. An interval is ±t(n−1) standard deviations of the resampled value, times sqrt(n/(n−1))
for n rounds, because a bootstrap of few clusters is too narrow (T. Hesterberg, What Teachers Should Know About the
Bootstrap, The American Statistician 69, 2015).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from costmodel.errors import Inconclusive
from costmodel.timing.estimate import resampled_means

_REPLICATES: Final = 2000
_LEVEL: Final = 0.95
_TRIM: Final = 0.25
FEWEST_BATCHES: Final = 3
"""A round with fewer clean batches of a cell says nothing about it."""


class Cell(NamedTuple):
    """What is timed; `work` is decode or evaluate."""

    evaluator: str
    work: str
    contract: str

    @property
    def key(self) -> str:
        return "\t".join(self)


@dataclass(frozen=True)
class Sample:
    """One timed batch: `ns` of all `iterations`. `round` numbers the process that it ran in; `clean` is false where
    the process had to share its core."""

    cell: Cell
    round: int
    iterations: int
    ns: int
    clean: bool


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval, in nanoseconds or a ratio. After a single round the interval is infinite."""

    value: float
    low: float
    high: float


def _trimmed_mean(logs: Sequence[float]) -> float:
    """Without a quarter of the values at each end; NaN where there are too few of them."""
    cut = int(_TRIM * len(logs))
    return statistics.fmean(sorted(logs)[cut : len(logs) - cut]) if len(logs) >= FEWEST_BATCHES else math.nan


class Estimates:
    """Times of one iteration of every cell that has enough clean batches."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        batches: dict[str, dict[int, list[float]]] = {}
        for sample in samples:
            if sample.clean:
                rounds = batches.setdefault(sample.cell.key, {})
                rounds.setdefault(sample.round, []).append(math.log(sample.ns / sample.iterations))
        numbers = sorted({sample.round for sample in samples})
        found = {key: [_trimmed_mean(rounds.get(number, [])) for number in numbers] for key, rounds in batches.items()}
        timed = {key: row for key, row in found.items() if not all(map(math.isnan, row))}
        if not timed:
            raise Inconclusive("no batch had the core to itself; run the benchmark again on a quieter machine")
        self._rows = {key: row for row, key in enumerate(timed)}
        logs = np.array(list(timed.values()), dtype=np.float64)
        self._centre, self._resampled = resampled_means(logs, seed=0, replicates=_REPLICATES)
        n = logs.shape[1]
        self._widening = float(stats.t.ppf((1 + _LEVEL) / 2, n - 1)) * math.sqrt(n / (n - 1)) if n > 1 else math.inf

    def contracts(self, evaluators: Sequence[str], work: str) -> list[str]:
        """The contracts for which all these evaluators have a time of this work, sorted."""
        timed = [key.split("\t") for key in self._rows]
        by_evaluator = [{c for e, w, c in timed if e == evaluator and w == work} for evaluator in evaluators]
        return sorted(set.intersection(*by_evaluator))

    def time(self, evaluator: str, work: str, contracts: Sequence[str]) -> Interval:
        """The geometric mean over contracts, in ns. Each must be one of `contracts`."""
        rows = self._find(evaluator, work, contracts)
        return self._interval(float(self._centre[rows].mean()), self._resampled[:, rows].mean(axis=1))

    def ratio(self, evaluator: str, reference: str, work: str, contracts: Sequence[str]) -> Interval:
        """The geometric mean over contracts of an evaluator's time over the reference's."""
        rows, below = self._find(evaluator, work, contracts), self._find(reference, work, contracts)
        centre = float((self._centre[rows] - self._centre[below]).mean())
        return self._interval(centre, (self._resampled[:, rows] - self._resampled[:, below]).mean(axis=1))

    def _find(self, evaluator: str, work: str, contracts: Sequence[str]) -> list[int]:
        return [self._rows[Cell(evaluator, work, contract).key] for contract in contracts]

    def _interval(self, centre: float, resampled: NDArray[np.float64]) -> Interval:
        half = self._widening * float(resampled.std()) if math.isfinite(self._widening) else math.inf
        return Interval(math.exp(centre), math.exp(centre - half), math.exp(centre + half))
