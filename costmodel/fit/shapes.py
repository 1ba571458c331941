"""Would another shape fit better? Candidates compared by cross-validation, for those who propose a change of shape.

The ledger's integers can change a builtin's coefficients, never its shape, so nothing of this enters a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_predict

from costmodel.fit.coefficient import rounded
from costmodel.fit.costing import LEAST_BUILTIN_PS, may_be_negative, shape_name
from costmodel.fit.envelope import Points
from costmodel.fit.solve import independent_columns
from costmodel.model import SHAPES, CostingFunction, DiagonalShape, ShapeId
from costmodel.plutus.builtins import BUILTIN_BY_NAME

Floats = NDArray[np.float64]

_FOLDS = 10
_SPARE_POINTS = 2
"""A shape needs so many points more than coefficients to be judged by points that it has not seen."""

_WORTH = 0.8
"""A shape is suggested where its error is less than this share of the present one's."""

_LEAST_GAIN = 0.01
"""And where the error falls by this much of the cost: what is less does not show among timing errors."""

# These repeat another shape's formula, or charge what was asked for instead of what it costs.
_NO_CANDIDATES = frozenset({ShapeId.LINEAR_IN_Y2, ShapeId.LITERAL_IN_Y_OR_LINEAR_IN_Z, ShapeId.SUBTRACTED_SIZES})
_INNER = {
    ShapeId.CONST_OFF_DIAGONAL: (ShapeId.LINEAR_IN_X,),
    ShapeId.CONST_ABOVE_DIAGONAL: (ShapeId.LINEAR_IN_X_AND_Y, ShapeId.QUADRATIC_IN_X_AND_Y),
    ShapeId.CONST_BELOW_DIAGONAL: (ShapeId.LINEAR_IN_X_AND_Y, ShapeId.QUADRATIC_IN_X_AND_Y),
    ShapeId.ABOVE_AND_BELOW_DIAGONAL: (ShapeId.LINEAR_IN_X_AND_Y, ShapeId.QUADRATIC_IN_X_AND_Y),
}


@dataclass(frozen=True, slots=True)
class ShapeStudy:
    """Shapes by their error at points held out (root mean square, as a share of the cost), best first.

    `present` is the ledger's shape, and `suggested` one that would be worth proposing, if there is any.
    """

    present: str
    errors: dict[str, float]
    suggested: str | None

    @property
    def best(self) -> str:
        return next(iter(self.errors))

    def to_json(self) -> dict[str, object]:
        return {
            "present": self.present,
            "held_out_errors": {name: rounded(error) for name, error in self.errors.items()},
            "suggested": self.suggested,
        }


def study_shapes(points: Mapping[str, Points], seed: int) -> dict[str, ShapeStudy]:
    """Compare the shapes for every builtin with enough points; `seed` shuffles which are held out together."""
    studies = {}
    for name, at in points.items():
        present = shape_name(at.function)
        functions = {present: at.function} | {
            shape_name(candidate): candidate for candidate in _candidates(BUILTIN_BY_NAME[name].arity)
        }
        errors = {}
        for shape, function in functions.items():
            if (error := _held_out_error(function, at, seed)) is not None:
                errors[shape] = error
        if present in errors:
            ranked = dict(sorted(errors.items(), key=lambda item: (item[1], item[0])))
            studies[name] = ShapeStudy(present, ranked, _suggested(present, ranked, functions))
    return studies


def _candidates(arity: int) -> Iterator[CostingFunction]:
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


def _held_out_error(function: CostingFunction, points: Points, seed: int) -> float | None:
    """Root mean square of relative errors at held-out points, None where the points are too few or too alike."""
    design = function.design(np.array(points.sizes, np.float64))
    costs = points.costs_ps[0]
    n, p = design.matrix.shape
    matrix = design.matrix / points.scales_ps[:, None]
    if n < p + _SPARE_POINTS or not independent_columns(matrix).all():
        return None
    signed = any(may_be_negative(function, name) for name in design.names)
    lengths = np.linalg.norm(matrix, axis=0)
    folds = KFold(min(n, _FOLDS), shuffle=True, random_state=seed)
    model = LinearRegression(fit_intercept=False, positive=not signed)
    held_out = cross_val_predict(model, matrix / lengths, (costs - design.offset) / points.scales_ps, cv=folds)
    predicted = held_out * points.scales_ps + design.offset
    relative = (predicted - costs) / np.maximum(np.abs(costs), LEAST_BUILTIN_PS)
    return float(np.sqrt((relative**2).mean()))


def _suggested(present: str, errors: Mapping[str, float], functions: Mapping[str, CostingFunction]) -> str | None:
    """The shape with the fewest coefficients among those hardly worse than the best, if it is worth a change."""
    best = min(errors.values())
    close = [name for name, error in errors.items() if error <= max(best / _WORTH, best + _LEAST_GAIN / 2)]
    simplest = min(close, key=lambda name: (len(functions[name].names), errors[name]))
    gained = errors[present] - errors[simplest]
    return simplest if errors[simplest] < _WORTH * errors[present] and gained > _LEAST_GAIN else None
