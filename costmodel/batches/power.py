"""How many runs settle a comparison.

A comparison is planned for a difference of nothing, which is to be found unchanged, and for one of twice the band's
half-width, which is to be found beyond the band: either lies half a band's width from the edge that it is told from.
The variance is known from few runs only, so its upper 90 % limit is planned with (R. H. Browne, On the use of a pilot
sample for sample size determination, Statistics in Medicine 14, 1995).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import chdtri, nctdtr, stdtrit

POWER: Final = 0.9
_CONFIDENCE: Final = 0.9  # that the planned variance is not too small
MOST: Final = 10_000


def planned_variance(variance: float, df: float) -> float:
    """The upper 90 % limit of a variance that was estimated with `df` degrees of freedom."""
    return variance * df / float(chdtri(df, _CONFIDENCE))


def power(count: int, variance: float, band: float, alpha: float, *, paired: bool = False) -> float:
    """The chance to settle a difference of 0, or of twice `band`, with `count` units in each batch.

    `variance` is that of a unit, of a pair's difference where `paired`; `alpha` the two-sided level of the test. For a
    difference of 0 both edges of the band must be excluded, which is the harder of the two and bounds this from below.
    """
    df = count - 1.0 if paired else 2.0 * count - 2
    error = np.sqrt(variance * (1 if paired else 2) / count)
    if error == 0:
        return 1.0
    missed = float(nctdtr(df, band / error, stdtrit(df, 1 - alpha / 2)))
    # Far out in the tail the distribution's series fails; there nothing is missed.
    return 1.0 - 2 * missed if np.isfinite(missed) else 1.0


def units_needed(variance: float, df: float, band: float, alpha: float, *, paired: bool = False) -> int | None:
    """The fewest units in each batch that settle the comparison with a power of 90 %; None above MOST."""
    if not np.isfinite(variance):
        return None
    planned = planned_variance(variance, df)

    def enough(count: int) -> bool:
        return power(count, planned, band, alpha, paired=paired) >= POWER

    high = 2
    while not enough(high):
        if high == MOST:
            return None
        high = min(2 * high, MOST)
    low = 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return max(high, 2)
