"""One costing function: coefficients from points, their prices in whole picoseconds, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from costmodel.fit.coefficient import (
    Coefficient,
    Flag,
    FlagKind,
    interval_of,
    negative_flag,
    whole_ps,
)
from costmodel.fit.resample import Replicates
from costmodel.fit.solve import Solution, independent_columns, solve, weighted_r2
from costmodel.model import CostingFunction, Design, PlainShape

Floats = NDArray[np.float64]

LEAST_BUILTIN_PS = 1000
"""Upstream's safety test refuses a builtin that costs less."""

_BASES = frozenset({"constant", "intercept", "c0", "c00", "coefficient00"})
_INNER = "model."
_VISIBLE_ROUNDING = 0.01


@dataclass(frozen=True, slots=True)
class PricedFunction:
    """A costing function with whole coefficients, and the fit behind it at n points in N replicates.

    `coefficients` are in the order of `function.names`, without those that no time can tell (a `minimum` that is a
    size, or that its shape ignores). `fitted_ps` and `smooth_ps` (N × n) are fitted costs with and without constraints.
    `free_count` is the number of coefficients that the shape leaves to a fit, `worst_at` the sizes of the worst
    residual, which is relative to the fitted cost, or to 1 ns where that is less.
    """

    function: CostingFunction
    coefficients: tuple[Coefficient, ...]
    fitted_ps: Floats
    smooth_ps: Floats
    free_count: int
    condition: float
    r2: float | None
    worst_relative_residual: float
    worst_at: tuple[int, ...]


def fit_function(
    function: CostingFunction,
    sizes: Sequence[tuple[int, ...]],
    costs: Floats,
    scales: Floats,
    replicates: Replicates,
) -> PricedFunction:
    """Fit the shapes of `function` to `costs` (N × n, ps) at n points, weighted by the errors' `scales` (n, ps).

    Coefficients cannot be negative, except those of a sum that has a `minimum`. Where columns cannot be told apart,
    the later is left out (0).
    """
    points = np.array(sizes, np.float64)
    design = function.design(points)
    matrix = design.matrix / scales[:, None]
    free = np.array([_may_be_negative(function, name) for name in design.names])
    solution = solve(matrix, (costs - design.offset) / scales, free, independent_columns(matrix))
    constrained, smooth = (s @ design.matrix.T + design.offset for s in (solution.constrained, solution.unconstrained))
    coefficients = _coefficients(function, design, solution, constrained, smooth, replicates)
    priced = _priced(function, {coefficient.name: coefficient.charged_ps or 0 for coefficient in coefficients})
    residuals = np.abs(constrained[0] - costs[0]) / np.maximum(constrained[0], LEAST_BUILTIN_PS)
    worst = int(residuals.argmax())
    return PricedFunction(
        function=priced,
        coefficients=_with_rounding(coefficients, design, points, priced),
        fitted_ps=constrained,
        smooth_ps=smooth,
        free_count=len(design.names),
        condition=solution.condition,
        r2=weighted_r2(costs[0], constrained[0], scales),
        worst_relative_residual=float(residuals[worst]),
        worst_at=sizes[worst],
    )


def _floor_name(function: CostingFunction) -> str | None:
    """The name of the coefficient below which the cost never falls, if the shape has one."""
    for shape, prefix in ((function.shape, ""), (function.model.shape if function.model else None, _INNER)):
        if isinstance(shape, PlainShape) and shape.floor_field is not None:
            return prefix + shape.floor_field
    return None


def _may_be_negative(function: CostingFunction, name: str) -> bool:
    """Whether a coefficient belongs to a sum with a minimum, which bounds the cost by itself."""
    return _floor_name(function) is not None and name != "constant"


