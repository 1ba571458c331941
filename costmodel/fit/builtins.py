"""Builtins: each one's costing function in its protocol shape, from pairs of programs that apply it k and 2k times.

The cost of one application is the slope [T(2k) − T(k)]/k less the same slope of a builtin that does nothing, with as
many arguments and forces: what the program spends around the builtin's own work cancels, intercepts included.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from costmodel.errors import InputError
from costmodel.fit.cells import Cell, is_nop, nop_name
from costmodel.fit.coefficient import Flag, FlagKind, Interval, distinct, interval_of, rounded
from costmodel.fit.costing import PricedFunction, fit_function
from costmodel.fit.resample import Replicates
from costmodel.model import CostingFunction, CostModel, Variant
from costmodel.plutus.builtins import BUILTIN_BY_NAME

Floats = NDArray[np.float64]

POOR_FIT = 0.1
"""Residual, as a share of the measured cost, above which a shape is said to fit poorly."""


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
class BuiltinFit:
    """A builtin's fitted costing function.

    `centre` are the sizes of the measured point whose fitted cost is the median, `cost` the cost there. `flags` are
    those of the builtin as a whole; its coefficients have their own.
    """

    name: str
    priced: PricedFunction
    centre: tuple[int, ...]
    cost: Interval
    points: int
    flags: tuple[Flag, ...]

    @property
    def all_flags(self) -> tuple[Flag, ...]:
        return self.flags + tuple(flag for coefficient in self.priced.coefficients for flag in coefficient.flags)


def applications_of(cells: Sequence[Cell], columns: Sequence[int], replicates: Replicates) -> dict[str, Applications]:
    """The applications of each operation, no-ops included; `columns` of `replicates` are the times of `cells`."""
    by_operation: dict[str, list[tuple[Cell, int]]] = defaultdict(list)
    for cell, column in zip(cells, columns, strict=True):
        by_operation[cell.operation].append((cell, column))
    return {name: pair_up(members, replicates.times_ps) for name, members in sorted(by_operation.items())}


def fit_builtins(
    applied: Mapping[str, Applications],
    replicates: Replicates,
    ledger: CostModel,
    variant: Variant,
    uncertain: Mapping[Cell, str],
) -> tuple[tuple[BuiltinFit, ...], dict[str, str]]:
    """Fit every builtin that is applied, in the shapes of `ledger`.

    Returns the fits by name, and the reason for each builtin that could not be fitted.
    """
    fits, unfitted = [], {}
    for name, applications in applied.items():
        if is_nop(name):
            continue
        if (reason := _unfit(name, applications, applied, ledger, variant)) is not None:
            unfitted[name] = reason
            continue
        builtin = BUILTIN_BY_NAME[name]
        # Nothing about a no-op depends on sizes, so its points are averaged.
        around = applied[nop_name(builtin.arity, builtin.forces)].times_ps.mean(axis=1)
        function = ledger.builtins[name].cpu
        costs = applications.times_ps - around[:, None]
        missed = [uncertain[cell] for pair in applications.cells for cell in pair if cell in uncertain]
        fits.append(_fit_builtin(name, function, applications, costs, missed, replicates))
    return tuple(fits), unfitted


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
    function: CostingFunction,
    applications: Applications,
    costs: Floats,
    missed: Sequence[str],
    replicates: Replicates,
) -> BuiltinFit:
    """Fit `costs` (N × n, ps); `missed` has the reason for each cell that fell short of its precision."""
    priced = fit_function(function, applications.sizes, costs, applications.scales_ps, replicates)
    middle = int(np.argsort(priced.fitted_ps[0], kind="stable")[(len(applications.sizes) - 1) // 2])
    flags = []
    known, wanted = distinct(applications.sizes), priced.free_count
    if known < wanted:
        flags.append(Flag(FlagKind.FEW_CELLS, f"{known} different sizes for {wanted} coefficients"))
    if applications.unpaired:
        flags.append(Flag(FlagKind.UNPAIRED, f"{applications.unpaired} cells without a partner were left out"))
    if missed:
        flags.append(Flag(FlagKind.UNCERTAIN, f"{len(missed)} cells missed their precision: {missed[0]}"))
    if (worst := priced.worst_relative_residual) > POOR_FIT:
        flags.append(Flag(FlagKind.POOR_FIT, f"the shape misses a measured cost by {worst:.0%}"))
    return BuiltinFit(
        name=name,
        priced=priced,
        centre=applications.sizes[middle],
        cost=interval_of(
            replicates,
            priced.fitted_ps[:, middle],
            priced.smooth_ps[:, middle],
            nonnegative=bool((priced.fitted_ps[:, middle] >= 0).all()),
        ),
        points=len(applications.sizes),
        flags=tuple(flags),
    )
