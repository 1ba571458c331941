"""When a run time has warmed up: change points in a series of times.

Just-in-time compilers make code faster in steps, some never come to rest, and in which run they do differs from process
to process (Barrett et al., Virtual Machine Warmup Blows Hot and Cold, OOPSLA 2017). So the end of warming up is looked
for in the times themselves: binary segmentation with a cost by squared deviations, where a new segment has to pay for
itself by the Bayesian information criterion and to differ by more than what matters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from costmodel.lazy import lazily

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = lazily("numpy")  # for drivers alone; a process that measures the native machine starts without

_FEWEST: Final = 4  # of a segment
_MATTERS: Final = 0.01  # of a level, in logarithms of times


def change_points(logs: Sequence[float]) -> list[int]:
    """Where in a series a new level begins, ascending."""
    values = np.asarray(logs, dtype=np.float64)
    found: list[int] = []
    waiting = [(0, len(values))]
    while waiting:
        start, end = waiting.pop()
        at = _split(values[start:end])
        if at is not None:
            found.append(start + at)
            waiting += [(start, start + at), (start + at, end)]
    return sorted(found)


def _split(values: NDArray[np.float64]) -> int | None:
    count = len(values)
    if count < 2 * _FEWEST:
        return None
    # Sums of squared deviations to the left and to the right of every place, from cumulated sums.
    places = np.arange(_FEWEST, count - _FEWEST + 1)
    centred = values - values.mean()
    sums, squares = np.cumsum(centred), np.cumsum(centred**2)
    left = squares[places - 1] - sums[places - 1] ** 2 / places
    right = squares[-1] - squares[places - 1] - (sums[-1] - sums[places - 1]) ** 2 / (count - places)
    best = int(np.argmin(left + right))
    whole, parts = float(squares[-1]), max(float(left[best] + right[best]), 1e-12 * count)
    if whole <= 0 or count * math.log(whole / parts) < 2 * math.log(count) + 4:
        return None
    at = int(places[best])
    return at if abs(float(values[:at].mean() - values[at:].mean())) > _MATTERS else None


def steady_from(logs: Sequence[float], enough: int) -> int | None:
    """From where on a series stays on one level, if it has for at least `enough` values; else None."""
    start = (change_points(logs) or [0])[-1]
    return start if len(logs) - start >= enough else None
