"""A costing function: a shape with its coefficients, evaluated, laid out for fitting, read from and written to JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from costmodel.errors import ModelError
from costmodel.lazy import lazily
from costmodel.model.shapes import SHAPES, DiagonalShape, Floats, PlainShape, Shape, ShapeId
from costmodel.model.units import MAX_COST, MIN_COST

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazily("numpy")  # for designs alone; evaluating a script does without

_MODEL_PREFIX = "model."


@dataclass(frozen=True, slots=True)
class DesignMatrix:
    """A costing function over n points, linear in its free coefficients.

    Costs are max(`floor`, `matrix` @ free coefficients + `offset`), in the coefficients' unit (ps or words). `names`
    has the k free coefficients, `matrix` is n × k, `offset` and `floor` (−inf where there is none) have length n.
    """

    names: tuple[str, ...]
    matrix: Floats
    offset: Floats
    floor: Floats


@dataclass(frozen=True, slots=True)
class CostingFunction:
    """A cost as a function of a builtin's argument sizes.

    `coefficients` are in the order of `shape.fields`. `model` is the inner costing function of the `*_diagonal`
    shapes and None for the others; it is a plain shape itself, as in every published model.
    """

    shape: Shape
    coefficients: tuple[int, ...]
    model: CostingFunction | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All coefficients, the inner model's last and prefixed `model.`."""
        inner = self.model.names if self.model else ()
        return (*self.shape.fields, *(_MODEL_PREFIX + name for name in inner))

    @property
    def values(self) -> tuple[int, ...]:
        """The coefficients in the order of `names`."""
        return self.coefficients + (self.model.values if self.model else ())

    @property
    def arity_needed(self) -> int:
        """How many arguments a builtin needs at least for this costing function to have the sizes it reads."""
        return max((1 + i for i in (*self.shape.reads, *(self.model.shape.reads if self.model else ()))), default=0)

    def with_values(self, values: Sequence[int]) -> CostingFunction:
        """The same shapes with other coefficients, given in the order of `names`; ValueError for another number."""
        if len(values) != len(self.names):
            raise ValueError(f"{len(values)} values for the coefficients {', '.join(self.names)}")
        own = len(self.shape.fields)
        model = self.model.with_values(values[own:]) if self.model else None
        return replace(self, coefficients=tuple(values[:own]), model=model)

    def evaluate(self, sizes: Sequence[int]) -> int:
        """The exact cost (ps or words) at the sizes of all arguments, 0 … 2^63 − 1, saturating as the ledger does."""
        shape, model = self.shape, self.model
        if isinstance(shape, PlainShape):
            return shape.cost(self.coefficients, sizes)
        assert model is not None  # noqa: S101 - costing_function() builds no diagonal shape without its model
        x, y = sizes[0], sizes[1]
        if shape.inside is None:
            return model.evaluate((max(x, y), min(x, y)))
        return model.evaluate(sizes) if shape.inside(x, y) else self.coefficients[0]

    def design(self, sizes: Floats) -> DesignMatrix:
        """Its linear features at n points; `sizes` is n × arity.

        A coefficient that does not enter linearly (`minimum`) keeps its value and has no column, nor has one that
        plays no part.
        """
        return self._design([sizes[:, i] for i in range(sizes.shape[1])])

    def predict(self, sizes: Floats) -> Floats:
        """Costs (ps or words) at n points in floating point, so neither rounded nor saturated; `sizes` is n × arity."""
        design = self.design(sizes)
        named = dict(zip(self.names, self.values, strict=True))
        free = np.array([named[name] for name in design.names], np.float64)
        predicted: Floats = np.maximum(design.floor, design.matrix @ free + design.offset)
        return predicted

    def _design(self, columns: Sequence[Floats]) -> DesignMatrix:
        shape, model = self.shape, self.model
        if isinstance(shape, PlainShape):
            n = len(columns[0])
            floor = -np.inf if shape.floor_field is None else self.coefficients[shape.fields.index(shape.floor_field)]
            return DesignMatrix(
                names=shape.free_fields,
                matrix=np.column_stack(shape.features(self.coefficients, columns)),
                offset=shape.offset(columns) if shape.offset else np.zeros(n),
                floor=np.full(n, floor, np.float64),
            )
        assert model is not None  # noqa: S101 - as in evaluate()
        x, y = columns[0], columns[1]
        if shape.inside is None:
            inner = model._design([np.maximum(x, y), np.minimum(x, y)])
            return replace(inner, names=tuple(_MODEL_PREFIX + name for name in inner.names))
        inner, inside = model._design(columns), shape.inside(x, y)
        return DesignMatrix(
            names=("constant", *(_MODEL_PREFIX + name for name in inner.names)),
            matrix=np.column_stack([~inside, inner.matrix * inside[:, None]]).astype(np.float64),
            offset=inner.offset * inside,
            floor=np.where(inside, inner.floor, -np.inf),
        )


