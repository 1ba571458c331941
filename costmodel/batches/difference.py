"""Differences of two batches with their tests, how much of the variance lies within runs, between runs and between
machines, and how many units it takes to tell a difference.

The model is nested: processes in runs, runs in machines, machines in batches, each a random effect, the batch a fixed
one. Components are estimated by equating mean squares to what they are expected to be, on unweighted means, so that
unequal numbers of processes, runs and machines are allowed (R. K. Burdick, F. A. Graybill, Confidence Intervals on
Variance Components, 1992, chapters 3 and 5). Intervals of a difference of two mean squares follow N. Ting et al.,
Confidence intervals on linear combinations of variance components that are unrestricted in sign, Journal of
Statistical Computation and Simulation 35, 1990."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, fdtri, nctdtr, stdtr, stdtrit

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


Unit: TypeAlias = Literal["run", "machine"]


@dataclass(frozen=True, slots=True)
class Difference:
    """log(candidate ÷ baseline) of L rows: the value, its standard error and degrees of freedom.

    `error` and `df` are T × L, a row each way of testing, all of which must agree. `unit` is what was repeated, and
    `counts` how many of it each batch has. `variance` is that of one unit (of one pair where `paired`), and has
    `variance_df` degrees of freedom. `caution` says what the difference does not tell. An error of inf means that
    nothing was repeated.
    """

    value: Floats
    error: Floats
    df: Floats
    variance: Floats
    variance_df: Floats
    unit: Unit
    counts: tuple[int, int]
    paired: bool = False
    caution: str = ""

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Low and high end; infinite where nothing was repeated."""
        half = np.where(np.isfinite(self.error), stdtrit(self.df, (1 + level) / 2) * self.error, np.inf).max(axis=0)
        return self.value - half, self.value + half

    def p_beyond(self, band: float) -> Floats:
        """Two-sided p-value against the hypothesis that the difference lies within ±`band`."""
        above, below = self._tail(self.value - band), self._tail(-self.value - band)
        p_value: Floats = np.minimum(1.0, 2 * np.minimum(above, below))
        return p_value

    def p_within(self, band: float) -> Floats:
        """Twice the p-value of two one-sided tests against the hypothesis that the difference lies outside ±`band`:
        below 5 % exactly where the 95 % interval lies inside the band."""
        p_value: Floats = 2 * np.maximum(self._tail(self.value + band), self._tail(band - self.value))
        return np.minimum(1.0, p_value)

    def _tail(self, distance: Floats) -> Floats:
        """The chance of a distance this large where there is none: the largest that a test gives."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(np.isfinite(self.error), distance / self.error, 0.0)
        tail: Floats = stdtr(self.df, -np.nan_to_num(ratio, nan=0.0)).max(axis=0)  # 0 ÷ 0: exactly on the edge
        return tail


def difference(observed: ObservedRuns, candidate: int, baseline: int) -> Difference:
    """The difference of the batches of these numbers."""
    machines = [_by_machine(observed, batch) for batch in (candidate, baseline)]
    shared = [machine for machine in machines[0] if machine in machines[1]]
    if len(shared) > 1:
        pairs = [machines[0][name].mean(axis=0) - machines[1][name].mean(axis=0) for name in shared]
        return _paired(np.array(pairs), _one_sided(machines, shared))
    if shared:
        return _two_samples(machines[0][shared[0]], machines[1][shared[0]], "run", _one_sided(machines, shared))
    several = [len(each) > 1 for each in machines]
    if not any(several):
        # Their difference is that of two machines as much as of two builds, which a warning says.
        only = [next(iter(each.values())) for each in machines]
        return _two_samples(only[0], only[1], "run")
    means = [np.array([values.mean(axis=0) for values in each.values()]) for each in machines]
    if all(several):
        return _two_samples(means[0], means[1], "machine")
    return _unknown(means[0].mean(axis=0) - means[1].mean(axis=0), (len(means[0]), len(means[1])))


def _by_machine(observed: ObservedRuns, batch: int) -> dict[str, Floats]:
    chosen = observed.batch == batch
    names = dict.fromkeys(observed.machine[chosen].tolist())
    return {name: observed.means[chosen & (observed.machine == name)] for name in names}


def _one_sided(machines: list[dict[str, Floats]], shared: list[str]) -> str:
    dropped = sum(len(each) - len(shared) for each in machines)
    return f"{dropped} machines that timed one of the batches only were left out" if dropped else ""


def _paired(pairs: Floats, caution: str) -> Difference:
    count = len(pairs)
    variance = pairs.var(axis=0, ddof=1)
    df = np.full(variance.shape, count - 1.0)
    error = np.sqrt(variance / count)
    return Difference(pairs.mean(axis=0), error[None], df[None], variance, df, "machine", (count, count), True, caution)


def _two_samples(candidate: Floats, baseline: Floats, unit: Unit, caution: str = "") -> Difference:
    counts = (len(candidate), len(baseline))
    value = candidate.mean(axis=0) - baseline.mean(axis=0)
    spreads = [each.var(axis=0, ddof=1) if len(each) > 1 else None for each in (candidate, baseline)]
    known = [spread for spread in spreads if spread is not None]
    if not known:
        return _unknown(value, counts, "neither batch has a second run, so nothing tells how far runs differ")
    if len(known) == 1:  # a batch of one is taken to vary as the other does
        variance = known[0]
        df = np.full(value.shape, max(counts) - 1.0)
        error = np.sqrt(variance * sum(1 / n for n in counts))
        alone = f"a batch of one {unit} is taken to vary as the other does: whatever befell it counts as a change"
        notes = "; ".join(filter(None, (caution, alone)))
        return Difference(value, error[None], df[None], variance, df, unit, counts, False, notes)
    freedom = [n - 1 for n in counts]
    parts = [spread / n for spread, n in zip(known, counts, strict=True)]
    pooled = sum(spread * n for spread, n in zip(known, freedom, strict=True)) / sum(freedom)
    errors = np.sqrt([pooled * sum(1 / n for n in counts), parts[0] + parts[1]])
    dfs = np.array([np.full(value.shape, float(sum(freedom))), _satterthwaite(parts, freedom)])
    variance, variance_df = (known[0] + known[1]) / 2, _satterthwaite(known, freedom)
    return Difference(value, errors, dfs, variance, variance_df, unit, counts, False, caution)


def _satterthwaite(variances: Sequence[Floats], freedom: Sequence[int]) -> Floats:
    """The degrees of freedom of a sum of variances (F. E. Satterthwaite, Biometrics Bulletin 2, 1946)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        df = sum(variances) ** 2 / sum(part**2 / n for part, n in zip(variances, freedom, strict=True))
    # Of two batches without any spread, as instruction counts may be, one degree of freedom is as good as another.
    return np.where(np.isfinite(df), df, float(sum(freedom)))


