"""Would another shape fit better? Candidates compared by points held out.

The ledger's integers can change a builtin's coefficients, never its shape, so nothing of this enters what is charged.
Two questions are asked. For those who would propose a change (`--shape free`): does another shape of the protocol fit
better? And for predicting times: does a sum of other terms, which knows of hash blocks, fast paths for small integers,
or bends, explain what the protocol's shape misses?

Each point is held out in turn; for least squares that needs no further fit (the miss of a point left out is its
residual over one less its leverage; D. M. Allen, "The relationship between variable selection and data augmentation and
a method for prediction", Technometrics 16, 1974). A candidate with more than a few
coefficients that single points decide is not supported by the points, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from costmodel.fit.costing import LEAST_BUILTIN_PS, may_be_negative, shape_name
from costmodel.fit.envelope import Points
from costmodel.fit.regression import distinct, independent_columns, solve
from costmodel.model import SHAPES, CostingFunction, DiagonalShape, ShapeId
from costmodel.model.terms import term
from costmodel.plutus.builtins import BUILTIN_BY_NAME
from costmodel.records import model as record

Floats = NDArray[np.float64]
_Name = TypeVar("_Name")

_SPARE_POINTS: Final = 2
"""A shape needs so many different points more than coefficients to be judged by points that it has not seen."""

_MOST_LEVERAGE: Final = 0.95
"""A point that weighs more in its own fitted value is not predicted by the others: it alone decides a coefficient."""

_MOST_ALONE: Final = 2
"""Coefficients that may rest on one point each, as the path for single words does on the least point; the others must
have points to spare."""

_USEFUL: Final = 0.3
"""A sum that misses points held out by more explains nothing."""

_WORTH: Final = 0.8
"""A shape is better where its error is less than this share of the present one's."""

_NEARLY: Final = 0.9
"""A simpler shape is taken where the best one's error is not below this share of its own."""

_LEAST_GAIN: Final = 0.01
"""And where the error falls by this much of the cost: what is less does not show among timing errors."""

_BLOCKS: Final = ((64, 9), (128, 0), (136, 1))
"""Bytes of a block and of its padding: SHA-2 and RIPEMD, BLAKE2b, SHA3-256 and Keccak-256."""

# These repeat another shape's formula, or charge what was asked for instead of what it costs.
_NO_CANDIDATES: Final = frozenset({ShapeId.LINEAR_IN_Y2, ShapeId.LITERAL_IN_Y_OR_LINEAR_IN_Z, ShapeId.SUBTRACTED_SIZES})
_INNER: Final = {
    ShapeId.CONST_OFF_DIAGONAL: (ShapeId.LINEAR_IN_X,),
    ShapeId.CONST_ABOVE_DIAGONAL: (ShapeId.LINEAR_IN_X_AND_Y, ShapeId.QUADRATIC_IN_X_AND_Y),
    ShapeId.CONST_BELOW_DIAGONAL: (ShapeId.LINEAR_IN_X_AND_Y, ShapeId.QUADRATIC_IN_X_AND_Y),
    ShapeId.ABOVE_AND_BELOW_DIAGONAL: (ShapeId.LINEAR_IN_X_AND_Y, ShapeId.QUADRATIC_IN_X_AND_Y),
}


@dataclass(frozen=True, slots=True)
class Better:
    """A sum of terms that predicts a builtin better than its shape: coefficients (N × p, ps; `smooth` without the
    constraint) by term, and the cost that it gives each measured point (length n, ps)."""

    record: record.SumOfTerms
    names: tuple[str, ...]
    smooth: Floats = field(repr=False)
    fitted_ps: Floats = field(repr=False)


def study_shapes(points: Mapping[str, Points]) -> dict[str, record.ShapeStudy]:
    """Compare the protocol's shapes for every builtin with points enough."""
    studies = {}
    for name, at in points.items():
        present = shape_name(at.function)
        functions = {present: at.function} | {
            shape_name(candidate): candidate for candidate in candidates(BUILTIN_BY_NAME[name].arity)
        }
        errors = shape_errors(at, functions)
        if present in errors:
            ranked = dict(sorted(errors.items(), key=lambda item: (item[1], item[0])))
            best = simplest(ranked, {shape: len(functions[shape].names) for shape in ranked})
            studies[name] = record.ShapeStudy(
                present=present,
                held_out_errors=ranked,
                suggested=best if is_better(errors[best], errors[present]) else None,
            )
    return studies


