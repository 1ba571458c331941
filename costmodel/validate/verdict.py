"""The verdict on a model: a score for each program, and all of them together."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from costmodel.judging.estimate import Estimate, ScoreStatus, judge, ratio
from costmodel.model import ExUnits
from costmodel.predict.counts import Prediction
from costmodel.predict.fitted import Predicted
from costmodel.records import finite
from costmodel.records import validation as records
from costmodel.records.figures import ExitCode, ExUnitsRecord
from costmodel.validate.attribution import Miss
from costmodel.validate.baselines import Baseline
from costmodel.validate.gates import GateResult, whole
from costmodel.validate.margins import Margins
from costmodel.validate.summary import Summary


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
    work: records.Timed
    ex_units: ExUnits
    predicted_ns: Estimate
    observed_ns: Estimate
    observed_raw_ns: Estimate
    ratio: Estimate
    status: ScoreStatus | None
    uncertain: str


def score(
    prediction: Prediction, work: records.Timed, predicted: Predicted, observation: Observation, tolerance: float | None
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
class WorkVerdict:
    """All programs of a workload timed in one way: what the model amounts to, what the baselines do, where the large
    misses may come from, and what each one more takes of what comes at several counts."""

    summary: Summary
    baselines: tuple[Baseline, ...]
    gates: tuple[GateResult, ...]
    misses: tuple[Miss, ...]
    margins: Margins | None


@dataclass(frozen=True, slots=True)
class ValidationVerdict:
    """What `validate` found.

    `model` and `run` say which model and which run of observations. `machine_state` is "model" where observed times
    were brought to the state of the machine in which the model was measured, else "replay". `notes` are lines for the
    user: what limits the comparison. `works` has an element for each way in which the programs were timed.
    """

    model: str
    workload: str
    run: str
    machine_state: Literal["model", "replay"]
    notes: tuple[str, ...]
    scores: tuple[Score, ...]
    works: tuple[WorkVerdict, ...]

    @property
    def status(self) -> ScoreStatus:
        """One gate that fails fails the whole; an inconclusive one never reads as a pass."""
        return whole(gate for work in self.works for gate in work.gates)

    @property
    def exit_code(self) -> ExitCode:
        """0 passed, 1 failed, 3 inconclusive."""
        return self.status.exit_code

    def document(self) -> records.ValidationDocument:
        """The document of `--json`."""
        return records.ValidationDocument(
            status=self.status.value,
            exit_code=self.exit_code,
            model=self.model,
            workload=self.workload,
            run=self.run,
            machine_state=self.machine_state,
            notes=self.notes,
            scores=tuple(map(_score, self.scores)),
            works=tuple(map(_work, self.works)),
        )


def _score(score: Score) -> records.ScoreRecord:
    return records.ScoreRecord(
        program=score.program,
        label=score.label,
        loop_count=score.loop_count,
        language=score.language,
        protocol_version=score.protocol_version,
        work=score.work,
        ex_units=ExUnitsRecord(cpu=score.ex_units.cpu, mem=score.ex_units.mem),
        predicted_ns=score.predicted_ns.record(),
        observed_ns=score.observed_ns.record(),
        observed_raw_ns=score.observed_raw_ns.record(),
        ratio=score.ratio.record(),
        status=None if score.status is None else score.status.value,
        uncertain=score.uncertain,
    )


def _work(work: WorkVerdict) -> records.WorkRecord:
    return records.WorkRecord(
        summary=_accuracy(work.summary),
        baselines=tuple(
            records.BaselineRecord(name=each.name, factor=each.factor, summary=_accuracy(each.summary))
            for each in work.baselines
        ),
        gates=tuple(
            records.Limit(
                gate=each.gate,
                work=each.work,
                limit=each.limit,
                found=None if each.found is None else each.found.record(),
                status=each.status.value,
            )
            for each in work.gates
        ),
        misses=tuple(map(_miss, work.misses)),
        margins=None if work.margins is None else _margins(work.margins),
    )


def _accuracy(summary: Summary) -> records.Accuracy:
    return records.Accuracy(
        work=summary.work,
        programs=summary.programs,
        median=summary.median.record(),
        p95=summary.p95.record(),
        spread=finite(summary.spread),
        undercharged=records.ExtremeRecord(**summary.undercharged._asdict()),
        overcharged=records.ExtremeRecord(**summary.overcharged._asdict()),
        slope=summary.slope,
        r2=None if summary.r2 is None else summary.r2.record(),
    )


def _miss(miss: Miss) -> records.MissRecord:
    return records.MissRecord(
        program=miss.program,
        ratio=miss.ratio,
        unexplained=miss.unexplained,
        blames=tuple(records.BlameRecord(**dataclasses.asdict(blame)) for blame in miss.blames),
    )


def _margins(margins: Margins) -> records.MarginsRecord:
    return records.MarginsRecord(
        median=margins.median.record(),
        p95=margins.p95.record(),
        each=tuple(
            records.MarginRecord(
                program=each.program,
                counts=each.counts,
                predicted_ns=each.predicted_ns,
                observed_ns=each.observed_ns,
                ratio=each.ratio.record(),
            )
            for each in margins.each
        ),
    )
