"""Builtins: each one's costing function in its protocol shape, from pairs of programs that apply it k and 2k times.

The cost of one application is the slope [T(2k) − T(k)]/k less the same slope of a builtin that does nothing, with as
many arguments and forces: what the program spends around the builtin's own work cancels, intercepts included.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from costmodel.errors import InputError
from costmodel.fit.cells import Cell, is_nop, nop_name
from costmodel.fit.coefficient import Flag, FlagKind, Interval, distinct, interval_of, rounded
from costmodel.fit.costing import PricedFunction, fit_function, relative_scales
from costmodel.fit.domain import beyond, corners, grid
from costmodel.fit.envelope import Envelope, Points, envelopes
from costmodel.fit.prices import Rounding
from costmodel.fit.resample import Replicates
from costmodel.model import CostModel, Variant
from costmodel.plutus.builtins import BUILTIN_BY_NAME

Floats = NDArray[np.float64]

POOR_FIT = 0.1
"""Residual, as a share of the measured cost, above which a shape is said to fit poorly."""

WIDE_ENVELOPE = 0.5
"""Margin, as a share of the cost, above which an envelope is flagged."""


@dataclass(frozen=True, slots=True)
class Applications:
    """One application of an operation at n points: sizes (n × arity), time (N × n, ps) and its scale of error (n, ps).

    `cells` has the two cells of each point, fewer applications first, and `apart` by how many they differ (length n).
    `unpaired` counts the cells that have no partner with another number of applications.
    """

    sizes: tuple[tuple[int, ...], ...]
    times_ps: Floats
    scales_ps: Floats
    apart: Floats
    unpaired: int
    cells: tuple[tuple[Cell, Cell], ...]


@dataclass(frozen=True, slots=True)
class NoOp:
    """One application of a builtin that does nothing: its time, and what the step costs predict for it.

    No builtin's cost holds this time. Where the steps predict less, a model misses the difference at every application.
    """

    name: str
    measured: Interval
    predicted_ps: float

    def to_json(self) -> dict[str, object]:
        return self.measured.to_json() | {"predicted_ps": rounded(self.predicted_ps)}


@dataclass(frozen=True, slots=True)
class Place:
    """A builtin at some sizes: its fitted cost there, and at a measured point the measured cost and the residual."""

    sizes: tuple[int, ...]
    fitted: Interval
    charged_ps: int
    measured: Interval | None = None
    residual: float | None = None

    def to_json(self) -> dict[str, object]:
        shown: dict[str, object] = {"sizes": list(self.sizes), "charged_ps": self.charged_ps}
        shown["fitted"] = self.fitted.to_json()
        if self.measured is not None and self.residual is not None:
            shown |= {"measured": self.measured.to_json(), "residual": rounded(self.residual)}
        return shown


@dataclass(frozen=True, slots=True)
class BuiltinFit:
    """A builtin's fitted costing function.

    `centre` are the sizes of the measured point whose fitted cost is the median, `cost` the cost there. `places` are
    the measured points, `corners` those of the domain. `envelope` is what is charged instead of the fit, if anything.
    `flags` are those of the builtin as a whole; its coefficients have their own.
    """

    name: str
    priced: PricedFunction
    centre: tuple[int, ...]
    cost: Interval
    places: tuple[Place, ...]
    corners: tuple[Place, ...]
    envelope: Envelope | None
    flags: tuple[Flag, ...]

    @property
    def points(self) -> int:
        return len(self.places)

    @property
    def all_flags(self) -> tuple[Flag, ...]:
        return self.flags + tuple(flag for coefficient in self.priced.coefficients for flag in coefficient.flags)


def applications_of(cells: Sequence[Cell], columns: Sequence[int], replicates: Replicates) -> dict[str, Applications]:
    """The applications of each operation, no-ops included; `columns` of `replicates` are the times of `cells`."""
    by_operation: dict[str, list[tuple[Cell, int]]] = defaultdict(list)
    for cell, column in zip(cells, columns, strict=True):
        by_operation[cell.operation].append((cell, column))
    return {name: pair_up(members, replicates.times_ps) for name, members in sorted(by_operation.items())}


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
        # Nothing about a no-op depends on sizes, so its points are averaged. Cells without repeats are no-ops already.
        around = applied[nop_name(builtin.arity, builtin.forces)].times_ps.mean(axis=1)
        beside = np.array([less.repeats > 0 for less, _ in applications.cells], np.float64)
        function = ledger.builtins[name].cpu
        costs = applications.times_ps - np.outer(around, beside)
        errors = np.linalg.norm(replicates.errors(costs), axis=0)
        scales = relative_scales(function, applications.sizes, costs[0], errors)
        points[name] = Points(function, applications.sizes, costs, scales)
    return points, unfitted


def fit_builtins(
    points: Mapping[str, Points],
    applied: Mapping[str, Applications],
    replicates: Replicates,
    missed: Mapping[Cell, str],
    *,
    rounding: Rounding = Rounding.JOINT,
    coverage: float | None = None,
    seed: int = 0,
) -> tuple[BuiltinFit, ...]:
    """Fit every builtin at its `points`; `missed` has the reason for each cell that fell short of its precision.

    With `coverage` what is charged is an envelope of that share of inputs instead of the fit.
    """
    charged = envelopes(points, coverage, seed) if coverage is not None else {}
    return tuple(
        _fit_builtin(name, at, applied[name], missed, replicates, rounding, charged.get(name))
        for name, at in points.items()
    )


def check_no_ops(
    applied: Mapping[str, Applications], replicates: Replicates, evaluation_ps: Callable[[Cell], Floats]
) -> tuple[NoOp, ...]:
    """Compare no-ops with the steps that they take; `evaluation_ps` predicts a cell's evaluation in every replicate."""
    checks = []
    for name, applications in applied.items():
        if is_nop(name) and applications.sizes:
            times = applications.times_ps.mean(axis=1)
            steps = [evaluation_ps(more)[0] - evaluation_ps(less)[0] for less, more in applications.cells]
            predicted = float((np.array(steps) / applications.apart).mean())
            checks.append(NoOp(name, interval_of(replicates, times, times, nonnegative=False), predicted))
    return tuple(checks)


