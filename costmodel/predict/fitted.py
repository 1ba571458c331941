"""What a fitted model says of itself, what it predicts, and how sure its predictions are.

A charge is whole picoseconds in the shape that the protocol has, raised where that is safer. A time is best predicted
from the coefficients as they were fitted, and from a better shape where the points support one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from costmodel.errors import ModelError
from costmodel.judging.estimate import Estimate
from costmodel.machine.decoding_features import decoding_features
from costmodel.machine.usage import Call
from costmodel.model import EXTRAS_KEY, STARTUP_KEY, CostingFunction, CostModel, ps_to_ns
from costmodel.model.terms import term
from costmodel.plutus import BUILTIN_BY_NAME, decode_flat
from costmodel.predict.counts import Prediction
from costmodel.records.model import Figure, FittedBuiltin, FittedModel, FootprintRange, parse_section
from costmodel.records.run import Machine

Floats = NDArray[np.float64]

_MINIMUM: Final = "minimum"  # the one coefficient that a cost is not linear in


@dataclass(frozen=True, slots=True)
class CallTimes:
    """Nanoseconds by builtin, and by coefficient ("addInteger.slope") how many picoseconds more one more makes."""

    ns: dict[str, float]
    weights: dict[str, float]


def call_times(
    calls: Mapping[Call, int], functions: Mapping[str, CostingFunction], fits: Mapping[str, FittedBuiltin]
) -> CallTimes:
    """What calls take by the fits of their builtins, and by the prices in `functions` where there is no fit."""
    by_name: dict[str, list[tuple[tuple[int, ...], int]]] = {}
    for (name, sizes), count in calls.items():
        by_name.setdefault(name, []).append((sizes, count))
    times = CallTimes({}, {})
    for name, made in by_name.items():
        counts = np.array([count for _, count in made], np.float64)
        linear = _linear(functions[name], fits.get(name), np.array([sizes for sizes, _ in made], np.float64))
        costs = linear.matrix @ linear.values + linear.offset
        held = costs < linear.floor
        times.ns[name] = ps_to_ns(1) * float(counts @ np.maximum(costs, linear.floor))
        for coefficient, column in zip(linear.names, linear.matrix.T, strict=True):
            times.weights[f"{name}.{coefficient}"] = float((counts * ~held) @ column)
    return times


@dataclass(frozen=True, slots=True)
class _Linear:
    """Costs of n calls in ps: max(`floor`, `matrix` @ `values` + `offset`)."""

    names: tuple[str, ...]
    matrix: Floats
    values: Floats
    offset: Floats
    floor: Floats


def _linear(function: CostingFunction, fit: FittedBuiltin | None, sizes: Floats) -> _Linear:
    if fit is not None and fit.better_shape is not None:
        terms = fit.better_shape.terms_ps
        return _Linear(
            names=tuple(terms),
            matrix=np.column_stack([term(name, sizes) for name in terms]),
            values=np.array([*terms.values()]),
            offset=np.zeros(len(sizes)),
            floor=np.zeros(len(sizes)),
        )
    design = function.design(sizes)
    values = {name: float(value) for name, value in zip(function.names, function.values, strict=True)}
    floor = design.floor
    if fit is not None:
        values |= {name: each.ps for name, each in fit.coefficients.items()}
        fitted = [each.ps for name, each in fit.coefficients.items() if name.endswith(_MINIMUM)]
        floor = np.where(np.isfinite(floor), fitted[0], floor) if fitted else floor
    return _Linear(
        names=design.names,
        matrix=design.matrix,
        values=np.array([values[name] for name in design.names]),
        offset=design.offset,
        floor=floor,
    )


_CONSTANTS: Final = "constants_"  # of each type, where a program has any
FOOTPRINT: Final = "footprint"
"""The name of the figure that says what a step takes more in a larger program."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model's own section, as far as a replay needs it, and the costing functions that it charges by.

    Observed times are comparable once they are brought to the state of `machine` in which the hash yardstick took
    `hash_yardstick_ns`, if that is known. `evaluator` is what was measured.
    """

    section: FittedModel
    functions: Mapping[str, CostingFunction]

    @property
    def variant(self) -> str:
        return self.section.variant

    @property
    def machine(self) -> Machine:
        return self.section.machine

    @property
    def evaluator(self) -> dict[str, str]:
        return self.section.evaluator

    @property
    def hash_yardstick_ns(self) -> float | None:
        return self.section.hash_yardstick_ns

    @classmethod
    def of(cls, model: CostModel) -> Fitted | None:
        """The section of a model that `fit` wrote, None for a model without one, or in the
        picoseconds of another machine; ModelError for a malformed one."""
        if not model.extras:
            return None
        where = f"{model.source}: {EXTRAS_KEY}"
        section = parse_section(model.extras, where)
        if not isinstance(section, FittedModel):
            return None
        if section.clock_unit != "ns":
            raise ModelError(
                f"{model.source} has prices in {section.clock_unit}, not in time; fit runs that were timed"
            )
        for errors in (section.errors, section.errors.lack_of_fit):
            if len({len(parts) for parts in errors.parts_ps.values()}) > 1:
                raise ModelError(f"{where}.errors has lists of unlike length; fit the model again")
        found = section.steps.prediction
        if found.footprint is not None and not (_is_range(found.footprint) and FOOTPRINT in found.coefficients):
            raise ModelError(f"{where}.steps.footprint is no figure over a range of nodes; fit the model again")
        if section.hash_yardstick_ns is not None and not section.hash_yardstick_ns > 0:
            raise ModelError(f"{where}: hash_yardstick_ns must be above 0")
        return cls(section, {name: cost.cpu for name, cost in model.builtins.items()})

    def figure(self, part: str) -> Figure | None:
        """The figure behind a part of a prediction: a step cost, or a builtin's cost at the centre of its cells."""
        steps = self.section.steps.prediction.coefficients
        if part in steps:
            return steps[part]
        return self.section.builtins[part].cost_at_centre if part in self.section.builtins else None


