"""How much of the variance lies within runs, between runs and between machines.

The model is nested: processes in runs, runs in machines, machines in batches, each a random effect, the batch a fixed
one. Components are estimated by equating mean squares to what they are expected to be, on unweighted means, so that
unequal numbers of processes, runs and machines are allowed (R. K. Burdick, F. A. Graybill, Confidence Intervals on
Variance Components, 1992, chapters 3 and 5). Intervals of a difference of two mean squares follow N. Ting et al.,
Confidence intervals on linear combinations of variance components that are unrestricted in sign, Journal of
Statistical Computation and Simulation 35, 1990.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, fdtri

from costmodel.batches.observe import ObservedRuns

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Component:
    """Variances of log time of L rows with 95 % intervals; a negative estimate, which chance can bring, is kept as it
    came out, intervals end at 0. `df` are the degrees of freedom of the mean square behind it."""

    variance: Floats
    low: Floats
    high: Floats
    df: int


@dataclass(frozen=True, slots=True)
class Split:
    """Components of the variance of one process: within runs, between runs, between machines; None where no run has
    two processes, no machine two runs, no batch two machines. `within_share` (L) is what variance within runs
    contributes to that of a run's mean: where it is near 1, longer runs help as much as more of them."""

    within: Component | None
    between_runs: Component | None
    between_machines: Component | None
    within_share: Floats | None


def split(observed: ObservedRuns, level: float = 0.95) -> Split:
    """The split of the variance of all batches together, each about its own mean."""
    noise = np.where(np.isfinite(observed.variances), observed.variances, 0.0)
    groups = _groups(observed)
    within = _within(observed, level)
    df_runs = sum(len(members) - 1 for members in groups.values())
    if not df_runs:
        return Split(within, None, None, None)
    runs = np.zeros(observed.means.shape[1])
    from_within = np.zeros_like(runs)
    for members in groups.values():
        values = observed.means[members]
        runs += ((values - values.mean(axis=0)) ** 2).sum(axis=0) / df_runs
        from_within += (1 - 1 / len(members)) * noise[members].sum(axis=0) / df_runs
    df_within = within.df if within else 1
    between_runs = _less(runs, df_runs, from_within, df_within, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(runs > 0, np.minimum(from_within / runs, 1.0), 1.0)
    return Split(within, between_runs, _machines(observed, groups, runs, df_runs, level), share if within else None)


def _groups(observed: ObservedRuns) -> dict[tuple[int, str], list[int]]:
    """The runs of each machine in each batch."""
    groups: dict[tuple[int, str], list[int]] = {}
    for i, key in enumerate(zip(observed.batch.tolist(), observed.machine.tolist(), strict=True)):
        groups.setdefault(key, []).append(i)
    return groups


def _within(observed: ObservedRuns, level: float) -> Component | None:
    """The variance of a process about its run: pooled, each run by the processes that it has beyond one."""
    known = np.isfinite(observed.variances).all(axis=1)
    if not known.any():
        return None
    beyond = observed.processes[known] - 1
    squares = beyond * observed.processes[known] * observed.variances[known]
    variance = squares.sum(axis=0) / beyond.sum(axis=0)
    df = int(beyond.sum(axis=0).min())
    tail = (1 - level) / 2
    return Component(variance, variance * df / chdtri(df, tail), variance * df / chdtri(df, 1 - tail), df)


def _machines(
    observed: ObservedRuns, groups: dict[tuple[int, str], list[int]], runs: Floats, df_runs: int, level: float
) -> Component | None:
    by_batch: dict[int, list[list[int]]] = {}
    for (batch, _), members in groups.items():
        by_batch.setdefault(batch, []).append(members)
    df = sum(len(machines) - 1 for machines in by_batch.values())
    if not df:
        return None
    square, factor = np.zeros_like(runs), 0.0
    for machines in by_batch.values():
        values = np.array([observed.means[members].mean(axis=0) for members in machines])
        square += ((values - values.mean(axis=0)) ** 2).sum(axis=0) / df
        factor += (1 - 1 / len(machines)) * sum(1 / len(members) for members in machines) / df
    return _less(square, df, factor * runs, df_runs, level)


def _less(more: Floats, df_more: int, less: Floats, df_less: int, level: float) -> Component:
    """The difference of two mean squares with the interval of Ting et al."""
    tail = (1 - level) / 2
    g1, g2 = (1 - df / chdtri(df, tail) for df in (df_more, df_less))
    h1, h2 = (df / chdtri(df, 1 - tail) - 1 for df in (df_more, df_less))
    f_high, f_low = (fdtri(df_more, df_less, quantile) for quantile in (1 - tail, tail))
    g12 = ((f_high - 1) ** 2 - (g1 * f_high) ** 2 - h2**2) / f_high
    h12 = ((1 - f_low) ** 2 - (h1 * f_low) ** 2 - g2**2) / f_low
    difference = more - less
    down = (g1 * more) ** 2 + (h2 * less) ** 2 + g12 * more * less
    up = (h1 * more) ** 2 + (g2 * less) ** 2 + h12 * more * less
    low = difference - np.sqrt(np.maximum(down, 0))
    high = difference + np.sqrt(np.maximum(up, 0))
    return Component(difference, np.maximum(low, 0), np.maximum(high, 0), df_more)
