"""What a drift check finds: each operation of a suite, baseline against candidate, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from costmodel.judging.estimate import Change, Estimate, worst
from costmodel.model import CostModel
from costmodel.records import drift as records
from costmodel.records import finite
from costmodel.records.figures import ExitCode


@dataclass(frozen=True, slots=True)
class OperationDrift:
    """One operation of the suite: its cost in either build, in the verdict's unit, and candidate over baseline with the
    interval that the status follows from. `dominant` is the builtin that it mostly consists of, if it is one."""

    operation: str
    dominant: str
    baseline: float
    candidate: float
    ratio: Estimate
    status: Change
    note: str = ""


@dataclass(frozen=True, slots=True)
class DriftVerdict:
    """A drift check. `tolerance` is the half-width of the band around 1 in which a ratio counts as unchanged."""

    mode: Literal["deterministic", "timed", "predicted"]
    unit: Literal["instructions", "ns"]
    baseline: str
    tolerance: float
    drifts: tuple[OperationDrift, ...]
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> Change:
        return worst(drift.status for drift in self.drifts)

    @property
    def exit_code(self) -> ExitCode:
        return self.status.exit_code

    @property
    def summary(self) -> str:
        """One line: how many operations became what."""
        counts = {status: sum(drift.status is status for drift in self.drifts) for status in Change}
        parts = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
        return f"{self.status.value}: {parts}, within ±{100 * self.tolerance:.3g} % counts as unchanged"

    def document(self, provenance: records.Provenance | None = None) -> records.Drift:
        """The document of `--json`."""
        return records.Drift(
            mode=self.mode,
            unit=self.unit,
            baseline=self.baseline,
            tolerance=self.tolerance,
            status=self.status.value,
            exit_code=self.exit_code,
            notes=self.notes,
            operations=tuple(
                records.Operation(
                    operation=drift.operation,
                    baseline=finite(drift.baseline),
                    candidate=finite(drift.candidate),
                    ratio=finite(drift.ratio.value),
                    interval=(finite(drift.ratio.low), finite(drift.ratio.high)),
                    status=drift.status.value,
                    note=drift.note,
                )
                for drift in self.drifts
            ),
            provenance=provenance,
        )


def with_model(verdict: DriftVerdict, model: CostModel) -> DriftVerdict:
    """The verdict with a note of which of the model's prices it puts in doubt."""
    changed = {drift.dominant for drift in verdict.drifts if drift.status in (Change.REGRESSED, Change.IMPROVED)}
    doubtful = ", ".join(sorted(changed & model.builtins.keys()))
    if not doubtful:
        return verdict
    note = f"{model.source}: its prices of {doubtful} may no longer hold; measure and fit them again"
    return replace(verdict, notes=(*verdict.notes, note))
