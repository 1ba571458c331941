"""Step costs: start-up and a cost for each kind of machine step, from whole programs with varied counts of them.

The programs apply builtins too, whose costs, known from their own cells, are taken off first. What is left is explained
by the nine counts but in part: programs differ from one another by some per cent beyond them. Least squares alone would
lay that on the kinds, and nine prices that fit these programs best miss others, written differently, by a fifth. So the
prices of kinds are taken to spread about a common price, and how much they do is estimated from the programs (REML):
they are held to it the more firmly the less the counts explain (ridge regression as a mixed model; G. K. Robinson,
"That BLUP is a good thing", Statistical Science 6, 1991). The interval of a price has three parts: noise of timing,
what the programs differ by beyond their counts, and the bias of being held.

Two sets of prices come of it. What is charged are start-up and the nine kinds, for the chain can charge nothing else.
What times are predicted from has, beside them, what else one counting run sees: any features that the cells have, and
what a step takes more in a program of which more is run, its footprint, where that still helps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from costmodel.fit.builtins import Applications
from costmodel.fit.observations import ObservedCell, is_nop, nop_name
from costmodel.fit.regression import (
    LEAST_SHARE,
    FlagKind,
    Solution,
    coefficient,
    flag,
    independent_columns,
    negative_flag,
    reml_spread,
    solve,
    weighted_r2,
    whole_ps,
)
from costmodel.fit.uncertainty import Replicates, figure, figure_of
from costmodel.model import STARTUP_KEY, StepKind
from costmodel.plutus.builtins import BUILTIN_BY_NAME
from costmodel.records import model as record

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_STEP_PS: Final = 1
"""Upstream refuses a step that costs nothing: a loop of it would never end."""

NAMES: Final = (STARTUP_KEY, *(kind.json_key for kind in StepKind))
FOOTPRINT: Final = "footprint"

_LEAST_PART: Final = 0.1
"""A coefficient with a smaller part than this in what the cells cannot tell is determined well enough by the rest."""

_EXACT: Final = 1e-6
"""Cells that are missed by less than this leave nothing to hold prices for."""

_FEWEST_FOR_SPREAD: Final = 20
"""Cells below which the spread of prices is not estimated but assumed."""

_ASSUMED_SPREAD: Final = 0.3

_FEWEST_FOOTPRINTS: Final = 20
"""Programs of known footprint below which nothing can be said of it."""

_TRIED: Final = 2
"""Footprints that are tried as the least one, in each doubling."""

_HELPS: Final = 0.98
"""A footprint helps where programs left out are missed by less than this share of what they are missed by without."""

_NO_FEATURES: Final = ("calls_", "constant_cases")
"""Saturated calls by arity and forces, and cases on constants: what they add lies within what steps of builtins and
cases cost, and programs differ too little in it to be told apart. With them generated programs are explained hardly
better, and contracts worse."""

_LACK: Final = "timing and lack of fit"


@dataclass(frozen=True, slots=True)
class Range:
    """The footprints that make a difference: the typical one (the median of what was measured), the least and the most.
    A program beyond them counts as having the nearest one."""

    typical: float
    least: float
    most: float

    def doublings(self, cells: Sequence[ObservedCell]) -> Floats:
        """What the figure multiplies: doublings of the typical footprint, over all steps of each cell; 0 for a cell of
        which the footprint is not known."""
        footprints = np.array([cell.footprint or self.typical for cell in cells])
        steps = np.array([sum(cell.steps) for cell in cells], np.float64)
        found: Floats = steps * np.log2(np.clip(footprints, self.least, self.most) / self.typical)
        return found


@dataclass(frozen=True, slots=True)
class StepPrices:
    """Prices of start-up, the kinds and what `names` has beyond them, in N replicates (`values`, and `smooth` without a
    constraint), and how far they may be off for other programs.

    `lack_ps` (m × p) adds by squares to variances; intervals reach `t` standard errors. `scatter` is by what share of
    the time of its steps a program is missed. `spread` is the estimated one of kinds, None where it was assumed.
    `missed` is the root mean square miss of programs left out, relative.
    """

    names: tuple[str, ...]
    values: Floats = field(repr=False)
    smooth: Floats = field(repr=False)
    share: Floats = field(repr=False)
    lack_ps: Floats = field(repr=False)
    t: float
    scatter: float
    spread: float | None
    missed: float
    condition: float
    unknown: Bools = field(repr=False)

    def half_widths(self) -> Floats:
        """What lack of fit adds to either side of each price, ps: half a 95 % interval."""
        widths: Floats = self.t * np.linalg.norm(self.lack_ps, axis=0)
        return widths


@dataclass(frozen=True, slots=True)
class StepsFit:
    """What the step cells say, as the model's file has it, and the prices behind it."""

    record: record.Steps
    predicting: StepPrices
    range: Range | None

    def evaluation_ps(self, cell: ObservedCell) -> Floats:
        """Predicted time (length N) of one evaluation of a cell that applies no builtins but no-ops."""
        counts = {**dict(zip(NAMES, (1, *cell.steps), strict=True)), **dict(cell.features)}
        if self.range is not None:
            counts[FOOTPRINT] = float(self.range.doublings([cell])[0])
        predicted: Floats = self.predicting.values @ np.array([counts.get(name, 0) for name in self.predicting.names])
        return predicted


