"""The verdict on a model: a score for each program, all of them together, and gates: what a model has to keep to on a
workload."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal, Self

from costmodel.errors import InputError
from costmodel.judging.estimate import Estimate, ScoreStatus, checked_tolerance, judge, overall, ratio
from costmodel.model import ExUnits
from costmodel.predict.counts import Prediction
from costmodel.predict.fitted import Predicted
from costmodel.records import finite
from costmodel.records import validation as records
from costmodel.records.figures import ExitCode, ExUnitsRecord
from costmodel.records.validation import Limited, Timed
from costmodel.validate.attribution import Miss
from costmodel.validate.summary import Baseline, Margins, Summary
from costmodel.workloads import Workload

DEFAULT_TOLERANCE: Final = 0.05
_MEDIAN, _P95, _R2 = 0.06, 0.18, 0.98

# Of the tightest gate on times: the rest is left for the model's own error and for being off.
_PRECISION_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Limits to r = observed/predicted; None is no limit.

    `tolerance` holds every program to |r − 1|, `median` and `p95` the median and the 95th percentile of |r − 1|, `r2`
    is the least R² in log scale, and `max_undercharge` holds every program to r − 1. InputError for an impossible
    limit, and where there is none.
    """

    tolerance: float | None = None
    median: float | None = None
    p95: float | None = None
    r2: float | None = None
    max_undercharge: float | None = None

    def __post_init__(self) -> None:
        given = [(field.name, getattr(self, field.name)) for field in fields(self)]
        if all(limit is None for _, limit in given):
            raise InputError("no gate is set; a replay without one judges nothing")
        for name, limit in given:
            if limit is not None:
                checked_tolerance(limit, name.replace("_", "-"))

    @classmethod
    def of(cls, workload: Workload) -> Self:
        """The gates of a workload for which none was asked: loops are each held to 5 %, programs of all sorts, which no
        model of nine step costs predicts one by one, all together to a median of 6 %, 18 % at the 95th percentile, and
        R² 0.98."""
        if workload.loops:
            return cls(tolerance=DEFAULT_TOLERANCE)
        return cls(median=_MEDIAN, p95=_P95, r2=_R2)

    @property
    def precision(self) -> float:
        """The half-width of an observed time, relative, that these gates ask for."""
        limits = (self.tolerance, self.median, self.p95, self.max_undercharge)
        return _PRECISION_SHARE * min((limit for limit in limits if limit is not None), default=DEFAULT_TOLERANCE)


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate: what it is about, its limit, what was found (the worst program's, where it holds every one)."""

    gate: Limited
    work: Timed
    limit: float
    found: Estimate | None
    status: ScoreStatus


def pass_gates(gates: Gates, summary: Summary, ratios: Sequence[Estimate]) -> Iterator[GateResult]:
    """The result of each gate that is set, on the programs of one kind of work and their ratios."""
    if gates.tolerance is not None:
        worst = max(ratios, key=lambda ratio: abs(ratio.value - 1))
        status = overall(judge(ratio, gates.tolerance) for ratio in ratios)
        yield GateResult("tolerance", summary.work, gates.tolerance, worst, status)
    if gates.median is not None:
        yield GateResult("median", summary.work, gates.median, summary.median, at_most(summary.median, gates.median))
    if gates.p95 is not None:
        yield GateResult("p95", summary.work, gates.p95, summary.p95, at_most(summary.p95, gates.p95))
    if gates.r2 is not None:
        yield GateResult("r2", summary.work, gates.r2, summary.r2, _at_least(summary.r2, gates.r2))
    if gates.max_undercharge is not None:
        limit = 1 + gates.max_undercharge
        status = overall(at_most(ratio, limit) for ratio in ratios)
        worst = max(ratios, key=lambda ratio: ratio.value)
        yield GateResult("max-undercharge", summary.work, gates.max_undercharge, worst, status)


def at_most(found: Estimate, limit: float) -> ScoreStatus:
    """Pass where the whole interval keeps to the limit, fail where none of it does, else inconclusive."""
    if found.high <= limit:
        return ScoreStatus.PASSED
    return ScoreStatus.FAILED if found.low > limit else ScoreStatus.INCONCLUSIVE


def _at_least(found: Estimate | None, limit: float) -> ScoreStatus:
    if found is None:  # too few programs, or all alike: nobody can tell
        return ScoreStatus.INCONCLUSIVE
    if found.low >= limit:
        return ScoreStatus.PASSED
    return ScoreStatus.FAILED if found.high < limit else ScoreStatus.INCONCLUSIVE


def whole(results: Iterable[GateResult]) -> ScoreStatus:
    """One failure fails the whole; an inconclusive gate never reads as a pass."""
    return overall(result.status for result in results)


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

    `model` and `run` say which model and which run of observations; `machine` has the id of the machine's fingerprint,
    and `workers` those of a fleet that observed. `machine_state` is "model" where observed times
    were brought to the state of the machine in which the model was measured, else "replay". `notes` are lines for the
    user: what limits the comparison. `works` has an element for each way in which the programs were timed.
    """

    model: str
    workload: str
    run: str
    machine: str
    workers: tuple[records.WorkerShare, ...]
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
            machine=self.machine,
            workers=self.workers,
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
