"""The fitted model: a cost model in the upstream layout, and beside it everything that says how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costmodel import __version__
from costmodel.files import refuse, write_atomically
from costmodel.fit.builtins import BuiltinFit, NoOp
from costmodel.fit.calls import CallFit
from costmodel.fit.coefficient import Coefficient, Flag, Interval, rounded
from costmodel.fit.costing import shape_name
from costmodel.fit.covariance import JointErrors
from costmodel.fit.joint import Joint
from costmodel.fit.prices import Rounding
from costmodel.fit.steps import StepsFit
from costmodel.model import BuiltinCost, CostModel, ExUnits, StepKind, Variant, dump
from costmodel.model.steps import STARTUP_KEY

if TYPE_CHECKING:
    from costmodel.fit.shapes import ShapeStudy

SCHEMA_VERSION = 1
"""Version of what calibrate writes under its own key of a cost-model file."""

_METHOD = {
    "estimate": "25 %-trimmed mean of log(time/yardstick) in each process, less the far outliers above that exceed "
    "those below in number; mean over processes",
    "fit": "least squares on the protocol's shapes, relative errors weighing alike over the domain; coefficients are "
    "not negative, and a sum with a minimum does not fall as its first size grows",
    "interval": "95 %, cluster bootstrap over runs and processes, stretched to Student's t of the jackknife error",
}
_ROUNDING = {
    Rounding.JOINT: "ceiling to whole picoseconds; where that adds over 0.5 % to a cost, the integers that together "
    "stay nearest to the fit",
    Rounding.CEILING: "ceiling to whole picoseconds",
}


def _charge(coverage: float | None) -> str:
    if coverage is None:
        return "charged as fitted"
    return f"charged by an upper envelope of {coverage:g} of inputs: regression quantile, and a margin for unseen ones"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a fit came from, and how it was made.

    `runs` has what each run was made from and by, `oddities` what is odd about them; `lost` are the cells that no
    process measured well enough; `machine` and `evaluator` are the runs' own.
    """

    variant: Variant
    runs: tuple[dict[str, Any], ...]
    oddities: tuple[str, ...]
    seed: int
    replicates: int
    rounding: Rounding
    coverage: float | None
    lost: tuple[str, ...]
    reference_yardstick_ns: float | None
    hash_yardstick_ns: float | None
    yardsticks: tuple[str, ...]
    processes: int
    clean_batches: int
    gated_batches: int
    machine: dict[str, object]
    evaluator: dict[str, str]
    clock_unit: str


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One builtin for a table. `cost` (ps) and its interval are at sizes `centre`; residuals are shares of the cost."""

    builtin: str
    shape: str
    coefficients: tuple[Coefficient, ...]
    centre: tuple[int, ...]
    cost: Interval
    r2: float | None
    worst_relative_residual: float
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class FittedModel:
    """Fits of steps, builtins and calls, the joint stage, and a check of the steps against no-ops.

    `unfitted` has the reason for each measured builtin that could not be fitted and is not in the model, `shapes` what
    other shapes would gain, where that was asked for. `ledger` has the memory costs, which are taken over unmeasured.
    """

    steps: StepsFit
    builtins: tuple[BuiltinFit, ...]
    joint: Joint
    no_ops: tuple[NoOp, ...]
    calls: tuple[CallFit, ...]
    unfitted: dict[str, str]
    shapes: Mapping[str, ShapeStudy]
    errors: JointErrors
    provenance: Provenance
    ledger: CostModel

    @property
    def cost_model(self) -> CostModel:
        """The model as it is charged, with everything else under its `extras`."""
        prices = {coefficient.name: coefficient.charged_ps or 0 for coefficient in self.steps.coefficients}
        steps = {
            kind: ExUnits(prices[kind.json_key], self.ledger.steps[kind].mem)
            for kind in StepKind
            if kind in self.ledger.steps and kind.json_key in prices
        }
        startup = self.ledger.startup if STARTUP_KEY in prices else None
        return CostModel(
            builtins={
                fit.name: BuiltinCost(fit.priced.function, self.ledger.builtins[fit.name].memory)
                for fit in self.builtins
            },
            steps=steps,
            startup=None if startup is None else replace(startup, cpu=prices[STARTUP_KEY]),
            extras=self._extras(),
            source=f"model fitted to {', '.join(run['run'] for run in self.provenance.runs)}",
        )

    @property
    def flagged(self) -> dict[str, tuple[Flag, ...]]:
        """What is wrong, by the builtin or step that it is wrong with: prices that need a second look."""
        parts = [(each.name, each.flags) for each in self.steps.coefficients]
        parts += [(fit.name, fit.all_flags) for fit in self.builtins]
        return {name: flags for name, flags in parts if flags}

    def write(self, path: Path) -> None:
        """Write the one-file model, whole or not at all, and make its folder: the same model gives the same bytes.

        EnvironmentFault where `path` cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            refuse("write", path, error)
        write_atomically(path, dump(self.cost_model))

    def summary(self) -> tuple[SummaryRow, ...]:
        """A row for each fitted builtin, by name."""
        return tuple(
            SummaryRow(
                builtin=fit.name,
                shape=shape_name(fit.priced.function),
                coefficients=fit.priced.coefficients,
                centre=fit.centre,
                cost=fit.cost,
                r2=fit.priced.r2,
                worst_relative_residual=fit.priced.worst_relative_residual,
                flags=fit.all_flags,
            )
            for fit in self.builtins
        )

    def _extras(self) -> dict[str, object]:
        origin = self.provenance
        return {
            "batches": {"clean": origin.clean_batches, "gated": origin.gated_batches},
            "builtins": {fit.name: _builtin_json(fit) for fit in self.builtins},
            "clock_unit": origin.clock_unit,
            "calls": {fit.operation: fit.to_json() for fit in self.calls},
            "errors": self.errors.to_json(),
            "evaluator": origin.evaluator,
            "flagged": {name: sorted({flag.kind.value for flag in flags}) for name, flags in self.flagged.items()},
            "hash_yardstick_ns": None if origin.hash_yardstick_ns is None else rounded(origin.hash_yardstick_ns),
            "inputs": list(origin.runs),
            "joint": self.joint.to_json(),
            "lost_cells": list(origin.lost),
            "machine": origin.machine,
            "method": _METHOD
            | {
                "builtins": _charge(origin.coverage),
                "memory": f"not measured: memory costs are those of the {self.ledger.source}",
                "processes": origin.processes,
                "replicates": origin.replicates,
                "rounding": _ROUNDING[origin.rounding],
                "seed": origin.seed,
            },
            "no_ops": {no_op.name: no_op.to_json() for no_op in self.no_ops},
            "reference_yardstick_ns": None
            if origin.reference_yardstick_ns is None
            else rounded(origin.reference_yardstick_ns),
            "schema_version": SCHEMA_VERSION,
            "shapes": {name: study.to_json() for name, study in self.shapes.items()},
            "steps": self.steps.to_json(),
            "tool_version": __version__,
            "unfitted": self.unfitted,
            "variant": origin.variant.value,
            "warnings": list(origin.oddities),
            "yardsticks": list(origin.yardsticks),
        }


def _builtin_json(fit: BuiltinFit) -> dict[str, object]:
    priced = fit.priced
    return {
        "coefficients": {coefficient.name: coefficient.to_json() for coefficient in priced.coefficients},
        "condition_number": rounded(priced.condition),
        "corners": [place.to_json() for place in fit.corners],
        "cost_at_centre": fit.cost.to_json() | {"sizes": list(fit.centre)},
        "flags": [flag.to_json() for flag in fit.flags],
        "points": [place.to_json() for place in fit.places],
        "r2": None if priced.r2 is None else rounded(priced.r2),
        "shape": shape_name(fit.priced.function),
        "worst_relative_residual": rounded(priced.worst_relative_residual),
        "worst_residual_sizes": list(fit.places[priced.worst_at].sizes),
    } | ({} if fit.envelope is None else {"envelope": fit.envelope.to_json()})