def unmeasured(replicates: Replicates) -> StepsFit:
    """The fit of runs that have no step cells: no step has a price."""
    nothing, count = np.zeros(0), len(replicates.times_ps)
    empty = np.zeros((count, 0))
    prices = StepPrices((), empty, empty, nothing, np.zeros((0, 0)), 0.0, 0.0, None, 0.0, 1.0, np.zeros(0, np.bool_))
    steps = record.Steps(
        cells=0,
        coefficients={},
        condition_number=1.0,
        least_squares_ps={},
        r2=None,
        scatter=0.0,
        scatter_of_other_programs=0.0,
        spread=None,
        single_price=None,
        unmeasured_builtins=(),
        worst_relative_residual=0.0,
        prediction=record.PredictionPrices(coefficients={}, scatter=0.0, missed=None, spread=None, footprint=None),
    )
    return StepsFit(steps, prices, None)


def smallest_costs(applied: Mapping[str, Applications]) -> dict[str, Floats]:
    """What one application of each measured builtin costs at its smallest sizes (length N, ps), no-op taken off."""
    costs = {}
    for name, applications in applied.items():
        if is_nop(name) or not applications.sizes:
            continue
        builtin = BUILTIN_BY_NAME[name]
        around = applied.get(nop_name(builtin.arity, builtin.forces))
        if (net := applications.costs_ps(around)) is not None:
            costs[name] = net[:, min(range(len(applications.sizes)), key=lambda i: sum(applications.sizes[i]))]
    return costs


def fit_steps(
    cells: Sequence[ObservedCell], columns: Sequence[int], replicates: Replicates, costs: Mapping[str, Floats]
) -> StepsFit:
    """Fit T = start-up + Σ count·cost, relative-weighted, over the step cells, which are the `columns` of `replicates`.

    `costs` (length N, ps, by name) are those of the builtins that the cells apply, each at its smallest sizes; what a
    builtin without one costs is found along with the steps. Kinds that the cells cannot tell apart are flagged.
    """
    builtins = sorted({name for cell in cells for name, _ in cell.builtins if not is_nop(name)})
    unmeasured = tuple(name for name in builtins if name not in costs)
    times = replicates.times_ps[:, list(columns)]
    net = times.copy()
    for name in builtins:
        if name in costs:
            net -= np.outer(costs[name], _applications(cells, name))
    work = _StepTimes(
        counts=np.array([(1, *cell.steps) for cell in cells], np.float64),
        others=np.column_stack([np.zeros((len(cells), 0)), *(_applications(cells, name) for name in unmeasured)]),
        net=net,
        scales=times[0],
        replicates=replicates,
    )
    charged = _fit(work, NAMES, work.counts)
    predicting, found = _predicting(work, cells)
    return StepsFit(_record(work, charged, predicting, found, unmeasured), predicting, found)


