"""Calls: what a script call costs beside the evaluation – decoding the script, applying arguments, a fresh start – and
what a first run and a machine's making cost.

None of this is in the ledger's cost model; it is linear in what is decoded:

- decode = intercept + bytes·(flat bytes) + nodes·(term nodes) + values·(values within constants), and, where there are
  cells enough, what else decoding is counted by: mispredicted_terms·(terms that a simulated branch predictor does not
  foresee), lambdas·(lambdas), integer_bytes·(bytes of integers), branchings·(constr and case terms),
  data_values·(values within Data, as more than those elsewhere), data_structures·(Data that holds other Data, and that
  none holds), data_elements·(Data in lists and pairs), nodes_log_nodes·(nodes·log₂ nodes) and constants_TYPE·(constants
  of each type)
- apply  = arguments·(number of arguments) + bytes·(CBOR bytes) + nodes·(Data nodes)
- start  = intercept, the excess of a run on a machine that gave its memory back over what the step costs predict
- first  = intercept + nodes·(term nodes) + steps·(machine steps), the excess of a whole call over decoding and a run on
  a warm machine
- setup  = intercept, making a machine from a cost model
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from costmodel.errors import InputError
from costmodel.fit.observations import ObservedCell
from costmodel.fit.regression import FlagKind, coefficient, flag, independent_columns, negative_flag, solve, weighted_r2
from costmodel.fit.uncertainty import Replicates, figure, figure_of
from costmodel.records import model as record

Floats = NDArray[np.float64]

DECODE, APPLY, START, FIRST, WARM, SETUP = "decode", "apply", "start", "first", "warm", "setup"
_NAMES: Final = {
    DECODE: ("intercept", "bytes", "nodes", "values"),
    APPLY: ("arguments", "bytes", "nodes"),
    START: ("intercept",),
    FIRST: ("intercept", "nodes", "steps"),
    SETUP: ("intercept",),
}
_CONSTANTS: Final = "constants_"
"""What the names of features begin with that matter to decoding: how many constants of a type there are."""

_DECODED: Final = (
    *("mispredicted_terms", "lambdas", "integer_bytes"),
    *("branchings", "data_values", "data_structures", "data_elements", "nodes_log_nodes"),
)
"""Features of decoding beside the sizes of a cell and its constants, those that say most first."""

_CELLS_EACH: Final = 4
"""Cells that there must be for each coefficient before decoding is given more of them."""


def fit_calls(
    cells: Sequence[ObservedCell],
    columns: Sequence[int],
    replicates: Replicates,
    evaluation_ps: Callable[[ObservedCell], Floats],
) -> dict[str, record.Call]:
    """Fit each part of a call that has cells; `evaluation_ps` predicts a cell's evaluation in every replicate.

    An apply cell decodes its script first, and so does a first run; the decode cell of the same program is subtracted.
    Cells are left out where what is to be subtracted was not measured well enough, as in a short run.
    """
    times = {cell: replicates.times_ps[:, column] for cell, column in zip(cells, columns, strict=True)}
    decoded = {cell.program: time for cell, time in times.items() if cell.operation == DECODE}
    warm = {cell.program: time for cell, time in times.items() if cell.operation == WARM}
    beside: dict[str, Callable[[ObservedCell], Floats | float]] = {
        DECODE: lambda _: 0.0,
        APPLY: lambda cell: decoded[cell.program],
        START: evaluation_ps,
        FIRST: lambda cell: decoded[cell.program] + warm[cell.program],
        SETUP: lambda _: 0.0,
    }
    needed = {APPLY: decoded.keys(), FIRST: decoded.keys() & warm.keys()}
    fits = {}
    for operation, other_ps in beside.items():
        mine = sorted(cell for cell in times if cell.operation == operation)
        if operation in needed:
            mine = [cell for cell in mine if cell.program in needed[operation]]
        if mine:
            raw = np.column_stack([times[cell] for cell in mine])
            net = np.column_stack([times[cell] - other_ps(cell) for cell in mine])
            names, design = _design(operation, mine)
            fits[operation] = _fit(names, design, net, raw[0], replicates)
    return fits


def _design(operation: str, cells: Sequence[ObservedCell]) -> tuple[tuple[str, ...], Floats]:
    """The names of the coefficients, and what they multiply (n × p)."""
    names = _NAMES[operation]
    rows = np.array([_row(cell) for cell in cells], np.float64)
    if operation != DECODE:
        return names, rows
    features = {name for cell in cells for name, _ in cell.features}
    more = {
        name: np.array([dict(cell.features).get(name, 0.0) for cell in cells])
        for name in (*_DECODED, *sorted(features))
        if name in features and (name in _DECODED or name.startswith(_CONSTANTS))
    }
    while more and len(cells) < _CELLS_EACH * (len(names) + len(more)):
        more.popitem()
    return (*names, *more), np.column_stack([rows, *more.values()])


def _row(cell: ObservedCell) -> tuple[int, ...]:
    """What the coefficients in _NAMES multiply."""
    if cell.operation in (START, SETUP):
        return (1,)
    if len(cell.sizes) < 2:
        raise InputError(f"a {cell.operation} cell gives {len(cell.sizes)} sizes; it needs bytes and nodes")
    if cell.operation == FIRST:
        return (1, cell.sizes[1], sum(cell.steps))
    if cell.operation == DECODE:
        # Runs that do not say how many values their constants hold had constants that hold none.
        return (1, *cell.sizes[:2], cell.sizes[2] if len(cell.sizes) > 2 else 0)
    return (cell.arguments, *cell.sizes[:2])


def _fit(names: tuple[str, ...], design: Floats, net: Floats, scales: Floats, replicates: Replicates) -> record.Call:
    matrix, targets = design / scales[:, None], net / scales
    kept = independent_columns(matrix)
    solution = solve(matrix, targets, np.zeros(len(names), np.bool_), kept)
    fitted = design @ solution.constrained[0]
    halves = _lack_of_fit(matrix[:, kept], targets, (fitted - net[0]) / scales, replicates)
    lack = np.zeros(len(names))
    lack[kept] = halves
    coefficients = {}
    for j, name in enumerate(names):
        smooth, values = solution.unconstrained[:, j], solution.constrained[:, j]
        flags = []
        if not kept[j]:
            flags.append(flag(FlagKind.UNIDENTIFIED, "the cells do not tell it from the others; set to 0"))
        if smooth[0] < 0:
            flags.append(negative_flag(float(smooth[0]), float(values[0])))
        timed = figure_of(replicates, values, smooth, nonnegative=True)
        coefficients[name] = coefficient(_wider(timed, float(lack[j])), None, float(solution.share[j]), flags)
    return record.Call(
        cells=len(net[0]),
        coefficients=coefficients,
        r2=weighted_r2(net[0], fitted, scales),
        worst_relative_residual=float((np.abs(fitted - net[0]) / scales).max()),
    )


def _lack_of_fit(matrix: Floats, targets: Floats, missed: Floats, replicates: Replicates) -> Floats:
    """Half the 95 % interval that cells give each coefficient by missing the design beyond noise of timing."""
    n, p = matrix.shape
    if n <= p:
        return np.zeros(p)
    timing = float(np.square(replicates.errors(targets)).sum(axis=0).mean())
    beyond = max(float(missed @ missed) / (n - p) - timing, 0.0)
    lengths = np.linalg.norm(matrix, axis=0)
    inverse = np.linalg.pinv(matrix / lengths) / lengths[:, None]
    halves: Floats = student_t.ppf(0.975, n - p) * np.sqrt(beyond) * np.linalg.norm(inverse, axis=1)
    return halves


def _wider(timed: record.Figure, half: float) -> record.Figure:
    if timed.interval_ps is None or half == 0:
        return timed
    low, high = timed.interval_ps
    low, high = timed.ps - np.hypot(timed.ps - low, half), timed.ps + np.hypot(high - timed.ps, half)
    return figure(timed.ps, (max(float(low), 0.0), float(high)), "timing and lack of fit")
