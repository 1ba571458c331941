"""One costing function: coefficients from points, their prices in whole picoseconds, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from costmodel.fit.coefficient import Coefficient, Flag, FlagKind, interval_of, negative_flag, whole_ps
from costmodel.fit.prices import VISIBLE, Rounding, deviation, whole_prices
from costmodel.fit.resample import Replicates
from costmodel.fit.solve import Solution, independent_columns, solve, weighted_r2
from costmodel.model import CostingFunction, Design, PlainShape

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_BUILTIN_PS = 1000
"""Upstream's safety test refuses a builtin that costs less."""

_BASES = frozenset({"constant", "intercept", "c0", "c00", "coefficient00"})
_INNER = "model."

_SHAPE_ERROR = 0.02
"""What the ledger's shapes cannot follow, as a share of the cost, when points are weighted."""

_REWEIGHTED = 2
"""Rounds of reweighting; further ones change nothing that shows."""


@dataclass(frozen=True, slots=True)
class PricedFunction:
    """A costing function with whole coefficients, and the fit behind it at n points in N replicates.

    `coefficients` are in the order of `function.names`, without those that no time can tell (a `minimum` that is a
    size, or that its shape ignores). `unconstrained` (N × p) are those with a column, named `names`, before any
    constraint; `values` (N × p) after. `fitted_ps` and `smooth_ps` (N × n) are fitted costs with and without
    constraints. `free_count` is the number of coefficients that the shape leaves to a fit. Residuals are relative to
    the fitted cost, or to 1 ns where that is less; `worst_at` is the number of the point of the worst one.
    """

    function: CostingFunction
    coefficients: tuple[Coefficient, ...]
    names: tuple[str, ...]
    values: Floats
    unconstrained: Floats
    fitted_ps: Floats
    smooth_ps: Floats
    condition: float
    r2: float | None
    residuals: Floats
    worst_at: int

    @property
    def free_count(self) -> int:
        return len(self.names)

    @property
    def worst_relative_residual(self) -> float:
        return float(abs(self.residuals[self.worst_at]))

    def predict(self, sizes: Sequence[tuple[int, ...]], *, constrained: bool = True) -> Floats:
        """Fitted costs (N × m, ps) at m points: before rounding, and above any minimum."""
        design = self.function.design(np.array(sizes, np.float64))
        predicted: Floats = (self.values if constrained else self.unconstrained) @ design.matrix.T + design.offset
        return predicted


def shape_name(function: CostingFunction) -> str:
    """The shape's tag, and that of the model inside it."""
    inner = f" / {function.model.shape.id.tag}" if function.model else ""
    return function.shape.id.tag + inner


def fit_function(
    function: CostingFunction,
    sizes: Sequence[tuple[int, ...]],
    costs: Floats,
    scales: Floats,
    replicates: Replicates,
    domain: Floats | None = None,
    *,
    rounding: Rounding = Rounding.JOINT,
    charged: Floats | None = None,
) -> PricedFunction:
    """Fit the shapes of `function` to `costs` (N × n, ps) at n points, weighted by the errors' `scales` (n, ps).

    Coefficients cannot be negative, except those of a sum that has a `minimum`; such a sum cannot fall as the first
    size grows. (As the second grows it may: a division by a longer number is shorter.) Where columns cannot be told
    apart, the later is left out (0). `domain` (m × arity, otherwise the points themselves) is where that holds, and
    where rounding is judged. `charged` are coefficients to charge instead of those fitted, in the order of the design.
    """
    points = np.array(sizes, np.float64)
    domain = points if domain is None else domain
    design = function.design(points)
    matrix = design.matrix / scales[:, None]
    free = np.array([may_be_negative(function, name) for name in design.names])
    rising = _rising(function, domain) if free.any() else None
    solution = solve(matrix, (costs - design.offset) / scales, free, independent_columns(matrix), rising)
    constrained, smooth = (s @ design.matrix.T + design.offset for s in (solution.constrained, solution.unconstrained))
    coefficients = _coefficients(function, design, solution, constrained, smooth, replicates)
    if rising is not None and (rising @ solution.unconstrained[0] < 0).any():
        coefficients = _falling(coefficients, design.names)
    coefficients = _price(function, coefficients, design, domain, charged, rounding)
    prices = {coefficient.name: coefficient.charged_ps or 0 for coefficient in coefficients}
    residuals = (costs[0] - constrained[0]) / np.maximum(constrained[0], LEAST_BUILTIN_PS)
    return PricedFunction(
        function=_priced(function, prices),
        coefficients=coefficients,
        names=design.names,
        values=solution.constrained,
        unconstrained=solution.unconstrained,
        fitted_ps=constrained,
        smooth_ps=smooth,
        condition=solution.condition,
        r2=weighted_r2(costs[0], constrained[0], scales),
        residuals=residuals,
        worst_at=int(np.abs(residuals).argmax()),
    )


def relative_scales(
    function: CostingFunction, sizes: Sequence[tuple[int, ...]], costs: Floats, errors: Floats
) -> Floats:
    """Scales (n, ps) that make relative error count alike over the whole domain.

    Costs (length n, ps) miss their shape by their own errors of timing (`errors`, standard) and by what the shape
    cannot follow, which is taken as _SHAPE_ERROR of the cost. That is the fitted cost: where noise makes a cost small,
    the noise would weigh more.
    """
    design = function.design(np.array(sizes, np.float64))
    scales = np.hypot(_SHAPE_ERROR * np.maximum(np.abs(costs), LEAST_BUILTIN_PS), errors)
    for _ in range(_REWEIGHTED):
        matrix = design.matrix / scales[:, None]
        free = np.zeros(len(design.names), np.bool_)
        solution = solve(matrix, ((costs - design.offset) / scales)[None], free, independent_columns(matrix))
        fitted = solution.constrained[0] @ design.matrix.T + design.offset
        scales = np.hypot(_SHAPE_ERROR * np.maximum(fitted, LEAST_BUILTIN_PS), errors)
    return scales


