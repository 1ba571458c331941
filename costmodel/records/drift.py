"""Documents of `calibrate drift`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

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
    Version2,
    about,
)
from costmodel.records.figures import Change, ExitCode
from costmodel.records.run import FileFact, Machine, upgraded_machine


class Operation(Record, frozen=True, kw_only=True):
    """An operation of the suite."""

    operation: Annotated[str, about("Its name")]
    baseline: Annotated[float | None, about("Its cost in the baseline; null if no pair of processes was undisturbed")]
    candidate: Annotated[float | None, about("Its cost in the candidate; null if no pair of processes was undisturbed")]
    ratio: Annotated[float | None, about("Candidate over baseline")]
    interval: Bounds
    status: Change
    note: Annotated[str, about("What else is known of it, or empty")]


class Asked(Record, frozen=True, kw_only=True):
    """What was asked for."""

    operations: Annotated[str, about("Operations of the suite, as patterns")]
    seed: Annotated[int, about("Seed of orders")]
    tolerance: Annotated[float, about("Half-width of the band that counts as unchanged, a share")]


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


class Drift(Document, frozen=True, kw_only=True, tag="drift"):
    """What `calibrate drift BASELINE --json` prints."""

    written_by: ClassVar[str] = "calibrate drift --json"
    former: ClassVar[Mapping[int, Former]] = {1: Former(_upgraded, frozenset({"mode", "operations", "baseline"}))}

    schema_version: Version2 = 2
    mode: Annotated[Literal["deterministic", "timed", "predicted"], about("Counts, times, or what two models predict")]
    unit: Annotated[Literal["instructions", "ns"], about("Unit of the costs")]
    baseline: Annotated[str, about("What it was compared with")]
    tolerance: Annotated[float, about("Half-width of the band that counts as unchanged, a share")]
    status: Change
    exit_code: ExitCode
    notes: Annotated[tuple[str, ...], about("What limits the check")]
    operations: Annotated[tuple[Operation, ...], about("All operations of the suite")]
    provenance: Annotated[Provenance | None, about("null in a check that was not made by the command")]


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
