"""Times, ratios, percentages and intervals as text. None, where a figure is missing, is a dash."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

MISSING: Final = "–"
UNKNOWN: Final = "?"

_UNITS: Final = (("s", 1e12), ("ms", 1e9), ("µs", 1e6), ("ns", 1e3))
_PS_PER_NS: Final = 1e3
_PLAIN_FACTOR: Final = 2.0  # a change of at least this factor is written as one
_PLAIN_RATIO: Final = 10.0  # a ratio of at least this is written as a factor
_NOTHING: Final = 1e-6
_MOST: Final = 1e9  # a change beyond this only says that nothing is known


def time_ps(ps: float | None) -> str:
    """A time given in ps, in the unit that keeps it readable."""
    if ps is None or not math.isfinite(ps):
        return MISSING
    for unit, scale in _UNITS:
        if abs(ps) >= scale:
            return _minus(f"{_significant(ps / scale, 4)} {unit}")
    return _minus(f"{ps:.4g} ps")


def time_ns(ns: float | None) -> str:
    """A time given in ns, in the unit that keeps it readable."""
    return time_ps(None if ns is None else ns * _PS_PER_NS)


def percent(share: float | None) -> str:
    """A share as a percentage with three significant digits."""
    if share is None or math.isnan(share):
        return MISSING
    return _minus("∞ %" if math.isinf(share) else f"{_significant(100 * share, 3)} %")


def half_width(share: float | None) -> str:
    """The relative half-width of an interval."""
    return "" if share is None else f"±{percent(share)}"


def change(share: float | None) -> str:
    """A relative change: a signed percentage, or a factor such as ×391 or ÷14,000 where it is large."""
    if share is None:
        return MISSING
    if not math.isfinite(share) or share < -1 or share > _MOST:
        return UNKNOWN
    if share == -1:
        return "−100 %"
    factor = 1 + share
    if factor >= _PLAIN_FACTOR or factor <= 1 / _PLAIN_FACTOR:
        return _factor(factor)
    return _minus(f"{100 * share:+.2f} %")


def ratio(value: float | None) -> str:
    """A ratio near 1 with three decimals; one far from 1 as a factor such as ×391 or ÷14,000."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞"
    if value > 0 and not 1 / _PLAIN_RATIO < value < _PLAIN_RATIO:
        return _factor(value)
    return _minus(f"{value:.3f}")


def r_squared(value: float | None) -> str:
    """R² with four decimals; how far it is below 0 says nothing."""
    if value is None or math.isnan(value):
        return MISSING
    return "< 0" if value < 0 else f"{value:.4f}"


def interval(low: float | None, high: float | None, form: Callable[[float], str] = ratio) -> str:
    """Both ends of an interval; ∞ where it has none."""
    ends = (low is None or low == -math.inf, high is None or high == math.inf)
    left = "−∞" if ends[0] else form(low or 0.0)
    right = "∞" if ends[1] else form(high or 0.0)
    return f"{left} … {right}"


def count(value: float | None) -> str:
    """A whole number with commas, or another with six significant digits."""
    if value is None or not math.isfinite(value):
        return MISSING
    return _minus(f"{value:,.6g}" if value % 1 else f"{value:,.0f}")


def sizes(values: Sequence[int]) -> str:
    """The sizes of a builtin's arguments."""
    return "×".join(f"{size:,}" for size in values) or MISSING


def plural(number: int, word: str) -> str:
    """A count with its noun: "1 run", "2 runs"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _factor(factor: float) -> str:
    return f"×{_significant(factor, 3)}" if factor >= 1 else f"÷{_significant(1 / factor, 3)}"


def _significant(value: float, digits: int) -> str:
    """As many significant digits and commas, without a power of ten; what is smaller than rounding errors is 0."""
    if abs(value) < _NOTHING:
        return "0"
    if abs(value) < 10**digits:
        return f"{value:.{digits}g}"
    return f"{float(f'{value:.{digits}g}'):,.0f}"


def _minus(text: str) -> str:
    return text.replace("-", "−") if text.startswith("-") else text