def _rising(function: CostingFunction, domain: Floats) -> Floats:
    """Rows r with r·k ≥ 0 where coefficients k do not fall from one point to the next along the first size.

    Only where the sum with a minimum applies, and is given the first size first.
    """
    design = function.design(domain)
    covered = np.isfinite(design.floor)
    if function.model is not None:
        covered &= domain[:, 0] >= domain[:, 1]
    inside = np.flatnonzero(covered)
    order = inside[np.lexsort((domain[inside, 0], *domain[inside, 1:].T))]
    neighbours = (domain[order[1:], 1:] == domain[order[:-1], 1:]).all(axis=1)
    steps = design.matrix[order[1:]] - design.matrix[order[:-1]]
    rows: Floats = steps[neighbours]
    return rows


def _falling(coefficients: tuple[Coefficient, ...], names: tuple[str, ...]) -> tuple[Coefficient, ...]:
    """Flag the coefficients of a sum that least squares alone makes fall."""
    flag = Flag(FlagKind.FALLING, "least squares alone makes the cost fall as the first argument grows")
    return tuple(
        replace(coefficient, flags=(*coefficient.flags, flag))
        if coefficient.name in names and coefficient.name != "constant"
        else coefficient
        for coefficient in coefficients
    )


def _floor_name(function: CostingFunction) -> str | None:
    """The name of the coefficient below which the cost never falls, if the shape has one."""
    for shape, prefix in ((function.shape, ""), (function.model.shape if function.model else None, _INNER)):
        if isinstance(shape, PlainShape) and shape.floor_field is not None:
            return prefix + shape.floor_field
    return None


def may_be_negative(function: CostingFunction, name: str) -> bool:
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
            is_free = may_be_negative(function, name)
            coefficients.append(_coefficient(name, j, solution, replicates, free=is_free))
        elif name == floor:
            coefficients.append(_minimum(name, design, constrained, smooth, replicates))
    return tuple(coefficients)


def _coefficient(name: str, j: int, solution: Solution, replicates: Replicates, *, free: bool) -> Coefficient:
    smooth, values = solution.unconstrained[:, j], solution.constrained[:, j]
    flags = []
    if solution.share[j] == 0:
        flags.append(Flag(FlagKind.UNIDENTIFIED, "the measured sizes do not tell it from the others; set to 0"))
    if smooth[0] < 0 and not free:
        flags.append(negative_flag(float(smooth[0]), float(values[0])))
    return Coefficient(
        name=name,
        fitted=interval_of(replicates, values, smooth, nonnegative=not free),
        charged_ps=None,
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
    return Coefficient(name, interval_of(replicates, values, plain, nonnegative=False), None, None, tuple(flags))


def _price(
    function: CostingFunction,
    coefficients: tuple[Coefficient, ...],
    design: Design,
    domain: Floats,
    charged: Floats | None,
    rounding: Rounding,
) -> tuple[Coefficient, ...]:
    """The coefficients with the whole picoseconds that they are charged at, flagged where that changes a cost."""
    by_name = {coefficient.name: coefficient for coefficient in coefficients}
    fitted = np.array([by_name[name].fitted.point for name in design.names]) if charged is None else charged
    least = np.array([_least(function, name) for name in design.names])
    values = np.maximum(fitted, least)
    judged = function.design(domain)
    floor = np.where(np.isfinite(judged.floor), LEAST_BUILTIN_PS, -np.inf)
    prices = whole_prices(values, least, judged.matrix, judged.offset, floor, rounding)
    changed = deviation(prices, values, judged.matrix, judged.offset, floor)
    at = int(changed.argmax())
    culprit = int(np.abs((np.array(prices) - values) * judged.matrix[at]).argmax())
    priced = []
    for coefficient in coefficients:
        flags = list(coefficient.flags)
        if coefficient.name in design.names:
            j = design.names.index(coefficient.name)
            price = prices[j]
            if changed[at] > VISIBLE and j == culprit:
                reason = f"whole picoseconds change the cost by up to {changed[at]:.1%}, at sizes {_shown(domain[at])}"
                flags.append(Flag(FlagKind.ROUNDED, reason))
            raised = fitted[j] < least[j]
        else:
            lowest = _lowest(design, coefficient, charged)
            price = max(whole_ps(lowest), LEAST_BUILTIN_PS)
            raised = lowest < LEAST_BUILTIN_PS
        if raised and price == LEAST_BUILTIN_PS:
            flags.append(_raised())
        priced.append(replace(coefficient, charged_ps=price, flags=tuple(flags)))
    return tuple(priced)


def _least(function: CostingFunction, name: str) -> float:
    """The least that a coefficient may be charged at: nobody pays less than nothing, and no builtin is free."""
    if may_be_negative(function, name):
        return -np.inf
    return float(LEAST_BUILTIN_PS) if name.removeprefix(_INNER) in _BASES else 0.0


def _lowest(design: Design, minimum: Coefficient, charged: Floats | None) -> float:
    """The cost below which a floored shape is never charged."""
    covered = np.isfinite(design.floor)
    if charged is None or not covered.any():
        return minimum.fitted.point
    return float((design.matrix[covered] @ charged + design.offset[covered]).min())


def _shown(point: Floats) -> str:
    return ", ".join(f"{size:.0f}" for size in point)


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
