"""Documents of `calibrate eval`, `calibrate conformance` and `calibrate memory`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from costmodel.records.documents import Count, Document, Record, Version1, about
from costmodel.records.figures import ExUnitsRecord, Latencies


class EvaluationDocument(Document, frozen=True, kw_only=True, tag="evaluation"):
    """What `calibrate eval PROGRAM --json` prints."""

    written_by: ClassVar[str] = "calibrate eval --json"

    schema_version: Version1 = 1
    status: Annotated[str, about("success, or how it failed")]
    result: Annotated[str | None, about("The result, as text")]
    result_missing: Annotated[str | None, about("Why there is no text of it")]
    error: Annotated[str | None, about("Why it failed")]
    ex_units: Annotated[ExUnitsRecord, about("What was spent")]
    steps: Annotated[dict[str, Count], about("Machine steps by kind")]
    builtins: Annotated[dict[str, Count], about("Applications of builtins")]
    logs: Annotated[tuple[str, ...], about("What the program traced")]
    language: Annotated[str, about("Ledger language")]
    protocol_version: Annotated[int, about("Major protocol version")]
    variant: Annotated[Literal["A", "B", "C", "D", "E"], about("The ledger's variant")]
    cost_model: Annotated[str, about("The model that was charged")]
    notes: Annotated[tuple[str, ...], about("What is worth knowing of how program and model were read")] = ()


class ExpectedRecord(Record, frozen=True, kw_only=True):
    """What a corpus says of a case."""

    success: Annotated[bool, about("Whether it must succeed")]
    ex_units: Annotated[ExUnitsRecord | None, about("What must be spent")]


class CorpusCaseRecord(Record, frozen=True, kw_only=True):
    """A case of a corpus."""

    id: Annotated[str, about("Its id")]
    exact: Annotated[bool, about("Whether success and ExUnits are the corpus's")]
    status: Annotated[str, about("success, refused, or how it failed")]
    error: Annotated[str | None, about("Why")]
    ex_units: Annotated[ExUnitsRecord | None, about("What was spent")]
    expected: ExpectedRecord
    decode_ns: Annotated[Count, about("Wall time of decoding")]
    evaluate_ns: Annotated[Count, about("Wall time of evaluating")]


class CorpusReplay(Document, frozen=True, kw_only=True, tag="corpus replay"):
    """What `calibrate eval CORPUS.json --json` prints."""

    written_by: ClassVar[str] = "calibrate eval CORPUS --json"

    schema_version: Version1 = 1
    cases: Annotated[tuple[CorpusCaseRecord, ...], about("One for each case")]
    exact: Annotated[Count, about("Cases that came out as the corpus has them")]
    latency_ns: Latencies


class RowMiss(Record, frozen=True, kw_only=True):
    """A row that did not come out as its corpus has it."""

    id: Annotated[str, about("The row's, or its number")]
    exact: Literal[False]
    status: Annotated[str, about("success, refused, or how it failed")]
    error: Annotated[str | None, about("Why")]
    expected_success: Annotated[bool, about("Whether it must succeed")]
    expected_cpu: Annotated[int | None, about("Picoseconds")]
    expected_mem: Annotated[int | None, about("Words")]
    cpu: Annotated[int | None, about("Picoseconds spent")]
    mem: Annotated[int | None, about("Words spent")]
    decode_ns: Annotated[Count, about("Decoding and applying the arguments")]
    evaluate_ns: Annotated[Count, about("Evaluating; 0 where it was refused")]


class RowsReplay(Document, frozen=True, kw_only=True, tag="rows replay"):
    """What `calibrate eval CORPUS.parquet --json` prints."""

    written_by: ClassVar[str] = "calibrate eval CORPUS --json"

    schema_version: Version1 = 1
    rows: Annotated[Count, about("Of the corpus")]
    exact: Annotated[Count, about("Rows whose success and ExUnits are the corpus's")]
    statuses: Annotated[dict[str, Count], about("Rows by what came of them: success, refused, or how they failed")]
    misses: Annotated[tuple[RowMiss, ...], about("The first twenty rows that are not exact")]
    latency_ns: Latencies
    results: Annotated[str | None, about("The file of --out")]


class ConformanceMiss(Record, frozen=True, kw_only=True):
    """Where a case differs."""

    case: Annotated[str, about("The case")]
    what: Annotated[str, about("Result or budget")]
    expected: Annotated[str, about("What the suite has")]
    actual: Annotated[str, about("What was found")]


class UncheckedCase(Record, frozen=True, kw_only=True):
    """A case that could not be checked."""

    case: Annotated[str, about("The case")]
    reason: Annotated[str, about("What is wrong with one of its files")]


class ConformanceReport(Record, frozen=True, kw_only=True):
    """The cases, run from one format."""

    format: Annotated[Literal["text", "flat"], about("What the cases were run from")]
    cases: Annotated[Count, about("How many there are")]
    misses: Annotated[tuple[ConformanceMiss, ...], about("Where result or budget differ")]
    unread: Annotated[tuple[UncheckedCase, ...], about("Cases of which a file is unreadable or not in the layout")]
    without_budget: Annotated[
        tuple[str, ...], about("Cases that agree in their result, and have no budget to compare with")
    ]


class Conformance(Document, frozen=True, kw_only=True, tag="conformance"):
    """What `calibrate conformance FOLDER --json` prints."""

    written_by: ClassVar[str] = "calibrate conformance --json"

    schema_version: Version1 = 1
    reports: Annotated[tuple[ConformanceReport, ...], about("One for each format")]


class MemoryPoint(Record, frozen=True, kw_only=True):
    """A builtin at some sizes."""

    sizes: Annotated[tuple[int, ...], about("Sizes of the arguments, in the builtin's own measures")]
    charged_words: Annotated[Count, about("The charge")]
    result_words: Annotated[Count, about("The result's size")]


class MemoryCheckRecord(Record, frozen=True, kw_only=True):
    """The memory cost of one builtin."""

    builtin: str
    shape: Annotated[str, about("Shape of its memory cost")]
    finding: Annotated[
        Literal["exact", "covered", "under", "shared"],
        about(
            "The charge is the size everywhere; never below it; somewhere below; or the result is shared with the "
            "arguments"
        ),
    ]
    points: Annotated[Count, about("Sizes that were tried")]
    exact: Annotated[Count, about("Of these, where the charge is the size")]
    worst_under: Annotated[MemoryPoint | None, about("Where the charge falls short by most words")]
    worst_over: Annotated[MemoryPoint | None, about("Where it exceeds by most words")]


class Memory(Document, frozen=True, kw_only=True, tag="memory"):
    """What `calibrate memory --json` prints."""

    written_by: ClassVar[str] = "calibrate memory --json"

    schema_version: Version1 = 1
    model: Annotated[str, about("The model")]
    exit_code: Annotated[Literal[0, 1], about("What the process ends with")]
    checks: Annotated[tuple[MemoryCheckRecord, ...], about("One for each builtin")]
