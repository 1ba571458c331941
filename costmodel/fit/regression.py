"""Least squares for many replicates of one design at once, what the design can tell apart, and coefficients that are
held to a common one by as much as the data say (ridge regression with its spread estimated). Then what becomes of
coefficients: the flags that say what is wrong with them, and the whole picoseconds that a model charges for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import Bounds, LinearConstraint, milp, minimize_scalar, nnls

from costmodel.records.model import Coefficient, Figure, Flag

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_SHARE = 1e-3
"""A column of which the others explain all but this share (of its length) is not told apart from them.

Timings are good to a few parts in a thousand at best, so what is smaller is noise.
"""

_TOUCHING = 1e-9
"""A solution that breaks a constraint by less than this share of its length touches it."""


@dataclass(frozen=True, slots=True)
class Solution:
    """Coefficients of N replicates (row 0 the point estimate) of a design with p columns.

    `constrained` and `unconstrained` are N × p. `share` (length p) is how much of each column, 0 … 1 of its length, no
    other column explains: 1/√VIF, and 0 where the coefficient was left out. `condition` is the condition number of the
    columns that were kept, scaled to unit length.
    """

    constrained: Floats
    unconstrained: Floats
    share: Floats
    condition: float


def independent_columns(matrix: Floats) -> Bools:
    """Which columns of `matrix` (n × p) are told apart from those before them; earlier columns have precedence."""
    kept = np.zeros(matrix.shape[1], np.bool_)
    basis: list[Floats] = []
    for j, length in enumerate(np.linalg.norm(matrix, axis=0)):
        if length == 0:
            continue
        rest = matrix[:, j] / length
        for direction in (*basis, *basis):  # twice: one pass of Gram–Schmidt loses orthogonality
            rest = rest - (rest @ direction) * direction
        remaining = float(np.linalg.norm(rest))
        if remaining > LEAST_SHARE:
            kept[j] = True
            basis.append(rest / remaining)
    return kept


def solve(matrix: Floats, targets: Floats, free: Bools, kept: Bools, rising: Floats | None = None) -> Solution:
    """Least squares of `matrix` (n × p) on each row of `targets` (N × n), rows weighted already.

    Coefficients where `free` (length p) is false are kept from being negative; those where `kept` is false are 0. The
    constrained coefficients k also have `rising` (m × p) @ k ≥ 0.
    """
    p, count = matrix.shape[1], len(targets)
    unconstrained, constrained, share = np.zeros((count, p)), np.zeros((count, p)), np.zeros(p)
    if not kept.any():
        return Solution(constrained, unconstrained, share, 1.0)
    columns = matrix[:, kept]
    lengths = np.linalg.norm(columns, axis=0)
    q, r = np.linalg.qr(columns / lengths)
    # Both problems depend on the targets through q'b alone, so the small triangular one is solved instead.
    reduced = targets @ q
    inverse = np.linalg.pinv(r)
    plain = reduced @ inverse.T
    unconstrained[:, kept] = plain / lengths
    if rising is None or not len(rising):
        solutions = _nonnegative(r, reduced, plain, free[kept])
    else:
        sides = np.vstack([rising[:, kept] / lengths, np.eye(p)[~free][:, kept]])
        solutions = _inside(r, inverse, reduced, plain, sides)
    constrained[:, kept] = solutions / lengths
    share[kept] = 1 / np.linalg.norm(inverse, axis=1)
    return Solution(constrained, unconstrained, np.minimum(share, 1.0), float(np.linalg.cond(r)))


def _nonnegative(r: Floats, reduced: Floats, plain: Floats, free: Bools) -> Floats:
    """The constrained solutions; a plain one that breaks no constraint is the constrained one already."""
    solutions = plain.copy()
    # A free coefficient is the difference of two non-negative ones.
    doubled = np.hstack([r, -r[:, free]])
    p = r.shape[1]
    for i in np.flatnonzero((plain[:, ~free] < 0).any(axis=1)):
        parts, _ = nnls(doubled, reduced[i])
        solutions[i] = parts[:p]
        solutions[i, free] -= parts[p:]
    return solutions


def _inside(r: Floats, inverse: Floats, reduced: Floats, plain: Floats, sides: Floats) -> Floats:
    """Solutions k with `sides` @ k ≥ 0: least distance programming (Lawson & Hanson, "Solving Least Squares Problems",
    chapter 23), which non-negative least squares solves."""
    edges = sides @ inverse
    norms = np.linalg.norm(edges, axis=1)
    edges = edges[norms > 0] / norms[norms > 0, None]
    solutions = plain.copy()
    unit = np.append(np.zeros(len(r)), 1.0)
    slack = reduced @ edges.T
    size = np.linalg.norm(reduced, axis=1)
    for i in np.flatnonzero((slack < -_TOUCHING * size[:, None]).any(axis=1)):
        bounds = -slack[i] / size[i]
        parts, _ = nnls(np.vstack([edges.T, bounds]), unit, maxiter=100 * len(edges))
        rest = np.vstack([edges.T, bounds]) @ parts - unit
        solutions[i] = inverse @ (reduced[i] - size[i] * rest[:-1] / rest[-1])
    return solutions


def weighted_r2(observed: Floats, fitted: Floats, scales: Floats) -> float | None:
    """Share of the weighted variance of `observed` that `fitted` explains; None where nothing varies."""
    weights = scales**-2.0
    mean = float(np.average(observed, weights=weights))
    total = float((weights * (observed - mean) ** 2).sum())
    # What is left of a constant by rounding is no variance.
    if total <= 1e-18 * float((weights * observed**2).sum()):
        return None
    return 1 - float((weights * (observed - fitted) ** 2).sum()) / total


class MixedSpread(NamedTuple):
    """Standard deviations of a mixed model: of the random coefficients (in units of the columns of its random design),
    and of what is left of each row."""

    random: float
    residual: float


def reml_spread(target: Floats, fixed: Floats, random: Floats) -> MixedSpread:
    """Those of target = fixed·a + random·u + e with u ~ N(0, random²) and e ~ N(0, residual²), by restricted maximum
    likelihood (H. D. Patterson, R. Thompson, "Recovery of inter-block information when block sizes are unequal",
    Biometrika 58, 1971).

    With few columns in `random`, the likelihood alone often finds a spread of nothing, and what is fitted with it would
    have intervals far too narrow. So it is weighed by the ratio of the two spreads, a gamma prior of shape 2 and rate
    0, which keeps off nothing and says little otherwise (Y. Chung et al., "A nondegenerate penalized likelihood
    estimator for variance parameters in multilevel models", Psychometrika 78, 2013).

    There is one ratio of variances to find, so that the likelihood is profiled and searched along a line.
    """
    n, q = len(target), np.linalg.matrix_rank(fixed)
    basis = np.linalg.svd(fixed, full_matrices=False)[0][:, :q]
    shared = random @ random.T
    freedom = n - q

    def fitted(log_ratio: float) -> tuple[float, float]:
        """Twice the negative log-likelihood but for a constant, and the residual variance."""
        factor = cho_factor(np.eye(n) + np.exp(log_ratio) * shared, lower=True)
        within = basis.T @ cho_solve(factor, basis)
        solved = cho_solve(factor, target)
        left = solved @ target - (basis.T @ solved) @ np.linalg.solve(within, basis.T @ solved)
        variance = max(float(left) / freedom, 1e-300)
        log_det = 2 * float(np.log(np.diag(factor[0])).sum()) + float(np.linalg.slogdet(within)[1])
        return log_det + freedom * float(np.log(variance)), variance

    scale = float(np.trace(shared)) / n
    centre = -float(np.log(scale)) if scale > 0 else 0.0
    # x is the logarithm of the squared ratio, which twice the logarithm of the prior is but for a constant.
    found = minimize_scalar(lambda x: fitted(x)[0] - x, bounds=(centre - _REACH, centre + _REACH), method="bounded")
    variance = fitted(float(found.x))[1]
    return MixedSpread(float(np.sqrt(np.exp(found.x) * variance)), float(np.sqrt(variance)))


_REACH = 25.0
"""Logarithms to either side among which a ratio of variances is looked for."""


_SIGNIFICANT_DIGITS = 6


class FlagKind(StrEnum):
    """What may be wrong with a fitted figure."""

    UNIDENTIFIED = "unidentified"
    NEGATIVE = "negative before constraint"
    FALLING = "falling before constraint"
    EXTRAPOLATED = "extrapolation"
    FEW_CELLS = "few cells"
    RAISED = "raised"
    LOWERED = "lowered"
    ROUNDED = "rounded"
    UNCERTAIN = "uncertain"
    UNPAIRED = "unpaired cells"
    POOR_FIT = "poor fit"
    BETTER_SHAPE = "a better shape exists"
    WIDE = "wide envelope"


_MATERIAL = frozenset({FlagKind.UNIDENTIFIED, FlagKind.FEW_CELLS, FlagKind.UNPAIRED, FlagKind.POOR_FIT})
"""What calls a price into question. The rest is information: what the constraints, the rounding and the minimum of a
price did, which is policy, and what the points do not reach."""


def flag(kind: FlagKind, reason: str) -> Flag:
    """One thing that is wrong, and a short reason for the user."""
    return Flag(flag=kind.value, reason=reason, material=kind in _MATERIAL)


def material(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """The flags for which a price needs a second look."""
    return tuple(each for each in flags if each.material)


def negative_flag(unconstrained: float, constrained: float) -> Flag:
    """The flag of a coefficient that least squares without a constraint made negative, and what it is with one."""
    return flag(
        FlagKind.NEGATIVE, f"least squares alone gives {unconstrained:.4g} ps, the constraint {constrained:.4g}"
    )


def coefficient(
    fitted: Figure, charged_ps: int | None, identifiability: float | None, flags: Iterable[Flag] = ()
) -> Coefficient:
    """A figure with what is charged for it."""
    return Coefficient(
        ps=fitted.ps,
        interval_ps=fitted.interval_ps,
        relative_half_width=fitted.relative_half_width,
        holds=fitted.holds,
        charged_ps=charged_ps,
        identifiability=identifiability,
        flags=tuple(flags),
    )


def whole_ps(value: float) -> int:
    """The whole picoseconds that cover `value`: the ceiling, as upstream rounds.

    Digits beyond those that the model's file shows are noise, and do not raise a whole number by one.
    """
    return math.ceil(rounded(value, digits=12))


def rounded(value: float, digits: int = _SIGNIFICANT_DIGITS) -> float:
    """`value` to a number of significant digits, so that the last bits of a linear-algebra library do not show."""
    return float(f"{value:.{digits}g}") + 0.0


_Record = TypeVar("_Record", bound=msgspec.Struct)


def rounded_record(record: _Record) -> _Record:
    """A record with all of its figures rounded."""
    return msgspec.convert(_rounded_parts(msgspec.to_builtins(record, enc_hook=_plain)), type(record))


def _plain(value: object) -> object:
    """A figure of numpy's as Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no part of a document")


def _rounded_parts(value: object) -> object:
    if isinstance(value, float):
        return rounded(value)
    if isinstance(value, dict):
        return {key: _rounded_parts(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded_parts(part) for part in value]
    return value


def distinct(points: Iterable[Sequence[float]]) -> int:
    """How many different points there are."""
    return len({tuple(point) for point in points})


VISIBLE = 0.005
"""Share of a cost that rounding may take or add without a word."""

_FINE = 1e-4
"""A coefficient of which one picosecond is less than this share of any cost may be rounded by itself."""

_SPAN = 0.25
"""The joint search moves each coefficient by no more than this share of a cost."""


class Rounding(StrEnum):
    """How coefficients become whole picoseconds.

    `joint` takes the ceiling of each where that changes no cost visibly, and otherwise the integers that together stay
    nearest to the fit. `ceiling` always takes the ceiling, as upstream does.
    """

    JOINT = "joint"
    CEILING = "ceiling"


def whole_prices(
    values: Floats, least: Floats, matrix: Floats, offset: Floats, floor: Floats, rounding: Rounding
) -> list[int]:
    """Whole coefficients for `values` (length p), judged by the costs max(floor, matrix·values + offset) at m points.

    None is below its `least` (whole or −inf), nor are the values.
    """
    ceilings = [whole_ps(value) for value in values.tolist()]
    if rounding is Rounding.CEILING or deviation(ceilings, values, matrix, offset, floor).max(initial=0) <= VISIBLE:
        return ceilings
    nearest = _nearest(values, least, matrix, offset, floor)
    if nearest is None:
        return ceilings
    worst = [deviation(prices, values, matrix, offset, floor).max() for prices in (nearest, ceilings)]
    return nearest if worst[0] < worst[1] else ceilings


def deviation(prices: list[int], values: Floats, matrix: Floats, offset: Floats, floor: Floats) -> Floats:
    """By what share of the fitted cost the charged one differs at each point."""
    fitted = np.maximum(floor, matrix @ values + offset)
    charged = np.maximum(floor, matrix @ np.array(prices, np.float64) + offset)
    changes: Floats = np.abs(charged - fitted) / np.maximum(fitted, 1.0)
    return changes


def _nearest(values: Floats, least: Floats, matrix: Floats, offset: Floats, floor: Floats) -> list[int] | None:
    """The integers with the least greatest relative deviation, by mixed-integer linear programming.

    The unknowns are the coefficients' steps from the whole number below, and the deviation t:
    minimise t where −t ≤ Σ (step + whole − value)·column/cost ≤ t at every point. Those of which one picosecond does
    not show are continuous, in units of their greatest effect, and are rounded up afterwards.
    """
    total = matrix @ values + offset
    above = total > np.maximum(floor, 1.0)
    shares = matrix[above] / total[above, None]
    effect = np.abs(shares).max(axis=0, initial=0)
    used = effect > 0
    fine = effect < _FINE
    whole = np.where(fine, values, np.floor(values))
    scale = np.where(fine & used, effect, 1.0)
    columns = shares / scale
    reach = np.where(fine, _SPAN, np.ceil(_SPAN / np.where(used, effect, 1.0)) + 1) * used
    low = np.maximum(-reach, (least - whole) * scale)
    target = shares @ (values - whole)
    ones = np.ones((len(shares), 1))
    found = milp(
        np.append(np.zeros(len(values)), 1.0),
        integrality=np.append(~fine & used, False),
        bounds=Bounds(np.append(low, 0.0), np.append(reach, np.inf)),
        constraints=[
            LinearConstraint(np.hstack([columns, -ones]), ub=target),
            LinearConstraint(np.hstack([columns, ones]), lb=target),
        ],
        options={"node_limit": 2000, "mip_rel_gap": 0.02},
    )
    if found.x is None:
        return None
    steps = np.where(fine, found.x[:-1], np.round(found.x[:-1]))
    return [whole_ps(value) for value in (whole + steps / scale).tolist()]
