"""Gates: what a model has to keep to on a workload."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

from costmodel.errors import InputError
from costmodel.judging.estimate import Estimate, ScoreStatus, checked_tolerance, judge, overall
from costmodel.records.validation import Limited, Timed
from costmodel.validate.summary import Summary
from costmodel.workloads import Workload

DEFAULT_TOLERANCE: Final = 0.05
_MEDIAN, _P95, _R2 = 0.06, 0.18, 0.98

# Of the tightest gate on times: the rest is left for the model's own error and for being off.
_PRECISION_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Limits to r = observed/predicted; None is no limit.

    `tolerance` holds every program to |r − 1|, `median` and `p95` the median and the 95th percentile of |r − 1|, `r2`
    is the least R² in log scale, and `max_undercharge` holds every program to r − 1. InputError for an impossible
    limit, and where there is none.
    """

    tolerance: float | None = None
    median: float | None = None
    p95: float | None = None
    r2: float | None = None
    max_undercharge: float | None = None

    def __post_init__(self) -> None:
        given = [(field.name, getattr(self, field.name)) for field in fields(self)]
        if all(limit is None for _, limit in given):
            raise InputError("no gate is set; a replay without one judges nothing")
        for name, limit in given:
            if limit is not None:
                checked_tolerance(limit, name.replace("_", "-"))

    @classmethod
    def of(cls, workload: Workload) -> Self:
        """The gates of a workload for which none was asked: loops are each held to 5 %, programs of all sorts, which no
        model of nine step costs predicts one by one, all together to a median of 6 %, 18 % at the 95th percentile, and
        R² 0.98."""
        if workload.loops:
            return cls(tolerance=DEFAULT_TOLERANCE)
        return cls(median=_MEDIAN, p95=_P95, r2=_R2)

    @property
    def precision(self) -> float:
        """The half-width of an observed time, relative, that these gates ask for."""
        limits = (self.tolerance, self.median, self.p95, self.max_undercharge)
        return _PRECISION_SHARE * min((limit for limit in limits if limit is not None), default=DEFAULT_TOLERANCE)


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate: what it is about, its limit, what was found (the worst program's, where it holds every one)."""

    gate: Limited
    work: Timed
    limit: float
    found: Estimate | None
    status: ScoreStatus


def pass_gates(gates: Gates, summary: Summary, ratios: Sequence[Estimate]) -> Iterator[GateResult]:
    """The result of each gate that is set, on the programs of one kind of work and their ratios."""
    if gates.tolerance is not None:
        worst = max(ratios, key=lambda ratio: abs(ratio.value - 1))
        status = overall(judge(ratio, gates.tolerance) for ratio in ratios)
        yield GateResult("tolerance", summary.work, gates.tolerance, worst, status)
    if gates.median is not None:
        yield GateResult("median", summary.work, gates.median, summary.median, at_most(summary.median, gates.median))
    if gates.p95 is not None:
        yield GateResult("p95", summary.work, gates.p95, summary.p95, at_most(summary.p95, gates.p95))
    if gates.r2 is not None:
        yield GateResult("r2", summary.work, gates.r2, summary.r2, _at_least(summary.r2, gates.r2))
    if gates.max_undercharge is not None:
        limit = 1 + gates.max_undercharge
        status = overall(at_most(ratio, limit) for ratio in ratios)
        worst = max(ratios, key=lambda ratio: ratio.value)
        yield GateResult("max-undercharge", summary.work, gates.max_undercharge, worst, status)


def at_most(found: Estimate, limit: float) -> ScoreStatus:
    """Pass where the whole interval keeps to the limit, fail where none of it does, else inconclusive."""
    if found.high <= limit:
        return ScoreStatus.PASSED
    return ScoreStatus.FAILED if found.low > limit else ScoreStatus.INCONCLUSIVE


def _at_least(found: Estimate | None, limit: float) -> ScoreStatus:
    if found is None:  # too few programs, or all alike: nobody can tell
        return ScoreStatus.INCONCLUSIVE
    if found.low >= limit:
        return ScoreStatus.PASSED
    return ScoreStatus.FAILED if found.high < limit else ScoreStatus.INCONCLUSIVE


def whole(results: Iterable[GateResult]) -> ScoreStatus:
    """One failure fails the whole; an inconclusive gate never reads as a pass."""
    return overall(result.status for result in results)