@dataclass(frozen=True, slots=True)
class _StepTimes:
    """What is to be explained: `net` (N × n) times without what builtins cost, weighed by `scales` (length n), by
    `counts` (n × 10) of start-up and steps and by `others` (n × m), applications of builtins of unknown cost."""

    counts: Floats
    others: Floats
    net: Floats
    scales: Floats
    replicates: Replicates

    @property
    def targets(self) -> Floats:
        found: Floats = self.net / self.scales
        return found


def _applications(cells: Sequence[ObservedCell], name: str) -> Floats:
    """How often each cell applies a builtin."""
    return np.array([dict(cell.builtins).get(name, 0) for cell in cells], np.float64)


def _predicting(work: _StepTimes, cells: Sequence[ObservedCell]) -> tuple[StepPrices, Range | None]:
    """The prices that times are predicted from, and the range of footprints where that is one of them."""
    features = sorted({name for cell in cells for name, _ in cell.features if not name.startswith(_NO_FEATURES)})
    columns = {name: np.array([dict(cell.features).get(name, 0) for cell in cells], np.float64) for name in features}
    columns = {name: column for name, column in columns.items() if np.ptp(column) > 0}
    # A feature that others explain says nothing; the earlier one has precedence.
    design = np.column_stack([work.counts, work.others, *columns.values()]) / work.scales[:, None]
    kept = independent_columns(design)[design.shape[1] - len(columns) :]
    columns = {name: column for (name, column), keep in zip(columns.items(), kept, strict=True) if keep}

    def fitted(extra: Mapping[str, Floats]) -> StepPrices:
        return _fit(work, (*NAMES, *extra), np.column_stack([work.counts, *extra.values()]))

    plain = fitted(columns)
    found = find_range(cells, work.net[0])
    if found is None:
        return plain, None
    more = fitted(columns | {FOOTPRINT: found.doublings(cells)})
    return (more, found) if more.missed < _HELPS * plain.missed else (plain, None)


