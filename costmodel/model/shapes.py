"""Every shape of costing function, in one table: its fields, the argument sizes it reads, its formula.

Formulas follow `PlutusCore.Evaluation.Machine.CostingFun.Core` of the Plutus sources. x, y, z, u are the sizes of a
builtin's first to fourth argument (non-negative, in the argument's own size measure). Every `cost` associates its
operations exactly as the ledger does, because saturation and negative coefficients make the order visible.

`fields` has the order of the ledger's parameter lists, which is also the order of coefficients for the C machine.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from costmodel.lazy import lazily
from costmodel.model.units import sat_add, sat_mul

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = lazily("numpy")  # for designs alone; evaluating a script does without

Floats: TypeAlias = "NDArray[np.float64]"


class ShapeId(IntEnum):
    """Numeric identity of a shape for the C machine. Stable: append, never renumber."""

    ABSENT = 0
    CONSTANT_COST = 1
    LINEAR_IN_X = 2
    LINEAR_IN_Y = 3
    LINEAR_IN_Z = 4
    LINEAR_IN_U = 5
    QUADRATIC_IN_X = 6
    QUADRATIC_IN_Y = 7
    QUADRATIC_IN_Z = 8
    LINEAR_IN_X_AND_Y = 9
    LINEAR_IN_Y_AND_Z = 10
    ADDED_SIZES = 11
    MULTIPLIED_SIZES = 12
    MIN_SIZE = 13
    MAX_SIZE = 14
    SUBTRACTED_SIZES = 15
    LINEAR_IN_Y2 = 16
    LINEAR_ON_DIAGONAL = 17
    QUADRATIC_IN_X_AND_Y = 18
    QUADRATIC_IN_Y_AND_Z = 19
    WITH_INTERACTION_IN_X_AND_Y = 20
    LINEAR_IN_MAX_YZ = 21
    LITERAL_IN_Y_OR_LINEAR_IN_Z = 22
    EXP_MOD_COST = 23
    CONST_OFF_DIAGONAL = 24
    CONST_ABOVE_DIAGONAL = 25
    CONST_BELOW_DIAGONAL = 26
    ABOVE_AND_BELOW_DIAGONAL = 27

    @property
    def tag(self) -> str:
        """The `type` in upstream JSON."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class PlainShape:
    """A shape that is one formula of coefficients and sizes.

    `cost(k, s)` is the exact cost for coefficients `k` (in the order of `fields`) and sizes `s`. For fitting, the same
    formula is linear in the coefficients `free_fields`: `features(k, v)` gives one column for each, from columns of
    sizes `v`, and `offset(v)`, where there is one, the part that no coefficient scales. `floor_field` names the
    coefficient below which the cost never falls.
    """

    id: ShapeId
    fields: tuple[str, ...]
    reads: tuple[int, ...]
    cost: Callable[[Sequence[int], Sequence[int]], int] = field(repr=False)
    features: Callable[[Sequence[int], Sequence[Floats]], list[Floats]] = field(repr=False)
    free_fields: tuple[str, ...] = field(repr=False)
    offset: Callable[[Sequence[Floats]], Floats] | None = field(default=None, repr=False)
    floor_field: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DiagonalShape:
    """A shape that is a constant in one part of the plane and another model in the rest.

    The model applies where `inside(x, y)`, a comparison that takes integers and columns alike, and may read the sizes
    in `model_reads` only. Where `inside` is None the model applies everywhere, to (max, min) instead of (x, y), and
    the constant plays no part.
    """

    id: ShapeId
    inside: Callable[[Any, Any], Any] | None = field(repr=False)
    model_reads: tuple[int, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Its own coefficients, before the inner model's."""
        return ("constant",)

    @property
    def reads(self) -> tuple[int, ...]:
        """Indices of the argument sizes that it reads."""
        return (_X, _Y)


Shape = PlainShape | DiagonalShape

_X, _Y, _Z, _U = range(4)
_LINEAR = ("intercept", "slope")
_QUADRATIC = ("c0", "c1", "c2")
_QUADRATIC_2 = ("c00", "c01", "c02", "c10", "c11", "c20", "minimum")


def _constant() -> PlainShape:
    return PlainShape(
        id=ShapeId.CONSTANT_COST,
        fields=("constant",),
        reads=(),
        cost=lambda k, _: k[0],
        features=lambda _, v: [np.ones_like(v[0])],
        free_fields=("constant",),
    )


def _linear(
    shape: ShapeId,
    reads: tuple[int, ...],
    size: Callable[[Sequence[int]], int],
    sizes: Callable[[Sequence[Floats]], Floats],
    fields: tuple[str, ...] = _LINEAR,
) -> PlainShape:
    """intercept + slope·size, for one size derived from the arguments' (`sizes` is the same over columns)."""
    slope = fields.index("slope")
    return PlainShape(
        id=shape,
        fields=fields,
        reads=reads,
        cost=lambda k, s: sat_add(k[0], sat_mul(k[slope], size(s))),
        features=lambda _, v: [np.ones_like(v[0]), sizes(v)],
        free_fields=_LINEAR,
    )


def _quadratic(shape: ShapeId, at: int) -> PlainShape:
    """c0 + c1·v + c2·v²."""

    def cost(k: Sequence[int], s: Sequence[int]) -> int:
        v = s[at]
        return sat_add(sat_add(k[0], sat_mul(k[1], v)), sat_mul(sat_mul(k[2], v), v))

    return PlainShape(
        shape, _QUADRATIC, (at,), cost, lambda _, v: [np.ones_like(v[at]), v[at], v[at] ** 2], free_fields=_QUADRATIC
    )


def _linear_2(shape: ShapeId, a: int, b: int) -> PlainShape:
    """intercept + slope1·a + slope2·b."""
    fields = ("intercept", "slope1", "slope2")
    return PlainShape(
        id=shape,
        fields=fields,
        reads=(a, b),
        cost=lambda k, s: sat_add(sat_add(k[0], sat_mul(k[1], s[a])), sat_mul(k[2], s[b])),
        features=lambda _, v: [np.ones_like(v[a]), v[a], v[b]],
        free_fields=fields,
    )


def _quadratic_2(shape: ShapeId, a: int, b: int) -> PlainShape:
    """max(minimum, c00 + c10·a + c01·b + c20·a² + c11·a·b + c02·b²)."""

    def cost(k: Sequence[int], s: Sequence[int]) -> int:
        c00, c01, c02, c10, c11, c20, minimum = k
        x, y = s[a], s[b]
        total = sat_add(sat_add(c00, sat_mul(c10, x)), sat_mul(c01, y))
        total = sat_add(total, sat_mul(sat_mul(c20, x), x))
        total = sat_add(total, sat_mul(sat_mul(c11, x), y))
        return max(minimum, sat_add(total, sat_mul(sat_mul(c02, y), y)))

    return PlainShape(
        id=shape,
        fields=_QUADRATIC_2,
        reads=(a, b),
        cost=cost,
        features=lambda _, v: [np.ones_like(v[a]), v[b], v[b] ** 2, v[a], v[a] * v[b], v[a] ** 2],
        free_fields=_QUADRATIC_2[:-1],
        floor_field="minimum",
    )


def _with_interaction() -> PlainShape:
    """c00 + c10·x + c01·y + c11·x·y."""
    fields = ("c00", "c10", "c01", "c11")

    def cost(k: Sequence[int], s: Sequence[int]) -> int:
        x, y = s[_X], s[_Y]
        slopes = sat_add(sat_mul(k[1], x), sat_mul(k[2], y))
        return sat_add(sat_add(slopes, sat_mul(k[3], sat_mul(x, y))), k[0])

    return PlainShape(
        id=ShapeId.WITH_INTERACTION_IN_X_AND_Y,
        fields=fields,
        reads=(_X, _Y),
        cost=cost,
        features=lambda _, v: [np.ones_like(v[_X]), v[_X], v[_Y], v[_X] * v[_Y]],
        free_fields=fields,
    )


def _subtracted_sizes() -> PlainShape:
    """intercept + slope·max(minimum, x − y)."""
    return PlainShape(
        id=ShapeId.SUBTRACTED_SIZES,
        fields=("intercept", "minimum", "slope"),
        reads=(_X, _Y),
        cost=lambda k, s: sat_add(k[0], sat_mul(k[2], max(k[1], s[_X] - s[_Y]))),
        features=lambda k, v: [np.ones_like(v[_X]), np.maximum(float(k[1]), v[_X] - v[_Y])],
        free_fields=_LINEAR,
    )


def _linear_on_diagonal() -> PlainShape:
    """intercept + slope·x where x = y, constant elsewhere."""
    fields = ("constant", "intercept", "slope")

    def features(_: Sequence[int], v: Sequence[Floats]) -> list[Floats]:
        on = (v[_X] == v[_Y]).astype(np.float64)
        return [1 - on, on, on * v[_X]]

    return PlainShape(
        id=ShapeId.LINEAR_ON_DIAGONAL,
        fields=fields,
        reads=(_X, _Y),
        cost=lambda k, s: sat_add(k[1], sat_mul(k[2], s[_X])) if s[_X] == s[_Y] else k[0],
        features=features,
        free_fields=fields,
    )


def _literal_in_y_or_linear_in_z() -> PlainShape:
    """y itself where it is not 0 (a width that the caller asked for), else intercept + slope·z."""

    def features(_: Sequence[int], v: Sequence[Floats]) -> list[Floats]:
        free = (v[_Y] == 0).astype(np.float64)
        return [free, free * v[_Z]]

    return PlainShape(
        id=ShapeId.LITERAL_IN_Y_OR_LINEAR_IN_Z,
        fields=_LINEAR,
        reads=(_Y, _Z),
        cost=lambda k, s: sat_add(k[0], sat_mul(k[1], s[_Z])) if s[_Y] == 0 else s[_Y],
        features=features,
        free_fields=_LINEAR,
        offset=lambda v: v[_Y],
    )


def _exp_mod() -> PlainShape:
    """c = coefficient00 + coefficient11·y·z + coefficient12·y·z², and half as much again where x > z.

    The half is rounded down (towards −∞); the columns for fitting leave that rounding out.
    """
    fields = ("coefficient00", "coefficient11", "coefficient12")

    def cost(k: Sequence[int], s: Sequence[int]) -> int:
        x, y, z = s[_X], s[_Y], s[_Z]
        total = sat_add(k[0], sat_mul(sat_mul(k[1], y), z))
        total = sat_add(total, sat_mul(sat_mul(sat_mul(k[2], y), z), z))
        return total if x <= z else sat_add(total, total // 2)

    def features(_: Sequence[int], v: Sequence[Floats]) -> list[Floats]:
        penalty = np.where(v[_X] > v[_Z], 1.5, 1.0)
        return [penalty, penalty * v[_Y] * v[_Z], penalty * v[_Y] * v[_Z] ** 2]

    return PlainShape(ShapeId.EXP_MOD_COST, fields, (_X, _Y, _Z), cost, features, free_fields=fields)


_TABLE: tuple[Shape, ...] = (
    _constant(),
    _linear(ShapeId.LINEAR_IN_X, (_X,), lambda s: s[_X], lambda v: v[_X]),
    _linear(ShapeId.LINEAR_IN_Y, (_Y,), lambda s: s[_Y], lambda v: v[_Y]),
    _linear(ShapeId.LINEAR_IN_Z, (_Z,), lambda s: s[_Z], lambda v: v[_Z]),
    _linear(ShapeId.LINEAR_IN_U, (_U,), lambda s: s[_U], lambda v: v[_U]),
    _quadratic(ShapeId.QUADRATIC_IN_X, _X),
    _quadratic(ShapeId.QUADRATIC_IN_Y, _Y),
    _quadratic(ShapeId.QUADRATIC_IN_Z, _Z),
    _linear_2(ShapeId.LINEAR_IN_X_AND_Y, _X, _Y),
    _linear_2(ShapeId.LINEAR_IN_Y_AND_Z, _Y, _Z),
    _linear(ShapeId.ADDED_SIZES, (_X, _Y), lambda s: sat_add(s[_X], s[_Y]), lambda v: v[_X] + v[_Y]),
    _linear(ShapeId.MULTIPLIED_SIZES, (_X, _Y), lambda s: sat_mul(s[_X], s[_Y]), lambda v: v[_X] * v[_Y]),
    _linear(ShapeId.MIN_SIZE, (_X, _Y), lambda s: min(s[_X], s[_Y]), lambda v: np.minimum(v[_X], v[_Y])),
    _linear(ShapeId.MAX_SIZE, (_X, _Y), lambda s: max(s[_X], s[_Y]), lambda v: np.maximum(v[_X], v[_Y])),
    _subtracted_sizes(),
    # Its `minimum` is never read: it keeps the parameter lists of PlutusV1 and V2 as they were with subtracted_sizes.
    _linear(ShapeId.LINEAR_IN_Y2, (_Y,), lambda s: s[_Y], lambda v: v[_Y], ("intercept", "minimum", "slope")),
    _linear_on_diagonal(),
    _quadratic_2(ShapeId.QUADRATIC_IN_X_AND_Y, _X, _Y),
    _quadratic_2(ShapeId.QUADRATIC_IN_Y_AND_Z, _Y, _Z),
    _with_interaction(),
    _linear(ShapeId.LINEAR_IN_MAX_YZ, (_Y, _Z), lambda s: max(s[_Y], s[_Z]), lambda v: np.maximum(v[_Y], v[_Z])),
    _literal_in_y_or_linear_in_z(),
    _exp_mod(),
    DiagonalShape(ShapeId.CONST_OFF_DIAGONAL, operator.eq, model_reads=(_X,)),
    DiagonalShape(ShapeId.CONST_ABOVE_DIAGONAL, operator.ge, model_reads=(_X, _Y)),
    DiagonalShape(ShapeId.CONST_BELOW_DIAGONAL, operator.le, model_reads=(_X, _Y)),
    DiagonalShape(ShapeId.ABOVE_AND_BELOW_DIAGONAL, None, model_reads=(_X, _Y)),
)

SHAPES: dict[str, Shape] = {shape.id.tag: shape for shape in _TABLE}
"""Every shape by its tag."""

SHAPE_IDS: dict[str, int] = {shape.tag: shape.value for shape in ShapeId}
"""The numeric ids by tag, `absent` included, as the C machine must have them."""
