"""Places in a series from which on its level is another: several, and only those that chance does not explain.

Of figures without noise every step beyond the band is a change. For times, a series is first asked whether its level is
another in any stretch of it, to its end or not (circular binary segmentation: A. B. Olshen et al., Biostatistics 5,
2004). Random orders of the values, in which nothing changes, say how clear such a stretch comes by chance, so no law of
the noise is assumed. Where chance does not explain it, `ruptures` finds the segmentation that fits best, with a penalty
on each segment (PELT; R. Killick, P. Fearnhead and I. A. Eckley, Journal of the American Statistical Association 107,
2012) that random orders of what the stretch leaves unexplained rarely pay for. Segments are looked at again by
themselves, since a large step hides small ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from costmodel.lazy import lazily

Floats = NDArray[np.float64]
Places = NDArray[np.int_]

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
    return joint_changes(logs[None], alpha, seed)[0]


def joint_changes(rows: Floats, alpha: float, seed: int = 0) -> list[list[int]]:
    """The same for each row of a table whose columns are runs. Where nothing changed in any row, some are found in the
    whole table with a chance of about `alpha`, however alike the rows move: each is compared with the clearest of all
    in the same random orders (P. H. Westfall and S. S. Young, Resampling-Based Multiple Testing, 1993)."""
    chance = np.random.default_rng(seed)
    return [
        sorted(_looked_again(row, places, alpha, chance))
        for row, places in zip(rows, _segmented(rows, alpha, chance), strict=True)
    ]


def _looked_again(row: Floats, found: list[int], alpha: float, chance: np.random.Generator) -> Iterator[int]:
    """What was found in a row, and what is found in the segments between."""
    yield from found
    waiting = list(pairwise([0, *found, len(row)])) if found else []
    while waiting:
        first, end = waiting.pop()
        inside = [first + place for place in _segmented(row[None, first:end], alpha, chance)[0]]
        if inside:
            yield from inside
            waiting += pairwise([first, *inside, end])


def _segmented(rows: Floats, alpha: float, chance: np.random.Generator) -> list[list[int]]:
    """Where segments begin in each row, but for the first."""
    count = rows.shape[1]
    moving = np.ptp(rows, axis=1) >= _NO_NOISE if count else np.zeros(len(rows), bool)
    if count < FEWEST or not moving.any():
        return [[] for _ in rows]
    scaled = rows / np.where(moving, rows.std(axis=1), 1)[:, None]
    orders = math.ceil(min(20 / alpha, _MOST_ORDERS))
    seen = _by_chance(scaled[moving], alpha, orders, chance)
    found: list[list[int]] = []
    for row, moves in zip(scaled, moving, strict=True):
        gain, first, end = _clearest(row[None])
        if not moves or gain[0] <= seen:
            found.append([])
            continue
        rest = row.copy()
        stretch = slice(int(first[0]), int(end[0]))
        rest[stretch] -= row[stretch].mean() - np.delete(row, stretch).mean()
        penalty = _by_chance(rest[None], alpha, orders, chance) + _NO_NOISE
        found.append(ruptures.Pelt(model="l2", min_size=_SHORTEST, jump=1).fit(row[:, None]).predict(pen=penalty)[:-1])
    return found


def _by_chance(rows: Floats, alpha: float, orders: int, chance: np.random.Generator) -> float:
    """What the clearest stretch of any row exceeds in a share `alpha` of the orders."""
    count = rows.shape[1]
    seen = np.empty(0)
    while len(seen) < orders:
        drawn = chance.permuted(np.tile(np.arange(count), (min(_BLOCK, orders), 1)), axis=1)
        seen = np.append(seen, np.max([_clearest(row[drawn])[0] for row in rows], axis=0))
    return float(np.quantile(seen, 1 - alpha, method="higher"))


def _clearest(rows: Floats) -> tuple[Floats, Places, Places]:
    """For each row how much of its variance, times its length, the stretch explains whose level differs most from the
    others', where that begins, and where it ends. Nothing that it leaves at either end is shorter than a segment."""
    count = rows.shape[1]
    sums = np.concatenate([np.zeros((len(rows), 1)), (rows - rows.mean(axis=1, keepdims=True)).cumsum(axis=1)], axis=1)
    edges = np.array([0, *range(_SHORTEST, count - _SHORTEST + 1), count])
    best, begin, end = np.zeros(len(rows)), np.zeros(len(rows), int), np.zeros(len(rows), int)
    for first in edges[:-1]:
        ends = edges[(edges >= first + _SHORTEST) & (edges - first <= count - _SHORTEST)]
        if not len(ends):
            continue
        size = ends - first
        gains = (sums[:, ends] - sums[:, [first]]) ** 2 * count / (size * (count - size))
        place = gains.argmax(axis=1)
        gain = gains[np.arange(len(rows)), place]
        better = gain > best
        best[better], begin[better], end[better] = gain[better], first, ends[place[better]]
    return best, begin, end
