"""Replay corpora in Parquet, for millions of rows; `rows.py` has the columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from costmodel.errors import DecodeError
from costmodel.remote import shown_address
from costmodel.workloads.corpus import workload_of
from costmodel.workloads.evaluation import CaseResult, Evaluation, replay
from costmodel.workloads.memory import BATCH_BYTES, most_memory
from costmodel.workloads.parts import CorpusPart, parts_of
from costmodel.workloads.rows import (
    BATCH_ROWS,
    COLUMNS,
    REQUIRED,
    Batch,
    Rows,
    Spreader,
    conform,
    evaluations,
    from_bytes,
    here,
    to_bytes,
)
from costmodel.workloads.workload import Workload

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


def parquet_rows(name: str) -> Rows:
    """A corpus in Parquet: a file or a folder of files, at a path or an address. InputError or DecodeError names the
    file that cannot be read."""
    parts = parts_of(name, COLUMNS)
    count = 0
    for part in parts:
        with part.opened() as file:
            count += int(file.metadata.num_rows)
    files = tuple(part.source for part in parts if isinstance(part.source, Path))
    return Rows(shown_address(name), count, lambda: _batches(parts), files)


def replay_rows(rows: Rows, spreader: Spreader = here) -> Iterator[pa.RecordBatch]:
    """Evaluates every row and yields RESULTS in batches. Memory is bounded by a few batches.

    InputError or DecodeError names the corpus, and the row where one is no evaluation. EnvironmentFault where a process
    dies, which the system does to it when memory runs out.
    """
    for content in spreader(rows, _replay_batch):
        yield from_bytes(content)


def sample_rows(rows: Rows, count: int, seed: int) -> Workload:
    """`count` rows drawn without replacement, or all there are, as a workload; it says so in its notes."""
    chosen = np.sort(np.random.default_rng(seed).choice(rows.count, size=min(count, rows.count), replace=False))
    drawn: list[Evaluation] = []
    for first, batch in rows.batches():
        here = chosen[(chosen >= first) & (chosen < first + batch.num_rows)] - first
        for at in here:
            drawn += evaluations(rows.name, first + int(at), from_bytes(to_bytes(batch.slice(int(at), 1))))
    note = f"{len(drawn)} of {rows.count} rows, drawn with seed {seed}"
    return workload_of(rows.name, drawn, rows.files, (note,) if len(drawn) < rows.count else ())


def _batches(parts: Sequence[CorpusPart]) -> Iterator[Batch]:
    first = 0
    for part in parts:
        with part.opened() as file:
            names = {*file.schema_arrow.names, *part.columns}
            for name in REQUIRED:
                if name not in names:
                    raise DecodeError(f"{part.name}: is no replay corpus: it has no column {name!r}")
            stored = [name for name in COLUMNS.names if name in file.schema_arrow.names]
            batches = file.iter_batches(BATCH_ROWS, columns=stored)
            row = 0
            while (batch := _next(part, row, batches)) is not None:
                yield first, batch
                first, row = first + batch.num_rows, row + batch.num_rows


def _next(part: CorpusPart, row: int, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
    """The batch of a file that begins with its row `row`, or None after the last."""
    try:
        with most_memory(BATCH_BYTES):
            batch = next(batches, None)
            if batch is not None and batch.nbytes > BATCH_BYTES:  # it had room in memory given back before
                raise MemoryError
            return None if batch is None else conform(batch, part.columns)
    except (MemoryError, pa.ArrowMemoryError):
        raise DecodeError(
            f"{part.name}: {BATCH_ROWS} rows from row {row} on take more than {BATCH_BYTES >> 20} MiB; "
            "write the corpus with smaller rows"
        ) from None
    except (OSError, pa.ArrowException) as error:
        said = " ".join(str(error).split())
        raise DecodeError(f"{part.name}: cannot be read from row {row} on: {said}") from None


def _replay_batch(where: str, first: int, content: bytes) -> bytes:
    results = [_row(replay(evaluation)) for evaluation in evaluations(where, first, from_bytes(content))]
    return to_bytes(pa.RecordBatch.from_pylist(results, schema=RESULTS))


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
