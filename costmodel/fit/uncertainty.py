"""Replicates: the whole fit repeated on resampled runs and processes, and the intervals and joint errors that follow.

The process is the unit of replication (Kalibera & Jones, "Rigorous benchmarking in reasonable time", ISMM 2013), so
processes are resampled whole, and runs before them where several have the same cells. A replicate is a row of weights
over processes; the fit carries all rows through at once.

What a few processes say about the variance of one cell is moderated by what all cells say (`judging.moderation`): the
deviations of each cell are scaled so that they show the moderated variance, and intervals have the prior's degrees of
freedom beside their own. Where there is but one run, they show as well what another would differ by. A cell that one
process alone measured is given the prior's variance, and no interval of its own: it must not count as exactly known.

Percentile intervals from few clusters are too narrow: resampling n values understates their variance by (n − 1)/n and
knows nothing of Student's t (Hesterberg, "What teachers should know about the bootstrap", 2015). Each interval
is therefore stretched about its point estimate. The stretch makes the interval of the unconstrained, hence smooth,
coefficient as wide as t·(jackknife standard error), where several runs count with what they differ by beyond their
processes. The bootstrap gives the interval its shape, the jackknife its size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from costmodel.judging.moderation import common_freedom_cap, prior_of
from costmodel.records.model import Figure, Holds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]

_TAIL = 0.025
_NORMAL = float(ndtri(1 - _TAIL))

_BETWEEN_RUNS = 0.006
"""What runs of one machine and build differ by as a whole, as a standard deviation of log time: 0.4 % over nine runs of
two minutes, 0.8 % over eight of 45 s. A single run cannot show it."""

_MOST_BETWEEN_RUNS = 0.6
"""The variance of the same as a share of that between processes, at most: where nothing varies, as where instructions
are counted, runs do not."""

_IN_EACH_CELL = 0.25
"""The variance by which runs differ in each cell beside that, as a share of it: 0.3 % over the same runs."""

_SILENT = 1e-3
"""A process that changes a quantity by less than this share of what another does says next to nothing about it."""


_FEWEST_FOR_SKEWNESS = 4
_FEWEST_CELLS = 20
_MOST_SKEWNESS = 3.0
_WIDER = 0.7


@dataclass(frozen=True)
class Clusters:
    """Where each of P processes belongs: `run`, `group` and `stratum`, numbered from 0, each of length P.

    A group is the set of runs that measured the same cells, so that they replicate one another. A stratum is a stage of
    a run: a session drops cells that are precise, so processes of later stages say nothing about some cells.
    """

    run: Indices
    group: Indices
    stratum: Indices

    @cached_property
    def members(self) -> tuple[list[Indices], ...]:
        """For each group the processes of each of its runs."""
        groups = (self.group == group for group in np.unique(self.group))
        return tuple([np.flatnonzero(mine & (self.run == run)) for run in np.unique(self.run[mine])] for mine in groups)

    @cached_property
    def strata(self) -> tuple[Bools, ...]:
        """For each stratum of each group, which processes belong to it."""
        known = sorted(set(zip(self.group.tolist(), self.stratum.tolist(), strict=True)))
        return tuple((self.group == group) & (self.stratum == stratum) for group, stratum in known)


@dataclass(frozen=True, slots=True)
class Replicates:
    """Times of C cells in N = 1 + P + B replicates: the point estimate, each process left out, the resamples.

    `times_ps` is N × C. Everything computed from it keeps the replicates on its first axis. `inflation` is that of
    `run_inflation`, `freedom` the degrees of freedom of an error to which many cells add, `prior_freedom` those that
    moderation adds to what processes say. `alone` (length C) marks the cells that one process alone measured.
    `widening` is how many times longer intervals are because processes scatter to one side, `between` by what share
    (standard deviation) all times may be off together, as another run would show.
    """

    times_ps: Floats
    clusters: Clusters
    inflation: float
    freedom: float
    prior_freedom: float
    alone: Bools
    widening: float = 1.0
    between: float = 0.0

    def interval(self, values: Floats, smooth: Floats, *, nonnegative: bool) -> tuple[float, float]:
        """95 % interval of a quantity from its N replicates; `smooth` are those without a constraint."""
        first = 1 + len(self.clusters.run)
        point = float(values[0])
        low, high = ends = _ends(values[first:])
        stretch = self._stretch(smooth, ends if smooth is values else _ends(smooth[first:]))
        low, high = point - stretch * max(point - low, 0.0), point + stretch * max(high - point, 0.0)
        return (max(low, 0.0) if nonnegative else low), high

    def errors(self, smooth: Floats) -> Floats:
        """What each process, and the run as a whole, adds to the errors of n quantities (N × n), as (P + 1) × n.

        The root of the sum of squares is a quantity's standard error, and a sum of quantities has the sum of theirs.
        """
        processes = len(self.clusters.run)
        influences = scaled_influences(smooth[0] - smooth[1 : 1 + processes], self.clusters, self.inflation)
        # Joint errors are taken `freedom`'s t times, which is for what processes differ by.
        whole = self.between * _NORMAL / float(stdtrit(self.freedom, 1 - _TAIL))
        return np.vstack([influences, whole * smooth[0]])

    def _stretch(self, smooth: Floats, ends: tuple[float, float]) -> float:
        """How much wider than its percentiles, which are the `ends` of its resamples, an interval has to be."""
        processes = len(self.clusters.run)
        low, high = ends
        variance, freedom = jackknife_variance(
            smooth[0] - smooth[1 : 1 + processes], self.clusters, self.inflation, self.prior_freedom
        )
        if high <= low or variance == 0:
            return 1.0
        timing = self.widening * float(stdtrit(freedom, 1 - _TAIL)) * math.sqrt(variance)
        # What runs differ by is not estimated from the processes, so Student has no part in it.
        whole = _NORMAL * self.between * abs(float(smooth[0]))
        return math.hypot(timing, whole) / ((high - low) / 2)


def _ends(values: Floats) -> tuple[float, float]:
    """Both ends of the percentile interval, as np.quantile gives them. A fit has tens of thousands of these."""
    place = _TAIL * (len(values) - 1)
    low, part = int(place), place % 1
    high = len(values) - 1 - low
    sorted_there = np.partition(values, sorted({low, low + 1, high - 1, high}))
    a, b, c, d = (float(sorted_there[at]) for at in (low, low + 1, high - 1, high))
    return a + part * (b - a), d - part * (d - c)


def figure_of(
    replicates: Replicates,
    values: Floats,
    smooth: Floats,
    *,
    nonnegative: bool,
    holds: Holds = "timing",
    known: bool = True,
) -> Figure:
    """A quantity and its interval from its replicates; `smooth` are those without a constraint. It has no interval
    where it is not `known` what that is."""
    interval = replicates.interval(values, smooth, nonnegative=nonnegative) if known else None
    return figure(float(values[0]), interval, holds)


def figure(ps: float, interval: tuple[float, float] | None, holds: Holds) -> Figure:
    """A figure, with the half-width that its interval has."""
    half = abs(interval[1] - interval[0]) / 2 / abs(ps) if interval is not None and ps else None
    return Figure(ps=ps, interval_ps=interval, relative_half_width=half, holds=holds)


def replicate(logs: Floats, clusters: Clusters, *, count: int, seed: int, moderated: bool = True) -> Replicates:
    """Replicates of the cells' times from `logs` (P × C): log ns of each cell in each process, NaN where it has none.

    Processes weigh the same. Where a resample holds no process that has the cell, the point estimate stands in. What is
    not to be `moderated` shows each variance as it is, as where rows stand in for intervals that are known.
    """
    processes = len(clusters.run)
    weights = np.vstack(
        [np.ones((1, processes)), 1 - np.eye(processes), _resamples(clusters, count, np.random.default_rng(seed))]
    )
    alone = np.asarray((~np.isnan(logs)).sum(axis=0) == 1)
    inflation = run_inflation(logs, clusters)
    logs, prior_freedom, between = moderate(logs, clusters) if moderated else (logs, 0.0, 0.0)
    widening = skew_widening(logs) if moderated else 1.0
    present = ~np.isnan(logs)
    filled = np.where(present, logs, 0.0)
    sums, totals = weights @ filled, weights @ present.astype(np.float64)
    with np.errstate(invalid="ignore"):
        means = sums / totals
    means = np.where(totals > 0, means, means[0])
    freedom = common_freedom(present, clusters) + prior_freedom
    return Replicates(np.exp(means) * 1000, clusters, inflation, freedom, prior_freedom, alone, widening, between)


def moderate(logs: Floats, clusters: Clusters) -> tuple[Floats, float, float]:
    """`logs` (P × C) with the deviations of each cell from its runs' means scaled to show its moderated variance; the
    degrees of freedom that the prior adds; and by what share a single run may be off as a whole. Means stay what they
    are.

    A cell that one process alone measured is given a second observation, by which it shows the prior's variance.
    """
    present = ~np.isnan(logs)
    centres = np.zeros_like(logs)
    runs = np.zeros(logs.shape[1])
    for run in np.unique(clusters.run):
        mine = clusters.run == run
        counts = present[mine].sum(axis=0)
        centres[mine] = np.where(present[mine], logs[mine], 0.0).sum(axis=0) / np.maximum(counts, 1)
        runs += counts > 0
    left = np.where(present, logs - centres, 0.0)
    freedom = present.sum(axis=0) - runs
    variances = np.square(left).sum(axis=0) / np.maximum(freedom, 1)
    prior = prior_of(variances, freedom)
    cap = common_freedom_cap(np.where(present, left, np.nan), freedom)
    moderated = prior.moderated(variances, freedom)
    between = min(_BETWEEN_RUNS**2, _MOST_BETWEEN_RUNS * prior.variance)
    moderated += np.where(runs == 1, present.sum(axis=0) * _IN_EACH_CELL * between, 0.0)
    scale = np.sqrt(np.divide(moderated, variances, out=np.ones_like(variances), where=variances > 0))
    found = np.where(present, centres + left * scale, np.nan)
    for column in np.flatnonzero(present.sum(axis=0) == 1):
        row = int(np.flatnonzero(present[:, column])[0])
        group = np.flatnonzero(clusters.group == clusters.group[row])
        other = int(group[group != row][0])
        spread = np.sqrt(prior.variance)
        found[[row, other], column] = logs[row, column] + np.array([spread, -spread])
    # A process shifts many of its cells together, so they are fewer witnesses than they are cells: the prior counts for
    # no more than what the cells say themselves. (Without this limit, intervals of four processes held the truth in
    # 90 % of simulated runs.)
    own = float(np.median(freedom[freedom > 0])) if (freedom > 0).any() else 0.0
    # Where runs share cells, what they differ by in these is known (`run_inflation`).
    return found, min(prior.freedom, cap, own), math.sqrt(between) if (runs <= 1).all() else 0.0


def skew_widening(logs: Floats) -> float:
    """By how much longer than Student's the intervals of means are to be, from the skewness that the cells of `logs`
    (P × C) have in common: a few processes that are far slower are often not among the few that were measured.

    A mean of n draws from a gamma distribution of skewness γ needs exp(0.7·γ²/n), by simulation for 5 to 20 draws and
    skewness up to 3. Third cumulants are unbiased (k-statistics), and cells with fewer than four processes say nothing.
    """
    present = ~np.isnan(logs)
    n = present.sum(axis=0).astype(np.float64)
    values = np.where(present, logs, 0.0)
    left = np.where(present, logs - values.sum(axis=0) / np.maximum(n, 1), 0.0)
    variances = np.square(left).sum(axis=0) / np.maximum(n - 1, 1)
    use = (n >= _FEWEST_FOR_SKEWNESS) & (variances > 0)
    if use.sum() < _FEWEST_CELLS:
        return 1.0
    n, variances = n[use], variances[use]
    third = n / ((n - 1) * (n - 2)) * (left[:, use] ** 3).sum(axis=0)
    skewness = float(np.clip((third / variances**1.5).mean(), 0.0, _MOST_SKEWNESS))
    return math.exp(_WIDER * skewness**2 / float(np.median(n)))


def common_freedom(present: NDArray[np.bool_], clusters: Clusters) -> int:
    """Degrees of freedom of an error to which many cells add, from which processes have which cells (P × C): those of
    the median cell, in the group where they are fewest. Most cells of a session are precise after its first stage; the
    processes that it needs for the last few say nothing about them."""
    groups = []
    for runs in clusters.members:
        counts = np.array([present[processes].sum(axis=0) for processes in runs])
        processes, having = counts.sum(axis=0), (counts > 0).sum(axis=0)
        freedom = np.where(processes > having, processes - having, processes - 1)[processes > 1]
        groups.append(int(np.median(freedom)) if len(freedom) else 1)
    return max(min(groups), 1)


def _resamples(clusters: Clusters, count: int, rng: np.random.Generator) -> Floats:
    """How often each process is drawn (count × P): runs of a group with replacement, then their processes."""
    weights = np.zeros((count, len(clusters.run)))
    for runs in clusters.members:
        draws = rng.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), size=count)
        for drawn, processes in zip(draws.T, runs, strict=True):
            n = len(processes)
            weights[:, processes] = rng.multinomial(drawn * n, np.full(n, 1 / n))
    return weights


def run_inflation(logs: Floats, clusters: Clusters) -> float:
    """How many times larger runs make the variance than their processes alone would, at least 1.

    This is the mean square between runs over that within them (analysis of variance of `logs`, P × C), over all cells
    that several runs have: the two or three runs of a usual fit say next to nothing about one cell, but much about all
    together. It is 1 where there is one run, or nothing to compare it with.
    """
    present = ~np.isnan(logs)
    values = np.where(present, logs, 0.0)
    members = [clusters.run == run for run in np.unique(clusters.run)]
    counts = np.array([present[mine].sum(axis=0) for mine in members])
    means = np.array([values[mine].sum(axis=0) for mine in members]) / np.maximum(counts, 1)
    within = sum(
        (present[mine] * (values[mine] - mean) ** 2).sum(axis=0) for mine, mean in zip(members, means, strict=True)
    )
    between = (counts * (means - (counts * means).sum(axis=0) / counts.sum(axis=0)) ** 2).sum(axis=0)
    runs = (counts > 0).sum(axis=0)
    shared = runs > 1
    freedom = int((counts.sum(axis=0) - runs)[shared].sum())
    spread = float(np.sum(within * shared))
    if freedom == 0 or spread == 0:
        return 1.0
    return max(1.0, float(between[shared].sum()) / int((runs - 1)[shared].sum()) / (spread / freedom))


def scaled_influences(influences: Floats, clusters: Clusters, inflation: float) -> Floats:
    """What leaving out each of P processes (first axis) changes, so scaled that squares add to variances.

    `inflation` is that of `run_inflation`.
    """
    scaled = np.zeros_like(influences)
    for runs in clusters.members:
        n, r = sum(map(len, runs)), len(runs)
        # Runs of one process each: there is no process within a run to compare, and each run is a process.
        clustered = runs if n > r else [np.concatenate(runs)]
        factor = np.sqrt(inflation / (n - len(clustered)) / n)
        for processes in clustered:
            pseudo = (n - 1) * influences[processes]
            scaled[processes] = factor * (pseudo - pseudo.mean(axis=0))
    return scaled


def jackknife_variance(
    influences: Floats, clusters: Clusters, inflation: float, prior_freedom: float = 0.0
) -> tuple[float, float]:
    """Variance of an estimate and its degrees of freedom, from what leaving out each of P processes changes.

    Parts of several groups and strata add up, with degrees of freedom after Satterthwaite: of a cell that only the
    first stage of a session has, no more is known than that stage's processes say. Nor do processes count that lack
    the cells on which the estimate rests, as those of a session that was killed may. `prior_freedom` is what
    moderation adds to each part.
    """
    squares = scaled_influences(influences, clusters, inflation) ** 2
    variance = float(squares.sum())
    if variance == 0:
        return 0.0, 1.0
    against = 0.0
    telling = np.abs(influences) > _SILENT * np.abs(influences).max()
    for mine in clusters.strata:
        runs = len(set(clusters.run[mine & telling].tolist()))
        n = int((mine & telling).sum())
        own = max(n - runs if n > runs else n - 1, 1)
        against += float(squares[mine].sum()) ** 2 / (own + prior_freedom)
    return variance, variance**2 / against