def costing_function(
    tag: object, coefficients: Mapping[str, object], model: CostingFunction | None, where: str
) -> CostingFunction:
    """A checked costing function from its tag, coefficients by field name, and inner model.

    Raises ModelError, starting with `where`, for an unknown tag, missing, unknown or non-integer coefficients, and an
    inner model that the shape does not take.
    """
    shape = SHAPES.get(tag) if isinstance(tag, str) else None
    if shape is None:
        raise ModelError(f"{where}: unknown shape of costing function {_shown(tag)}")
    for name in shape.fields:
        if name not in coefficients:
            raise ModelError(f"{where}: {tag} lacks the field {name!r}")
    if unknown := sorted(coefficients.keys() - set(shape.fields)):
        raise ModelError(f"{where}: {tag} has no field {unknown[0]!r}")
    _check_model(shape, model, where)
    return CostingFunction(
        shape, tuple(checked_int(coefficients[name], f"{where}: {name}") for name in shape.fields), model
    )


def _check_model(shape: Shape, model: CostingFunction | None, where: str) -> None:
    if isinstance(shape, PlainShape):
        if model is not None:
            raise ModelError(f"{where}: {shape.id.tag} has no field 'model'")
        return
    if model is None:
        raise ModelError(f"{where}: {shape.id.tag} lacks the field 'model'")
    if isinstance(model.shape, DiagonalShape):
        raise ModelError(f"{where}: {model.shape.id.tag} cannot be the model inside {shape.id.tag}")
    if not set(model.shape.reads) <= set(shape.model_reads):
        raise ModelError(f"{where}: {model.shape.id.tag} reads a size that {shape.id.tag} does not hand to its model")


def checked_int(value: object, where: str) -> int:
    """`value` where it is a 64-bit signed integer; else ModelError."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ModelError(f"{where} must be an integer, not {_shown(value)}")
    if not MIN_COST <= value <= MAX_COST:
        raise ModelError(f"{where} does not fit in 64 bits: {value if value.bit_length() < 256 else 'a huge integer'}")
    return value


def _shown(value: object) -> str:
    """A short rendering of a JSON value for a one-line message."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"


def from_json(data: object, where: str) -> CostingFunction:
    """Read upstream's `{"arguments": …, "type": …}`; ModelError, starting with `where`, if it is not one.

    Models nest one level deep and no deeper, so the depth of the input does not matter.
    """
    return _from_json(data, where, nested=False)


def _from_json(data: object, where: str, *, nested: bool) -> CostingFunction:
    if not isinstance(data, dict) or data.keys() != {"arguments", "type"}:
        raise ModelError(f"{where} must be an object with exactly the fields 'arguments' and 'type'")
    tag, arguments = data["type"], data["arguments"]
    if tag == ShapeId.CONSTANT_COST.tag:
        return costing_function(tag, {"constant": arguments}, None, where)
    if not isinstance(arguments, dict):
        raise ModelError(f"{where}: the arguments of {_shown(tag)} must be an object, not {_shown(arguments)}")
    if "model" not in arguments:
        return costing_function(tag, arguments, None, where)
    if nested:
        raise ModelError(f"{where}: a model inside a *_diagonal shape cannot hold another model")
    model = _from_json(arguments["model"], f"{where} model", nested=True)
    return costing_function(tag, {k: v for k, v in arguments.items() if k != "model"}, model, where)


def to_json(function: CostingFunction) -> dict[str, object]:
    """Upstream's JSON object, keys in upstream's (alphabetical) order."""
    tag = function.shape.id.tag
    if function.shape.id is ShapeId.CONSTANT_COST:
        return {"arguments": function.coefficients[0], "type": tag}
    arguments: dict[str, object] = dict(sorted(zip(function.shape.fields, function.coefficients, strict=True)))
    if function.model is not None:
        arguments["model"] = to_json(function.model)
    return {"arguments": arguments, "type": tag}
