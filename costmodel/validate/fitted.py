"""What a fitted model says of itself, and how sure its predictions are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from costmodel.errors import ModelError
from costmodel.machine import Script
from costmodel.model import EXTRAS_KEY, CostModel, ps_to_ns
from costmodel.plutus import BUILTIN_BY_NAME
from costmodel.validate.predict import Prediction
from costmodel.validate.score import Estimate

_SCHEMA_VERSION: Final = 1
_EXPRESSED: Final = "expressed_in"  # the key of a fit that was brought to another machine's picoseconds


class _Fit(msgspec.Struct, frozen=True):
    """A fitted figure in picoseconds, and its 95 % interval."""

    ps: float
    interval_ps: tuple[float, float]


class _Coefficients(msgspec.Struct, frozen=True):
    coefficients: dict[str, _Fit]


class _Builtin(msgspec.Struct, frozen=True):
    cost_at_centre: _Fit


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
    steps: _Coefficients
    builtins: dict[str, _Builtin]
    calls: dict[str, _Coefficients] = {}

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
        if fitted.hash_yardstick_ns is not None and not fitted.hash_yardstick_ns > 0:
            raise ModelError(f"{where}: hash_yardstick_ns must be above 0")
        return fitted

    def figure(self, part: str) -> _Fit | None:
        """The figure behind a part of a prediction: a step cost, or a builtin's cost at the centre of its cells."""
        if part in self.steps.coefficients:
            return self.steps.coefficients[part]
        return self.builtins[part].cost_at_centre if part in self.builtins else None


class Part(NamedTuple):
    """A part of a predicted time, in ns, and how far either side it may be off.

    Parts of the same name, in whatever program, stem from the same figure of the model.
    """

    name: str
    ns: float
    below: float
    above: float

    @property
    def kind(self) -> str:
        """What the part is spent on: "step" (start-up among them), "builtin" or "call overhead"."""
        if self.name in BUILTIN_BY_NAME:
            return "builtin"
        return "step" if self.name.startswith("cek") else "call overhead"


def evaluation_parts(prediction: Prediction, fitted: Fitted | None) -> tuple[Part, ...]:
    """What a predicted evaluation is made of, with the model's own uncertainty where the model states it.

    Each part is as uncertain, relatively, as the figure that it stems from: a builtin's as its cost at the centre of
    its cells.
    """
    parts = []
    for name, ns in prediction.parts_ns.items():
        fit = fitted.figure(name) if fitted else None
        parts.append(Part(name, ns, 0, 0) if fit is None else _uncertain(name, ns, fit, prediction.counts[name]))
    return tuple(parts)


def call_parts(prediction: Prediction, fitted: Fitted) -> tuple[Part, ...]:
    """What a predicted call costs beside the evaluation: decoding the script, applying the arguments, a fresh start."""
    parts = []
    for operation, features in _call_features(prediction).items():
        if operation not in fitted.calls:
            continue
        for name, fit in fitted.calls[operation].coefficients.items():
            if name not in features:
                raise ModelError(f"the model's call costs have {operation} {name}, which this tool does not know")
            part = f"{operation} {name}"
            parts.append(_uncertain(part, fit.ps * features[name] / 1000, fit, features[name]))
    return tuple(parts)


def total(parts: Iterable[Part]) -> Estimate:
    """The predicted time that parts add up to, in ns.

    The parts' errors are taken as independent. Errors of step costs tend to cancel, so that overstates.
    """
    every = list(parts)
    value = sum(part.ns for part in every)
    below = math.hypot(*(part.below for part in every))
    above = math.hypot(*(part.above for part in every))
    return Estimate(value, max(value - below, 0), value + above)


def without_interval(prediction: Prediction, fitted: Fitted) -> tuple[str, ...]:
    """Parts of the prediction for which the model states no interval; they are taken as exact."""
    return tuple(part for part in prediction.parts_ns if fitted.figure(part) is None)


def _uncertain(name: str, ns: float, fit: _Fit, count: float) -> Part:
    low, high = fit.interval_ps
    # A part that the fit holds at nothing has no relative error; its interval counts once for each application.
    scale = ns / fit.ps if fit.ps > 0 else ps_to_ns(1) * count
    return Part(name, ns, max(fit.ps - low, 0) * scale, max(high - fit.ps, 0) * scale)


def _call_features(prediction: Prediction) -> Mapping[str, Mapping[str, int]]:
    """What the costs of a call are linear in, by part of the call."""
    program = prediction.program
    decoded = Script.decode(program.flat, program.language, program.protocol_version)
    return {
        "decode": {"intercept": 1, "bytes": len(program.flat), "nodes": decoded.nodes},
        "apply": {
            "arguments": len(program.arguments),
            "bytes": sum(map(len, program.arguments)),
            "nodes": program.argument_nodes,
        },
        "start": {"intercept": 1},
    }