def _fit(work: _StepTimes, names: tuple[str, ...], priced: Floats) -> StepPrices:
    """Prices of what the columns of `priced` (n × p) count: start-up and the kinds first."""
    k, n, p = len(NAMES), len(priced), priced.shape[1]
    matrix = np.column_stack([priced, work.others]) / work.scales[:, None]
    targets = work.targets
    steps = matrix[:, 1:k].sum(axis=1)
    fixed = np.column_stack([matrix[:, 0], steps, matrix[:, k:]])
    common = max(float(np.linalg.lstsq(fixed, targets[0], rcond=None)[0][1]), float(LEAST_STEP_PS))
    spread, residual, estimated = _spread(targets[0], fixed, matrix[:, 1:k] * common)
    held = np.zeros((k - 1, matrix.shape[1]))
    # Deviations from the kinds' own mean: what that is, nothing holds.
    held[:, 1:k] = (np.eye(k - 1) - 1 / (k - 1)) / common
    weight = max(residual / spread, _EXACT) if residual > _EXACT else _EXACT
    rows = held * weight
    free = np.zeros(matrix.shape[1], np.bool_)
    free[k:p] = True  # what features add, some may take off: a fused call is cheaper than its steps
    kept = np.linalg.norm(np.vstack([matrix, rows]), axis=0) > 0
    padded = np.hstack([targets, np.zeros((len(targets), len(rows)))])
    solution = solve(np.vstack([matrix, rows]), padded, free, kept)
    inverse = np.linalg.pinv(_scaled(np.vstack([matrix, rows])))
    lengths = np.linalg.norm(np.vstack([matrix, rows]), axis=0).clip(1e-300)
    inverse = np.asarray(inverse / lengths[:, None], np.float64)
    leverage = np.einsum("ij,ji->i", matrix, inverse[:, :n])
    left = targets[0] - matrix @ solution.constrained[0]
    missed = left / np.maximum(1 - leverage, _LEAST_ROOM)
    alone = 1 - leverage <= _LEAST_ROOM  # it decides a coefficient by itself, as the program without steps does
    freedom = max(n - np.linalg.matrix_rank(_scaled(matrix)), 1)
    timing = float(np.square(work.replicates.errors(targets)).sum(axis=0)[~alone].mean()) if (~alone).any() else 0.0
    beyond = np.sqrt(max(residual**2 - timing, 0.0))
    # Noise of the programs that gave the prices, and the bias of those that are held, each as rows that add by squares.
    bias = inverse[:, n:] * (
        weight * spread * _unsure(held, np.asarray(inverse * residual, np.float64), spread, freedom)
    )
    lack = np.vstack([(inverse[:, :n] * np.where(alone, 0.0, beyond)).T, bias.T])
    lack = _root(lack)[:, :p]
    taken = priced @ solution.constrained[0, :p]
    known = ~alone & (taken > 0)
    unknown, condition = _open(matrix[:, :p])
    return StepPrices(
        names=names,
        values=solution.constrained[:, :p],
        smooth=solution.unconstrained[:, :p],
        share=np.where(unknown, 0.0, _shares(matrix)[:p]),
        lack_ps=lack,
        t=float(student_t.ppf(0.975, freedom)),
        scatter=beyond * float(np.median(work.scales[known] / taken[known])) if known.any() else 0.0,
        spread=spread if estimated else None,
        missed=float(np.sqrt(np.square(missed[~alone]).mean())) if (~alone).any() else 0.0,
        condition=condition,
        unknown=unknown,
    )


_LEAST_ROOM: Final = 0.05
"""What other cells have to say of a cell's own fitted value (1 − leverage), at least."""


def _unsure(held: Floats, errors: Floats, spread: float, freedom: float) -> float:
    """How much wider the bias of being held is for not knowing the spread: it is estimated from a few kinds, and only
    from as many as the programs tell more of than the spread does. `errors` add by squares to the variances of prices,
    whose interval has `freedom` degrees of freedom."""
    left = np.square(held @ errors).sum(axis=1) / spread**2
    told = max(float(np.maximum(1 - left, 0.0).sum()) - 1, 1.0)
    return float(student_t.ppf(0.975, told) / student_t.ppf(0.975, freedom))


def _spread(target: Floats, fixed: Floats, random: Floats) -> tuple[float, float, bool]:
    """By what share kinds differ from the common price, how far programs are missed, and whether that was estimated."""
    if len(target) >= max(_FEWEST_FOR_SPREAD, fixed.shape[1] + random.shape[1] + 2):
        found = reml_spread(target, fixed, random)
        return max(found.random, _EXACT), found.residual, True
    everything = np.column_stack([fixed, random])
    best = np.linalg.lstsq(everything, target, rcond=None)[0]
    freedom = max(len(target) - np.linalg.matrix_rank(everything), 1)
    residual = float(np.sqrt(np.square(target - everything @ best).sum() / freedom))
    return _ASSUMED_SPREAD, residual, False


def _scaled(matrix: Floats) -> Floats:
    lengths = np.linalg.norm(matrix, axis=0)
    lengths[lengths == 0] = 1.0
    found: Floats = matrix / lengths
    return found


def _root(parts: Floats) -> Floats:
    """As few rows as columns whose squares add up to the same covariances."""
    found = np.linalg.qr(parts, mode="r")
    return np.asarray(found, np.float64)


