"""The sizes that a builtin's price must cover, how far measured points reach into them, and an upper envelope of the
points: costing functions that cover a stated share of inputs, since a model must not undercharge.

Within a builtin this is quantile regression (Koenker & Bassett, "Regression quantiles", Econometrica 1978), which
finds where the cost of inputs spreads. A builtin has few points, and an envelope of few points covers too little of
what was not measured: so each is raised by a margin, as conformal prediction does (Lei et al., "Distribution-free
predictive inference for regression", JASA 2018). Points are held out in turn, and the margin is what the held-out ones
needed: the spread of each builtin's own, at the rank that the held-out points of all builtins show to be needed.

Only points that the others tell are held out. The measured points reach the corners of the domain, and without a corner
the envelope is extrapolated, by a factor of 60 and more where the shape misfits; no input asks for that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.stats import binom
from scipy.stats import t as student_t

from costmodel.fit.costing import LEAST_BUILTIN_PS, may_be_negative
from costmodel.fit.regression import independent_columns
from costmodel.model import CostingFunction, DesignMatrix, DiagonalShape
from costmodel.plutus import BUILTINS
from costmodel.records import model as record

Floats = NDArray[np.float64]
Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """What one builtin costs at n points: sizes, costs (N × n, ps) in every replicate, scales (n, ps) of their error.

    `function` has the shapes to fit, `whole_ps` (length n) is the time of a whole application, with what is spent
    around the builtin's own work, and `known` (length n) says whether several processes measured the point.
    """

    function: CostingFunction
    sizes: tuple[Sizes, ...]
    costs_ps: Floats
    scales_ps: Floats
    whole_ps: Floats
    known: NDArray[np.bool_]


LEAST_REACH = 0.5
"""Points that reach less than this share of a size's domain leave the rest to extrapolation."""

_LADDER = 7
"""Sizes on each axis of a grid over the domain, in geometric steps."""

LEDGER_DOMAIN: dict[str, Sizes] = {builtin.name: builtin.covers for builtin in BUILTINS if builtin.covers}
"""The greatest sizes at which upstream times each builtin whose cost depends on sizes: what its prices are made for."""


FAMILY_OF: Final[dict[str, str]] = {builtin.name: builtin.family for builtin in BUILTINS}

FAMILIES: Final[dict[str, frozenset[str]]] = {
    family: frozenset(name for name, own in FAMILY_OF.items() if own == family)
    for family in dict.fromkeys(FAMILY_OF.values())
}
"""Builtins whose times a change of machine is likely to change alike; every builtin is in one of them."""


def reads(function: CostingFunction) -> tuple[int, ...]:
    """Indices of the sizes that a costing function reads, those of an inner model included."""
    inner = function.model.shape.reads if function.model else ()
    return tuple(sorted({*function.shape.reads, *inner}))


