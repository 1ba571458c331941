"""Sizes of arguments: as builtins' own measures give them, and the points at which a costing function is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from costmodel.errors import ModelError
from costmodel.experiments.terms import Bound, Item, Operands
from costmodel.model import CostingFunction, Variant, proposed_model
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


Floats = NDArray[np.float64]

_RANK = 1e-9  # of a column's length, below which what is left of it after the others is rounding
_FEWEST = 9  # points of a builtin whose cost depends on sizes
_WORTHWHILE = 1.01  # how much an exchange has to enlarge the determinant


def shapes_of(name: str) -> tuple[CostingFunction, ...]:
    """The builtin's CPU costing functions in the cost models of the ledger, one for each different shape."""
    found: dict[tuple[object, object], CostingFunction] = {}
    for variant in reversed(Variant):
        if (cost := proposed_model(variant).builtins.get(name)) is not None:
            inner = cost.cpu.model.shape.id if cost.cpu.model else None
            found.setdefault((cost.cpu.shape.id, inner), cost.cpu)
    return tuple(found.values())


def information(function: CostingFunction, sizes: Sequence[Sizes]) -> Floats:
    """The features of points (n × k) over the cost that `function` gives them, each column scaled to 1 at most.

    Columns that are 0 throughout, for a part of the plane that no point is in, are left out.
    """
    array = np.array(sizes, np.float64)
    rows: Floats = function.design(array).matrix / np.maximum(function.predict(array), 1)[:, None]
    largest = np.abs(rows).max(axis=0)
    scaled: Floats = rows[:, largest > 0] / largest[largest > 0]
    return scaled


def choose(functions: Sequence[CostingFunction], candidates: Sequence[Sizes]) -> tuple[Sizes, ...]:
    """The points to measure among `candidates`, ascending: the best for each function, as many and one to check, and
    where the cost depends on sizes at least so many that other shapes can be told from it by cross-validation."""
    chosen: set[int] = set()
    for function in functions:
        chosen.update(_best(information(function, candidates)))
    varied = any(len(function.names) > 1 for function in functions)
    wanted = min(max(2 * len(chosen) + 1, _FEWEST if varied else 0), len(candidates))
    logs = np.log2(np.array(candidates, np.float64) + 1)
    chosen.add(int(np.abs(logs - (logs.min(axis=0) + logs.max(axis=0)) / 2).sum(axis=1).argmin()))
    while len(chosen) < wanted:
        distances = np.abs(logs[:, None, :] - logs[sorted(chosen)][None, :, :]).sum(axis=2).min(axis=1)
        chosen.add(int(distances.argmax()))
    return tuple(sorted(candidates[index] for index in chosen))


def _best(rows: Floats) -> list[int]:
    """As many rows as there are coefficients, with the largest determinant that single exchanges reach."""
    chosen = _spanning(rows)
    while True:
        # By Cramer's rule, how the determinant changes where candidate i takes the place of chosen row j.
        gain = np.abs(np.linalg.lstsq(rows[chosen].T, rows.T, rcond=None)[0])
        j, i = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[j, i] < _WORTHWHILE:
            return chosen
        chosen[int(j)] = int(i)


def _spanning(rows: Floats) -> list[int]:
    """Rows that span what all rows span: each time the one that stands out most from those before."""
    left, chosen = rows.copy(), []
    for _ in range(rows.shape[1]):
        lengths = np.linalg.norm(left, axis=1)
        index = int(lengths.argmax())
        if lengths[index] < _RANK:
            break
        chosen.append(index)
        axis = left[index] / lengths[index]
        left = left - np.outer(left @ axis, axis)
    return chosen
