"""Builtins: each one's costing function in its protocol shape, from pairs of programs that apply it k and 2k times.

The cost of one application is what a program takes more than the same program with a builtin that does nothing in its
place, as many times over. Runs of designs without such programs give the slope [T(2k) − T(k)]/k, less the same slope of
a no-op with as many arguments and forces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.errors import InputError
from costmodel.fit.costing import LEAST_BUILTIN_PS, PricedFunction, fit_function, relative_scales, shape_name
from costmodel.fit.envelope import Envelope, Points, beyond, corners, envelopes, grid
from costmodel.fit.observations import ObservedCell, is_nop, nop_name
from costmodel.fit.regression import FlagKind, Rounding, distinct, flag, rounded
from costmodel.fit.shapes import Better
from costmodel.fit.uncertainty import Replicates, figure_of
from costmodel.model import CostModel, Variant
from costmodel.plutus.builtins import BUILTIN_BY_NAME
from costmodel.records import fit as asked
from costmodel.records import model as record
from costmodel.records.model import Flag

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

POOR_FIT = 0.1
"""A misfit is material above this share of a whole application, the no-op's time included …"""

LEAST_MISFIT_PS = 1000.0
"""… and above this."""

WIDE_ENVELOPE = 0.5
"""Margin, as a share of the cost, above which an envelope is flagged."""


@dataclass(frozen=True, slots=True)
class Applications:
    """Applications of an operation at n points: sizes (n × arity) and the time of one (N × n, ps).

    `own_ps` (N × n) is the time without the no-op's where the point has a program with a no-op in the builtin's place
    (`paired`, length n), `known` (length n) whether several processes measured the point. `cells` has the cells of each
    point, fewer applications first, and `apart` by how many its first and last differ. `unpaired` counts cells that
    have no partner.
    """

    sizes: tuple[tuple[int, ...], ...]
    times_ps: Floats
    own_ps: Floats
    paired: Bools
    known: Bools
    apart: Floats
    unpaired: int
    cells: tuple[tuple[ObservedCell, ...], ...]

    def costs_ps(self, no_op: Applications | None) -> Floats | None:
        """What one application costs (N × n, ps) without what is spent around it; `no_op` has that for the points
        without a program of their own for it. None where that is missing."""
        if self.paired.all():
            return self.own_ps
        if no_op is None or not no_op.sizes:
            return None
        # Nothing about a no-op depends on sizes, so its points are averaged.
        around = no_op.times_ps.mean(axis=1)
        return np.where(self.paired, self.own_ps, self.times_ps - around[:, None])


