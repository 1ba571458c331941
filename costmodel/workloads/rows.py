"""Evaluations as rows of a table: what corpora in Parquet and PostgreSQL are read into, batch by batch.

A row is one evaluation. COLUMNS has the columns; those that are not REQUIRED may be missing, or null in a row:

- `program`, `arguments`: flat bytes, and a list of Data in CBOR
- `language`, `protocol_version`: such as "PlutusV3" and 11
- `id`: a name for messages; else the row's number, from 0
- `cost_model`: the ledger's parameter array; else the model that the ledger has today for language and version
- `budget_cpu`, `budget_mem`: picoseconds and words; else ten seconds of the reference machine
- `success`: whether the evaluation must succeed; else it must
- `cpu`, `mem`: the ExUnits of a success; else only success is compared

Batches are processed by several processes, or by the workers of a dask scheduler, with bounded memory.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import pyarrow as pa

from costmodel.errors import DecodeError
from costmodel.model import ExUnits
from costmodel.plutus import LedgerLanguage
from costmodel.workloads import workers
from costmodel.workloads.evaluation import PLENTY, Evaluation

COLUMNS: Final = pa.schema(
    [
        ("program", pa.binary()),
        ("arguments", pa.list_(pa.binary())),
        ("language", pa.string()),
        ("protocol_version", pa.int64()),
        ("id", pa.string()),
        ("cost_model", pa.list_(pa.int64())),
        ("budget_cpu", pa.int64()),
        ("budget_mem", pa.int64()),
        ("success", pa.bool_()),
        ("cpu", pa.int64()),
        ("mem", pa.int64()),
    ]
)
REQUIRED: Final = ("program", "arguments", "language", "protocol_version")

BATCH_ROWS: Final = 1024
LAST_VERSION: Final = 255  # far beyond the chain's

Batch = tuple[int, pa.RecordBatch]
"""The number of its first row, and rows in the form of COLUMNS."""
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Rows:
    """A corpus as rows: its name for messages, how many there are, a way to read them from the start, and the files of
    this machine that they are in."""

    name: str
    count: int
    batches: Callable[[], Iterator[Batch]]
    files: tuple[Path, ...] = ()


def rows_of(name: str, evaluations: Iterable[Evaluation], files: tuple[Path, ...]) -> Rows:
    """Evaluations that are in memory, as rows."""
    known = list(evaluations)

    def batches() -> Iterator[Batch]:
        left, first = iter(known), 0
        while taken := list(islice(left, BATCH_ROWS)):
            yield first, pa.RecordBatch.from_pylist([_written(each) for each in taken], schema=COLUMNS)
            first += len(taken)

    return Rows(name, len(known), batches, files)


def _written(evaluation: Evaluation) -> dict[str, Any]:
    declared = evaluation.budget if evaluation.budget != PLENTY else None
    return {
        "program": evaluation.flat,
        "arguments": list(evaluation.arguments),
        "language": evaluation.language.value,
        "protocol_version": evaluation.protocol_version,
        "id": evaluation.id,
        "cost_model": None if evaluation.parameters is None else list(evaluation.parameters),
        "budget_cpu": declared.cpu if declared else None,
        "budget_mem": declared.mem if declared else None,
        "success": evaluation.expected_success,
        "cpu": evaluation.expected.cpu if evaluation.expected else None,
        "mem": evaluation.expected.mem if evaluation.expected else None,
    }


def conform(batch: pa.RecordBatch, constant: Mapping[str, Any]) -> pa.RecordBatch:
    """The columns of COLUMNS; those that a batch lacks are `constant`, or else null. ArrowInvalid for one of another
    type."""
    return pa.record_batch([_column(batch, field, constant.get(field.name)) for field in COLUMNS], schema=COLUMNS)


def _column(batch: pa.RecordBatch, field: pa.Field, constant: Any) -> pa.Array:
    if field.name not in batch.schema.names:
        return pa.repeat(pa.scalar(constant, field.type), batch.num_rows)
    if batch.schema.names.count(field.name) > 1:
        raise pa.ArrowInvalid(f"column {field.name!r} comes twice")
    column = batch.column(field.name)
    try:
        # Text becomes bytes without complaint, but hexadecimal digits are no program, only one that is refused.
        if _is_text(_item(column.type)) and pa.types.is_binary(_item(field.type)):
            raise pa.ArrowInvalid("text")
        return column.cast(field.type)
    except pa.ArrowException:
        raise pa.ArrowInvalid(f"column {field.name!r} is {column.type}, not {field.type}") from None


def _item(kind: pa.DataType) -> pa.DataType:
    """The type of what is in it, of a list or a dictionary."""
    nested = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_dictionary(kind)
    return _item(kind.value_type) if nested else kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def evaluations(where: str, first: int, batch: pa.RecordBatch) -> Iterator[Evaluation]:
    """The evaluations of a batch whose first row has the number `first`. DecodeError names the row that is none."""
    for at, row in enumerate(_rows(where, batch)):
        yield _evaluation(where, first + at, row)


def _rows(where: str, batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Rows as Python has them. Arrays of parameters repeat from row to row, and each is made once."""
    models = batch.column("cost_model")
    if models.values.null_count:
        raise DecodeError(f"{where}: a cost_model has a parameter that is null")
    values, offsets = models.values.to_numpy(), models.offsets.to_numpy()
    known: dict[bytes, tuple[int, ...]] = {}
    for at, row in enumerate(batch.drop_columns(["cost_model"]).to_pylist()):
        array = values[offsets[at] : offsets[at + 1]]
        key = array.tobytes()
        if key not in known:
            known[key] = tuple(array.tolist())
        yield row | {"cost_model": known[key] if models[at].is_valid else None}


