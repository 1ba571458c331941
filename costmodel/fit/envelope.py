"""An upper envelope: costing functions that cover a stated share of inputs, since a model must not undercharge.

Within a builtin this is quantile regression (Koenker & Bassett, "Regression quantiles", Econometrica 1978), which
finds where the cost of inputs spreads. A builtin has few points, and an envelope of few points covers too little of
what was not measured: so each is raised by a margin, as conformal prediction does (Lei et al., "Distribution-free
predictive inference for regression", JASA 2018). Points are held out in turn, and the margin is what the held-out ones
needed: the spread of each builtin's own, at the rank that the held-out points of all builtins show to be needed.

Only points that the others tell are held out. The measured points reach the corners of the domain, and without a corner
the envelope is extrapolated, by a factor of 60 and more where the shape misfits; no input asks for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.stats import binom
from scipy.stats import t as student_t

from costmodel.fit.costing import LEAST_BUILTIN_PS, may_be_negative
from costmodel.fit.domain import Points, reads
from costmodel.fit.regression import independent_columns
from costmodel.model import DesignMatrix
from costmodel.records import model as record

Floats = NDArray[np.float64]

_FOLDS = 10

_FEWEST_SPREAD = 3
"""Fewer held-out points say nothing about how they spread."""

_MOST_LEVERAGE = 0.5
"""A point with more has more to say of its own fitted value than all others together."""

_CONFIDENCE = 0.95
"""How sure the margin is to cover the stated share."""

_HIGHEST_RANK = 0.9999
"""What one point is off by all measure does not raise all builtins without end."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Coefficients (in the order of the function's design, ps) that cover a share of inputs, and what the model's file
    says of them."""

    values_ps: Floats
    record: record.EnvelopeRecord


def envelopes(points: Mapping[str, Points], coverage: float, seed: int) -> dict[str, Envelope]:
    """The envelope of every builtin; `seed` shuffles which points are held out together."""
    rng = np.random.default_rng(seed)
    designs = {name: at.function.design(np.array(at.sizes, np.float64)) for name, at in points.items()}
    held_out = {name: np.array(list(_held_out(at, designs[name], coverage, rng))) for name, at in points.items()}
    level = _level([_ranks(excess) for excess in held_out.values()], coverage)
    own = {name: _margin(excess, level) for name, excess in held_out.items() if len(excess) >= _FEWEST_SPREAD}
    common = float(np.median(list(own.values()))) if own else 0.0
    found = {}
    for name, at in points.items():
        margin = own.get(name, common)
        values = _quantile(at, designs[name], np.arange(len(at.sizes)), coverage) * (1 + margin)
        predicted = designs[name].matrix @ values + designs[name].offset
        covered = float((predicted >= at.costs_ps[0]).mean())
        found[name] = Envelope(
            values, record.EnvelopeRecord(coverage=coverage, margin=margin, measured_points_covered=covered)
        )
    return found


def _ranks(excess: Floats) -> Floats:
    """Where each held-out point stands among the others of its builtin, 0 … 1.

    In units of the spread of the others, as an unseen point will be (its own would hold it down), and by Student's
    distribution, which makes builtins with few and with many points comparable.
    """
    if len(excess) < _FEWEST_SPREAD:
        return np.zeros(0)
    squares = excess**2
    spread = np.sqrt((squares.sum() - squares) / (len(excess) - 1))
    ranks: Floats = student_t.cdf(excess[spread > 0] / spread[spread > 0], len(excess) - 1)
    return ranks


def _level(ranks: list[Floats], coverage: float) -> float:
    """The rank that covers the stated share of unseen points with a confidence of 95 %: a tolerance limit (Wilks,
    "Determination of sample sizes for setting tolerance limits", 1941), which is one of the held-out points' own."""
    every = np.sort(np.concatenate([np.zeros(0), *ranks]))
    if not len(every):
        return 0.0
    which = min(int(binom.ppf(_CONFIDENCE, len(every), coverage)), len(every) - 1)
    return min(float(every[which]), _HIGHEST_RANK)


def _margin(excess: Floats, level: float) -> float:
    """By what share of the cost one builtin's envelope is raised."""
    return max(0.0, float(student_t.ppf(level, len(excess)))) * float(np.sqrt((excess**2).mean()))


def _held_out(points: Points, design: DesignMatrix, coverage: float, rng: np.random.Generator) -> Iterator[float]:
    """By what share each point exceeds the quantile of the others; nothing where the others do not tell."""
    n, costs = len(points.sizes), points.costs_ps[0]
    weighted = design.matrix / points.scales_ps[:, None]
    columns = independent_columns(weighted)
    q, _ = np.linalg.qr(weighted[:, columns] / np.linalg.norm(weighted[:, columns], axis=0))
    told = np.flatnonzero((np.square(q).sum(axis=1) <= _MOST_LEVERAGE) & ~_at_an_end(points))
    for fold in np.array_split(rng.permutation(told), max(min(len(told), _FOLDS), 1)):
        rest = np.setdiff1d(np.arange(n), fold)
        if not len(fold) or independent_columns(weighted[rest]).sum() < columns.sum():
            continue
        values = _quantile(points, design, rest, coverage)
        predicted = design.matrix[fold] @ values + design.offset[fold]
        # A sum with a minimum says nothing below the least cost: what it misses there is no measure of its spread.
        predicted = np.where(np.isfinite(design.floor[fold]), np.maximum(predicted, costs[rest].min()), predicted)
        # Nor is what a cost below the least price misses by.
        predicted, found = np.maximum(predicted, LEAST_BUILTIN_PS), np.maximum(costs[fold], LEAST_BUILTIN_PS)
        yield from (found / predicted - 1).tolist()


def _at_an_end(points: Points) -> NDArray[np.bool_]:
    """Which points alone reach the least or the greatest of a size that the cost depends on."""
    sizes = np.array(points.sizes)[:, list(reads(points.function))]
    found = np.zeros(len(sizes), np.bool_)
    for ends in (sizes == sizes.min(axis=0), sizes == sizes.max(axis=0)):
        found |= (ends & (ends.sum(axis=0) == 1)).any(axis=1)
    return found


def _quantile(points: Points, design: DesignMatrix, rows: NDArray[np.intp], coverage: float) -> Floats:
    """Coefficients of the regression quantile at some of the points: a linear programme in the parts of the residuals
    above (weighing `coverage`) and below (the rest)."""
    scales = points.scales_ps[rows]
    matrix = design.matrix[rows] / scales[:, None]
    kept = independent_columns(matrix)
    lengths = np.linalg.norm(matrix[:, kept], axis=0)
    n, p = len(rows), int(kept.sum())
    signed = np.array([may_be_negative(points.function, name) for name in design.names])
    low = np.where(signed[kept], -np.inf, 0.0)
    found = linprog(
        np.concatenate([np.zeros(p), np.full(n, coverage), np.full(n, 1 - coverage)]),
        A_eq=np.hstack([matrix[:, kept] / lengths, np.eye(n), -np.eye(n)]),
        b_eq=(points.costs_ps[0, rows] - design.offset[rows]) / scales,
        bounds=[(least, None) for least in (*low.tolist(), *[0.0] * 2 * n)],
        method="highs",
    )
    assert found.x is not None  # noqa: S101 - residuals make up for anything, and cost something
    values = np.zeros(len(design.names))
    values[kept] = found.x[:p] / lengths
    return values
