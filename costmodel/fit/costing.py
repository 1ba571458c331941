"""One costing function: coefficients from points, their prices in whole picoseconds, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, minimize

from costmodel.fit.regression import (
    VISIBLE,
    FlagKind,
    Rounding,
    Solution,
    coefficient,
    deviation,
    flag,
    independent_columns,
    negative_flag,
    solve,
    weighted_r2,
    whole_prices,
    whole_ps,
)
from costmodel.fit.uncertainty import Replicates, figure_of
from costmodel.model import CostingFunction, DesignMatrix, PlainShape
from costmodel.records.model import Coefficient, Flag

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_BUILTIN_PS = 1000
"""Upstream's safety test refuses a builtin that costs less."""

LEAST_JUDGED_PS = 5000.0
"""Points below are not judged for safety: what is spent around a builtin is several times that, and steps charge it."""

SAFE_FACTOR = 1.8
"""A measured point may take this many times what is charged for it; more is unsafe (`verdict.DEFAULT_FACTOR`), and a
little room is left for rounding and for the next measurement."""

MOST_CHARGED = 1.95
"""Charged over measured, above which no point may come by making another safe: twice, with as little room left."""

OVERCHARGED = 2.0
"""Charged over measured, above which a point is charged less where the shape allows it."""

_SURELY = 0.975
"""The quantile of replicates that a point surely does not exceed: noise of one is no reason to lower a price."""

_SLACK = 1e-6

_MOVED = 1e-3
"""A coefficient that is charged by less than this share otherwise than fitted is as it was."""

_BASES = frozenset({"constant", "intercept", "c0", "c00", "coefficient00"})
_INNER = "model."

_SHAPE_ERROR = 0.02
"""What the ledger's shapes cannot follow, as a share of the cost, when points are weighted."""

_TOUCHING = 1e-6
"""A minimum that explains points better by less than this share is no better."""

_REWEIGHTED = 2
"""Rounds of reweighting; further ones change nothing that shows."""


@dataclass(frozen=True, slots=True)
class PricedFunction:
    """A costing function with whole coefficients, and the fit behind it at n points in N replicates.

    `coefficients` are by name, in the order of `function.names`, without those that no time can tell (a `minimum` that
    is a size, or that its shape ignores). `unconstrained` (N × p) are those with a column, named `names`, before any
    constraint; `values` (N × p) after; `floor` (length N) is the minimum of a sum that has one, −∞ otherwise.
    `fitted_ps` and `smooth_ps` (N × n) are fitted costs with and without constraints. Residuals are relative to the
    fitted cost, or to 1 ns where that is less; `worst_at` is the number of the point of the worst one.
    """

    function: CostingFunction
    coefficients: dict[str, Coefficient]
    names: tuple[str, ...]
    values: Floats
    unconstrained: Floats
    floor: Floats
    fitted_ps: Floats
    smooth_ps: Floats
    condition: float
    r2: float | None
    residuals: Floats
    worst_at: int

    @property
    def worst_relative_residual(self) -> float:
        return float(abs(self.residuals[self.worst_at]))

    def predict(self, sizes: Sequence[tuple[int, ...]], *, constrained: bool = True) -> Floats:
        """Fitted costs (N × m, ps) at m points, before rounding."""
        design = self.function.design(np.array(sizes, np.float64))
        predicted: Floats = (self.values if constrained else self.unconstrained) @ design.matrix.T + design.offset
        covered = np.isfinite(design.floor)
        predicted[:, covered] = np.maximum(predicted[:, covered], self.floor[:, None])
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
    targets = (costs - design.offset) / scales
    binds = _where_minimum_binds(design, costs[0], scales, free, rising)
    rest = ~binds
    solution = solve(matrix[rest], targets[:, rest], free, independent_columns(matrix[rest]), rising)
    constrained, smooth = (s @ design.matrix.T + design.offset for s in (solution.constrained, solution.unconstrained))
    floor = _floor(design, costs, scales, constrained, binds)
    covered = np.isfinite(design.floor)
    for fitted in (constrained, smooth):
        fitted[:, covered] = np.maximum(fitted[:, covered], floor[:, None])
    coefficients = _coefficients(function, design, solution, floor, replicates)
    if rising is not None and (rising @ solution.unconstrained[0] < 0).any():
        coefficients = _falling(coefficients, design.names)
    safe = None
    if charged is None:
        lowest = np.array([_least(function, name) for name in design.names])
        surely = np.quantile(costs, _SURELY, axis=0)
        safe = charged = safe_values(design, costs[0], surely, scales, solution.constrained[0], lowest, rising)
    coefficients = _price(function, coefficients, design, domain, charged, rounding)
    if safe is not None:
        coefficients = _held(coefficients, design.names, solution.constrained[0], safe)
    prices = {name: each.charged_ps or 0 for name, each in coefficients.items()}
    residuals = (costs[0] - constrained[0]) / np.maximum(constrained[0], LEAST_BUILTIN_PS)
    return PricedFunction(
        function=_priced(function, prices),
        coefficients=coefficients,
        names=design.names,
        values=solution.constrained,
        unconstrained=solution.unconstrained,
        floor=floor,
        fitted_ps=constrained,
        smooth_ps=smooth,
        condition=solution.condition,
        r2=weighted_r2(costs[0], constrained[0], scales),
        residuals=residuals,
        worst_at=int(np.abs(residuals).argmax()),
    )