def extent(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> dict[int, tuple[int, int]]:
    """Least and greatest size of the domain on each axis that `function` reads: the measured sizes and the ledger's."""
    ledger = LEDGER_DOMAIN.get(name, ())
    ends = {}
    for axis in reads(function):
        column = [point[axis] for point in sizes]
        ends[axis] = (min(column), max([*column, *ledger[axis : axis + 1]]))
    return ends


def beyond(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> str | None:
    """How far the ledger's domain goes beyond the measured sizes, or None where it hardly does."""
    for axis, (_, end) in extent(name, function, sizes).items():
        greatest = max(point[axis] for point in sizes)
        if greatest < LEAST_REACH * end:
            return f"argument {axis + 1} is measured up to size {greatest:,}, and priced up to {end:,}"
    return None


def grid(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> Floats:
    """Points (m × arity) over the whole domain, with its diagonal where the shape has one, and the measured points."""
    ends = extent(name, function, sizes)
    ladders = {axis: _ladder(low, high) for axis, (low, high) in ends.items()}
    points = [*sizes, *_product(ladders, sizes)]
    if isinstance(function.shape, DiagonalShape) or function.shape.id.tag.endswith("_diagonal"):
        top = min(high for _, high in ends.values())
        for size in sorted({size for ladder in ladders.values() for size in ladder if size <= top}):
            points.append((size, size, *sizes[0][2:]))
    return np.unique(np.array(points, np.float64), axis=0)


def corners(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> tuple[Sizes, ...]:
    """The corners of the domain, in order; one point where the cost depends on no size."""
    return tuple(sorted(set(_product(extent(name, function, sizes), sizes))))


def _ladder(low: int, high: int) -> tuple[int, ...]:
    steps = np.geomspace(max(low, 1), max(high, 1), _LADDER)
    return tuple(sorted({low, *(round(step) for step in steps.tolist())}))


def _product(axes: Mapping[int, tuple[int, ...]], sizes: Sequence[Sizes]) -> list[Sizes]:
    """All combinations of sizes on the axes; other axes, which play no part, are as at the first measured point."""
    first = sizes[0]
    return list(product(*(axes.get(axis, (size,)) for axis, size in enumerate(first))))


_FOLDS = 10

_FEWEST_SPREAD = 3
"""Fewer held-out points say nothing about how they spread."""

_MOST_LEVERAGE = 0.5
"""A point with more has more to say of its own fitted value than all others together."""

_WORST_COUNTS = 5
"""As how many points more the one that is overcharged most counts: of some ten points many, of hundreds hardly any."""

_CONFIDENCE = 0.95
"""How sure the margin is to cover the stated share."""

_LEAST_UNCOVERED = 0.5
"""Of the share that an envelope may leave uncovered, what Student's distribution of a spread is to leave."""


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
    own = {name: _margin(excess, level, coverage) for name, excess in held_out.items() if len(excess) >= _FEWEST_SPREAD}
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
    "Determination of sample sizes for setting tolerance limits", 1941), which is one of the held-out points' own.

    The builtin of the greatest rank is left out: for a share of 0.99 that rank alone would be the limit, and a shape
    that misses one builtin would raise all others. Its own held-out points raise that builtin. Nor does what misfits
    ask of all others for more than half of what Student's distribution would leave uncovered."""
    builtins = sorted((each for each in ranks if len(each)), key=np.max)
    every = np.sort(np.concatenate([np.zeros(0), *(builtins[:-1] or builtins)]))
    if not len(every):
        return 0.0
    which = min(int(binom.ppf(_CONFIDENCE, len(every), coverage)), len(every) - 1)
    return min(float(every[which]), 1 - _LEAST_UNCOVERED * (1 - coverage))


def _margin(excess: Floats, level: float, coverage: float) -> float:
    """By what share of the cost one builtin's envelope is raised: as its spread and the common rank ask for, and as
    much as that share of its own held-out points needed."""
    asked = float(student_t.ppf(level, len(excess))) * float(np.sqrt((excess**2).mean()))
    return max(0.0, asked, float(np.quantile(excess, coverage)))


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
    above (weighing `coverage`) and below (the rest), and in the greatest part below, which weighs as several points.

    Without the latter a sum of parts is the same whether many points are overcharged a little or one manifold, and the
    programme ends at one."""
    scales = points.scales_ps[rows]
    matrix = design.matrix[rows] / scales[:, None]
    kept = independent_columns(matrix)
    lengths = np.linalg.norm(matrix[:, kept], axis=0)
    n, p = len(rows), int(kept.sum())
    signed = np.array([may_be_negative(points.function, name) for name in design.names])
    low = np.where(signed[kept], -np.inf, 0.0)
    found = linprog(
        np.concatenate([np.zeros(p), np.full(n, coverage), np.full(n, 1 - coverage), [_WORST_COUNTS * (1 - coverage)]]),
        A_eq=np.hstack([matrix[:, kept] / lengths, np.eye(n), -np.eye(n), np.zeros((n, 1))]),
        b_eq=(points.costs_ps[0, rows] - design.offset[rows]) / scales,
        A_ub=np.hstack([np.zeros((n, p + n)), np.eye(n), -np.ones((n, 1))]),
        b_ub=np.zeros(n),
        bounds=[(least, None) for least in (*low.tolist(), *[0.0] * (2 * n + 1))],
        method="highs",
    )
    assert found.x is not None  # noqa: S101 - residuals make up for anything, and cost something
    values = np.zeros(len(design.names))
    values[kept] = found.x[:p] / lengths
    return values
