"""Step costs: start-up and a cost for each kind of machine step, from programs with varied counts of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from costmodel.fit.cells import Cell
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
from costmodel.fit.resample import Replicates
from costmodel.fit.solve import LEAST_SHARE, Solution, solve, weighted_r2
from costmodel.model import STARTUP_KEY, StepKind

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_STEP_PS = 1
"""Upstream refuses a step that costs nothing: a loop of it would never end."""

# A coefficient with a smaller part than this in what the cells cannot tell is determined well enough by the rest.
_LEAST_PART = 0.1


@dataclass(frozen=True, slots=True)
class StepsFit:
    """Start-up and the step kinds, each a Coefficient named as in cost-model files.

    `single` is the ledger's convention beside it: start-up, and one price for every kind. `condition` is the condition
    number of the design, `r2` and `worst_relative_residual` say how well it explains the times of the step cells.
    """

    coefficients: tuple[Coefficient, ...]
    single: tuple[Interval, Interval]
    condition: float
    r2: float | None
    worst_relative_residual: float
    cells: int
    replicates_ps: Floats = field(repr=False)
    """N × 10: start-up and the costs of the step kinds in every replicate."""

    def evaluation_ps(self, cell: Cell) -> Floats:
        """Predicted time (length N) of one evaluation of a cell that applies no builtins but no-ops."""
        predicted: Floats = self.replicates_ps @ np.array((1, *cell.steps), np.float64)
        return predicted

    @property
    def flags(self) -> tuple[Flag, ...]:
        return tuple(flag for coefficient in self.coefficients for flag in coefficient.flags)

    def to_json(self) -> dict[str, object]:
        return {
            "cells": self.cells,
            "coefficients": {coefficient.name: coefficient.to_json() for coefficient in self.coefficients},
            "condition_number": rounded(self.condition),
            "r2": None if self.r2 is None else rounded(self.r2),
            "single_price": {"startup": self.single[0].to_json(), "step": self.single[1].to_json()},
            "worst_relative_residual": rounded(self.worst_relative_residual),
        }


def fit_steps(cells: Sequence[Cell], columns: Sequence[int], replicates: Replicates) -> StepsFit:
    """Fit T = start-up + Σ count·cost, relative-weighted, over the step cells, which are the `columns` of `replicates`.

    What the cells cannot tell apart is flagged, and takes the price of the single-figure convention: kinds that always
    come together share what they cost together, and a kind that no cell varies has the common price.
    """
    times = replicates.times_ps[:, list(columns)]
    counts = np.array([cell.steps for cell in cells], np.float64)
    names = [STARTUP_KEY, *(kind.json_key for kind in StepKind)]
    design = np.column_stack([np.ones(len(cells)), counts])
    scales = times[0]
    common = _fit_common(counts.sum(axis=1), times)
    anchor = np.column_stack([common.constrained[:, 0], np.repeat(common.constrained[:, 1:], len(StepKind), axis=1)])
    solution, unknown = _solve_anchored(design / scales[:, None], times / scales, anchor)
    fitted = design @ solution.constrained[0]
    return StepsFit(
        coefficients=tuple(
            _coefficient(name, j, solution, replicates, varied=bool(design[:, j].any()), unknown=bool(unknown[j]))
            for j, name in enumerate(names)
        ),
        single=(
            interval_of(replicates, common.constrained[:, 0], common.unconstrained[:, 0], nonnegative=True),
            interval_of(replicates, common.constrained[:, 1], common.unconstrained[:, 1], nonnegative=True),
        ),
        condition=solution.condition,
        r2=weighted_r2(times[0], fitted, scales),
        worst_relative_residual=float(np.abs(fitted / times[0] - 1).max()),
        cells=len(cells),
        replicates_ps=solution.constrained,
    )


def _fit_common(steps: Floats, times: Floats) -> Solution:
    """Start-up and one price for every step, whatever its kind."""
    design = np.column_stack([np.ones_like(steps), steps]) / times[0][:, None]
    return solve(design, times / times[0], np.zeros(2, np.bool_), np.ones(2, np.bool_))


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
    name: str, j: int, solution: Solution, replicates: Replicates, *, varied: bool, unknown: bool
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
        fitted=interval_of(replicates, values, smooth, nonnegative=True),
        charged_ps=charged,
        identifiability=float(solution.share[j]),
        flags=tuple(flags),
    )
