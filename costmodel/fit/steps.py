"""Step costs: start-up and a cost for each kind of machine step, from whole programs with varied counts of them.

The programs apply builtins too, whose costs, known from their own cells, are taken off first. What is left is explained
by the nine counts but in part: how well a machine foresees a program differs from one to the next by some per cent, and
goes along with what the program is made of. Least squares alone would lay that on the kinds, and nine prices that fit
these programs best miss others, written differently, by a fifth. So every kind's price is held to the common price of
a step, the more firmly the less the counts explain: a price that differs by `SPREAD` from the common one weighs as much
as one program that is missed by as much as programs are on average. This is ridge regression about the single-figure
convention (Hoerl & Kennard, "Ridge regression", Technometrics 12, 1970). Where counts explain the times exactly nothing
is held. For the same reason the interval of a price is wider than timing alone would have it (`lack_of_fit.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from costmodel.fit import footprint
from costmodel.fit.builtins import Applications
from costmodel.fit.cells import Cell, is_nop, nop_name
from costmodel.fit.coefficient import (
    Coefficient,
    Flag,
    FlagKind,
    Interval,
    interval_of,
    negative_flag,
    rounded,
    whole_ps,
)
from costmodel.fit.footprint import Footprint
from costmodel.fit.lack_of_fit import LackOfFit, influences, lack_of_fit
from costmodel.fit.resample import Replicates
from costmodel.fit.solve import LEAST_SHARE, Solution, independent_columns, solve, weighted_r2
from costmodel.model import STARTUP_KEY, StepKind
from costmodel.plutus.builtins import BUILTIN_BY_NAME

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_STEP_PS = 1
"""Upstream refuses a step that costs nothing: a loop of it would never end."""

# A coefficient with a smaller part than this in what the cells cannot tell is determined well enough by the rest.
_LEAST_PART = 0.1

_NAMES = (STARTUP_KEY, *(kind.json_key for kind in StepKind))

_EXACT = 1e-6
"""Cells that are missed by less than this leave nothing to hold prices for."""

SPREAD = 0.1
"""By what share the prices of step kinds are taken to differ from the common one, before their cells are looked at."""


@dataclass(frozen=True, slots=True)
class StepsFit:
    """Start-up and the step kinds, each a Coefficient named as in cost-model files.

    `single` is the ledger's convention beside it: start-up, and one price for every kind, with its `single_r2`.
    `least_squares_ps` are start-up and the kinds when nothing holds them to the common price, `scatter` is by how much
    they then miss a cell (root mean square, relative). `lack` is how far the prices may be off for other programs, and
    in their intervals. `condition` is the condition number of the design, `r2` and `worst_relative_residual` say how
    well the coefficients explain the times of the step cells. `unmeasured` builtins had no cells of their own: their
    costs were found along with the steps'. `footprint` is what a step costs more in a larger program, None where the
    cells do not tell; the prices hold for the typical one.
    """

    coefficients: tuple[Coefficient, ...]
    single: tuple[Interval, Interval]
    single_r2: float | None
    least_squares_ps: tuple[float, ...]
    scatter: float
    lack: LackOfFit
    unmeasured: tuple[str, ...]
    footprint: Footprint | None
    condition: float
    r2: float | None
    worst_relative_residual: float
    cells: int
    replicates_ps: Floats = field(repr=False)
    """N × 10: start-up and the costs of the step kinds in every replicate."""

    def evaluation_ps(self, cell: Cell) -> Floats:
        """Predicted time (length N) of one evaluation of a cell that applies no builtins but no-ops."""
        predicted: Floats = self.replicates_ps @ np.array((1, *cell.steps), np.float64)
        if self.footprint is not None:
            predicted = predicted + self.footprint.replicates_ps * self.footprint.range.doublings([cell])[0]
        return predicted

    def footprint_ps(self, cells: Sequence[Cell]) -> Floats:
        """What the footprint of each cell adds to its time, or takes off."""
        if self.footprint is None:
            return np.zeros(len(cells))
        found: Floats = self.footprint.range.doublings(cells) * self.footprint.replicates_ps[0]
        return found

    @classmethod
    def unmeasured_by(cls, replicates: Replicates) -> StepsFit:
        """The fit of runs that have no step cells: no step has a price."""
        none = Interval(0.0, 0.0, 0.0)
        return cls(
            coefficients=(),
            single=(none, none),
            single_r2=None,
            least_squares_ps=(),
            scatter=0.0,
            lack=LackOfFit(np.zeros((0, 0)), 0.0, 0.0),
            unmeasured=(),
            footprint=None,
            condition=0.0,
            r2=None,
            worst_relative_residual=0.0,
            cells=0,
            replicates_ps=np.zeros((len(replicates.times_ps), 0)),
        )

    @property
    def flags(self) -> tuple[Flag, ...]:
        return tuple(flag for coefficient in self.coefficients for flag in coefficient.flags)

    def to_json(self) -> dict[str, object]:
        return {
            "cells": self.cells,
            "coefficients": {coefficient.name: coefficient.to_json() for coefficient in self.coefficients},
            "condition_number": rounded(self.condition),
            "footprint": None if self.footprint is None else self.footprint.to_json(),
            "least_squares_ps": {
                coefficient.name: rounded(ps)
                for coefficient, ps in zip(self.coefficients, self.least_squares_ps, strict=True)
            },
            "r2": None if self.r2 is None else rounded(self.r2),
            "scatter": rounded(self.scatter),
            "scatter_of_other_programs": rounded(self.lack.scatter),
            "single_price": {
                "startup": self.single[0].to_json(),
                "step": self.single[1].to_json(),
                "r2": None if self.single_r2 is None else rounded(self.single_r2),
            },
            "unmeasured_builtins": list(self.unmeasured),
            "worst_relative_residual": rounded(self.worst_relative_residual),
        }


def smallest_costs(applied: Mapping[str, Applications]) -> dict[str, Floats]:
    """What one application of each measured builtin costs at its smallest sizes (length N, ps), no-op taken off."""
    costs = {}
    for name, applications in applied.items():
        if is_nop(name) or not applications.sizes:
            continue
        builtin = BUILTIN_BY_NAME[name]
        around = applied.get(nop_name(builtin.arity, builtin.forces))
        if around is not None and around.sizes:
            smallest = min(range(len(applications.sizes)), key=lambda i: sum(applications.sizes[i]))
            less, _ = applications.cells[smallest]
            beside = around.times_ps.mean(axis=1) if less.repeats else 0.0
            costs[name] = applications.times_ps[:, smallest] - beside
    return costs


def fit_steps(
    cells: Sequence[Cell], columns: Sequence[int], replicates: Replicates, costs: Mapping[str, Floats]
) -> StepsFit:
    """Fit T = start-up + Σ count·cost, relative-weighted, over the step cells, which are the `columns` of `replicates`.

    `costs` (length N, ps, by name) are those of the builtins that the cells apply, each at its smallest sizes; what a
    builtin without one costs is found along with the steps. What the cells cannot tell apart is flagged, and takes the
    price of the single-figure convention: kinds that always come together share what they cost together, and a kind
    that no cell varies has the common price.
    """
    names = sorted({name for cell in cells for name, _ in cell.builtins if not is_nop(name)})
    unmeasured = tuple(name for name in names if name not in costs)
    times = replicates.times_ps[:, list(columns)]
    steps = times.copy()
    for name in names:
        if name in costs:
            steps -= np.outer(costs[name], _applications(cells, name))
    sizes = footprint.find_range(cells, steps[0])
    varied = [] if sizes is None else [sizes.doublings(cells)]
    others = np.column_stack([np.zeros((len(cells), 0)), *varied, *(_applications(cells, name) for name in unmeasured)])
    counts = np.array([cell.steps for cell in cells], np.float64)
    design = np.column_stack([np.ones(len(cells)), counts, others])
    scales = times[0]
    matrix, targets = design / scales[:, None], steps / scales
    common = _fit_common(counts.sum(axis=1), others, targets, scales)
    free, unknown = _solve_anchored(matrix, targets, _anchor(common))
    scatter = _scatter(matrix, targets[0], free)
    rows = _holding(_anchor(common)[0], unknown, scatter)
    solution = _held(matrix, targets, common, rows) if scatter > _EXACT else free
    solution = replace(solution, share=free.share, condition=free.condition)
    p = len(_NAMES)
    lack, one = _lack(design[:, : p + len(varied)], matrix, targets[0], scales, common, solution, rows)
    fitted = design @ solution.constrained[0]
    by_one = design @ _anchor(common)[0]
    halves = lack.half_widths().tolist()
    return StepsFit(
        coefficients=tuple(
            _coefficient(name, j, solution, replicates, half, varied=bool(design[:, j].any()), unknown=bool(unknown[j]))
            for j, (name, half) in enumerate(zip(_NAMES, halves[:p], strict=True))
        ),
        single=(
            _wider(replicates, common.constrained[:, 0], common.unconstrained[:, 0], one[0]),
            _wider(replicates, common.constrained[:, 1], common.unconstrained[:, 1], one[1]),
        ),
        single_r2=weighted_r2(steps[0], by_one, scales),
        least_squares_ps=tuple(float(ps) for ps in free.unconstrained[0, :p]),
        scatter=scatter,
        lack=lack,
        unmeasured=unmeasured,
        footprint=None if sizes is None else _footprint(sizes, solution, replicates, halves[p]),
        condition=solution.condition,
        r2=weighted_r2(steps[0], fitted, scales),
        worst_relative_residual=float(np.abs((fitted - steps[0]) / times[0]).max()),
        cells=len(cells),
        replicates_ps=solution.constrained[:, :p],
    )


def _applications(cells: Sequence[Cell], name: str) -> Floats:
    """How often each cell applies a builtin."""
    return np.array([dict(cell.builtins).get(name, 0) for cell in cells], np.float64)


def _fit_common(steps: Floats, others: Floats, targets: Floats, scales: Floats) -> Solution:
    """Start-up and one price for every step, whatever its kind; then what else the cells apply."""
    design = np.column_stack([np.ones_like(steps), steps, others]) / scales[:, None]
    p = design.shape[1]
    return solve(design, targets, np.zeros(p, np.bool_), independent_columns(design))


def _anchor(common: Solution) -> Floats:
    """The coefficients (N × p) when all kinds have the common price."""
    found = common.constrained
    return np.column_stack([found[:, 0], np.repeat(found[:, 1:2], len(StepKind), axis=1), found[:, 2:]])


def _scatter(matrix: Floats, targets: Floats, solution: Solution) -> float:
    """By how much a cell is missed, root mean square with the degrees of freedom that are left."""
    missed = matrix @ solution.constrained[0] - targets
    freedom = max(len(targets) - matrix.shape[1], 1)
    return float(np.sqrt(missed @ missed / freedom))


def _holding(anchor: Floats, unknown: Bools, scatter: float) -> Floats:
    """The rows (m × p) that hold prices to the common one: each over the common one is to be 1, give or take SPREAD."""
    held = np.zeros(len(anchor), np.bool_)
    held[1 : 1 + len(StepKind)] = True
    held |= unknown
    rows = np.zeros((int(held.sum()), len(anchor)))
    rows[np.arange(len(rows)), np.flatnonzero(held)] = scatter / SPREAD / np.maximum(anchor[held], LEAST_STEP_PS)
    return rows


def _held(matrix: Floats, targets: Floats, common: Solution, rows: Floats) -> Solution:
    """Solve with every kind held to the common price; see the module."""
    everything = np.ones(matrix.shape[1], np.bool_)
    return solve(
        np.vstack([matrix, rows]),
        np.hstack([targets, _anchor(common) @ rows.T]),
        np.zeros_like(everything),
        everything,
    )


def _footprint(sizes: footprint.Range, solution: Solution, replicates: Replicates, half: float) -> Footprint:
    j = len(_NAMES)
    smooth, values = solution.unconstrained[:, j], solution.constrained[:, j]
    flags = (negative_flag(float(smooth[0]), float(values[0])),) if smooth[0] < 0 else ()
    fitted = _wider(replicates, values, smooth, half)
    return Footprint(Coefficient(footprint.NAME, fitted, None, float(solution.share[j]), flags), sizes, values)


def _lack(
    priced: Floats,
    matrix: Floats,
    targets: Floats,
    scales: Floats,
    common: Solution,
    solution: Solution,
    rows: Floats,
) -> tuple[LackOfFit, list[float]]:
    """Lack of fit of start-up, the kinds' prices and the footprint's figure, whose columns of the design `priced` are;
    half the interval that it gives the two of the single figure.

    Where the common price errs, so do the prices that are held to it.
    """
    p, width = len(_NAMES), priced.shape[1]
    by_one = np.column_stack([matrix[:, 0], matrix[:, 1:p].sum(axis=1), matrix[:, p:]])
    one = influences(by_one, targets - by_one @ common.constrained[0])
    found = influences(matrix, targets - matrix @ solution.constrained[0], rows)
    anchor = np.column_stack([one.parts[:, 0], np.repeat(one.parts[:, 1:2], len(StepKind), axis=1), one.parts[:, 2:]])
    along = np.linalg.pinv(np.vstack([matrix, rows]))[:, len(matrix) :]
    parts = found.parts + anchor @ rows.T @ along.T
    steps_ps = priced @ solution.constrained[0, :width]
    missed_ps = found.missed * scales
    return (
        lack_of_fit(parts[:, :width], missed_ps, steps_ps),
        lack_of_fit(one.parts[:, :2], missed_ps, steps_ps).half_widths().tolist(),
    )


def _solve_anchored(matrix: Floats, targets: Floats, anchor: Floats) -> tuple[Solution, Bools]:
    """Solve with what `matrix` leaves open set as in `anchor` (N × p); says which coefficients that concerns.

    The directions that the cells cannot tell (right singular vectors of a vanishing singular value) become further
    rows, with the anchor's component as their target. They are orthogonal to what the cells do tell.
    """
    lengths = np.linalg.norm(matrix, axis=0)
    lengths[lengths == 0] = 1.0
    _, singular, directions = np.linalg.svd(matrix / lengths, full_matrices=True)
    singular = np.concatenate([singular, np.zeros(len(directions) - len(singular))])
    known = singular > LEAST_SHARE * singular[0]
    null = directions[~known] * lengths
    everything = np.ones(matrix.shape[1], np.bool_)
    solution = solve(
        np.vstack([matrix, null]), np.hstack([targets, anchor @ null.T]), np.zeros_like(everything), everything
    )
    unknown = (np.abs(directions[~known]) > _LEAST_PART).any(axis=0)
    return (
        Solution(
            constrained=solution.constrained,
            unconstrained=solution.unconstrained,
            share=np.where(unknown, 0.0, solution.share),
            condition=float(singular[0] / singular[known][-1]),
        ),
        unknown,
    )


def _coefficient(
    name: str, j: int, solution: Solution, replicates: Replicates, half: float, *, varied: bool, unknown: bool
) -> Coefficient:
    smooth, values = solution.unconstrained[:, j], solution.constrained[:, j]
    charged = max(whole_ps(float(values[0])), LEAST_STEP_PS)
    flags = []
    if unknown:
        reason = "always comes with other kinds, with which it shares a cost" if varied else "no cell has such a step"
        flags.append(Flag(FlagKind.UNIDENTIFIED, f"{reason}; priced by the common step cost"))
    if smooth[0] < 0:
        flags.append(negative_flag(float(smooth[0]), float(values[0])))
    if values[0] <= 0:
        flags.append(Flag(FlagKind.RAISED, f"raised to {LEAST_STEP_PS} ps: a step that costs nothing is refused"))
    return Coefficient(
        name=name,
        fitted=_wider(replicates, values, smooth, half),
        charged_ps=charged,
        identifiability=float(solution.share[j]),
        flags=tuple(flags),
    )


def _wider(replicates: Replicates, values: Floats, smooth: Floats, half: float) -> Interval:
    """The interval of a price, with `half` the width that lack of fit gives it beside what timing does."""
    timed = interval_of(replicates, values, smooth, nonnegative=True)
    low = timed.point - math.hypot(timed.point - timed.low, half)
    return Interval(timed.point, max(low, 0.0), timed.point + math.hypot(timed.high - timed.point, half))