def _evaluation(where: str, number: int, row: dict[str, Any]) -> Evaluation:
    for name in REQUIRED:
        if row[name] is None:
            raise DecodeError(f"{where}: row {number} has no {name}")
    if None in row["arguments"]:
        raise DecodeError(f"{where}: row {number} has an argument that is null")
    if not 1 <= row["protocol_version"] <= LAST_VERSION:
        raise DecodeError(f"{where}: row {number} is of protocol version {row['protocol_version']}, which never was")
    try:
        language = LedgerLanguage(row["language"])
    except ValueError:
        raise DecodeError(f"{where}: row {number} is of an unknown language {row['language']!r}") from None
    for name in ("budget_cpu", "budget_mem", "cpu", "mem"):
        if (row[name] or 0) < 0:
            raise DecodeError(f"{where}: row {number} has {name} {row[name]}; it is 0 or more")
    cpu, mem = (row[f"budget_{name}"] for name in ("cpu", "mem"))
    return Evaluation(
        id=str(number) if row["id"] is None else row["id"],
        flat=row["program"],
        arguments=tuple(row["arguments"]),
        language=language,
        protocol_version=row["protocol_version"],
        parameters=row["cost_model"],
        budget=ExUnits(PLENTY.cpu if cpu is None else cpu, PLENTY.mem if mem is None else mem),
        expected_success=row["success"] is not False,
        expected=None if row["cpu"] is None or row["mem"] is None else ExUnits(row["cpu"], row["mem"]),
    )


def to_bytes(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def from_bytes(content: bytes) -> pa.RecordBatch:
    with pa.ipc.open_stream(content) as stream:
        return stream.read_next_batch()


Work = Callable[[str, int, bytes], Out]
"""Takes a corpus's name, the number of a batch's first row, and the batch as bytes. Picklable."""


class Spreader(Protocol):
    """Runs work on all batches of a corpus, wherever that is, and yields what comes of them in the corpus's order."""

    def __call__(self, rows: Rows, work: Work[Out]) -> Iterator[Out]: ...


def here(rows: Rows, work: Work[Out]) -> Iterator[Out]:
    """All work in this process."""
    for first, batch in rows.batches():
        yield work(rows.name, first, to_bytes(batch))


def _by_pool(pool: Executor, parallel: int, rows: Rows, work: Work[Out]) -> Iterator[Out]:
    pieces = ((rows.name, first, to_bytes(batch)) for first, batch in rows.batches())
    yield from workers.in_order(pool, parallel, partial(_done, work), pieces)


def _done(work: Work[Out], piece: tuple[str, int, bytes]) -> Out:
    return work(*piece)


@contextmanager
def processes(jobs: int) -> Iterator[Spreader]:
    """A spreader over `jobs` processes of this machine; with one, this process does the work."""
    if jobs == 1:
        yield here
        return
    context = multiprocessing.get_context("spawn")  # arrow's threads do not survive a fork
    with workers.process_pool(jobs, context) as pool:
        yield partial(_by_pool, pool, jobs)