def pair_up(members: Sequence[tuple[Cell, int]], times: Floats) -> Applications:
    """Pair cells of one operation and the same sizes that differ in the number of applications."""
    by_sizes: dict[tuple[int, ...], dict[int, list[tuple[Cell, int]]]] = defaultdict(lambda: defaultdict(list))
    for cell, column in members:
        by_sizes[cell.sizes][cell.repeats].append((cell, column))
    sizes, low, high, between, used = [], [], [], [], []
    for point, by_repeats in sorted(by_sizes.items()):
        few, many = min(by_repeats), max(by_repeats)
        if few == many:
            continue
        for pair in zip(by_repeats[few], by_repeats[many], strict=False):
            sizes.append(point)
            low.append(pair[0][1])
            high.append(pair[1][1])
            between.append(many - few)
            used.append((pair[0][0], pair[1][0]))
    apart = np.array(between, np.float64)
    less, more = times[:, low], times[:, high]
    return Applications(
        sizes=tuple(sizes),
        times_ps=(more - less) / apart,
        # Times err in proportion to themselves; so does their difference, by the root of the sum of squares.
        scales_ps=np.hypot(less[0], more[0]) / apart,
        apart=apart,
        unpaired=len(members) - 2 * len(used),
        cells=tuple(used),
    )


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
    if any(builtin.size_measures(cell.variant) != builtin.size_measures(variant) for cell, _ in applications.cells):
        return f"its sizes were taken in a measure that variant {variant} does not use"
    nop = nop_name(builtin.arity, builtin.forces)
    if nop not in applied or not applied[nop].sizes:
        return f"no pairs of cells of {nop}, against which it would be told from the steps around it"
    return None


def _fit_builtin(
    name: str,
    points: Points,
    applications: Applications,
    missed: Mapping[Cell, str],
    replicates: Replicates,
    rounding: Rounding,
    envelope: Envelope | None,
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
    places = _places(priced, sizes, replicates)
    return BuiltinFit(
        name=name,
        priced=priced,
        centre=sizes[middle],
        cost=places[middle].fitted,
        places=tuple(
            replace(place, measured=_measured(points.costs_ps[:, i], replicates), residual=float(priced.residuals[i]))
            for i, place in enumerate(places)
        ),
        corners=_places(priced, corners(name, function, sizes), replicates),
        envelope=envelope,
        flags=(*_flags(name, priced, points, applications, missed), *_wide(envelope)),
    )


def _wide(envelope: Envelope | None) -> Iterator[Flag]:
    """An envelope that held-out points made far higher than what was measured says little about a price."""
    if envelope is not None and envelope.margin > WIDE_ENVELOPE:
        yield Flag(FlagKind.WIDE, f"points held out made the envelope {envelope.margin:.0%} higher than the quantile")


def _measured(costs: Floats, replicates: Replicates) -> Interval:
    return interval_of(replicates, costs, costs, nonnegative=False)


def _places(priced: PricedFunction, sizes: Sequence[tuple[int, ...]], replicates: Replicates) -> tuple[Place, ...]:
    different = list(dict.fromkeys(sizes))
    fitted, smooth = priced.predict(different), priced.predict(different, constrained=False)
    places = {
        at: Place(
            sizes=at,
            fitted=interval_of(replicates, fitted[:, i], smooth[:, i], nonnegative=bool((fitted[:, i] >= 0).all())),
            charged_ps=priced.function.evaluate(at),
        )
        for i, at in enumerate(different)
    }
    return tuple(places[at] for at in sizes)


def _flags(
    name: str, priced: PricedFunction, points: Points, applications: Applications, missed: Mapping[Cell, str]
) -> Iterator[Flag]:
    known, wanted = distinct(points.sizes), priced.free_count
    if known < wanted:
        yield Flag(FlagKind.FEW_CELLS, f"{known} different sizes for {wanted} coefficients")
    if applications.unpaired:
        yield Flag(FlagKind.UNPAIRED, f"{applications.unpaired} cells without a partner were left out")
    reasons = [missed[cell] for pair in applications.cells for cell in dict.fromkeys(pair) if cell in missed]
    if reasons:
        yield Flag(FlagKind.UNCERTAIN, f"{len(reasons)} cells missed their precision: {reasons[0]}")
    if priced.worst_relative_residual > POOR_FIT:
        at = ", ".join(map(str, points.sizes[priced.worst_at]))
        side = "under" if priced.residuals[priced.worst_at] > 0 else "over"
        yield Flag(
            FlagKind.POOR_FIT,
            f"the shape {side}estimates the measured cost by {priced.worst_relative_residual:.0%}, at sizes {at}",
        )
    if (reason := beyond(name, points.function, points.sizes)) is not None:
        yield Flag(FlagKind.EXTRAPOLATED, reason)