def _is_range(footprint: FootprintRange) -> bool:
    return 0 < footprint.least <= footprint.most < math.inf and 0 < footprint.typical < math.inf


def _doublings(footprint: FootprintRange | None, nodes: int) -> float:
    """How many times the typical footprint is doubled."""
    if footprint is None:
        return 0.0
    return math.log2(min(max(nodes, footprint.least), footprint.most) / footprint.typical)


class Part(NamedTuple):
    """A part of a predicted time, in ns."""

    name: str
    ns: float

    @property
    def kind(self) -> str:
        """What the part is spent on: "step" (start-up and features among them), "builtin" or "call overhead"."""
        if self.name in BUILTIN_BY_NAME:
            return "builtin"
        return "call overhead" if " " in self.name else "step"


class ErrorContribution(NamedTuple):
    """How far an error of the model's measurement takes a predicted time, ns: half a 95 % interval to either side.

    Errors of the same name, in whatever program, are one error. Where both sides are negative it takes the time the
    other way.
    """

    name: str
    below: float
    above: float


@dataclass(frozen=True, slots=True)
class Predicted:
    """A predicted time: its parts, how far errors of measurement take it, and `lack_ns`, half the 95 % interval of what
    the prices are off for a program that they were not fitted to, however well they were measured."""

    parts: tuple[Part, ...]
    errors: tuple[ErrorContribution, ...] = ()
    lack_ns: float = 0.0

    @property
    def ns(self) -> float:
        return sum(part.ns for part in self.parts)

    def measured(self) -> Estimate:
        """The time, as sure as the measurement of the prices makes it."""
        return self._estimate(0.0)

    def expected(self) -> Estimate:
        """The time, with how far the model may be off for a program that it has not seen."""
        return self._estimate(self.lack_ns)

    def _estimate(self, lack: float) -> Estimate:
        below = math.hypot(lack, *(error.below for error in self.errors))
        above = math.hypot(lack, *(error.above for error in self.errors))
        return Estimate(self.ns, max(self.ns - below, 0), self.ns + above)


