"""Replay corpora in Parquet, for millions of rows: they are streamed, and evaluated by several processes.

A row is one evaluation. COLUMNS has the columns; those that are not REQUIRED may be missing, or null in a row:

- `program`, `arguments`: flat bytes, and a list of Data in CBOR
- `language`, `protocol_version`: such as "PlutusV3" and 11
- `id`: a name for messages; else the row's number, from 0
- `cost_model`: the ledger's parameter array; else the model that the ledger has today for language and version
- `budget_cpu`, `budget_mem`: picoseconds and words; else ten seconds of the reference machine
- `success`: whether the evaluation must succeed; else it must
- `cpu`, `mem`: the ExUnits of a success; else only success is compared
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from costmodel.errors import DecodeError, EnvironmentFault, InputError
from costmodel.model import ExUnits
from costmodel.plutus import LedgerLanguage
from costmodel.workloads import workers
from costmodel.workloads.corpus import workload_of
from costmodel.workloads.evaluation import PLENTY, CaseResult, Evaluation, replay
from costmodel.workloads.workload import Workload

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

RESULTS: Final = pa.schema(
    [
        ("id", pa.string()),
        ("exact", pa.bool_()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("expected_success", pa.bool_()),
        ("expected_cpu", pa.int64()),
        ("expected_mem", pa.int64()),
        ("cpu", pa.int64()),
        ("mem", pa.int64()),
        ("decode_ns", pa.int64()),
        ("evaluate_ns", pa.int64()),
    ]
)
"""Columns of what `replay_rows` yields: a row for each of the corpus, in its order. Times as in `CaseResult`."""

_BATCH_ROWS: Final = 1024
_BUFFER: Final = 1 << 20  # bytes that are read from a column at a time
_AHEAD: Final = 2  # batches for each process that are read before their turn
_LAST_VERSION: Final = 255  # far beyond the chain's


def row_count(path: Path) -> int:
    """The number of rows. InputError or DecodeError names the file that cannot be read."""
    with _opened(path) as file:
        return int(file.metadata.num_rows)


def replay_rows(path: Path, jobs: int) -> Iterator[pa.RecordBatch]:
    """Evaluates every row, in `jobs` processes if more than one, and yields RESULTS in batches. Memory is bounded by a
    few batches.

    InputError or DecodeError names the file, and the row where one is no evaluation. EnvironmentFault where a process
    dies, which the system does to it when memory runs out.
    """
    if jobs == 1:
        for first, batch in _batches(path):
            yield _from_bytes(_replay_batch(str(path), first, _to_bytes(batch)))
        return
    context = multiprocessing.get_context("spawn")  # arrow's threads do not survive a fork
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=workers.begin) as pool:
        try:
            yield from _spread(pool, path, _AHEAD * jobs)
        except BrokenProcessPool:
            raise EnvironmentFault(f"{path}: a process that evaluates rows was killed; take fewer --jobs") from None
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _spread(pool: ProcessPoolExecutor, path: Path, ahead: int) -> Iterator[pa.RecordBatch]:
    waiting: deque[Future[bytes]] = deque()
    for first, batch in _batches(path):
        waiting.append(pool.submit(_replay_batch, str(path), first, _to_bytes(batch)))
        if len(waiting) > ahead:
            yield _from_bytes(waiting.popleft().result())
    while waiting:
        yield _from_bytes(waiting.popleft().result())


def sample_rows(path: Path, count: int, seed: int) -> Workload:
    """`count` rows drawn without replacement, or all there are, as a workload; it says so in its notes."""
    total = row_count(path)
    chosen = np.sort(np.random.default_rng(seed).choice(total, size=min(count, total), replace=False))
    drawn: list[Evaluation] = []
    for first, batch in _batches(path):
        here = chosen[(chosen >= first) & (chosen < first + batch.num_rows)] - first
        rows = list(_rows(str(path), _from_bytes(_to_bytes(batch.take(here))))) if len(here) else []
        drawn += [_evaluation(str(path), first + int(at), row) for at, row in zip(here, rows, strict=True)]
    note = f"{len(drawn)} of {total} rows, drawn with seed {seed}"
    return workload_of(path, drawn, (note,) if len(drawn) < total else ())


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        raise DecodeError(f"{path}: is no Parquet file: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _batches(path: Path) -> Iterator[tuple[int, pa.RecordBatch]]:
    """All rows in the form of COLUMNS, and the number of the first of each batch."""
    with _opened(path) as file:
        names = file.schema_arrow.names
        for name in REQUIRED:
            if name not in names:
                raise DecodeError(f"{path}: is no replay corpus: it has no column {name!r}")
        first = 0
        try:
            for batch in file.iter_batches(_BATCH_ROWS, columns=[name for name in COLUMNS.names if name in names]):
                yield first, pa.record_batch([_column(batch, field) for field in COLUMNS], schema=COLUMNS)
                first += batch.num_rows
        except (OSError, pa.ArrowException) as error:
            raise DecodeError(f"{path}: cannot be read from row {first} on: {_one_line(error)}") from None


def _column(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    if field.name not in batch.schema.names:
        return pa.nulls(batch.num_rows, field.type)
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


def _replay_batch(where: str, first: int, content: bytes) -> bytes:
    rows = _from_bytes(content)
    evaluations = (_evaluation(where, first + at, row) for at, row in enumerate(_rows(where, rows)))
    results = [_row(replay(evaluation)) for evaluation in evaluations]
    return _to_bytes(pa.RecordBatch.from_pylist(results, schema=RESULTS))


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
    if not 1 <= row["protocol_version"] <= _LAST_VERSION:
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


def _row(result: CaseResult) -> dict[str, Any]:
    outcome, expected = result.outcome, result.expected
    return {
        "id": result.case,
        "exact": result.exact,
        "status": "refused" if outcome is None else outcome.status.value,
        "error": result.refused if outcome is None else outcome.error,
        "expected_success": result.expected_success,
        "expected_cpu": expected.cpu if expected else None,
        "expected_mem": expected.mem if expected else None,
        "cpu": outcome.spent.cpu if outcome else None,
        "mem": outcome.spent.mem if outcome else None,
        "decode_ns": result.decode_ns,
        "evaluate_ns": result.evaluate_ns,
    }


def _to_bytes(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _from_bytes(content: bytes) -> pa.RecordBatch:
    with pa.ipc.open_stream(content) as stream:
        return stream.read_next_batch()
