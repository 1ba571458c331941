"""Where large misses may come from: the parts of a prediction whose prices would have to be off.

Over the whole workload the relative misses (observed − predicted)/observed are explained by a relative change of the
price of each part, by ridge regression on the parts' shares of the observed time; the penalty is the one that predicts
a program best from all the others (leave one out). A part gets blame only as far as it goes with the misses of several
programs; what no change of prices explains is left as unexplained. Parts that always come together share the blame, and
none of this proves that a price is wrong: it says which to measure again first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costmodel.predict.fitted import Part

Floats = NDArray[np.float64]

LARGE_MISS: Final = 0.1
"""|observed/predicted − 1| from which a miss is looked into."""

_FEWEST: Final = 6  # programs below which one cannot stand for the others
_PENALTIES: Final = np.geomspace(1e-4, 1e2, 25)
_NAMED: Final = 3  # parts of a miss


@dataclass(frozen=True, slots=True)
class Blame:
    """A part of one miss. `kind` is "step", "builtin" or "call overhead". `share` is of the predicted time.
    `explains` is how much of the observed time the regression lays on the part, signed as the miss is, None where there
    are too few programs for one. `alone` is the factor by which the part's price would have to change to close the
    miss by itself; None where no price could."""

    part: str
    kind: str
    share: float
    explains: float | None
    alone: float | None


@dataclass(frozen=True, slots=True)
class Miss:
    """A program whose ratio is off by LARGE_MISS or more: the parts with the most blame, and the share of the observed
    time that no part explains."""

    program: str
    ratio: float
    blames: tuple[Blame, ...]
    unexplained: float | None


def attribute(labels: Sequence[str], predictions: Sequence[Sequence[Part]], observed_ns: Floats) -> tuple[Miss, ...]:
    """The large misses of a workload, worst first."""
    parts = sorted({part.name: part for program in predictions for part in program}.items())
    names = [name for name, _ in parts]
    ns = np.array(
        [[{part.name: part.ns for part in program}.get(name, 0.0) for name in names] for program in predictions]
    )
    predicted = ns.sum(axis=1)
    misses = (observed_ns - predicted) / observed_ns
    explained = _explained(ns / observed_ns[:, None], misses)
    ratios = observed_ns / predicted
    large = sorted(np.flatnonzero(np.abs(ratios - 1) >= LARGE_MISS).tolist(), key=lambda i: -abs(np.log(ratios[i])))
    found = []
    for i in large:
        weight = np.abs(explained[i]) if explained is not None else ns[i]
        blames = tuple(
            Blame(
                part=names[j],
                kind=parts[j][1].kind,
                share=float(ns[i, j] / predicted[i]),
                explains=None if explained is None else float(explained[i, j]),
                alone=_alone(float(ns[i, j]), float(observed_ns[i] - predicted[i])),
            )
            for j in np.argsort(-weight, kind="stable")[:_NAMED]
            if ns[i, j] > 0
        )
        rest = None if explained is None else float(misses[i] - explained[i].sum())
        found.append(Miss(labels[i], float(ratios[i]), blames, rest))
    return tuple(found)


def _alone(part_ns: float, missing_ns: float) -> float | None:
    factor = 1 + missing_ns / part_ns
    return factor if factor > 0 else None


def _explained(shares: Floats, misses: Floats) -> Floats | None:
    """What a change of each price explains of each miss, shape (programs, parts); None for too few programs."""
    if len(misses) < _FEWEST:
        return None
    u, s, vt = np.linalg.svd(shares, full_matrices=False)
    scale = float((s**2).mean())
    along = u.T @ misses

    def error(penalty: float) -> float:
        kept = s**2 / (s**2 + penalty * scale)
        leverage = (u**2 * kept).sum(axis=1)
        return float((((misses - u @ (kept * along)) / np.maximum(1 - leverage, 1e-9)) ** 2).sum())

    best = min(_PENALTIES, key=error)
    changes = vt.T @ (s / (s**2 + best * scale) * along)
    explained: Floats = shares * changes
    return explained