def _shares(matrix: Floats) -> Floats:
    """How much of each column, 0 … 1 of its length, no other column explains, where nothing is held."""
    inverse = np.linalg.pinv(_scaled(matrix), rcond=LEAST_SHARE)
    found: Floats = np.minimum(1 / np.maximum(np.linalg.norm(inverse, axis=1), 1.0), 1.0)
    return found


def _open(matrix: Floats) -> tuple[Bools, float]:
    """Which coefficients have a part in what the cells cannot tell (right singular vectors of a vanishing singular
    value), and the condition number of the rest."""
    _, singular, directions = np.linalg.svd(_scaled(matrix), full_matrices=True)
    singular = np.concatenate([singular, np.zeros(len(directions) - len(singular))])
    known = singular > LEAST_SHARE * singular[0]
    unknown = (np.abs(directions[~known]) > _LEAST_PART).any(axis=0)
    return unknown, float(singular[0] / singular[known][-1])


def find_range(cells: Sequence[ObservedCell], times_ps: Floats) -> Range | None:
    """The range with the least footprint by which one price of a step and one figure explain the times of steps best
    (relative least squares). None where too few cells, or all alike, say nothing.

    It is chosen once, from the point estimate: intervals of the figure do not hold what another choice would change.
    """
    known = np.array([cell.footprint for cell in cells if cell.footprint], np.float64)
    if len(known) < _FEWEST_FOOTPRINTS or known.min() == known.max():
        return None
    typical, most = float(np.median(known)), float(known.max())
    lowest, highest = np.log2([known.min(), max(typical, known.min() + 1)])
    tried = np.exp2(np.linspace(lowest, highest, 1 + int(_TRIED * (highest - lowest))))
    ranges = [Range(typical, float(least), most) for least in tried]
    return min(ranges, key=lambda found: _miss(cells, times_ps, found))


def _miss(cells: Sequence[ObservedCell], times_ps: Floats, found: Range) -> float:
    steps = np.array([sum(cell.steps) for cell in cells], np.float64)
    design = np.column_stack([np.ones(len(cells)), steps, found.doublings(cells)]) / times_ps[:, None]
    best, *_ = np.linalg.lstsq(design, np.ones(len(cells)), rcond=None)
    missed = design @ best - 1
    return float(missed @ missed)


def _record(
    work: _StepTimes, charged: StepPrices, predicting: StepPrices, found: Range | None, unmeasured: tuple[str, ...]
) -> record.Steps:
    matrix = np.column_stack([work.counts, work.others]) / work.scales[:, None]
    free = _least_squares(matrix, work.targets)
    k = len(NAMES)
    fitted = work.counts @ charged.values[0]
    left = (fitted - work.net[0]) / work.scales
    if not unmeasured:
        worst = float(np.abs(left).max())
    else:  # what unknown builtins cost is part of what is fitted
        worst = float(np.abs(free.constrained[0] @ matrix.T - work.targets[0]).max())
    missed = free.constrained[0] @ matrix.T - work.targets[0]
    freedom = max(len(missed) - matrix.shape[1], 1)
    return record.Steps(
        cells=len(work.counts),
        coefficients={
            name: _priced(work.replicates, charged, j, varied=bool(work.counts[:, j].any()))
            for j, name in enumerate(NAMES)
        },
        condition_number=charged.condition,
        least_squares_ps=dict(zip(NAMES, free.unconstrained[0, :k].tolist(), strict=True)),
        r2=weighted_r2(work.net[0], fitted, work.scales),
        scatter=float(np.sqrt(missed @ missed / freedom)),
        scatter_of_other_programs=charged.scatter,
        spread=charged.spread,
        single_price=_single(work, charged),
        unmeasured_builtins=unmeasured,
        worst_relative_residual=worst,
        prediction=record.PredictionPrices(
            coefficients={name: _figured(work.replicates, predicting, j) for j, name in enumerate(predicting.names)},
            scatter=predicting.scatter,
            spread=predicting.spread,
            missed=predicting.missed,
            footprint=None
            if found is None
            else record.FootprintRange(typical=found.typical, least=found.least, most=found.most),
        ),
    )


