"""Whole picoseconds: the integers that a model charges for fitted coefficients."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from costmodel.fit.coefficient import whole_ps

Floats = NDArray[np.float64]

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