def _coefficients(
    function: CostingFunction,
    design: Design,
    solution: Solution,
    constrained: Floats,
    smooth: Floats,
    replicates: Replicates,
) -> tuple[Coefficient, ...]:
    floor = _floor_name(function)
    column = {name: j for j, name in enumerate(design.names)}
    coefficients = []
    for name in function.names:
        if name in column:
            j = column[name]
            is_base = name == "constant" or (floor is None and name.removeprefix(_INNER) in _BASES)
            is_free = _may_be_negative(function, name)
            coefficients.append(_coefficient(name, j, solution, replicates, base=is_base, free=is_free))
        elif name == floor:
            coefficients.append(_minimum(name, design, constrained, smooth, replicates))
    return tuple(coefficients)


def _coefficient(
    name: str, j: int, solution: Solution, replicates: Replicates, *, base: bool, free: bool
) -> Coefficient:
    smooth, values = solution.unconstrained[:, j], solution.constrained[:, j]
    flags = []
    if solution.share[j] == 0:
        flags.append(Flag(FlagKind.UNIDENTIFIED, "the measured sizes do not tell it from the others; set to 0"))
    if smooth[0] < 0 and not free:
        flags.append(negative_flag(float(smooth[0]), float(values[0])))
    charged = whole_ps(float(values[0]))
    if base and charged < LEAST_BUILTIN_PS:
        charged = LEAST_BUILTIN_PS
        flags.append(_raised())
    return Coefficient(
        name=name,
        fitted=interval_of(replicates, values, smooth, nonnegative=not free),
        charged_ps=charged,
        identifiability=float(solution.share[j]),
        flags=tuple(flags),
    )


def _minimum(name: str, design: Design, constrained: Floats, smooth: Floats, replicates: Replicates) -> Coefficient:
    """The cost that a floored shape never falls below: the lowest fitted at a point that the shape's sum covers."""
    covered = np.isfinite(design.floor)
    flags = []
    if covered.any():
        values, plain = constrained[:, covered].min(axis=1), smooth[:, covered].min(axis=1)
    else:
        values = plain = np.zeros(len(constrained))
        flags.append(Flag(FlagKind.UNIDENTIFIED, "no measured sizes lie where it applies"))
    charged = whole_ps(float(values[0]))
    if charged < LEAST_BUILTIN_PS:
        charged = LEAST_BUILTIN_PS
        flags.append(_raised())
    return Coefficient(name, interval_of(replicates, values, plain, nonnegative=False), charged, None, tuple(flags))


def _raised() -> Flag:
    return Flag(FlagKind.RAISED, f"raised to {LEAST_BUILTIN_PS} ps, the least that upstream's safety test allows")


def _priced(function: CostingFunction, charged: dict[str, int]) -> CostingFunction:
    """`function` with the charged values. What has no time to be fitted to stays, but an unused constant is a cost too.

    Upstream's files give a constant that plays no part the value of the minimum, where a reader expects it.
    """
    floor = _floor_name(function)
    values = []
    for name, published in zip(function.names, function.values, strict=True):
        if name == "constant" and name not in charged and floor is not None:
            values.append(charged[floor])
        else:
            values.append(charged.get(name, published))
    return function.with_values(values)


def _with_rounding(
    coefficients: tuple[Coefficient, ...], design: Design, points: Floats, priced: CostingFunction
) -> tuple[Coefficient, ...]:
    """Flag each coefficient whose rounding to whole picoseconds alone adds visibly to the cost at some point.

    A coefficient of a large product (c20·x²) can be far below a picosecond, and then the ceiling overcharges
    (discussed in upstream's #7534).
    """
    total = priced.predict(points)
    column = {name: j for j, name in enumerate(design.names)}
    flagged = []
    for coefficient in coefficients:
        raised = any(flag.kind is FlagKind.RAISED for flag in coefficient.flags)
        if coefficient.name in column and coefficient.charged_ps is not None and not raised:
            excess = coefficient.charged_ps - coefficient.fitted.point
            added = float((excess * design.matrix[:, column[coefficient.name]] / total).max())
            if added > _VISIBLE_ROUNDING:
                flag = Flag(FlagKind.ROUNDED, f"rounding to whole ps adds up to {added:.1%} of the cost")
                coefficient = replace(coefficient, flags=(*coefficient.flags, flag))
        flagged.append(coefficient)
    return tuple(flagged)