def _unknown(value: Floats, counts: tuple[int, int], why: str = "") -> Difference:
    caution = why or "one batch has a single machine and the other several, so nothing tells how far machines differ"
    infinite = np.full(value.shape, np.inf)
    one = np.ones(value.shape)
    unit: Unit = "run" if why else "machine"
    return Difference(value, infinite[None], one[None], infinite, one, unit, counts, False, caution)


POWER: Final = 0.9
_CONFIDENCE: Final = 0.9  # that the planned variance is not too small
MOST: Final = 10_000


def planned_variance(variance: float, df: float) -> float:
    """The upper 90 % limit of a variance that was estimated with `df` degrees of freedom."""
    return variance * df / float(chdtri(df, _CONFIDENCE))


def power(count: int, variance: float, band: float, alpha: float, *, paired: bool = False) -> float:
    """The chance to settle a difference of 0, or of twice `band`, with `count` units in each batch.

    `variance` is that of a unit, of a pair's difference where `paired`; `alpha` the two-sided level of the test. For a
    difference of 0 both edges of the band must be excluded, which is the harder of the two and bounds this from below.
    """
    df = count - 1.0 if paired else 2.0 * count - 2
    error = np.sqrt(variance * (1 if paired else 2) / count)
    if error == 0:
        return 1.0
    missed = float(nctdtr(df, band / error, stdtrit(df, 1 - alpha / 2)))
    # Far out in the tail the distribution's series fails; there nothing is missed.
    return 1.0 - 2 * missed if np.isfinite(missed) else 1.0


def units_needed(variance: float, df: float, band: float, alpha: float, *, paired: bool = False) -> int | None:
    """The fewest units in each batch that settle the comparison with a power of 90 %; None above MOST."""
    if not np.isfinite(variance):
        return None
    planned = planned_variance(variance, df)

    def enough(count: int) -> bool:
        return power(count, planned, band, alpha, paired=paired) >= POWER

    high = 2
    while not enough(high):
        if high == MOST:
            return None
        high = min(2 * high, MOST)
    low = 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return max(high, 2)