def predicted_evaluation(prediction: Prediction, fitted: Fitted | None) -> Predicted:
    """What a predicted evaluation is made of, with the model's own uncertainty where the model states it."""
    if fitted is None:
        return Predicted(tuple(Part(name, ns) for name, ns in prediction.parts_ns.items()))
    steps = fitted.section.steps.prediction
    doublings = _doublings(steps.footprint, prediction.footprint) * sum(prediction.kinds.values())
    counted = {STARTUP_KEY: 1, **prediction.kinds, **prediction.features, FOOTPRINT: doublings}
    called = call_times(prediction.calls, fitted.functions, fitted.section.builtins)
    spent = [
        Part(name, ps_to_ns(1) * each.ps * counted[name])
        for name, each in steps.coefficients.items()
        if counted.get(name)
    ]
    parts = (*spent, *(Part(name, ns) for name, ns in called.ns.items()))
    counts = {**counted, **called.weights}
    errors = fitted.section.errors
    timed = errors.t * _parts_ns(errors.parts_ps, counts)
    others = errors.lack_of_fit.t * _parts_ns(errors.lack_of_fit.parts_ps, counts)
    steps_ns = sum(part.ns for part in parts if part.kind == "step")
    own = errors.lack_of_fit.t * errors.lack_of_fit.scatter * steps_ns
    return Predicted(
        parts,
        tuple(ErrorContribution(f"source {i}", ns, ns) for i, ns in enumerate(timed.tolist())),
        math.hypot(own, *others.tolist()),
    )


def predicted_call(prediction: Prediction, evaluation: Predicted, fitted: Fitted) -> Predicted:
    """The evaluation and what a call costs beside it: decoding the script, applying the arguments, a first run.

    A first run has a fresh start in it, which stands in where the model has no figures for first runs.
    """
    parts, errors = [], []
    instead = "start" if "first" in fitted.section.calls else ""
    for operation, features in _call_features(prediction).items():
        if operation not in fitted.section.calls or operation == instead:
            continue
        for name, fit in fitted.section.calls[operation].coefficients.items():
            if name not in features and not name.startswith(_CONSTANTS):
                raise ModelError(f"the model's call costs have {operation} {name}, which this tool does not know")
            low, high = fit.interval_ps or (0.0, fit.ps)
            part, each = f"{operation} {name}", ps_to_ns(1) * features.get(name, 0.0)
            parts.append(Part(part, fit.ps * each))
            errors.append(ErrorContribution(part, max(fit.ps - low, 0) * each, max(high - fit.ps, 0) * each))
    return Predicted((*evaluation.parts, *parts), (*evaluation.errors, *errors), evaluation.lack_ns)


def without_interval(prediction: Prediction, fitted: Fitted) -> tuple[str, ...]:
    """Parts of the prediction for which the model states no interval; they are taken as exact."""
    return tuple(
        part for part in prediction.parts_ns if (figure := fitted.figure(part)) is None or figure.interval_ps is None
    )


def _parts_ns(parts_ps: Mapping[str, Sequence[float]], counts: Mapping[str, float]) -> np.ndarray[Any, np.dtype[Any]]:
    """What each source of error adds to a sum of coefficients, `counts` times each."""
    rows = [np.array(parts) * (ps_to_ns(1) * counts[name]) for name, parts in parts_ps.items() if name in counts]
    return np.sum(rows, axis=0) if rows else np.zeros(0)


def _call_features(prediction: Prediction) -> Mapping[str, Mapping[str, float]]:
    """What the costs of a call are linear in, by part of the call."""
    program = prediction.program
    decoding = decoding_features(decode_flat(program.flat).term, len(program.flat))
    return {
        "decode": {"intercept": 1, **decoding},
        "apply": {
            "arguments": len(program.arguments),
            "bytes": sum(map(len, program.arguments)),
            "nodes": program.argument_nodes,
        },
        "start": {"intercept": 1},
        "first": {
            "intercept": 1,
            "nodes": decoding["nodes"],
            "steps": sum(prediction.steps.values()),
            "footprint": prediction.footprint,  # of models of former versions
        },
    }
