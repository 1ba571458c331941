"""What a fitted model says of itself, and how sure its predictions are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from costmodel.errors import ModelError
from costmodel.judging.estimate import Estimate
from costmodel.machine import Script
from costmodel.model import EXTRAS_KEY, CostModel, ps_to_ns
from costmodel.plutus import BUILTIN_BY_NAME, decode_flat, decoding_features
from costmodel.predict.counts import Prediction

_SCHEMA_VERSION: Final = 1
FOOTPRINT: Final = "footprint"
"""The name of the figure that says what a step takes more in a larger program."""

_EXPRESSED: Final = "expressed_in"  # the key of a fit that was brought to another machine's picoseconds


class _Fit(msgspec.Struct, frozen=True):
    """A fitted figure in picoseconds, and its 95 % interval."""

    ps: float
    interval_ps: tuple[float, float]


class _Coefficients(msgspec.Struct, frozen=True):
    coefficients: dict[str, _Fit]


class _Footprint(_Coefficients, frozen=True):
    """What a step takes more with each doubling of the footprint. Prices hold for the `typical` one; below `least` and
    beyond `most` it makes no difference."""

    typical: float
    least: float
    most: float

    def known(self) -> bool:
        """Whether the range is one."""
        return 0 < self.least <= self.most < math.inf and 0 < self.typical < math.inf

    def doublings(self, footprint: int) -> float:
        """How many times the typical footprint is doubled."""
        return math.log2(min(max(footprint, self.least), self.most) / self.typical)


class _Steps(_Coefficients, frozen=True):
    footprint: _Footprint | None = None


class _Builtin(msgspec.Struct, frozen=True):
    cost_at_centre: _Fit


class _Lack(msgspec.Struct, frozen=True):
    """How far steps may be off for a program that did not give their prices: see the fit."""

    t: float
    scatter: float
    parts_ps: dict[str, list[float]]


class _Errors(msgspec.Struct, frozen=True):
    """What each process of the measurement adds to the error of each coefficient; see the fit."""

    t: float
    parts_ps: dict[str, list[float]]
    lack_of_fit: _Lack


class Fitted(msgspec.Struct, frozen=True):
    """The parts of a fitted model's own section that a replay needs.

    Observed times are comparable once they are brought to the state of `machine` in which the hash yardstick took
    `hash_yardstick_ns`, if that is known. `evaluator` is what was measured.
    """

    schema_version: int
    variant: str
    machine: dict[str, object]
    evaluator: dict[str, str]
    hash_yardstick_ns: float | None
    steps: _Steps
    builtins: dict[str, _Builtin]
    errors: _Errors
    calls: dict[str, _Coefficients] = {}
    clock_unit: str = "ns"

    @classmethod
    def of(cls, model: CostModel) -> Fitted | None:
        """The section of a model that `fit` wrote, None for a model without one, or in the
        picoseconds of another machine; ModelError for a malformed one."""
        if not model.extras or _EXPRESSED in model.extras:
            return None
        where = f"{model.source}: {EXTRAS_KEY}"
        try:
            fitted = msgspec.convert(dict(model.extras), cls)
        except msgspec.ValidationError as error:
            raise ModelError(f"{where}: {error}; fit the model again") from None
        if fitted.schema_version != _SCHEMA_VERSION:
            raise ModelError(f"{where} has schema version {fitted.schema_version}; this tool reads {_SCHEMA_VERSION}")
        if fitted.clock_unit != "ns":
            raise ModelError(f"{model.source} has prices in {fitted.clock_unit}, not in time; fit runs that were timed")
        for errors in (fitted.errors, fitted.errors.lack_of_fit):
            if len({len(parts) for parts in errors.parts_ps.values()}) > 1:
                raise ModelError(f"{where}.errors has lists of unlike length; fit the model again")
        footprint = fitted.steps.footprint
        if footprint and not (footprint.known() and FOOTPRINT in footprint.coefficients):
            raise ModelError(f"{where}.steps.footprint is no figure over a range of nodes; fit the model again")
        if fitted.hash_yardstick_ns is not None and not fitted.hash_yardstick_ns > 0:
            raise ModelError(f"{where}: hash_yardstick_ns must be above 0")
        return fitted

    def figure(self, part: str) -> _Fit | None:
        """The figure behind a part of a prediction: a step cost, or a builtin's cost at the centre of its cells."""
        if part in self.steps.coefficients:
            return self.steps.coefficients[part]
        return self.builtins[part].cost_at_centre if part in self.builtins else None


