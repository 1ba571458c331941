"""An upper envelope: costing functions that cover a stated share of inputs, since a model must not undercharge.

Within a builtin this is quantile regression (Koenker & Bassett, "Regression quantiles", Econometrica 1978), which
finds where the cost of inputs spreads. A builtin has few points, and an envelope of few points covers too little of
what was not measured: so each is raised by a margin, as conformal prediction does (Lei et al., "Distribution-free
predictive inference for regression", JASA 2018). Points are held out in turn, and the margin is what the held-out ones
needed: the spread of each builtin's own, times a factor that all builtins' together cover at the stated share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from costmodel.fit.coefficient import rounded
from costmodel.fit.costing import may_be_negative
from costmodel.fit.solve import independent_columns
from costmodel.model import CostingFunction, Design

Floats = NDArray[np.float64]

_FOLDS = 10


@dataclass(frozen=True, slots=True)
class Points:
    """What one builtin costs at n points: sizes, costs (N × n, ps) in every replicate, scales (n, ps) of their error.

    `function` has the shapes to fit.
    """

    function: CostingFunction
    sizes: tuple[tuple[int, ...], ...]
    costs_ps: Floats
    scales_ps: Floats


@dataclass(frozen=True, slots=True)
class Envelope:
    """Coefficients (in the order of the function's design, ps) that cover a share of inputs.

    `margin` is the share of the cost by which they were raised beyond the regression quantile, `covered` the share of
    the measured points that they cover.
    """

    coverage: float
    values_ps: Floats
    margin: float
    covered: float

    def to_json(self) -> dict[str, object]:
        return {
            "coverage": self.coverage,
            "margin": rounded(self.margin),
            "measured_points_covered": rounded(self.covered),
        }


def envelopes(points: Mapping[str, Points], coverage: float, seed: int) -> dict[str, Envelope]:
    """The envelope of every builtin; `seed` shuffles which points are held out together."""
    rng = np.random.default_rng(seed)
    designs = {name: at.function.design(np.array(at.sizes, np.float64)) for name, at in points.items()}
    held_out = {name: np.array(list(_held_out(at, designs[name], coverage, rng))) for name, at in points.items()}
    spreads = {name: float(np.sqrt((excess**2).mean())) for name, excess in held_out.items() if len(excess)}
    common = float(np.median(list(spreads.values()))) if spreads else 0.0
    factor = _factor([held_out[name] / spread for name, spread in spreads.items() if spread > 0], coverage)
    found = {}
    for name, at in points.items():
        margin = factor * spreads.get(name, common)
        values = _quantile(at, designs[name], np.arange(len(at.sizes)), coverage) * (1 + margin)
        predicted = designs[name].matrix @ values + designs[name].offset
        found[name] = Envelope(coverage, values, margin, float((predicted >= at.costs_ps[0]).mean()))
    return found


def _factor(standardised: list[Floats], coverage: float) -> float:
    """What covers the stated share of held-out points, one more of them counted: the unseen one."""
    if not standardised:
        return 0.0
    excess = np.concatenate(standardised)
    level = min(1.0, coverage * (len(excess) + 1) / len(excess))
    return max(0.0, float(np.quantile(excess, level, method="higher")))


def _held_out(points: Points, design: Design, coverage: float, rng: np.random.Generator) -> Iterator[float]:
    """By what share each point exceeds the quantile of the others; nothing where the others do not tell."""
    n = len(points.sizes)
    weighted = design.matrix / points.scales_ps[:, None]
    wanted = independent_columns(weighted).sum()
    for fold in np.array_split(rng.permutation(n), min(n, _FOLDS)):
        rest = np.setdiff1d(np.arange(n), fold)
        if not len(rest) or independent_columns(weighted[rest]).sum() < wanted:
            continue
        values = _quantile(points, design, rest, coverage)
        predicted = design.matrix[fold] @ values + design.offset[fold]
        yield from (points.costs_ps[0, fold] / np.maximum(predicted, 1.0) - 1).tolist()


def _quantile(points: Points, design: Design, rows: NDArray[np.intp], coverage: float) -> Floats:
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
        bounds=np.column_stack([np.concatenate([low, np.zeros(2 * n)]), np.full(p + 2 * n, np.inf)]),
        method="highs",
    )
    values = np.zeros(len(design.names))
    values[kept] = found.x[:p] / lengths
    return values