@dataclass(frozen=True, slots=True)
class BuiltinFit:
    """A builtin's fitted costing function: what the file says of it, and the fit behind that."""

    name: str
    record: record.FittedBuiltin
    priced: PricedFunction = field(repr=False)
    better: Better | None = field(repr=False, default=None)

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Its own flags, and those of its coefficients."""
        return self.record.flags + tuple(each for part in self.record.coefficients.values() for each in part.flags)


def applications_of(
    cells: Sequence[ObservedCell], columns: Sequence[int], replicates: Replicates
) -> dict[str, Applications]:
    """The applications of each operation, no-ops included; `columns` of `replicates` are the times of `cells`."""
    by_operation: dict[str, list[tuple[ObservedCell, int]]] = defaultdict(list)
    for cell, column in zip(cells, columns, strict=True):
        by_operation[cell.operation].append((cell, column))
    return {
        name: pair_up(members, replicates.times_ps, replicates.alone) for name, members in sorted(by_operation.items())
    }


def pair_up(members: Sequence[tuple[ObservedCell, int]], times: Floats, alone: Bools) -> Applications:
    """The points of one operation: cells of the same sizes that differ in the number of applications, and the program
    with a no-op in its place (0 applications), where there is one. `times` is N × C, `alone` marks columns of it."""
    by_sizes: dict[tuple[Any, ...], dict[int, list[tuple[ObservedCell, int]]]] = defaultdict(lambda: defaultdict(list))
    for cell, column in members:
        by_sizes[cell.sizes, cell.sizes_by_measure, cell.witness][cell.repeats].append((cell, column))
    sizes, slopes, own, paired, known, between, used = [], [], [], [], [], [], []
    taken = 0
    for (point, *_), by_repeats in sorted(by_sizes.items()):
        replaced = by_repeats.pop(0, [])
        if not by_repeats:
            continue
        few, many = min(by_repeats), max(by_repeats)
        for i, (cell, column) in enumerate(by_repeats[many]):
            without = replaced[i] if i < len(replaced) and _no_ops(replaced[i][0]) == many else None
            fewer, less = (by_repeats[few][i], few) if few != many and i < len(by_repeats[few]) else (None, 0)
            if fewer is None and i < len(replaced) and not _no_ops(replaced[i][0]):
                fewer = replaced[i]  # of an evaluator without no-ops, where one application is all there is time for
            if without is None and fewer is None:
                continue
            mine = [each for each in (without, fewer, (cell, column)) if each is not None]
            sizes.append(point)
            slope = times[:, column] * 0 if fewer is None else (times[:, column] - times[:, fewer[1]]) / (many - less)
            net = slope * 0 if without is None else (times[:, column] - times[:, without[1]]) / many
            slopes.append(net if fewer is None else slope)
            own.append(net)
            paired.append(without is not None)
            known.append(not any(alone[at] for _, at in mine))
            between.append(many - less)
            used.append(tuple(each for each, _ in mine))
            taken += len(mine)
    count = len(times)
    return Applications(
        sizes=tuple(sizes),
        times_ps=np.column_stack([np.zeros((count, 0)), *slopes]),
        own_ps=np.column_stack([np.zeros((count, 0)), *own]),
        paired=np.array(paired, np.bool_),
        known=np.array(known, np.bool_),
        apart=np.array(between, np.float64),
        unpaired=len(members) - taken,
        cells=tuple(used),
    )


def less_steps(
    applied: Mapping[str, Applications], evaluation_ps: Callable[[ObservedCell], Floats]
) -> dict[str, Applications]:
    """The same for runs of an evaluator that has no no-ops: what is spent around an application are the steps by which
    the programs of a point differ, at the price that `evaluation_ps` gives them."""
    found = {}
    for name, each in applied.items():
        steps = [evaluation_ps(cells[-1]) - evaluation_ps(cells[0]) for cells in each.cells]
        around = np.column_stack([each.times_ps[:, :0], *steps]) / each.apart
        found[name] = replace(
            each,
            own_ps=np.where(each.paired, each.own_ps, each.times_ps - around),
            paired=np.ones(len(each.sizes), np.bool_),
        )
    return found


def _no_ops(cell: ObservedCell) -> int:
    """How often a cell applies builtins that do nothing."""
    return sum(count for name, count in cell.builtins if is_nop(name))


def measured_points(
    applied: Mapping[str, Applications], replicates: Replicates, ledger: CostModel, variant: Variant
) -> tuple[dict[str, Points], dict[str, str]]:
    """The cost of every builtin that is applied, at its points, and the reason for each that has none to be fitted."""
    points, unfitted = {}, {}
    for name, applications in applied.items():
        if is_nop(name):
            continue
        if (reason := _unfit(name, applications, applied, ledger, variant)) is not None:
            unfitted[name] = reason
            continue
        builtin = BUILTIN_BY_NAME[name]
        no_op = applied.get(nop_name(builtin.arity, builtin.forces))
        costs = applications.costs_ps(no_op)
        assert costs is not None  # noqa: S101 - _unfit has found what is taken off
        function = ledger.builtins[name].cpu
        around = float(no_op.times_ps[0].mean()) if no_op is not None and no_op.sizes else 0.0
        whole = costs[0] + around if around else np.maximum(costs[0], applications.times_ps[0])
        whole = np.maximum(whole, LEAST_BUILTIN_PS)
        # Points weigh by what all of them say about noise: by its own, one that happened to agree would weigh too much.
        errors = np.linalg.norm(replicates.errors(costs), axis=0)
        typical = float(np.median(errors / whole)) * whole
        scales = relative_scales(function, applications.sizes, costs[0], typical)
        points[name] = Points(function, applications.sizes, costs, scales, whole, applications.known)
    return points, unfitted


def fit_builtins(
    points: Mapping[str, Points],
    applied: Mapping[str, Applications],
    replicates: Replicates,
    missed: Mapping[ObservedCell, str],
    better: Mapping[str, Better],
    *,
    rounding: Rounding = Rounding.JOINT,
    coverage: float | None = None,
    seed: int = 0,
) -> tuple[BuiltinFit, ...]:
    """Fit every builtin at its `points`; `missed` has the reason for each cell that fell short of its precision, and
    `better` the shapes that predict some builtins better.

    With `coverage` what is charged is an envelope of that share of inputs instead of the fit.
    """
    charged = envelopes(points, coverage, seed) if coverage is not None else {}
    return tuple(
        _fit_builtin(name, at, applied[name], missed, replicates, rounding, charged.get(name), better.get(name))
        for name, at in points.items()
    )


def check_no_ops(
    applied: Mapping[str, Applications], replicates: Replicates, evaluation_ps: Callable[[ObservedCell], Floats]
) -> dict[str, record.NoOp]:
    """Compare no-ops with the steps that they take; `evaluation_ps` predicts a cell's evaluation in every replicate."""
    checks = {}
    for name, applications in applied.items():
        if is_nop(name) and applications.sizes:
            times = applications.times_ps.mean(axis=1)
            steps = [evaluation_ps(cells[-1])[0] - evaluation_ps(cells[0])[0] for cells in applications.cells]
            measured = figure_of(replicates, times, times, nonnegative=False, known=bool(applications.known.any()))
            checks[name] = record.NoOp(
                ps=measured.ps,
                interval_ps=measured.interval_ps,
                relative_half_width=measured.relative_half_width,
                holds=measured.holds,
                predicted_ps=float((np.array(steps) / applications.apart).mean()),
            )
    return checks


