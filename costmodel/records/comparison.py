"""The document of `calibrate compare`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from costmodel.records.documents import Bounds, Count, Document, Former, Record, Values, Version2, about
from costmodel.records.figures import Change, ExitCode
from costmodel.records.run import Origin, upgraded_origin


class ComparedBatch(Record, frozen=True, kw_only=True):
    """Runs that are taken for runs of one configuration."""

    name: Annotated[str, about("As it was named")]
    runs: Annotated[tuple[str, ...], about("Names of its runs")]
    machines: Annotated[tuple[str, ...], about("Their ids")]
    left_out: Annotated[tuple[str, ...], about("Folders of runs that are not complete")]
    hash_yardstick_ns: Annotated[tuple[float | None, ...], about("The hash yardstick of each run, in ns")]
    inputs: Annotated[tuple[Origin, ...], about("The runs, as inputs")]


class ComparedRowRecord(Record, frozen=True, kw_only=True):
    """One operation, or all of an experiment, in one pair of batches."""

    experiment: Annotated[str, about("The experiment")]
    operation: Annotated[str, about("The operation; empty for all of the experiment")]
    work: Annotated[str, about("What is timed")]
    cells: Annotated[Count, about("Cells of the row")]
    change: Annotated[float, about("Candidate over baseline, less 1")]
    interval: Bounds
    p_beyond_holm: Annotated[float | None, about("P-value of no change beyond the band, adjusted")]
    p_within_holm: Annotated[float | None, about("P-value of a change beyond the band, adjusted")]
    verdict: Change
    needed: Annotated[Count | None, about("Units needed in each batch; null where no number would do")]
    more: Annotated[Count | None, about("Of these, still to be measured; null for a row that is settled")]
    spread: Annotated[float | None, about("Standard deviation of log time of one unit; null if nothing was repeated")]


class BatchPairRecord(Record, frozen=True, kw_only=True):
    """Two batches compared."""

    candidate: Annotated[str, about("A batch")]
    baseline: Annotated[str, about("A batch")]
    unit: Annotated[Literal["run", "machine"], about("What is counted")]
    counts: Annotated[tuple[int, int], about("Units in candidate and baseline")]
    caution: Annotated[str, about("What limits the comparison, or empty")]
    rows: Annotated[tuple[ComparedRowRecord, ...], about("One for each operation, and all together")]


class ComponentRecord(Record, frozen=True, kw_only=True):
    """A component of the variance."""

    sd: Annotated[float, about("Standard deviation of log time")]
    interval: Bounds
    variance: Annotated[float, about("Unbiased, so it may be negative")]
    degrees_of_freedom: float


class SplitRecord(Record, frozen=True, kw_only=True):
    """The variance of one operation, split."""

    experiment: Annotated[str, about("The experiment")]
    operation: Annotated[str, about("The operation; empty for all of the experiment")]
    work: Annotated[str, about("What is timed")]
    within_runs: Annotated[ComponentRecord | None, about("Between processes of a run")]
    between_runs: Annotated[ComponentRecord | None, about("Between runs")]
    between_machines: Annotated[ComponentRecord | None, about("Between machines")]
    within_share_of_a_runs_mean: Annotated[
        float | None, about("Share of the variance of a run's mean that comes from within")
    ]


def _upgraded(values: Values) -> Values:
    """Version 1, in which the parameters of runs were open."""
    batches = [
        {**batch, "inputs": [upgraded_origin(origin) for origin in batch["inputs"]]} for batch in values["batches"]
    ]
    return {**values, "batches": batches}


class ComparisonDocument(Document, frozen=True, kw_only=True, tag="comparison"):
    """What `calibrate compare --json` prints."""

    written_by: ClassVar[str] = "calibrate compare --json"
    former: ClassVar[Mapping[int, Former]] = {1: Former(_upgraded)}

    schema_version: Version2 = 2
    tool_version: Annotated[str, about("Version of calibrate")]
    command_line: Annotated[tuple[str, ...], about("The command that was given")]
    status: Change
    exit_code: ExitCode
    tolerance: Annotated[float, about("The band of changes that count as none, as a share")]
    level: Annotated[float, about("Level of intervals")]
    yardsticks: Annotated[tuple[str, ...], about("Columns of the samples that times were divided by")]
    warnings: Annotated[
        tuple[str, ...], about("Unlike machines, builds or designs, what was left out, yardsticks that moved")
    ]
    batches: Annotated[tuple[ComparedBatch, ...], about("The batches")]
    comparisons: Annotated[tuple[BatchPairRecord, ...], about("One for each pair of batches")]
    variance: Annotated[tuple[SplitRecord, ...], about("The split of the variance")]
