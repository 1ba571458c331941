"""The sizes of operands by every measure that they could be priced by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costmodel.errors import ModelError
from costmodel.experiments.terms import Bound, Item, Operands
from costmodel.plutus import Builtin, Const, Constant
from costmodel.plutus.builtins import SizeMeasure
from costmodel.plutus.sizes import RIVALS, size_of

Sizes = tuple[int, ...]

_NEWEST = "E"


def measured_sizes(builtin: Builtin, prepared: Sequence[Item], operands: Operands) -> tuple[Sizes, Mapping[str, Sizes]]:
    """The sizes of an application's operands in the builtin's own measures, and by each other one that differs.

    ModelError for operands that are computed, so that their sizes are not known beforehand.
    """
    own = builtin.size_measures(_NEWEST)
    constants = [_constant(prepared, each) for each in operands]
    sizes = _sizes(constants, own)
    others: dict[str, Sizes] = {}
    for measure in dict.fromkeys(each for constant in constants for each in RIVALS.get(constant.type.head, ())):
        measures = [
            measure if measure in RIVALS.get(constant.type.head, ()) else mine
            for constant, mine in zip(constants, own, strict=True)
        ]
        if (other := _sizes(constants, measures)) != sizes:
            others[measure.name] = other
    return sizes, others


def _sizes(constants: Sequence[Constant], measures: Sequence[SizeMeasure]) -> Sizes:
    return tuple(size_of(constant, measure) for constant, measure in zip(constants, measures, strict=True))


def _constant(prepared: Sequence[Item], operand: Const | Bound) -> Constant:
    item = prepared[operand.item] if isinstance(operand, Bound) else operand
    if not isinstance(item, Const):
        raise ModelError("the design is wrong: an operand is computed, so its size is not known")
    return item.constant
