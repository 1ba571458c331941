"""Drift of prices: what two cost models predict for the programs of `drift_suite`. Nothing is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from costmodel.drift.verdict import Drift, DriftVerdict
from costmodel.judging.change import Change
from costmodel.judging.estimate import Estimate
from costmodel.model import CostModel
from costmodel.plutus import LedgerLanguage
from costmodel.predict.counts import predict
from costmodel.runs.design import Cell
from costmodel.workloads import WorkloadProgram

DEFAULT_PRICE_TOLERANCE: Final = 0.01


def compare_models(
    baseline: CostModel, candidate: CostModel, cells: Sequence[Cell], tolerance: float = DEFAULT_PRICE_TOLERANCE
) -> DriftVerdict:
    """Predicted nanoseconds of one evaluation of each cell. A whole call has no price of its own and is left out.

    ModelError where a model does not price what a program uses.
    """
    priced = [cell for cell in cells if cell.work == "evaluate"]
    programs = [_program(cell) for cell in priced]
    pairs = zip(predict(baseline, programs), predict(candidate, programs), strict=True)
    drifts = tuple(
        _drift(cell, was.evaluation_ns, now.evaluation_ns, tolerance)
        for cell, (was, now) in zip(priced, pairs, strict=True)
    )
    return DriftVerdict("predicted", "ns", baseline.source, tolerance, drifts)


def _program(cell: Cell) -> WorkloadProgram:
    return WorkloadProgram(
        name=cell.id,
        flat=cell.flat,
        language=LedgerLanguage(cell.language),
        protocol_version=cell.protocol_version,
        arguments=cell.arguments,
        source="drift suite",
    )


def _drift(cell: Cell, was: float, now: float, tolerance: float) -> Drift:
    ratio = now / was
    return Drift(cell.id, cell.operation, was, now, Estimate(ratio, ratio, ratio), Change.of(ratio, tolerance))
