"""What a drift check finds: figures of operations, baseline against candidate, and all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from costmodel.judging.estimate import Change, Estimate, worst
from costmodel.model import CostModel
from costmodel.records import drift as records
from costmodel.records import finite
from costmodel.records.drift import Metric
from costmodel.records.figures import ExitCode
from costmodel.records.run import NATIVE

SUITE: Final = "drift suite"
"""Name of the operations that are checked where no workload is named."""

UNITS: Final[Mapping[Metric, str]] = {
    "instructions": "instructions",
    "time": "ns",
    "prediction": "ns",
    "cpu": "ps",
    "memory": "words",
}


@dataclass(frozen=True, slots=True)
class OperationDrift:
    """One figure of an operation: its cost in either build, and candidate over baseline with the interval that the
    status follows from. `dominant` is the builtin that the operation mostly consists of, if it is one. `tolerance` is
    the half-width of the band around 1 in which a ratio counts as unchanged; `warned` that it is unchanged, and surely
    slower than a lower limit; `accepted` why a regression is no failure."""

    operation: str
    dominant: str
    metric: Metric
    baseline: float
    candidate: float
    ratio: Estimate
    tolerance: float
    status: Change
    note: str = ""
    warned: bool = False
    accepted: str = ""
    changes: tuple[records.ChangePoint, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftVerdict:
    """A drift check. `inconclusive_code` is what the command ends with where it cannot tell."""

    mode: Literal["deterministic", "timed", "predicted", "history"]
    baseline: str
    drifts: tuple[OperationDrift, ...]
    notes: tuple[str, ...] = ()
    evaluator: str = NATIVE
    workload: str = SUITE
    inconclusive_code: ExitCode = 3

    @property
    def status(self) -> Change:
        """A check that compared nothing cannot tell."""
        return worst(drift.status for drift in self.drifts) if self.drifts else Change.INCONCLUSIVE

    @property
    def exit_code(self) -> ExitCode:
        return self.inconclusive_code if self.status is Change.INCONCLUSIVE else self.status.exit_code

    def name(self, drift: OperationDrift) -> str:
        """Of one figure: the operation, and the metric where there are several."""
        several = len({each.metric for each in self.drifts}) > 1
        return f"{drift.operation} {drift.metric}" if several else drift.operation

    def count(self, status: Change) -> int:
        return sum(drift.status is status for drift in self.drifts)

    @property
    def counts(self) -> records.DriftCounts:
        return records.DriftCounts(
            regressed=self.count(Change.REGRESSED),
            improved=self.count(Change.IMPROVED),
            unchanged=self.count(Change.UNCHANGED),
            inconclusive=self.count(Change.INCONCLUSIVE),
            warned=sum(drift.warned for drift in self.drifts),
            accepted=sum(bool(drift.accepted) for drift in self.drifts),
        )

    @property
    def summary(self) -> str:
        """One line: how many figures became what."""
        if not self.drifts:
            return f"{self.status.value}: nothing was compared"
        counts = {status.value: self.count(status) for status in Change}
        found = self.counts
        # Both are among the unchanged, so they do not stand beside them as if they came on top.
        special = ", ".join(f"{n} {what}" for n, what in ((found.warned, "warned"), (found.accepted, "accepted")) if n)
        notes = {Change.UNCHANGED.value: f" ({special})" if special else ""}
        parts = [f"{count} {name}{notes.get(name, '')}" for name, count in counts.items() if count]
        return f"{self.status.value}: {', '.join(parts)}, {self.band}"

    @property
    def band(self) -> str:
        """What counts as unchanged."""
        bands = {drift.tolerance for drift in self.drifts}
        if len(bands) > 1:
            return "each within its own limit"
        (band,) = bands
        return f"within ±{100 * band:.3g} % counts as unchanged" if band else "any difference counts as a change"

    def document(self, provenance: records.Provenance | None = None) -> records.Drift:
        """The document of `--json`."""
        return records.Drift(
            mode=self.mode,
            evaluator=self.evaluator,
            workload=self.workload,
            baseline=self.baseline,
            status=self.status.value,
            exit_code=self.exit_code,
            counts=self.counts,
            notes=self.notes,
            operations=tuple(
                records.Operation(
                    operation=drift.operation,
                    metric=drift.metric,
                    baseline=finite(drift.baseline),
                    candidate=finite(drift.candidate),
                    ratio=finite(drift.ratio.value),
                    interval=(finite(drift.ratio.low), finite(drift.ratio.high)),
                    tolerance=drift.tolerance,
                    status=drift.status.value,
                    warned=drift.warned,
                    accepted=drift.accepted,
                    note=drift.note,
                    changes=drift.changes,
                )
                for drift in self.drifts
            ),
            provenance=provenance,
        )


def exact_drift(
    operation: str, dominant: str, metric: Metric, was: float, now: float, tolerance: float, note: str = ""
) -> OperationDrift:
    """Of figures that are known exactly. From nothing to something is beyond every band."""
    ratio = now / was if was else (1.0 if now == was else float("inf"))
    status = Change.of(ratio, tolerance)
    return OperationDrift(operation, dominant, metric, was, now, Estimate(ratio, ratio, ratio), tolerance, status, note)


def with_model(verdict: DriftVerdict, model: CostModel) -> DriftVerdict:
    """The verdict with a note of which of the model's prices it puts in doubt."""
    changed = {drift.dominant for drift in verdict.drifts if drift.status in (Change.REGRESSED, Change.IMPROVED)}
    doubtful = ", ".join(sorted(changed & model.builtins.keys()))
    if not doubtful:
        return verdict
    note = f"{model.source}: its prices of {doubtful} may no longer hold; measure and fit them again"
    return replace(verdict, notes=(*verdict.notes, note))
