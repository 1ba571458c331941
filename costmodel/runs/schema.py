"""What a run's files hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
import pyarrow as pa

from costmodel.runs.provenance import FileFact
from costmodel.trace import Summary

SCHEMA_VERSION = 1


class Status(StrEnum):
    """`running` in a run that nobody writes to any more means that its writer was killed."""

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"


class Manifest(msgspec.Struct, kw_only=True):
    """What is known about a run beside its samples.

    `status_reason` says why the run ended as it did. `versions` has the tool, its native build and every C library.
    `evaluator` names the machine that was measured and its checksum. `machine` is the fingerprint of the computer,
    `clock` the clock with its calibrations, `parameters` are the plan's settings and its programs' rules, of a
    cluster those of its load and of the chain. `files` are the run's own files once it has ended, `inputs` the files
    that it was made from. `outcome` has the session's result: processes, discard rate, precision. `uncertain` gives the
    reason for every cell whose interval missed the target, and `ex_units` how the evaluator's ExUnits of a cell differ
    from the exact ones. `checksum` is `manifest_checksum` of all of it.
    """

    schema_version: int = SCHEMA_VERSION
    run: str
    experiment: str
    status: Status = Status.RUNNING
    status_reason: str = ""
    created: str
    command_line: list[str]
    versions: dict[str, str]
    evaluator: dict[str, str]
    design_sha256: str
    seed: int
    machine: dict[str, Any]
    clock: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    files: dict[str, FileFact] = {}
    inputs: dict[str, FileFact] = {}
    messages: Summary = msgspec.field(default_factory=Summary)
    outcome: dict[str, Any] = {}
    uncertain: dict[str, str] = {}
    ex_units: dict[str, str] = {}
    checksum: str = ""


def manifest_checksum(document: Mapping[str, Any]) -> str:
    """SHA-256 of a manifest, as it is once read from JSON, without its checksum: it tells when somebody edits one."""
    rest = {key: value for key, value in document.items() if key != "checksum"}
    return hashlib.sha256(msgspec.json.encode(rest, order="sorted")).hexdigest()


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One timed batch of a cell: `iterations` runs of its work, each with the cell's repeats of the operation.

    `ticks` is what the clock counted over the batch and `ns` the same in nanoseconds. `gate` is empty, or names what
    disturbed the batch. `order` numbers the batches of a block as they were timed. The yardsticks are the time of one
    run of each yardstick in the block, in nanoseconds. `cpu` is the core that the clock reported.
    """

    cell: str
    process: int
    block: int
    order: int
    iterations: int
    ticks: int
    ns: float
    gate: str
    yardstick_hash_ns: float
    yardstick_machine_ns: float
    cpu: int


SAMPLE_SCHEMA = pa.schema(
    [
        ("cell", pa.string()),
        ("operation", pa.string()),
        ("experiment", pa.string()),
        ("sizes", pa.list_(pa.int64())),
        ("process", pa.int32()),
        ("block", pa.int32()),
        ("order", pa.int32()),
        ("iterations", pa.int64()),
        ("repeats", pa.int64()),
        ("ticks", pa.int64()),
        ("ns", pa.float64()),
        ("gate", pa.string()),
        ("yardstick_hash_ns", pa.float64()),
        ("yardstick_machine_ns", pa.float64()),
        ("cpu", pa.int32()),
    ]
)
"""Columns of `samples.parquet`: those of `Sample`, and the cell's operation, experiment, sizes and repeats."""