def better_shapes(points: Mapping[str, Points]) -> dict[str, Better]:
    """The sum of terms for each builtin that predicts points held out much better than its shape does."""
    found = {}
    for name, at in points.items():
        if (better := _better(at)) is not None:
            found[name] = better
    return found


def _better(at: Points) -> Better | None:
    present = _shape_error(at.function, at)
    sizes = np.array(at.sizes, np.float64)
    if present is None:
        present = _missed(at)
    if present < _LEAST_GAIN:
        return None
    columns: dict[str, Floats] = {}
    errors: dict[tuple[str, ...], float] = {}
    for names in _sums(at):
        for name in names:
            columns.setdefault(name, term(name, sizes))
        error = _held_out_error(
            np.column_stack([columns[name] for name in names]), np.zeros(len(sizes)), at, signed=False
        )
        if error is not None:
            errors[names] = error
    if not errors:
        return None
    best = simplest(errors, {names: len(names) for names in errors})
    if not is_better(errors[best], present) or errors[best] > _USEFUL:
        return None
    design = np.column_stack([columns[name] for name in best])
    matrix = design / at.scales_ps[:, None]
    everything = np.ones(len(best), np.bool_)
    solution = solve(matrix, at.costs_ps / at.scales_ps, ~everything, everything)
    return Better(
        record=record.SumOfTerms(
            shape=" + ".join(best),
            terms_ps=dict(zip(best, solution.constrained[0].tolist(), strict=True)),
            held_out_error=errors[best],
            present_error=present,
        ),
        names=best,
        smooth=solution.unconstrained,
        fitted_ps=design @ solution.constrained[0],
    )


def _sums(at: Points) -> Iterator[tuple[str, ...]]:
    """Sums of terms to try, over one or two of the sizes that vary. Two that never differ are one."""
    sizes = np.array(at.sizes)
    varied: list[int] = []
    for i in range(min(sizes.shape[1], 4)):
        if np.ptp(sizes[:, i]) > 0 and not any((sizes[:, i] == sizes[:, j]).all() for j in varied):
            varied.append(i)
    for i in varied:
        v = "xyzu"[i]
        yield ("1", v)
        yield ("1", f"{v}*{v}")
        yield ("1", v, f"{v}*{v}")
        yield ("1", f"beyond({v},1)", v)
        yield ("1", f"log({v})")
        yield ("1", v, f"{v}*log({v})")
        yield from (("1", f"blocks({v},{block},{padding})") for block, padding in _BLOCKS)
        for bend in _bends(sizes[:, i]):
            yield ("1", f"upto({v},{bend})", f"over({v},{bend})")
            yield ("1", f"beyond({v},1)", f"upto({v},{bend})", f"over({v},{bend})")
    for i, j in combinations(varied, 2):
        yield from _pairs("xyzu"[i], "xyzu"[j])
        yield from _bent_pairs("xyzu"[i], "xyzu"[j], sizes[:, [i, j]])


def _bends(values: NDArray[np.int_]) -> list[int]:
    """Where a line may bend: at sizes that were measured, with more on either side."""
    return sorted(set(values.tolist()))[1:-1]


def _bent_pairs(v: str, w: str, sizes: NDArray[np.int_]) -> Iterator[tuple[str, ...]]:
    words, greater, smaller = f"beyond({v},{w},1)", f"max({v},{w})", f"min({v},{w})"
    for bend in _bends(sizes.sum(axis=1)):
        yield ("1", f"upto({v}+{w},{bend})", f"over({v}+{w},{bend})")
        yield ("1", words, f"upto({v}+{w},{bend})", f"over({v}+{w},{bend})")
    for jump in _bends(sizes.max(axis=1)):
        yield ("1", greater, f"beyond({v},{w},{jump})")
        yield ("1", words, greater, f"beyond({v},{w},{jump})")
        yield ("1", words, greater, smaller, f"beyond({v},{w},{jump})")
        yield ("1", v, w, f"beyond({v},{w},{jump})")


