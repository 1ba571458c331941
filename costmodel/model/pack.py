"""A cost model as the flat array of 64-bit integers that the C machine takes."""

from __future__ import annotations

from array import array

from costmodel.model.costing import CostingFunction
from costmodel.model.costmodel import CostModel
from costmodel.model.shapes import ShapeId
from costmodel.model.steps import StepKind
from costmodel.plutus.builtins import BUILTINS

PACK_WIDTH = 12
"""Integers in the row of one costing function."""

PACK_LENGTH = len(BUILTINS) * 2 * PACK_WIDTH + 2 * (1 + len(StepKind))
"""Integers in a packed model."""

_ABSENT_ROW = (int(ShapeId.ABSENT),) + (0,) * (PACK_WIDTH - 1)
_ABSENT_STEP = (-1, -1)


def pack(model: CostModel) -> array[int]:
    """Lay the model out for the C machine: PACK_LENGTH integers of 64 bits (array type 'q', native byte order).

    - Rows of PACK_WIDTH integers, two for each builtin, in the order of flat tags: the CPU costs of tag t
      start at index 2·t·PACK_WIDTH, its memory costs at (2·t + 1)·PACK_WIDTH. A row is
      [shape id, inner shape id, k0 to k9]: the coefficients in the order of the shape's `fields`; for a diagonal shape
      k0 is the constant and the inner model's coefficients follow from k1. Inner shape id is 0 for the other shapes;
      unused places are 0. A row of shape id 0 (ABSENT) means that the model does not price the builtin.
    - Then start-up: CPU, memory; and the nine step kinds in the order of StepKind: CPU, memory each. −1, −1 means that
      the model does not price the step; a priced one is never negative.
    """
    packed = array("q")
    for builtin in BUILTINS:
        cost = model.cost_of(builtin.name)
        for function in (cost.cpu, cost.memory) if cost else (None, None):
            packed.extend(_row(function))
    for units in (model.startup, *(model.steps.get(kind) for kind in StepKind)):
        packed.extend((units.cpu, units.mem) if units else _ABSENT_STEP)
    return packed


def _row(function: CostingFunction | None) -> tuple[int, ...]:
    if function is None:
        return _ABSENT_ROW
    inner = function.model.shape.id if function.model else ShapeId.ABSENT
    values = function.values
    return (int(function.shape.id), int(inner), *values, *(0,) * (PACK_WIDTH - 2 - len(values)))
