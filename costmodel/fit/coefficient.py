"""Fitted coefficients and the flags that say what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from costmodel.fit.resample import Replicates

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
    WIDE = "wide envelope"


@dataclass(frozen=True, slots=True)
class Flag:
    """One thing that is wrong, and `reason`, a short text for the user."""

    kind: FlagKind
    reason: str

    def to_json(self) -> dict[str, object]:
        return {"flag": self.kind.value, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate with its 95 % interval, all in picoseconds (per whatever the coefficient multiplies)."""

    point: float
    low: float
    high: float

    @property
    def relative_half_width(self) -> float | None:
        """Half the interval's width as a share of the point; None where that is 0."""
        return (self.high - self.low) / 2 / abs(self.point) if self.point else None

    def to_json(self) -> dict[str, object]:
        relative = self.relative_half_width
        return {
            "ps": rounded(self.point),
            "interval_ps": [rounded(self.low), rounded(self.high)],
            "relative_half_width": None if relative is None else rounded(relative),
        }


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One coefficient: as fitted, and as the model charges it.

    `charged_ps` is the whole number of picoseconds in the model's costing function or step cost; None where the
    coefficient is used as fitted. `identifiability` (0 … 1) is the share of its column in the design that no other
    column explains; None for a coefficient that has no column (a minimum).
    """

    name: str
    fitted: Interval
    charged_ps: int | None
    identifiability: float | None
    flags: tuple[Flag, ...]

    def to_json(self) -> dict[str, object]:
        charged = {} if self.charged_ps is None else {"charged_ps": self.charged_ps}
        share = {} if self.identifiability is None else {"identifiability": rounded(self.identifiability)}
        return self.fitted.to_json() | charged | share | {"flags": [flag.to_json() for flag in self.flags]}


def interval_of(replicates: Replicates, values: Floats, smooth: Floats, *, nonnegative: bool) -> Interval:
    """Point and interval of a quantity from its replicates; `smooth` are those without a constraint."""
    low, high = replicates.interval(values, smooth, nonnegative=nonnegative)
    return Interval(float(values[0]), low, high)


def negative_flag(unconstrained: float, constrained: float) -> Flag:
    """The flag of a coefficient that least squares without a constraint made negative, and what it is with one."""
    return Flag(
        FlagKind.NEGATIVE, f"least squares alone gives {unconstrained:.4g} ps, the constraint {constrained:.4g}"
    )


def whole_ps(value: float) -> int:
    """The whole picoseconds that cover `value`: the ceiling, as upstream rounds.

    Digits beyond those that the model's file shows are noise, and do not raise a whole number by one.
    """
    return math.ceil(rounded(value, digits=12))


def rounded(value: float, digits: int = _SIGNIFICANT_DIGITS) -> float:
    """`value` to a number of significant digits, so that the last bits of a linear-algebra library do not show."""
    return float(f"{value:.{digits}g}") + 0.0


def distinct(points: Iterable[Sequence[float]]) -> int:
    """How many different points there are."""
    return len({tuple(point) for point in points})