def safe_values(
    design: DesignMatrix,
    costs: Floats,
    surely: Floats,
    scales: Floats,
    fitted: Floats,
    lowest: Floats,
    rising: Floats | None,
) -> Floats | None:
    """Coefficients to charge, none below its `lowest`, where the fitted ones undercharge a point of 5 ns or more by
    more than SAFE_FACTOR, or overcharge one by more than OVERCHARGED of what it `surely` takes at most: the least
    squares again, with none undercharged by more, nor overcharged by more than MOST_CHARGED. None where the fitted ones
    do neither, and where the shape has no such price, so that the verdict is of the fitted ones.
    """
    judged = costs >= LEAST_JUDGED_PS
    rows = design.matrix[judged]
    least, most = ((costs * factor - design.offset)[judged] for factor in (1 / SAFE_FACTOR, MOST_CHARGED))
    charged = rows @ np.maximum(fitted, lowest) + design.offset[judged]
    if ((charged >= costs[judged] / SAFE_FACTOR) & (charged <= surely[judged] * OVERCHARGED)).all():
        return None
    lengths = np.linalg.norm(design.matrix, axis=0).clip(1e-300)
    matrix, target = design.matrix / lengths / scales[:, None], (costs - design.offset) / scales
    unit = max(float(np.abs(least).max()), 1.0)
    sides = [LinearConstraint(rows / lengths / unit, least / unit, most / unit)]
    if rising is not None and len(rising):
        sides.append(LinearConstraint(rising / lengths / unit, 0.0))

    def miss(x: Floats) -> float:
        return float(np.square(matrix @ x - target).sum())

    def slope(x: Floats) -> Floats:
        return np.asarray(2 * matrix.T @ (matrix @ x - target), np.float64)

    # Scaled up as a whole the fit is safe, if dear: where the search begins.
    start = np.asarray(fitted * lengths * max(float((least / np.maximum(rows @ fitted, 1.0)).max()), 1.0), np.float64)
    found = minimize(
        miss,
        np.maximum(start, lowest * lengths),
        jac=slope,
        bounds=[(least, None) for least in (lowest * lengths).tolist()],
        constraints=sides,
        method="SLSQP",
        options={"maxiter": 500},
    )
    values = np.asarray(found.x, np.float64) / lengths
    charged = rows @ values
    holds = (charged >= least - _SLACK * np.abs(least)).all() and (charged <= most + _SLACK * np.abs(most)).all()
    return values if found.success and holds else None


def _held(
    coefficients: dict[str, Coefficient], names: Sequence[str], fitted: Floats, safe: Floats
) -> dict[str, Coefficient]:
    """With a flag for each coefficient that is charged higher or lower than fitted so that prices are safe."""
    bounds = f"so that every measured point takes {1 / MOST_CHARGED:.2g} to {SAFE_FACTOR:g} times its price"
    moved = {1: (FlagKind.RAISED, f"raised {bounds}"), -1: (FlagKind.LOWERED, f"lowered {bounds}")}
    sides = np.where(np.isclose(safe, fitted, rtol=_MOVED, atol=1.0), 0, np.sign(safe - fitted))
    found = dict(coefficients)
    for name, side in zip(names, sides.tolist(), strict=True):
        if side:
            found[name] = msgspec.structs.replace(found[name], flags=(*found[name].flags, flag(*moved[side])))
    return found


