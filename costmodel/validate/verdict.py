"""The verdict on a model: a score for each program, and all of them together."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Final

from costmodel.model import ExUnits
from costmodel.validate.predict import Prediction
from costmodel.validate.score import Estimate, Status, judge, overall, ratio

VERDICT_SCHEMA_VERSION: Final = 1


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
    ledger's. `ratio` is predicted over observed (adjusted), its interval the combined one. `uncertain` is as in the
    observation.
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
    status: Status
    uncertain: str


def score(
    prediction: Prediction, work: str, predicted_ns: Estimate, observation: Observation, tolerance: float
) -> Score:
    """The score of one program at a relative tolerance."""
    program = prediction.program
    found = ratio(predicted_ns, observation.adjusted_ns)
    return Score(
        program=program.name,
        label=program.label,
        loop_count=program.loop_count,
        language=program.language.value,
        protocol_version=program.protocol_version,
        work=work,
        ex_units=prediction.ex_units,
        predicted_ns=predicted_ns,
        observed_ns=observation.adjusted_ns,
        observed_raw_ns=observation.raw_ns,
        ratio=found,
        status=judge(found, tolerance),
        uncertain=observation.uncertain,
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `validate` found.

    `model` and `run` say which model and which run of observations. `tolerance` is relative. `machine_state` is "model"
    where observed times were brought to the state of the machine in which the model was measured, else "replay".
    `notes` are lines for the user: what limits the comparison.
    """

    model: str
    workload: str
    run: str
    tolerance: float
    machine_state: str
    notes: tuple[str, ...]
    scores: tuple[Score, ...]

    @property
    def status(self) -> Status:
        """One failure fails the whole; an inconclusive score never reads as a pass."""
        return overall(score.status for score in self.scores)

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
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float() if not math.isfinite(value):
            return None
        case Status():
            return value.value
    return value
