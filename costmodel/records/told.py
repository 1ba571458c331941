"""Documents of `calibrate report` and `calibrate trace`, and the document of an error."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from costmodel.records.documents import Count, Document, Record, Version1, about
from costmodel.records.figures import EstimateRecord, ExitCode
from costmodel.records.message import Severity


class ErrorDocument(Document, frozen=True, kw_only=True, tag="error"):
    """What any command with `--json` prints in place of its result where it fails."""

    written_by: ClassVar[str] = "calibrate … --json"

    schema_version: Version1 = 1
    message: Annotated[str, about("What was wrong, where, and what to do, in one line")]
    exit_code: Annotated[int, about("What the process ends with")]


class FlaggedRecord(Record, frozen=True, kw_only=True):
    """Something that a page flags."""

    level: Annotated[Literal["error", "warning", "info"], about("How much it matters")]
    kind: Annotated[str, about("What sort of thing")]
    where: Annotated[str, about("What it is about")]
    text: Annotated[str, about("In a sentence")]


class PlotName(Record, frozen=True, kw_only=True):
    """A plot of a page."""

    name: Annotated[str, about("For `--plot`")]
    title: Annotated[str, about("Above the plot")]


class ReportDocument(Document, frozen=True, kw_only=True, tag="report"):
    """What `calibrate report --json` prints."""

    written_by: ClassVar[str] = "calibrate report --json"

    schema_version: Version1 = 1
    title: Annotated[str, about("Of the page")]
    written: Annotated[tuple[str, ...], about("Files that were written")]
    flagged: Annotated[tuple[FlaggedRecord, ...], about("What is flagged, worst first")]
    plots: Annotated[tuple[PlotName, ...], about("What `--plot` takes")]


class VerifiedFinding(Record, frozen=True, kw_only=True):
    """Something odd about a run."""

    kind: Annotated[str, about("What sort of oddity")]
    severity: Severity
    where: Annotated[str, about("The run's folder, or the file")]
    text: Annotated[str, about("In a sentence")]


class Verification(Document, frozen=True, kw_only=True, tag="verification"):
    """What `calibrate report --verify FOLDER --json` prints."""

    written_by: ClassVar[str] = "calibrate report --verify --json"

    schema_version: Version1 = 1
    runs: Annotated[tuple[str, ...], about("Folders that were checked")]
    exit_code: Annotated[Literal[0, 1], about("What the process ends with")]
    findings: Annotated[
        tuple[VerifiedFinding, ...], about("What is odd; an error means that the data are not what the run wrote")
    ]


Backend: TypeAlias = Annotated[Literal["muted", "local", "remote"], about("A way of tracing")]


class OverheadRecord(Record, frozen=True, kw_only=True):
    """What one way of tracing costs."""

    name: Backend
    share: Annotated[EstimateRecord, about("Cost as a share of the untraced replay")]
    ns: Annotated[EstimateRecord, about("Cost of an evaluation, in ns")]
    messages: Annotated[Count, about("In each replay")]


class TracingCostDocument(Document, frozen=True, kw_only=True, tag="tracing cost"):
    """What `calibrate trace cost --json` prints."""

    written_by: ClassVar[str] = "calibrate trace cost --json"

    schema_version: Version1 = 1
    workload: Annotated[str, about("What was replayed")]
    programs: Annotated[Count, about("How many")]
    turns: Annotated[Count, about("Turns of evaluations, two of each way in each")]
    seconds: Annotated[float, about("Length of the measurement")]
    replay_ns: Annotated[float, about("All programs once, untraced")]
    overheads: Annotated[tuple[OverheadRecord, ...], about("One for each way of tracing")]
    exit_code: ExitCode