def _pairs(v: str, w: str) -> Iterator[tuple[str, ...]]:
    greater, smaller, product, words = f"max({v},{w})", f"min({v},{w})", f"{v}*{w}", f"beyond({v},{w},1)"
    yield ("1", v, w)
    yield ("1", greater)
    yield ("1", smaller)
    yield ("1", greater, smaller)
    yield ("1", words, greater, smaller)
    yield ("1", product)
    yield ("1", v, w, product)
    yield ("1", words, product)
    yield ("1", words, v, w, product)
    yield ("1", greater, smaller, product)
    for a, b in ((v, w), (w, v)):
        least, most, division = f"least({a},{b})", f"most({a},{b})", f"long({a},{b})"
        yield ("1", words, division)
        yield ("1", words, a, division)
        yield ("1", words, least, a, division)
        yield ("1", words, f"{most}*{a}", division)
        yield ("1", words, f"{most}*{a}", f"{least}*{a}", division)
        yield ("1", least, a, b)
        yield ("1", f"{b}*log({a})")
        yield ("1", b, f"{b}*log({a})")
        yield ("1", f"{most}*{b}*log({a})")
        yield ("1", f"{most}*{a}", f"{most}*{b}*log({a})")
        yield ("1", smaller, f"{smaller}*log({a})")
        yield ("1", a, f"{least}*{b}")


def shape_errors(points: Points, functions: Mapping[str, CostingFunction]) -> dict[str, float]:
    """The error at points held out of each of some shapes, by name; without those that the points cannot judge."""
    errors = {}
    for shape, function in functions.items():
        if (error := _shape_error(function, points)) is not None:
            errors[shape] = error
    return errors


def candidates(arity: int) -> Iterator[CostingFunction]:
    """The protocol's shapes that could price a builtin of some arguments, with coefficients of 0."""
    for shape in SHAPES.values():
        if shape.id in _NO_CANDIDATES:
            continue
        function = CostingFunction(shape, (0,) * len(shape.fields))
        if not isinstance(shape, DiagonalShape):
            models: list[CostingFunction | None] = [None]
        else:
            inner = [SHAPES[each.tag] for each in _INNER[shape.id]]
            models = [CostingFunction(each, (0,) * len(each.fields)) for each in inner]
        for model in models:
            made = CostingFunction(shape, function.coefficients, model)
            if made.arity_needed <= arity:
                yield made


def _shape_error(function: CostingFunction, points: Points) -> float | None:
    design = function.design(np.array(points.sizes, np.float64))
    signed = any(may_be_negative(function, name) for name in design.names)
    return _held_out_error(design.matrix, design.offset, points, signed=signed)


def _held_out_error(matrix: Floats, offset: Floats, points: Points, *, signed: bool) -> float | None:
    """Root mean square of relative errors at held-out points, None where the points are too few or too alike, or make
    a coefficient negative that must not be (unless `signed`)."""
    costs, scales = points.costs_ps[0], points.scales_ps
    p = matrix.shape[1]
    weighted = matrix / scales[:, None]
    if distinct(points.sizes) < p + _SPARE_POINTS or not independent_columns(weighted).all():
        return None
    lengths = np.linalg.norm(weighted, axis=0)
    q, r = np.linalg.qr(weighted / lengths)
    leverage = np.square(q).sum(axis=1)
    alone = leverage > _MOST_LEVERAGE
    if distinct(points.sizes) - alone.sum() < p + _SPARE_POINTS - min(alone.sum(), _MOST_ALONE):
        return None
    target = (costs - offset) / scales
    if not signed and (np.linalg.solve(r, q.T @ target) < 0).any():
        return None
    missed = (target - q @ (q.T @ target)) / np.where(alone, 1.0, 1 - leverage) * scales
    return _relative(missed, costs)


def _missed(points: Points) -> float:
    """The error of a shape at the points that gave it: where these are too few for it to be judged by others."""
    design = points.function.design(np.array(points.sizes, np.float64))
    weighted = design.matrix / points.scales_ps[:, None]
    target = (points.costs_ps[0] - design.offset) / points.scales_ps
    free = np.array([may_be_negative(points.function, name) for name in design.names])
    found = solve(weighted, target[None], free, independent_columns(weighted)).constrained[0]
    return _relative((weighted @ found - target) * points.scales_ps, points.costs_ps[0])


def _relative(missed: Floats, costs: Floats) -> float:
    return float(np.sqrt(np.square(missed / np.maximum(np.abs(costs), LEAST_BUILTIN_PS)).mean()))


def simplest(errors: Mapping[_Name, float], coefficients: Mapping[_Name, int]) -> _Name:
    """The one with the fewest coefficients among those hardly worse than the best."""
    best = min(errors.values())
    close = [name for name, error in errors.items() if error <= max(best / _NEARLY, best + _LEAST_GAIN / 4)]
    return min(close, key=lambda name: (coefficients[name], errors[name]))


def is_better(error: float, present: float) -> bool:
    """Whether an error is less than the present one by what matters."""
    return error < _WORTH * present and present - error > _LEAST_GAIN