def _unfit(
    name: str, applications: Applications, applied: Mapping[str, Applications], ledger: CostModel, variant: Variant
) -> str | None:
    """Why a builtin cannot be fitted, or None."""
    builtin = BUILTIN_BY_NAME.get(name)
    if builtin is None:
        raise InputError(f"the runs have cells of {name!r}, which is no builtin")
    if name not in ledger.builtins:
        return f"{ledger.source} has no shape for it"
    if not applications.sizes:
        return "no two cells of the same sizes differ in the number of applications"
    if any(len(point) != builtin.arity for point in applications.sizes):
        raise InputError(f"the runs have cells of {name} that do not give the sizes of its {builtin.arity} arguments")
    if any(builtin.size_measures(each.variant) != builtin.size_measures(variant) for each in applications.cells[0]):
        return f"its sizes were taken in a measure that variant {variant} does not use"
    nop = nop_name(builtin.arity, builtin.forces)
    if applications.costs_ps(applied.get(nop)) is None:
        return f"no pairs of cells of {nop}, which would tell it from the steps around it"
    return None


def _fit_builtin(
    name: str,
    points: Points,
    applications: Applications,
    missed: Mapping[ObservedCell, str],
    replicates: Replicates,
    rounding: Rounding,
    envelope: Envelope | None,
    better: Better | None,
) -> BuiltinFit:
    function, sizes = points.function, points.sizes
    priced = fit_function(
        function,
        sizes,
        points.costs_ps,
        points.scales_ps,
        replicates,
        grid(name, function, sizes),
        rounding=rounding,
        charged=None if envelope is None else envelope.values_ps,
    )
    middle = int(np.argsort(priced.fitted_ps[0], kind="stable")[(len(sizes) - 1) // 2])
    places = tuple(_places(priced, sizes, replicates, points))
    centre = places[middle].fitted
    return BuiltinFit(
        name=name,
        record=record.FittedBuiltin(
            shape=shape_name(priced.function),
            coefficients=priced.coefficients,
            points=places,
            corners=tuple(_places(priced, corners(name, function, sizes), replicates)),
            cost_at_centre=record.Centre(
                ps=centre.ps,
                interval_ps=centre.interval_ps,
                relative_half_width=centre.relative_half_width,
                holds=centre.holds,
                sizes=sizes[middle],
            ),
            flags=(*_flags(name, priced, points, places, applications, missed, better, envelope), *_wide(envelope)),
            condition_number=priced.condition,
            r2=priced.r2,
            worst_relative_residual=priced.worst_relative_residual,
            worst_residual_sizes=sizes[priced.worst_at],
            envelope=None if envelope is None else envelope.record,
            better_shape=None if better is None else better.record,
            witnesses=tuple(_timed_witnesses(name, places, applications)),
        ),
        priced=priced,
        better=better,
    )


def _timed_witnesses(name: str, places: Sequence[record.Point], applications: Applications) -> Iterator[asked.Witness]:
    """The witnesses among a builtin's points."""
    for place, cells in zip(places, applications.cells, strict=True):
        if cells[-1].witness and place.measured is not None:
            yield asked.Witness(price=name, sizes=place.sizes, ps=rounded(max(place.measured.ps, 0.0)), search=None)


def _wide(envelope: Envelope | None) -> Iterator[Flag]:
    """An envelope that held-out points made far higher than what was measured says little about a price."""
    if envelope is not None and envelope.record.margin > WIDE_ENVELOPE:
        margin = envelope.record.margin
        yield flag(FlagKind.WIDE, f"points held out made the envelope {margin:.0%} higher than the quantile")


def _places(
    priced: PricedFunction,
    sizes: Sequence[tuple[int, ...]],
    replicates: Replicates,
    points: Points | None = None,
) -> Iterator[record.Point]:
    """The fitted cost at each of `sizes`, and the measured one where they are those of `points`."""
    different = list(dict.fromkeys(sizes))
    fitted, smooth = priced.predict(different), priced.predict(different, constrained=False)
    places = {
        at: figure_of(replicates, fitted[:, i], smooth[:, i], nonnegative=bool((fitted[:, i] >= 0).all()))
        for i, at in enumerate(different)
    }
    for i, at in enumerate(sizes):
        measured = None
        if points is not None:
            costs, known = points.costs_ps[:, i], bool(points.known[i])
            measured = figure_of(replicates, costs, costs, nonnegative=False, known=known)
        yield record.Point(
            sizes=at,
            charged_ps=priced.function.evaluate(at),
            fitted=places[at],
            measured=measured,
            residual=None if points is None else float(priced.residuals[i]),
        )


def _flags(
    name: str,
    priced: PricedFunction,
    points: Points,
    places: Sequence[record.Point],
    applications: Applications,
    missed: Mapping[ObservedCell, str],
    better: Better | None,
    envelope: Envelope | None,
) -> Iterator[Flag]:
    known, wanted = distinct(points.sizes), len(priced.names)
    if known < wanted:
        yield flag(FlagKind.FEW_CELLS, f"{known} different sizes for {wanted} coefficients")
    if applications.unpaired:
        yield flag(FlagKind.UNPAIRED, f"{applications.unpaired} cells without a partner were left out")
    reasons = [missed[cell] for pair in applications.cells for cell in dict.fromkeys(pair) if cell in missed]
    if reasons:
        yield flag(FlagKind.UNCERTAIN, f"{len(reasons)} cells missed their precision: {reasons[0]}")
    yield from _misfit(priced, points, places, better, envelope)
    if (reason := beyond(name, points.function, points.sizes)) is not None:
        yield flag(FlagKind.EXTRAPOLATED, reason)


def _misfit(
    priced: PricedFunction,
    points: Points,
    places: Sequence[record.Point],
    better: Better | None,
    envelope: Envelope | None,
) -> Iterator[Flag]:
    """The worst point that the shape misses by what matters: beyond its interval, by more than 10 % of a whole
    application and 1 ns. Where a better shape explains it, it is information. An envelope is meant to lie above the
    points, so of it only what it does not cover counts."""
    costs, fitted, unexplained = points.costs_ps[0], priced.fitted_ps[0], None
    if envelope is not None:
        fitted = np.minimum(costs, [place.charged_ps for place in places])
    excess = _beyond_noise(fitted, points, places)
    if better is not None:
        unexplained = _beyond_noise(better.fitted_ps, points, places)
    at = int(excess.argmax())
    if excess[at] <= 0:
        return
    off = float(costs[at] - fitted[at]) / max(float(fitted[at]), LEAST_BUILTIN_PS)
    side = "under" if off > 0 else "over"
    text = f"the shape {side}estimates the measured cost by {abs(off):.0%}, at sizes {_at(points, at)}"
    if better is not None and unexplained is not None and unexplained.max() <= 0:
        yield flag(FlagKind.BETTER_SHAPE, f"{text}; {better.record.shape} explains it")
    else:
        yield flag(FlagKind.POOR_FIT, text)


def _beyond_noise(fitted: Floats, points: Points, places: Sequence[record.Point]) -> Floats:
    """By how much each point's miss exceeds what is material, ps; negative where it does not."""
    halves = np.array([_half_width(place.measured) for place in places])
    allowed = np.maximum(POOR_FIT * points.whole_ps, LEAST_MISFIT_PS)
    found: Floats = np.abs(points.costs_ps[0] - fitted) - halves - allowed
    return found


def _half_width(figure: record.Figure | None) -> float:
    """Half an interval, ps; boundless where there is none."""
    if figure is None or figure.interval_ps is None:
        return float("inf")
    return (figure.interval_ps[1] - figure.interval_ps[0]) / 2


def _at(points: Points, i: int) -> str:
    return ", ".join(map(str, points.sizes[i]))
