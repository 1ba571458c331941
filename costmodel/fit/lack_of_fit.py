"""Lack of fit: how far a price that some programs gave may be off for others.

Timing a program again and again makes its time as sure as one likes, but not what a step costs in the next program:
counts explain times but in part. So the error of a price has a share for every program that gave it. It is what
leaving the program out would change, had the design no constraints: the jackknife, in its linear form that needs no
further fit (HC3; MacKinnon & White, "Some heteroskedasticity-consistent covariance matrix estimators", 1985).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

Floats = NDArray[np.float64]

_LEAST_ROOM = 0.05
"""What the other cells have to say of a cell's own fitted value (1 − leverage), at least. One that alone decides a
coefficient, as the program without steps decides start-up, is met whatever it says, and tells nothing of others."""


@dataclass(frozen=True, slots=True)
class Influences:
    """What each of n cells adds to the errors of p coefficients (`parts`, n × p; squares add to variances), and by how
    much a fit to the other cells misses it (`missed`, length n, in the weighted units of the design; 0 for a cell that
    alone decides a coefficient)."""

    parts: Floats
    missed: Floats


@dataclass(frozen=True, slots=True)
class LackOfFit:
    """How far the prices of steps may be off for a program that they were not fitted to.

    `parts_ps` (n × p) has a row for each program that gave the prices; squares add to variances. `scatter` is by what
    share of the time that its steps are predicted to take a program was missed by the prices that the others gave (root
    mean square). A 95 % interval reaches `t` standard errors to either side.
    """

    parts_ps: Floats
    scatter: float
    t: float

    def half_widths(self) -> Floats:
        """Half the 95 % interval of each coefficient, ps."""
        widths: Floats = self.t * np.linalg.norm(self.parts_ps, axis=0)
        return widths


def influences(matrix: Floats, missed: Floats, held: Floats | None = None) -> Influences:
    """Those of the cells of a least-squares fit: `matrix` is n × p, `missed` are the residuals (length n).

    `held` (m × p) are further rows of the fit that stand for no cell.
    """
    rows = matrix if held is None else np.vstack([matrix, held])
    lengths = np.linalg.norm(rows, axis=0)
    lengths[lengths == 0] = 1.0
    inverse = np.linalg.pinv(rows / lengths)[:, : len(matrix)] / lengths[:, None]
    room = 1 - np.einsum("ij,ji->i", matrix, inverse)
    apart = np.where(room > _LEAST_ROOM, missed / np.maximum(room, _LEAST_ROOM), 0.0)
    return Influences(parts=(inverse * apart).T, missed=apart)


def lack_of_fit(parts_ps: Floats, missed_ps: Floats, steps_ps: Floats) -> LackOfFit:
    """`missed_ps` and `steps_ps` (length n) are the miss of each program and what its steps are predicted to take."""
    known = (steps_ps > 0) & (missed_ps != 0)
    shares = missed_ps[known] / steps_ps[known]
    scatter = float(np.sqrt(np.mean(shares**2))) if len(shares) else 0.0
    freedom = max(len(parts_ps) - parts_ps.shape[1], 1)
    return LackOfFit(parts_ps, scatter, float(student_t.ppf(0.975, freedom)))
