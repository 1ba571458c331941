"""Calls: what a script call costs beside the evaluation – decoding the script, applying arguments, a fresh start – and
what a first run and a machine's making cost.

None of this is in the ledger's cost model; it is linear in what is decoded:

- decode = intercept + bytes·(flat bytes) + nodes·(term nodes) + values·(values within constants)
- apply  = arguments·(number of arguments) + bytes·(CBOR bytes) + nodes·(Data nodes)
- start  = intercept, the excess of a run on a machine that gave its memory back over what the step costs predict
- first  = intercept + nodes·(term nodes), the excess of a whole call over decoding and a run on a warm machine
- setup  = intercept, making a machine from a cost model
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from costmodel.errors import InputError
from costmodel.fit.cells import Cell
from costmodel.fit.coefficient import Coefficient, Flag, FlagKind, interval_of, negative_flag, rounded
from costmodel.fit.resample import Replicates
from costmodel.fit.solve import independent_columns, solve, weighted_r2

Floats = NDArray[np.float64]

DECODE, APPLY, START, FIRST, WARM, SETUP = "decode", "apply", "start", "first", "warm", "setup"
_NAMES = {
    DECODE: ("intercept", "bytes", "nodes", "values"),
    APPLY: ("arguments", "bytes", "nodes"),
    START: ("intercept",),
    FIRST: ("intercept", "nodes"),
    SETUP: ("intercept",),
}


@dataclass(frozen=True, slots=True)
class CallFit:
    """The costs of one part of a call; coefficients in picoseconds per what they are named after, used as fitted.

    Residuals are relative to the whole time of the cell, what was subtracted from it included.
    """

    operation: str
    coefficients: tuple[Coefficient, ...]
    cells: int
    r2: float | None
    worst_relative_residual: float

    @property
    def flags(self) -> tuple[Flag, ...]:
        return tuple(flag for coefficient in self.coefficients for flag in coefficient.flags)

    def to_json(self) -> dict[str, object]:
        return {
            "cells": self.cells,
            "coefficients": {coefficient.name: coefficient.to_json() for coefficient in self.coefficients},
            "r2": None if self.r2 is None else rounded(self.r2),
            "worst_relative_residual": rounded(self.worst_relative_residual),
        }


def fit_calls(
    cells: Sequence[Cell], columns: Sequence[int], replicates: Replicates, evaluation_ps: Callable[[Cell], Floats]
) -> tuple[CallFit, ...]:
    """Fit each part of a call that has cells; `evaluation_ps` predicts a cell's evaluation in every replicate.

    An apply cell decodes its script first, and so does a first run; the decode cell of the same program is subtracted.
    """
    times = {cell: replicates.times_ps[:, column] for cell, column in zip(cells, columns, strict=True)}
    decoded = {cell.program: time for cell, time in times.items() if cell.operation == DECODE}
    warm = {cell.program: time for cell, time in times.items() if cell.operation == WARM}
    beside: dict[str, Callable[[Cell], Floats | float]] = {
        DECODE: lambda _: 0.0,
        APPLY: lambda cell: _of_program(cell, decoded, DECODE),
        START: evaluation_ps,
        FIRST: lambda cell: _of_program(cell, decoded, DECODE) + _of_program(cell, warm, WARM),
        SETUP: lambda _: 0.0,
    }
    fits = []
    for operation, other_ps in beside.items():
        if mine := sorted(cell for cell in times if cell.operation == operation):
            raw = np.column_stack([times[cell] for cell in mine])
            net = np.column_stack([times[cell] - other_ps(cell) for cell in mine])
            design = np.array([_design_row(cell) for cell in mine], np.float64)
            fits.append(_fit(operation, design, net, raw[0], replicates))
    return tuple(fits)


def _design_row(cell: Cell) -> tuple[int, ...]:
    """What the coefficients in _NAMES multiply."""
    if cell.operation in (START, SETUP):
        return (1,)
    if len(cell.sizes) < 2:
        raise InputError(f"a {cell.operation} cell gives {len(cell.sizes)} sizes; it needs bytes and nodes")
    if cell.operation == FIRST:
        return (1, cell.sizes[1])
    if cell.operation == DECODE:
        # Runs that do not say how many values their constants hold had constants that hold none.
        return (1, *cell.sizes[:2], cell.sizes[2] if len(cell.sizes) > 2 else 0)
    return (cell.arguments, *cell.sizes[:2])


def _of_program(cell: Cell, times: dict[int, Floats], operation: str) -> Floats:
    if cell.program not in times:
        raise InputError(
            f"no {operation} cell has the script of the {cell.operation} cell of {cell.sizes}; measure with both"
        )
    return times[cell.program]


def _fit(operation: str, design: Floats, net: Floats, scales: Floats, replicates: Replicates) -> CallFit:
    names = _NAMES[operation]
    matrix = design / scales[:, None]
    kept = independent_columns(matrix)
    solution = solve(matrix, net / scales, np.zeros(len(names), np.bool_), kept)
    fitted = design @ solution.constrained[0]
    coefficients = []
    for j, name in enumerate(names):
        smooth, values = solution.unconstrained[:, j], solution.constrained[:, j]
        flags = []
        if not kept[j]:
            flags.append(Flag(FlagKind.UNIDENTIFIED, "the cells do not tell it from the others; set to 0"))
        if smooth[0] < 0:
            flags.append(negative_flag(float(smooth[0]), float(values[0])))
        fitted_interval = interval_of(replicates, values, smooth, nonnegative=True)
        coefficients.append(Coefficient(name, fitted_interval, None, float(solution.share[j]), tuple(flags)))
    return CallFit(
        operation=operation,
        coefficients=tuple(coefficients),
        cells=len(net[0]),
        r2=weighted_r2(net[0], fitted, scales),
        worst_relative_residual=float((np.abs(fitted - net[0]) / scales).max()),
    )