class Part(NamedTuple):
    """A part of a predicted time, in ns."""

    name: str
    ns: float

    @property
    def kind(self) -> str:
        """What the part is spent on: "step" (start-up among them), "builtin" or "call overhead"."""
        if self.name in BUILTIN_BY_NAME:
            return "builtin"
        return "step" if self.name.startswith("cek") else "call overhead"


class Error(NamedTuple):
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
    errors: tuple[Error, ...] = ()
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
    kinds, footprint = prediction.kinds, fitted.steps.footprint
    doublings = footprint.doublings(prediction.footprint) if footprint else 0.0
    more_ns = ps_to_ns(1) * footprint.coefficients[FOOTPRINT].ps * doublings if footprint else 0.0
    parts = tuple(Part(name, ns + more_ns * kinds.get(name, 0)) for name, ns in prediction.parts_ns.items())
    counts = {**prediction.counts, **prediction.sizes, FOOTPRINT: doublings * sum(kinds.values())}
    errors = fitted.errors
    timed = errors.t * _parts_ns(errors.parts_ps, counts)
    others = errors.lack_of_fit.t * _parts_ns(errors.lack_of_fit.parts_ps, counts)
    steps_ns = sum(part.ns for part in parts if part.kind == "step")
    own = errors.lack_of_fit.t * errors.lack_of_fit.scatter * steps_ns
    return Predicted(
        parts,
        tuple(Error(f"process {i}", ns, ns) for i, ns in enumerate(timed.tolist())),
        math.hypot(own, *others.tolist()),
    )


def predicted_call(prediction: Prediction, evaluation: Predicted, fitted: Fitted) -> Predicted:
    """The evaluation and what a call costs beside it: decoding the script, applying the arguments, a first run.

    A first run has a fresh start in it, which stands in where the model has no figures for first runs.
    """
    parts, errors = [], []
    instead = "start" if "first" in fitted.calls else ""
    for operation, features in _call_features(prediction).items():
        if operation not in fitted.calls or operation == instead:
            continue
        for name, fit in fitted.calls[operation].coefficients.items():
            if name not in features:
                raise ModelError(f"the model's call costs have {operation} {name}, which this tool does not know")
            low, high = fit.interval_ps
            part, each = f"{operation} {name}", ps_to_ns(1) * features[name]
            parts.append(Part(part, fit.ps * each))
            errors.append(Error(part, max(fit.ps - low, 0) * each, max(high - fit.ps, 0) * each))
    return Predicted((*evaluation.parts, *parts), (*evaluation.errors, *errors), evaluation.lack_ns)


def without_interval(prediction: Prediction, fitted: Fitted) -> tuple[str, ...]:
    """Parts of the prediction for which the model states no interval; they are taken as exact."""
    return tuple(part for part in prediction.parts_ns if fitted.figure(part) is None)


def _parts_ns(parts_ps: Mapping[str, Sequence[float]], counts: Mapping[str, float]) -> np.ndarray[Any, np.dtype[Any]]:
    """What each source of error adds to a sum of coefficients, `counts` times each."""
    rows = [np.array(parts) * (ps_to_ns(1) * counts[name]) for name, parts in parts_ps.items() if name in counts]
    return np.sum(rows, axis=0) if rows else np.zeros(0)


def _call_features(prediction: Prediction) -> Mapping[str, Mapping[str, float]]:
    """What the costs of a call are linear in, by part of the call."""
    program = prediction.program
    decoded = Script.decode(program.flat, program.language, program.protocol_version)
    decoding = decoding_features(decode_flat(program.flat).term, len(program.flat))
    return {
        "decode": {"intercept": 1, **decoding},
        "apply": {
            "arguments": len(program.arguments),
            "bytes": sum(map(len, program.arguments)),
            "nodes": program.argument_nodes,
        },
        "start": {"intercept": 1},
        "first": {"intercept": 1, "nodes": decoded.nodes},
    }
