"""Documents of `calibrate drift`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

import msgspec

from costmodel.records.documents import (
    Bounds,
    Count,
    Document,
    Former,
    Record,
    Sha256,
    Values,
    Version1,
    Version3,
    about,
)
from costmodel.records.figures import Change, ExitCode
from costmodel.records.run import NATIVE, FileFact, Machine, upgraded_machine

Metric: TypeAlias = Annotated[
    Literal["instructions", "time", "prediction", "cpu", "memory"],
    about(
        "instructions: executed by the processor; time: one evaluation, in ns; prediction: what a model says of it, in "
        "ns; cpu and memory: ExUnits that the evaluator reports, in ps and words"
    ),
]


class ChangePoint(Record, frozen=True, kw_only=True):
    """A place in a history from which on a figure is another."""

    entry: Annotated[Count, about("Number of the first entry of the new level, counted from 0 in the series")]
    time: Annotated[str, about("When that was, in UTC")]
    revision: Annotated[str, about("Commit of that entry, or empty")]
    ratio: Annotated[float, about("New level over the one before")]


class Operation(Record, frozen=True, kw_only=True):
    """One figure of one operation."""

    operation: Annotated[str, about("Its name")]
    metric: Metric
    baseline: Annotated[float | None, about("Its cost in the baseline; null where it is unknown")]
    candidate: Annotated[float | None, about("Its cost in the candidate; null where it is unknown")]
    ratio: Annotated[float | None, about("Candidate over baseline")]
    interval: Bounds
    tolerance: Annotated[float, about("Half-width of the band that counts as unchanged, a share")]
    status: Change
    warned: Annotated[bool, about("Whether it is unchanged, and surely slower than the limit of --warn")]
    accepted: Annotated[str, about("Why a regression is accepted, or empty")]
    note: Annotated[str, about("What else is known of it, or empty")]
    changes: Annotated[tuple[ChangePoint, ...], about("Change points of a history; empty in other checks")] = ()


class DriftCounts(Record, frozen=True, kw_only=True):
    """How many figures became what. Warned and accepted ones are unchanged, too."""

    regressed: Count
    improved: Count
    unchanged: Count
    inconclusive: Count
    warned: Count
    accepted: Count


class Asked(Record, frozen=True, kw_only=True):
    """What was asked for."""

    operations: Annotated[str, about("Operations, as patterns")]
    seed: Annotated[int, about("Seed of orders")]
    tolerance: Annotated[str | None, about("What --tolerance says; null where it was not given")]
    warn: Annotated[str | None, about("What --warn says; null where it was not given")]


class Provenance(Record, frozen=True, kw_only=True):
    """What a check was made from, by and under."""

    command_line: Annotated[tuple[str, ...], about("The command that was given")]
    versions: Annotated[dict[str, str], about("Of the tool, its native build and the libraries")]
    machine: Machine
    inputs: Annotated[dict[str, FileFact], about("Size and hash of the files that were compared")]
    parameters: Asked


def _upgraded(values: Values) -> Values:
    """Version 1, which had no kind, and whose machine was open."""
    told = values.get("provenance")
    return {**values, "provenance": told and {**told, "machine": upgraded_machine(told["machine"])}}


_METRICS: Final = {"deterministic": "instructions", "timed": "time", "predicted": "prediction"}


def _with_metrics(values: Values) -> Values:
    """Version 2, which had one unit and one band for all, and the calibrate suite alone."""
    rest = {key: value for key, value in values.items() if key not in ("unit", "tolerance")}
    added = {"metric": _METRICS[values["mode"]], "tolerance": values["tolerance"], "warned": False, "accepted": ""}
    statuses = [row["status"] for row in values["operations"]]
    counts = {name: statuses.count(name) for name in ("regressed", "improved", "unchanged", "inconclusive")}
    told = values.get("provenance")
    if told:
        asked = {**told["parameters"], "tolerance": f"{told['parameters']['tolerance']:g}", "warn": None}
        told = {**told, "parameters": asked}
    return {
        **rest,
        "evaluator": NATIVE,
        "workload": "drift suite",
        "counts": {**counts, "warned": 0, "accepted": 0},
        "operations": [{**row, **added} for row in values["operations"]],
        "provenance": told,
    }


class Drift(Document, frozen=True, kw_only=True, tag="drift"):
    """What `calibrate drift BASELINE --json` prints."""

    written_by: ClassVar[str] = "calibrate drift --json"
    former: ClassVar[Mapping[int, Former]] = {
        1: Former(_upgraded, frozenset({"mode", "operations", "baseline"})),
        2: Former(_with_metrics),
    }

    schema_version: Version3 = 3
    mode: Annotated[
        Literal["deterministic", "timed", "predicted", "history"],
        about("Counts, times, what two models predict, or change points of a history"),
    ]
    evaluator: Annotated[str, about("Name and version of the evaluator that was checked")]
    workload: Annotated[str, about("What was run: the drift suite, or the name of a corpus or folder")]
    baseline: Annotated[str, about("What it was compared with")]
    status: Change
    exit_code: ExitCode
    counts: DriftCounts
    notes: Annotated[tuple[str, ...], about("What limits the check")]
    operations: Annotated[tuple[Operation, ...], about("All figures that were compared")]
    provenance: Annotated[Provenance | None, about("null in a check that was not made by the command")]


class EvaluatorFigure(Record, frozen=True, kw_only=True):
    """What is known of one program on an evaluator."""

    program: Annotated[Sha256, about("Hash of the program with its arguments")]
    cpu: Annotated[int | None, about("ExUnits CPU in ps, as the evaluator reports them; null where it does not")]
    memory: Annotated[int | None, about("ExUnits memory in words; null where it does not report them")]
    ns: Annotated[
        tuple[Annotated[float, msgspec.Meta(gt=0)], ...],
        about("Time of one evaluation in ns, by process; empty where it was not timed"),
    ]
    lost: Annotated[str, about("Why the evaluator does not run it, or empty")]


class EvaluatorFigures(Document, frozen=True, kw_only=True, tag="evaluator figures"):
    """What `calibrate drift BASELINE --evaluator NAME --renew` writes, and checks read."""

    written_by: ClassVar[str] = "calibrate drift FILE --evaluator NAME --workload PATH --renew"

    schema_version: Version1 = 1
    calibrate: Annotated[str, about("Version of the tool")]
    evaluator: Annotated[dict[str, str], about("What the evaluator says of itself")]
    workload: Annotated[str, about("Name of the corpus or folder")]
    machine: Annotated[Machine | None, about("Where it was timed; null where it was not")]
    figures: Annotated[dict[str, EvaluatorFigure], about("By program")]


class DriftEntry(Document, frozen=True, kw_only=True, tag="drift history entry"):
    """A line of what `calibrate drift BASELINE --history FILE` adds to."""

    written_by: ClassVar[str] = "calibrate drift BASELINE --history FILE"

    schema_version: Version1 = 1
    time: Annotated[str, about("When it was checked, in UTC")]
    revision: Annotated[str, about("The commit that was checked, or empty")]
    evaluator: Annotated[str, about("Name of the evaluator, without its version")]
    workload: Annotated[str, about("What was run")]
    machine: Annotated[str, about("Fingerprint of the machine; times of unlike machines are never compared")]
    figures: Annotated[
        dict[str, dict[Metric, Annotated[float, msgspec.Meta(gt=0)]]], about("Costs by operation and metric")
    ]


class Environment(Record, frozen=True, kw_only=True):
    """What instruction counts depend on beside the sources."""

    architecture: Annotated[str, about("Such as x86_64")]
    compiler: Annotated[str, about("As it names itself")]
    libraries: Annotated[str, about("Versions as built")]
    objects: Annotated[dict[str, str], about("SHA-256 of the shared objects that were executed, by file name")]
    processor: Annotated[str, about("Hash over the features by which libraries choose code")]
    valgrind: Annotated[str, about("Its version")]


class InstructionCounts(Document, frozen=True, kw_only=True, tag="instruction counts"):
    """What `calibrate drift FILE --renew` writes, and checks read: instructions of the suite's operations."""

    written_by: ClassVar[str] = "calibrate drift FILE --renew"

    schema_version: Version1 = 1
    calibrate: Annotated[str, about("Version of the tool")]
    suite_sha256: Annotated[Sha256, about("Hash of the suite's programs")]
    environment: Environment
    counts: Annotated[
        dict[str, tuple[Annotated[int, msgspec.Meta(gt=0)], Count]],
        about("Instructions of our own code and of libraries, by operation"),
    ]


class RenewedCounts(Document, frozen=True, kw_only=True, tag="renewed counts"):
    """What `calibrate drift FILE --renew --json` prints."""

    written_by: ClassVar[str] = "calibrate drift FILE --renew --json"

    schema_version: Version1 = 1
    baseline: Annotated[str, about("The file")]
    operations: Annotated[Count, about("How many it has")]
