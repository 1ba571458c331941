"""The difference of two batches, on the highest level that was repeated: runs, or machines where there are several.

What varies between runs is not made smaller by timing more within a run, so a run counts as one observation, and its
mean as the value. Where several machines timed both batches, each machine gives one difference and the machine is the
unit; where each batch has several machines of its own, means of machines are compared.

Two samples are compared by Student's t in two ways, and the wider interval counts: with one variance for both, as the
nested model has it, and with the degrees of freedom of B. L. Welch, Biometrika 34, 1947, for two. Welch's are
estimated, and far out in the tails, where Holm looks, they are too many for batches of unlike size: with 3 and 20 runs
of one variance, what should happen to 1 row in 2,500 happens to 1 in 200. The first is exact there, and is wrong where
variances are unlike, which the second allows for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from costmodel.batches.observe import Observed

Floats: TypeAlias = NDArray[np.float64]
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


def difference(observed: Observed, candidate: int, baseline: int) -> Difference:
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


def _by_machine(observed: Observed, batch: int) -> dict[str, Floats]:
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
