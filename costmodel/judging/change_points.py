"""Places in a series from which on its level is another: several, and only those that chance does not explain.

Of figures without noise every step beyond the band is a change. For times, `ruptures` finds the segmentation that fits
best, with a penalty on each segment (PELT; R. Killick, P. Fearnhead and I. A. Eckley, Journal of the American
Statistical Association 107, 2012). The penalty comes from random orders of the values, in which nothing changes: few of
them gain as much by any split. So no law of the noise is assumed. Segments are looked at again by themselves, since a
large step hides small ones.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from costmodel.lazy import lazily

Floats = NDArray[np.float64]

ruptures = lazily("ruptures")

FEWEST = 8
"""Values of a noisy series below which no step of theirs is unlikely enough."""

_SHORTEST = 2  # values of a segment
_MOST_ORDERS = 50_000
_BLOCK = 1_000  # orders that are drawn at once
_NO_NOISE = 1e-9


def exact_changes(logs: Floats, band: float) -> list[int]:
    """Indices from which on a series without noise is off its level by more than `band`, up or down.

    A level is where its segment begins, so that many small steps in one direction are a change at last.
    """
    found, level = [], logs[0] if len(logs) else 0.0
    for index, value in enumerate(logs):
        if abs(value - level) > band:
            found.append(index)
            level = value
    return found


def noisy_changes(logs: Floats, alpha: float, seed: int = 0) -> list[int]:
    """Indices from which on a noisy series has another level. Where nothing changed, some are found with a chance of
    about `alpha`."""
    chance = np.random.default_rng(seed)
    found: list[int] = []
    waiting = [(0, len(logs))]
    while waiting:
        first, end = waiting.pop()
        inside = [first + place for place in _segmented(logs[first:end], alpha, chance)]
        if inside:
            found += inside
            waiting += pairwise([first, *inside, end])
    return sorted(found)


def _segmented(values: Floats, alpha: float, chance: np.random.Generator) -> list[int]:
    """Where segments begin, but for the first."""
    if len(values) < FEWEST or np.ptp(values) < _NO_NOISE:
        return []
    values = values / values.std()
    blocks = math.ceil(min(20 / alpha, _MOST_ORDERS) / _BLOCK)
    gains = [_clearest(chance.permuted(np.tile(values, (_BLOCK, 1)), axis=1)) for _ in range(blocks)]
    penalty = float(np.quantile(np.concatenate(gains), 1 - alpha, method="higher")) * (1 + 1e-9)
    found: list[int]
    *found, _ = ruptures.Pelt(model="l2", min_size=_SHORTEST, jump=1).fit(values[:, None]).predict(pen=penalty)
    return found


def _clearest(rows: Floats) -> Floats:
    """For each row how much of its variance, times its length, the best split explains."""
    count = rows.shape[1]
    centred = rows - rows.mean(axis=1, keepdims=True)
    left = np.arange(_SHORTEST, count - _SHORTEST + 1)
    sums = centred.cumsum(axis=1)[:, left - 1]
    best: Floats = (sums**2 * count / (left * (count - left))).max(axis=1)
    return best
