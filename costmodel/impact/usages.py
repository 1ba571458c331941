"""Usages of many scripts, recorded once as Parquet and repriced under any cost model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cbor2
import pyarrow as pa
import pyarrow.parquet as pq

from costmodel.errors import DecodeError
from costmodel.machine import EvaluationStatus, Script, exact_machine
from costmodel.machine.usage import Call, Usage, UsageRecorder
from costmodel.model import ExUnits, StepKind, Variant, variant_for
from costmodel.plutus import BUILTIN_BY_NAME, LedgerLanguage
from costmodel.remote import shown_address
from costmodel.workloads.evaluation import PLENTY, Evaluation
from costmodel.workloads.parts import CorpusPart, parts_of
from costmodel.workloads.rows import BATCH_ROWS, LAST_VERSION, Batch, Rows

REFUSED: Final = "refused"
_DECLARED: Final = ("declared_cpu", "declared_mem")
_VERSION: Final = b"1"
_KIND: Final = {b"calibrate.kind": b"usage", b"calibrate.schema_version": _VERSION}

USAGES: Final = pa.schema(
    [
        ("id", pa.string()),
        ("script_hash", pa.binary()),
        ("language", pa.string()),
        ("protocol_version", pa.int64()),
        ("declared_cpu", pa.int64()),
        ("declared_mem", pa.int64()),
        ("status", pa.string()),
        ("steps", pa.list_(pa.int64())),
        ("builtins", pa.list_(pa.string())),
        ("sizes", pa.list_(pa.list_(pa.int64()))),
        ("counts", pa.list_(pa.int64())),
    ],
    metadata=_KIND,
)
"""A row an evaluation. `status` is that of a run within ten times a transaction's limits, or "refused". `steps` has the
paid steps of the nine kinds in the order of the ledger's list; `builtins`, `sizes` and `counts` the calls: which, with
arguments of which sizes, how often. Declared ExUnits are null where the corpus has none."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One evaluation's usage. `usage` is None for a script that was refused."""

    id: str
    script_hash: bytes
    language: LedgerLanguage
    protocol_version: int
    declared: ExUnits | None
    usage: Usage | None


def recorded(evaluation: Evaluation, limit: ExUnits) -> tuple[Recorded, Script | None]:
    """The usage of an evaluation within a limit, and its script with the arguments applied."""
    declared = None if evaluation.budget == PLENTY else evaluation.budget
    language, version = evaluation.language, evaluation.protocol_version
    facts = (evaluation.id, script_hash(evaluation.flat, language), language, version, declared)
    try:
        script = Script.decode(evaluation.flat, language, version)
        for argument in evaluation.arguments:
            script.apply_data(argument)
    except DecodeError:
        return Recorded(*facts, None), None
    return Recorded(*facts, _recorder(variant_for(language, version)).record(script, limit)), script


def script_hash(flat: bytes, language: LedgerLanguage) -> bytes:
    """The hash of a script as the ledger has it: BLAKE2b-224 of its language's number and its CBOR byte string."""
    number = int(language.value.removeprefix("PlutusV"))
    return hashlib.blake2b(bytes([number]) + cbor2.dumps(flat), digest_size=28).digest()


@lru_cache(maxsize=8)
def _recorder(variant: Variant) -> UsageRecorder:
    return UsageRecorder(exact_machine(variant))


def usage_batch(recordings: list[Recorded]) -> pa.RecordBatch:
    """Recordings in the form of USAGES."""
    return pa.RecordBatch.from_pylist([_written(each) for each in recordings], schema=USAGES)


def _written(each: Recorded) -> dict[str, Any]:
    usage = each.usage
    calls = list(usage.calls.items()) if usage else []
    return {
        "id": each.id,
        "script_hash": each.script_hash,
        "language": each.language.value,
        "protocol_version": each.protocol_version,
        "declared_cpu": each.declared.cpu if each.declared else None,
        "declared_mem": each.declared.mem if each.declared else None,
        "status": usage.status.value if usage else REFUSED,
        "steps": [usage.steps[kind] for kind in StepKind] if usage else [],
        "builtins": [name for (name, _), _ in calls],
        "sizes": [list(sizes) for (_, sizes), _ in calls],
        "counts": [count for _, count in calls],
    }


def is_usages(name: str) -> bool:
    """Whether what is at a path or an address are usages in Parquet."""
    with parts_of(name, USAGES)[0].opened() as file:
        return _is_of_usages(file)


def _is_of_usages(file: pq.ParquetFile) -> bool:
    return (file.schema_arrow.metadata or {}).get(b"calibrate.kind") == b"usage"


def usage_rows(name: str) -> Rows:
    """Usages in a file or a folder of files, at a path or an address. InputError or DecodeError where they are none."""
    parts = parts_of(name, USAGES)
    count = 0
    for part in parts:
        with part.opened() as file:
            if not _is_of_usages(file):
                raise DecodeError(f"{part.name}: holds no usages, unlike the others of its folder")
            if file.schema_arrow.metadata.get(b"calibrate.schema_version") != _VERSION:
                raise DecodeError(
                    f"{part.name}: usages of another version; record them again with calibrate impact --record"
                )
            if not file.schema_arrow.equals(USAGES):
                raise DecodeError(f"{part.name}: its columns are not those of usages; record them again")
            count += int(file.metadata.num_rows)
    files = tuple(part.source for part in parts if isinstance(part.source, Path))
    return Rows(shown_address(name), count, lambda: _batches(parts), files)


def _batches(parts: Sequence[CorpusPart]) -> Iterator[Batch]:
    first = 0
    for part in parts:
        with part.opened() as file:
            try:
                for batch in file.iter_batches(BATCH_ROWS):
                    yield first, batch
                    first += batch.num_rows
            except (OSError, pa.ArrowException) as error:
                said = " ".join(str(error).split())
                raise DecodeError(f"{part.name}: cannot be read from row {first} on: {said}") from None


def recordings(where: str, first: int, batch: pa.RecordBatch) -> Iterator[Recorded]:
    """The recordings of a batch of USAGES. DecodeError names the row that is none."""
    for at, row in enumerate(batch.to_pylist()):
        try:
            yield _read(row)
        except (KeyError, ValueError, TypeError):
            raise DecodeError(f"{where}: row {first + at} is not a usage; record the corpus again") from None


def _read(row: dict[str, Any]) -> Recorded:
    if not isinstance(row["id"], str) or not isinstance(row["script_hash"], bytes):
        raise TypeError("id or script_hash")
    if not 1 <= row["protocol_version"] <= LAST_VERSION or min(row[each] or 0 for each in _DECLARED) < 0:
        raise ValueError("protocol_version or what was declared")
    declared = None
    if row["declared_cpu"] is not None and row["declared_mem"] is not None:
        declared = ExUnits(row["declared_cpu"], row["declared_mem"])
    usage = None
    if row["status"] != REFUSED:
        steps = dict(zip(StepKind, row["steps"], strict=True))
        calls: dict[Call, int] = {}
        for name, sizes, count in zip(row["builtins"], row["sizes"], row["counts"], strict=True):
            if len(sizes) != BUILTIN_BY_NAME[name].arity or min(sizes) < 0 or count < 1:
                raise ValueError(name)
            calls[name, tuple(sizes)] = count
        if min(steps.values()) < 0:
            raise ValueError("steps")
        usage = Usage(EvaluationStatus(row["status"]), ExUnits(0, 0), steps, calls)
    language = LedgerLanguage(row["language"])
    variant_for(language, row["protocol_version"])
    return Recorded(row["id"], row["script_hash"], language, row["protocol_version"], declared, usage)