def _where_minimum_binds(
    design: DesignMatrix, costs: Floats, scales: Floats, free: Bools, rising: Floats | None
) -> Bools:
    """The points at which the minimum of a sum explains the costs (length n) better than the sum does: the cheapest few
    that the sum covers, as many as leave the least to either. None where the sum alone misses by no more."""
    covered = np.isfinite(design.floor)
    binds = np.zeros(len(costs), np.bool_)
    if not covered.any():
        return binds
    matrix = design.matrix / scales[:, None]
    target = (costs - design.offset) / scales
    wanted = independent_columns(matrix).sum()
    order = np.flatnonzero(covered)[np.argsort(costs[covered], kind="stable")]
    best, at_best = np.inf, binds
    for count in range(len(order)):
        binds = np.isin(np.arange(len(costs)), order[:count])
        kept = independent_columns(matrix[~binds])
        if kept.sum() < wanted:
            break
        found = solve(matrix[~binds], target[None, ~binds], free, kept, rising).constrained[0]
        fitted = design.matrix @ found + design.offset
        if count:
            least = np.average(costs[binds], weights=scales[binds] ** -2.0)
            fitted = np.where(covered, np.maximum(fitted, least), fitted)
        missed = float(np.square((fitted - costs) / scales).sum())
        if missed < best * (1 - _TOUCHING):
            best, at_best = missed, binds
    return at_best


def _floor(design: DesignMatrix, costs: Floats, scales: Floats, sums: Floats, binds: Bools) -> Floats:
    """The minimum of a sum in every replicate: the mean cost where it binds, else the lowest fitted one that the sum
    covers; −∞ for a shape without one."""
    covered = np.isfinite(design.floor)
    if binds.any():
        found: Floats = np.average(costs[:, binds], axis=1, weights=scales[binds] ** -2.0)
        return found
    if covered.any():
        lowest: Floats = sums[:, covered].min(axis=1)
        return lowest
    return np.full(len(costs), -np.inf)


