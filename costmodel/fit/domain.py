"""The sizes that a builtin's price must cover, and how far measured points reach into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costmodel.model import CostingFunction, DiagonalShape
from costmodel.plutus import BUILTINS

Floats = NDArray[np.float64]
Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """What one builtin costs at n points: sizes, costs (N × n, ps) in every replicate, scales (n, ps) of their error.

    `function` has the shapes to fit, `whole_ps` (length n) is the time of a whole application, with what is spent
    around the builtin's own work, and `known` (length n) says whether several processes measured the point.
    """

    function: CostingFunction
    sizes: tuple[Sizes, ...]
    costs_ps: Floats
    scales_ps: Floats
    whole_ps: Floats
    known: NDArray[np.bool_]


LEAST_REACH = 0.5
"""Points that reach less than this share of a size's domain leave the rest to extrapolation."""

_LADDER = 7
"""Sizes on each axis of a grid over the domain, in geometric steps."""

LEDGER_DOMAIN: dict[str, Sizes] = {builtin.name: builtin.covers for builtin in BUILTINS if builtin.covers}
"""The greatest sizes at which upstream times each builtin whose cost depends on sizes: what its prices are made for."""


FAMILY_OF: Final[dict[str, str]] = {builtin.name: builtin.family for builtin in BUILTINS}

FAMILIES: Final[dict[str, frozenset[str]]] = {
    family: frozenset(name for name, own in FAMILY_OF.items() if own == family)
    for family in dict.fromkeys(FAMILY_OF.values())
}
"""Builtins whose times a change of machine is likely to change alike; every builtin is in one of them."""


def reads(function: CostingFunction) -> tuple[int, ...]:
    """Indices of the sizes that a costing function reads, those of an inner model included."""
    inner = function.model.shape.reads if function.model else ()
    return tuple(sorted({*function.shape.reads, *inner}))


def extent(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> dict[int, tuple[int, int]]:
    """Least and greatest size of the domain on each axis that `function` reads: the measured sizes and the ledger's."""
    ledger = LEDGER_DOMAIN.get(name, ())
    ends = {}
    for axis in reads(function):
        column = [point[axis] for point in sizes]
        ends[axis] = (min(column), max([*column, *ledger[axis : axis + 1]]))
    return ends


def beyond(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> str | None:
    """How far the ledger's domain goes beyond the measured sizes, or None where it hardly does."""
    for axis, (_, end) in extent(name, function, sizes).items():
        greatest = max(point[axis] for point in sizes)
        if greatest < LEAST_REACH * end:
            return f"argument {axis + 1} is measured up to size {greatest:,}, and priced up to {end:,}"
    return None


def grid(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> Floats:
    """Points (m × arity) over the whole domain, with its diagonal where the shape has one, and the measured points."""
    ends = extent(name, function, sizes)
    ladders = {axis: _ladder(low, high) for axis, (low, high) in ends.items()}
    points = [*sizes, *_product(ladders, sizes)]
    if isinstance(function.shape, DiagonalShape) or function.shape.id.tag.endswith("_diagonal"):
        top = min(high for _, high in ends.values())
        for size in sorted({size for ladder in ladders.values() for size in ladder if size <= top}):
            points.append((size, size, *sizes[0][2:]))
    return np.unique(np.array(points, np.float64), axis=0)


def corners(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> tuple[Sizes, ...]:
    """The corners of the domain, in order; one point where the cost depends on no size."""
    return tuple(sorted(set(_product(extent(name, function, sizes), sizes))))


def _ladder(low: int, high: int) -> tuple[int, ...]:
    steps = np.geomspace(max(low, 1), max(high, 1), _LADDER)
    return tuple(sorted({low, *(round(step) for step in steps.tolist())}))


def _product(axes: Mapping[int, tuple[int, ...]], sizes: Sequence[Sizes]) -> list[Sizes]:
    """All combinations of sizes on the axes; other axes, which play no part, are as at the first measured point."""
    first = sizes[0]
    return list(product(*(axes.get(axis, (size,)) for axis, size in enumerate(first))))