def _least_squares(matrix: Floats, targets: Floats) -> Solution:
    """Start-up and the kinds when hardly anything holds them: what the cells leave open has the least of squares."""
    held = np.eye(matrix.shape[1]) * np.linalg.norm(matrix, axis=0) * _EXACT
    everything = np.ones(matrix.shape[1], np.bool_)
    kept = np.linalg.norm(matrix, axis=0) > 0
    return solve(
        np.vstack([matrix, held]), np.hstack([targets, np.zeros((len(targets), len(held)))]), ~everything, kept
    )


def _single(work: _StepTimes, charged: StepPrices) -> record.SinglePrice:
    """Start-up and one price for every step, whatever its kind."""
    steps = work.counts[:, 1:].sum(axis=1)
    design = np.column_stack([work.counts[:, 0], steps, work.others]) / work.scales[:, None]
    common = solve(design, work.targets, np.zeros(design.shape[1], np.bool_), independent_columns(design))
    left = work.targets[0] - design @ common.constrained[0]
    inverse = np.linalg.pinv(_scaled(design)) / np.linalg.norm(design, axis=0).clip(1e-300)[:, None]
    freedom = max(len(left) - design.shape[1], 1)
    halves = charged.t * np.linalg.norm(inverse, axis=1) * np.sqrt(left @ left / freedom)
    startup, step = (
        _wider(work.replicates, common.constrained[:, j], common.unconstrained[:, j], float(halves[j])) for j in (0, 1)
    )
    fitted = np.column_stack([work.counts[:, 0], steps]) @ common.constrained[0, :2]
    return record.SinglePrice(startup=startup, step=step, r2=weighted_r2(work.net[0], fitted, work.scales))


def _figured(replicates: Replicates, prices: StepPrices, j: int) -> record.Coefficient:
    """A price that predictions are made from."""
    half = float(prices.half_widths()[j])
    nonnegative = prices.names[j] in NAMES
    fitted = _wider(replicates, prices.values[:, j], prices.smooth[:, j], half, nonnegative=nonnegative)
    return coefficient(fitted, None, float(prices.share[j]))


def _priced(replicates: Replicates, prices: StepPrices, j: int, *, varied: bool) -> record.Coefficient:
    """A price that is charged."""
    smooth, value = float(prices.smooth[0, j]), float(prices.values[0, j])
    flags = []
    if prices.unknown[j]:
        reason = "always comes with other kinds, with which it shares a cost" if varied else "no cell has such a step"
        flags.append(flag(FlagKind.UNIDENTIFIED, f"{reason}; priced by the common step cost"))
    if smooth < 0:
        flags.append(negative_flag(smooth, value))
    if value <= 0:
        flags.append(flag(FlagKind.RAISED, f"raised to {LEAST_STEP_PS} ps: a step that costs nothing is refused"))
    fitted = _wider(replicates, prices.values[:, j], prices.smooth[:, j], float(prices.half_widths()[j]))
    return coefficient(fitted, max(whole_ps(value), LEAST_STEP_PS), float(prices.share[j]), flags)


def _wider(
    replicates: Replicates, values: Floats, smooth: Floats, half: float, *, nonnegative: bool = True
) -> record.Figure:
    """The interval of a price, with `half` the width that lack of fit gives it beside what timing does."""
    timed = figure_of(replicates, values, smooth, nonnegative=False).interval_ps
    point = float(values[0])
    assert timed is not None  # noqa: S101 - many cells have a part in every price
    low, high = point - np.hypot(point - timed[0], half), point + np.hypot(timed[1] - point, half)
    return figure(point, (max(float(low), 0.0) if nonnegative else float(low), float(high)), _LACK)
