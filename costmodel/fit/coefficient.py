"""Coefficients: the flags that say what is wrong with them, and the whole picoseconds that a model charges for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from costmodel.records.model import Coefficient, Figure, Flag

Floats = NDArray[np.float64]

_SIGNIFICANT_DIGITS = 6


class FlagKind(StrEnum):
    """What may be wrong with a fitted figure."""

    UNIDENTIFIED = "unidentified"
    NEGATIVE = "negative before constraint"
    FALLING = "falling before constraint"
    EXTRAPOLATED = "extrapolation"
    FEW_CELLS = "few cells"
    RAISED = "raised"
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