def relative_scales(
    function: CostingFunction, sizes: Sequence[tuple[int, ...]], costs: Floats, errors: Floats
) -> Floats:
    """Scales (n, ps) that make relative error count alike over the whole domain.

    Costs (length n, ps) miss their shape by errors of timing (`errors`, standard) and by what the shape cannot follow,
    which is taken as _SHAPE_ERROR of the cost. That is the fitted cost: where noise makes a cost small, the noise would
    weigh more.
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


def _falling(coefficients: dict[str, Coefficient], names: tuple[str, ...]) -> dict[str, Coefficient]:
    """Flag the coefficients of a sum that least squares alone makes fall."""
    falls = flag(FlagKind.FALLING, "least squares alone makes the cost fall as the first argument grows")
    return {
        name: msgspec.structs.replace(each, flags=(*each.flags, falls))
        if name in names and name != "constant"
        else each
        for name, each in coefficients.items()
    }


def floor_name(function: CostingFunction) -> str | None:
    """The name of the coefficient below which the cost never falls, if the shape has one."""
    for shape, prefix in ((function.shape, ""), (function.model.shape if function.model else None, _INNER)):
        if isinstance(shape, PlainShape) and shape.floor_field is not None:
            return prefix + shape.floor_field
    return None


def may_be_negative(function: CostingFunction, name: str) -> bool:
    """Whether a coefficient belongs to a sum with a minimum, which bounds the cost by itself."""
    return floor_name(function) is not None and name != "constant"


def _coefficients(
    function: CostingFunction, design: DesignMatrix, solution: Solution, floor: Floats, replicates: Replicates
) -> dict[str, Coefficient]:
    column = {name: j for j, name in enumerate(design.names)}
    found = {}
    for name in function.names:
        if name in column:
            free = may_be_negative(function, name)
            found[name] = _coefficient(column[name], solution, replicates, free=free)
        elif name == floor_name(function):
            found[name] = _minimum(floor, replicates)
    return found


def _coefficient(j: int, solution: Solution, replicates: Replicates, *, free: bool) -> Coefficient:
    smooth, values = solution.unconstrained[:, j], solution.constrained[:, j]
    flags = []
    if solution.share[j] == 0:
        flags.append(flag(FlagKind.UNIDENTIFIED, "the measured sizes do not tell it from the others; set to 0"))
    if smooth[0] < 0 and not free:
        flags.append(negative_flag(float(smooth[0]), float(values[0])))
    fitted = figure_of(replicates, values, smooth, nonnegative=not free)
    return coefficient(fitted, None, float(solution.share[j]), flags)


def _minimum(floor: Floats, replicates: Replicates) -> Coefficient:
    """The cost that a sum with a minimum never falls below."""
    if np.isfinite(floor).all():
        return coefficient(figure_of(replicates, floor, floor, nonnegative=False), None, None)
    nothing = np.zeros(len(floor))
    flags = (flag(FlagKind.UNIDENTIFIED, "no measured sizes lie where it applies"),)
    return coefficient(figure_of(replicates, nothing, nothing, nonnegative=False), None, None, flags)


def _price(
    function: CostingFunction,
    coefficients: dict[str, Coefficient],
    design: DesignMatrix,
    domain: Floats,
    charged: Floats | None,
    rounding: Rounding,
) -> dict[str, Coefficient]:
    """The coefficients with the whole picoseconds that they are charged at, flagged where that changes a cost."""
    fitted = np.array([coefficients[name].ps for name in design.names]) if charged is None else charged
    least = np.array([_least(function, name) for name in design.names])
    values = np.maximum(fitted, least)
    judged = function.design(domain)
    minimum = coefficients.get(floor_name(function) or "")
    lowest = max(whole_ps(minimum.ps), LEAST_BUILTIN_PS) if minimum else LEAST_BUILTIN_PS
    floor = np.where(np.isfinite(judged.floor), lowest, -np.inf)
    prices = whole_prices(values, least, judged.matrix, judged.offset, floor, rounding)
    changed = deviation(prices, values, judged.matrix, judged.offset, floor)
    at, culprit = _visible(changed, prices, values, judged)
    priced = {}
    for name, each in coefficients.items():
        flags = list(each.flags)
        if name in design.names:
            j = design.names.index(name)
            price = prices[j]
            if changed[at] > VISIBLE and j == culprit:
                reason = f"whole picoseconds change the cost by up to {changed[at]:.1%}, at sizes {_shown(domain[at])}"
                flags.append(flag(FlagKind.ROUNDED, reason))
            raised = fitted[j] < least[j]
        else:
            price, raised = lowest, each.ps < LEAST_BUILTIN_PS
        if raised and price == LEAST_BUILTIN_PS:
            flags.append(_raised())
        priced[name] = msgspec.structs.replace(each, charged_ps=price, flags=tuple(flags))
    return priced


def _visible(changed: Floats, prices: Sequence[int], values: Floats, judged: DesignMatrix) -> tuple[int, int]:
    """Where rounding changes a cost most, and the number of the coefficient that does most of it there."""
    at = int(changed.argmax())
    return at, int((np.abs(np.array(prices) - values) * np.abs(judged.matrix[at])).argmax())


def _least(function: CostingFunction, name: str) -> float:
    """The least that a coefficient may be charged at: nobody pays less than nothing, and no builtin is free."""
    if may_be_negative(function, name):
        return -np.inf
    return float(LEAST_BUILTIN_PS) if name.removeprefix(_INNER) in _BASES else 0.0


def _shown(point: Floats) -> str:
    return ", ".join(f"{size:.0f}" for size in point)


def _raised() -> Flag:
    return flag(FlagKind.RAISED, f"raised to {LEAST_BUILTIN_PS} ps, the minimum allowed by upstream")


def _priced(function: CostingFunction, charged: dict[str, int]) -> CostingFunction:
    """`function` with the charged values. What has no time to be fitted to stays, but an unused constant is a cost too.

    Upstream's files give a constant that plays no part the value of the minimum, where a reader expects it.
    """
    floor = floor_name(function)
    values = []
    for name, published in zip(function.names, function.values, strict=True):
        if name == "constant" and name not in charged and floor is not None:
            values.append(charged[floor])
        else:
            values.append(charged.get(name, published))
    return function.with_values(values)


def is_size(function: CostingFunction, name: str) -> bool:
    """Whether a coefficient is a size and no cost: a minimum that is not the cost's own floor."""
    inner = name.startswith("model.") and function.model is not None
    shape = function.model.shape if inner and function.model is not None else function.shape
    field = name.removeprefix("model.") if inner else name
    return field == "minimum" and not (isinstance(shape, PlainShape) and shape.floor_field == field)
