"""The verdict on a model: a score for each program, and all of them together."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Final

from costmodel.judging.estimate import Estimate, Status, judge, ratio
from costmodel.model import ExUnits
from costmodel.predict.counts import Prediction
from costmodel.predict.fitted import Predicted
from costmodel.validate.attribution import Miss
from costmodel.validate.baselines import Baseline
from costmodel.validate.gates import GateResult, whole
from costmodel.validate.margins import Margins
from costmodel.validate.summary import Extreme, Summary

VERDICT_SCHEMA_VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Observation:
    """Observed time of one program in ns, with 95 % intervals.

    `raw_ns` is as the clock had it, `adjusted_ns` brought to one state of the machine, by the yardstick: the state in
    which the model was measured, or else the replay's own median. `uncertain` says why the session was not content
    with its precision.
    """

    raw_ns: Estimate
    adjusted_ns: Estimate
    uncertain: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """One program, or one call of it: what was predicted, what was observed, and what that amounts to.

    `work` is `evaluate` (the evaluation alone) or `call` (decoding, arguments and evaluation). `ex_units` are the
    ledger's. The interval of `predicted_ns` says how far the model may be off for a program that it has not seen, by
    errors of measurement and lack of fit. `ratio` is observed (adjusted) over predicted, its interval that of both
    measurements; `status` judges it where a tolerance holds every program. `uncertain` is as in the observation.
    """

    program: str
    label: str
    loop_count: int | None
    language: str
    protocol_version: int
    work: str
    ex_units: ExUnits
    predicted_ns: Estimate
    observed_ns: Estimate
    observed_raw_ns: Estimate
    ratio: Estimate
    status: Status | None
    uncertain: str


def score(
    prediction: Prediction, work: str, predicted: Predicted, observation: Observation, tolerance: float | None
) -> Score:
    """The score of one program, at a relative tolerance if one is asked for."""
    program = prediction.program
    found = ratio(observation.adjusted_ns, predicted.measured())
    return Score(
        program=program.name,
        label=program.label,
        loop_count=program.loop_count,
        language=program.language.value,
        protocol_version=program.protocol_version,
        work=work,
        ex_units=prediction.ex_units,
        predicted_ns=predicted.expected(),
        observed_ns=observation.adjusted_ns,
        observed_raw_ns=observation.raw_ns,
        ratio=found,
        status=None if tolerance is None else judge(found, tolerance),
        uncertain=observation.uncertain,
    )


@dataclass(frozen=True, slots=True)
class Work:
    """All programs of a workload timed in one way: what the model amounts to, what the baselines do, where the large
    misses may come from, and what each one more takes of what comes at several counts."""

    summary: Summary
    baselines: tuple[Baseline, ...]
    gates: tuple[GateResult, ...]
    misses: tuple[Miss, ...]
    margins: Margins | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `validate` found.

    `model` and `run` say which model and which run of observations. `machine_state` is "model" where observed times
    were brought to the state of the machine in which the model was measured, else "replay". `notes` are lines for the
    user: what limits the comparison. `works` has an element for each way in which the programs were timed.
    """

    model: str
    workload: str
    run: str
    machine_state: str
    notes: tuple[str, ...]
    scores: tuple[Score, ...]
    works: tuple[Work, ...]

    @property
    def status(self) -> Status:
        """One gate that fails fails the whole; an inconclusive one never reads as a pass."""
        return whole(gate for work in self.works for gate in work.gates)

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 3 inconclusive."""
        return self.status.exit_code

    def to_dict(self) -> dict[str, Any]:
        """The document of `--json`: every field, the status, and null where an interval has no bound."""
        document: dict[str, Any] = dataclasses.asdict(self)
        whole = {"schema_version": VERDICT_SCHEMA_VERSION, "status": self.status, "exit_code": self.exit_code}
        result: dict[str, Any] = _plain(whole | document)
        return result


def _plain(value: Any) -> Any:
    """The same without what JSON cannot say: tuples with names become objects, bounds at infinity null."""
    match value:
        case Estimate():
            return {"value": _plain(value.value), "interval": [_plain(value.low), _plain(value.high)]}
        case Extreme():
            return _plain(value._asdict())
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float() if not math.isfinite(value):
            return None
        case Status():
            return value.value
    return value
