"""How large an argument can be: what a script can build within a transaction's limits, and what one can carry.

Both are upper bounds. A script that builds a value spends its ExUnits on nothing but applications of the builtin that
adds an item, on operands that it has; a transaction that carries one holds nothing but the constant, whose items are as
short as they can be.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Final

from costmodel.model.costmodel import CostModel, StepKind
from costmodel.model.units import ExUnits
from costmodel.plutus import (
    BUILTIN_BY_NAME,
    BYTESTRING,
    DATA,
    INTEGER,
    UPLC_1_1_0,
    VALUE,
    Builtin,
    Const,
    Constant,
    DataList,
    Program,
    array_of,
    encode_flat,
    list_of,
)
from costmodel.plutus.builtins import SizeMeasure

MOST_ITEMS: Final = 1 << 20

_ADDED_BY: Final = {"value": "insertCoin", "list": "mkCons"}


def built(argument_type: str, measure: SizeMeasure, model: CostModel, limit: ExUnits) -> int | None:
    """The largest size of an argument that a script can build item by item; None for types that are not built so."""
    name = _ADDED_BY.get(argument_type.split(" ")[0])
    if name is None or name not in model.builtins:
        return None
    builtin, cost = BUILTIN_BY_NAME[name], model.builtins[name]
    steps = _saturated(builtin, model)
    left = limit
    for items in count():
        sizes = [1] * builtin.arity
        sizes[-1] = (items.bit_length() + 1 if items else 0) if name == "insertCoin" else items
        spent = ExUnits(steps.cpu + cost.cpu.evaluate(sizes), steps.mem + cost.memory.evaluate(sizes))
        left = ExUnits(left.cpu - spent.cpu, left.mem - spent.mem)
        if left.cpu < 0 or left.mem < 0 or items == MOST_ITEMS:
            return _size(items, measure)
    raise AssertionError("count() does not end")


def carried(argument_type: str, measure: SizeMeasure, most_bytes: int) -> int | None:
    """The largest size of a constant argument whose program has no more than `most_bytes`; None for types whose items
    are not counted."""
    make = _SMALLEST.get(argument_type)
    if make is None:
        return None
    low, high = 0, most_bytes
    while low < high:
        middle = (low + high + 1) // 2
        if len(encode_flat(Program(UPLC_1_1_0, Const(make(middle))))) <= most_bytes:
            low = middle
        else:
            high = middle - 1
    return _size(low, measure)


def _size(items: int, measure: SizeMeasure) -> int:
    """The size of so many items: of a value, policies of one token each or, where the measure counts both, half of
    them in one policy."""
    match measure:
        case SizeMeasure.VALUE_OUTER_DEPTH:
            return items.bit_length()
        case SizeMeasure.VALUE_MAX_DEPTH:
            return (items // 2).bit_length() + (items - items // 2).bit_length()
        case SizeMeasure.DATA_WORDS:
            return 5 * items + 4
        case SizeMeasure.DATA_NODES:
            return items + 1
    return items


def _saturated(builtin: Builtin, model: CostModel) -> ExUnits:
    """The steps of one application to variables."""
    kinds = [StepKind.BUILTIN, *[StepKind.FORCE] * builtin.forces, *[StepKind.APPLY, StepKind.VAR] * builtin.arity]
    units = [model.steps[kind] for kind in kinds if kind in model.steps]
    return ExUnits(sum(each.cpu for each in units), sum(each.mem for each in units))


def _keys(items: int) -> list[bytes]:
    """The shortest different keys, in ascending order."""
    keys, length = [b""], 1
    while len(keys) < items:
        keys += [number.to_bytes(length, "big") for number in range(min(256**length, items - len(keys)))]
        length += 1
    return sorted(keys[:items])


_SMALLEST: Final[dict[str, Callable[[int], Constant]]] = {
    "value": lambda items: Constant(VALUE, tuple((key, ((b"", 1),)) for key in _keys(items))),
    "list bytestring": lambda items: Constant(list_of(BYTESTRING), (b"",) * items),
    "list integer": lambda items: Constant(list_of(INTEGER), (0,) * items),
    "list data": lambda items: Constant(list_of(DATA), (0,) * items),
    "list a": lambda items: Constant(list_of(INTEGER), (0,) * items),
    "array a": lambda items: Constant(array_of(INTEGER), (0,) * items),
    "data": lambda items: Constant(DATA, DataList((0,) * items)),
}
