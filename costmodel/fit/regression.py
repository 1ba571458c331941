"""Least squares for many replicates of one design at once, what the design can tell apart, and coefficients that are
held to a common one by as much as the data say (ridge regression with its spread estimated)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize_scalar, nnls

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
    found = minimize_scalar(lambda x: fitted(x)[0], bounds=(centre - _REACH, centre + _REACH), method="bounded")
    variance = fitted(float(found.x))[1]
    return MixedSpread(float(np.sqrt(np.exp(found.x) * variance)), float(np.sqrt(variance)))


_REACH = 25.0
"""Logarithms to either side among which a ratio of variances is looked for."""
