"""The document of `calibrate validate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from costmodel.records.documents import Count, Document, Former, Record, Values, Version1, about
from costmodel.records.figures import EstimateRecord, ExitCode, ExUnitsRecord, Judgement

Timed: TypeAlias = Annotated[
    Literal["evaluate", "call"], about("What was timed: the evaluation alone, or with decoding and arguments")
]


Limited: TypeAlias = Annotated[Literal["tolerance", "median", "p95", "r2", "max-undercharge"], about("What is limited")]


class ScoreRecord(Record, frozen=True, kw_only=True):
    """One program, timed in one way."""

    program: Annotated[str, about("Its name")]
    label: Annotated[str, about("Its name with its loop count")]
    loop_count: Annotated[
        int | None, about("Turns of the loop, or applications of the operation that the program is about")
    ]
    language: Annotated[str, about("Ledger language")]
    protocol_version: Annotated[int, about("Major protocol version")]
    work: Timed
    ex_units: ExUnitsRecord
    predicted_ns: Annotated[EstimateRecord, about("The model's time, in ns")]
    observed_ns: Annotated[EstimateRecord, about("The observed time, brought to one state of the machine")]
    observed_raw_ns: Annotated[EstimateRecord, about("As the clock had it")]
    ratio: Annotated[EstimateRecord, about("r, observed over predicted: above 1 the model undercharges")]
    status: Annotated[Judgement | None, about("Where a tolerance holds every program")]
    uncertain: Annotated[str, about("Why its precision was missed, or empty")]


class ExtremeRecord(Record, frozen=True, kw_only=True):
    """A program at one end of a workload."""

    program: Annotated[str, about("Its label")]
    ratio: Annotated[float, about("Observed over predicted")]


class Accuracy(Record, frozen=True, kw_only=True):
    """How far off the predictions of a workload are."""

    work: Timed
    programs: Annotated[Count, about("How many")]
    median: Annotated[EstimateRecord, about("Median of |r − 1|")]
    p95: Annotated[EstimateRecord, about("95th percentile of |r − 1|")]
    spread: Annotated[float | None, about("Geometric standard deviation of r, less 1")]
    undercharged: Annotated[ExtremeRecord, about("The program with the largest r")]
    overcharged: Annotated[ExtremeRecord, about("The program with the smallest r")]
    slope: Annotated[float | None, about("Of log observed on log predicted")]
    r2: Annotated[
        EstimateRecord | None, about("Share of the variance of log observed times that the predictions explain")
    ]


class BaselineRecord(Record, frozen=True, kw_only=True):
    """A simpler model on the same observations."""

    name: Annotated[str, about("What predicts")]
    factor: Annotated[float, about("Nanoseconds for each unit of its figure")]
    summary: Accuracy


class Limit(Record, frozen=True, kw_only=True):
    """An acceptance limit, and whether the model keeps it."""

    gate: Limited
    work: Timed
    limit: Annotated[float, about("The limit")]
    found: Annotated[EstimateRecord | None, about("What was found; null where it cannot be known")]
    status: Judgement


class BlameRecord(Record, frozen=True, kw_only=True):
    """A part of a prediction whose price may be off."""

    part: Annotated[str, about("A step kind, builtin or part of a call")]
    kind: Literal["step", "builtin", "call overhead"]
    share: Annotated[float, about("Of the predicted time")]
    explains: Annotated[float | None, about("Share of the observed time laid on the part")]
    alone: Annotated[float | None, about("Factor on the part's price that would close the miss")]


class MissRecord(Record, frozen=True, kw_only=True):
    """A program that is missed by 10 % or more."""

    program: Annotated[str, about("Its label")]
    ratio: Annotated[float, about("Observed over predicted")]
    unexplained: Annotated[float | None, about("Share of the observed time that no part explains")]
    blames: Annotated[tuple[BlameRecord, ...], about("Prices that may be off")]


class MarginRecord(Record, frozen=True, kw_only=True):
    """What one more turn or application takes, of the programs of one name."""

    program: Annotated[str, about("The programs' name")]
    counts: Annotated[tuple[int, int], about("The lowest and the highest count")]
    predicted_ns: Annotated[float, about("For one more turn or application")]
    observed_ns: Annotated[float, about("For one more turn or application")]
    ratio: Annotated[EstimateRecord, about("Observed over predicted")]


class MarginsRecord(Record, frozen=True, kw_only=True):
    """All margins of a workload."""

    median: Annotated[EstimateRecord, about("Median of |r − 1|")]
    p95: Annotated[EstimateRecord, about("95th percentile of |r − 1|")]
    each: Annotated[tuple[MarginRecord, ...], about("One for each name")]


class WorkRecord(Record, frozen=True, kw_only=True):
    """All programs, timed in one way."""

    summary: Annotated[Accuracy, about("The whole workload")]
    baselines: Annotated[tuple[BaselineRecord, ...], about("Simpler models on the same observations")]
    gates: Annotated[tuple[Limit, ...], about("Acceptance limits")]
    misses: Annotated[tuple[MissRecord, ...], about("Programs off by 10 % or more, worst first")]
    margins: Annotated[MarginsRecord | None, about("Per extra iteration, of programs that come at several counts")]


class WorkerShare(Record, frozen=True, kw_only=True):
    """What one worker of a fleet observed."""

    worker: Annotated[str, about("Its host, core and address")]
    processes: Annotated[Count, about("Processes that it ran")]
    ratio: Annotated[
        EstimateRecord | None, about("Its times over the mean of all workers, by programs; null for an only worker")
    ]


def _upgraded(values: Values) -> Values:
    """Version 2, which had no kind."""
    return values


class ValidationDocument(Document, frozen=True, kw_only=True, tag="verdict"):
    """What `calibrate validate MODEL --json` prints. r is observed over predicted time."""

    written_by: ClassVar[str] = "calibrate validate --json"
    former: ClassVar[Mapping[int, Former]] = {2: Former(_upgraded, frozenset({"scores", "works", "machine_state"}))}

    schema_version: Annotated[Literal[3], about("Version of this kind of document")] = 3
    status: Judgement
    exit_code: ExitCode
    model: Annotated[str, about("The model")]
    workload: Annotated[str, about("The workload")]
    run: Annotated[str, about("Folder of the observations")]
    machine: Annotated[str, about("Fingerprint of the machine that observed, empty where it was not recorded")] = ""
    workers: Annotated[tuple[WorkerShare, ...], about("Workers of a fleet that observed")] = ()
    machine_state: Annotated[
        Literal["model", "replay"],
        about(
            "The state of the machine to which observed times were brought: that in which the model was measured, or "
            "the replay's own"
        ),
    ]
    notes: Annotated[tuple[str, ...], about("What limits the comparison")]
    scores: Annotated[tuple[ScoreRecord, ...], about("A score for each program and way of timing")]
    works: Annotated[tuple[WorkRecord, ...], about("One for each way of timing")]


class FleetValidation(Document, frozen=True, kw_only=True, tag="fleet verdict"):
    """What `calibrate validate MODEL --backend dask:… --json` prints. `exit_code` is that of the worst verdict."""

    written_by: ClassVar[str] = "calibrate validate --backend … --json"

    schema_version: Version1 = 1
    exit_code: ExitCode
    verdicts: Annotated[tuple[ValidationDocument, ...], about("A verdict for each kind of machine")]
