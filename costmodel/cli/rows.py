"""`calibrate eval` over a replay corpus in Parquet."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from costmodel.cli.output import print_json, stdout, table, time_ns, visible
from costmodel.cli.progress import counted
from costmodel.errors import InputError
from costmodel.files import opened_atomically

if TYPE_CHECKING:
    import pyarrow as pa

    from costmodel.workloads.rows import Rows

_MISSES_KEPT: Final = 20
_RESOLUTION: Final = 1.01  # of a latency's quantiles: the ratio of two neighbouring bins
_BINS: Final = 3000  # up to 2.5 hours


class _Latency:
    """Times in ns, counted in bins: a corpus may have more of them than memory has room for."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self.longest = self.total = 0

    def add(self, times: Any) -> None:
        bins = (np.log(np.maximum(times, 1)) / np.log(_RESOLUTION)).astype(np.int64)
        self._counts += np.bincount(np.minimum(bins, _BINS - 1), minlength=_BINS)
        self.longest = max(self.longest, int(times.max(initial=0)))
        self.total += int(times.sum())

    def document(self) -> dict[str, float]:
        """Median and 95th percentile to 1 %, the longest, and all together; nothing where there was none."""
        if not self._counts.any():
            return {}
        reached = np.cumsum(self._counts) / self._counts.sum()
        median, p95 = (float(_RESOLUTION ** (np.searchsorted(reached, share) + 0.5)) for share in (0.5, 0.95))
        return {"median": median, "p95": p95, "max": self.longest, "total": self.total}


class _Tally:
    """What came of the rows so far."""

    def __init__(self) -> None:
        self.rows = self.exact = 0
        self.statuses: Counter[str] = Counter()
        self.misses: list[dict[str, Any]] = []
        self.latency = {"decode": _Latency(), "evaluate": _Latency()}

    def add(self, batch: pa.RecordBatch) -> None:
        exact = batch.column("exact").to_numpy(zero_copy_only=False)
        self.rows += batch.num_rows
        self.exact += int(exact.sum())
        statuses = batch.column("status").to_pylist()
        self.statuses.update(statuses)
        self.latency["decode"].add(batch.column("decode_ns").to_numpy())
        evaluated = np.array([status != "refused" for status in statuses], bool)
        self.latency["evaluate"].add(batch.column("evaluate_ns").to_numpy()[evaluated])
        wanted = np.flatnonzero(~exact)[: _MISSES_KEPT - len(self.misses)]
        self.misses += batch.take(wanted).to_pylist() if len(wanted) else []


def evaluate_rows(rows: Rows, *, jobs: int | None, out: Path | None, as_json: bool) -> int:
    """Replays a corpus row by row and compares success and ExUnits; 0 if all agree, else 1. `out` is whole or not."""
    if not rows.count:
        raise InputError(f"{rows.name}: the corpus has no rows")
    if out is not None and out.exists() and Path(rows.name).exists() and out.samefile(rows.name):
        raise InputError(f"{out}: is the corpus itself; name another file for the results")
    tally = _replayed(rows, jobs or len(os.sched_getaffinity(0)), out)
    latency = {name: times.document() for name, times in tally.latency.items()}
    if as_json:
        document = {"rows": tally.rows, "exact": tally.exact, "statuses": tally.statuses, "misses": tally.misses}
        print_json(document | {"latency_ns": latency, "results": None if out is None else str(out)})
    else:
        _show(tally, latency)
    return 0 if tally.exact == tally.rows else 1


def _replayed(rows: Rows, jobs: int, out: Path | None) -> _Tally:
    import pyarrow.parquet as pq

    from costmodel.workloads.parquet import RESULTS, replay_rows

    tally = _Tally()
    with ExitStack() as stack:
        writer = None
        if out is not None:
            writer = stack.enter_context(
                pq.ParquetWriter(stack.enter_context(opened_atomically(out)), RESULTS, compression="zstd")
            )
        say = stack.enter_context(counted("evaluating", "rows"))
        for batch in replay_rows(rows, jobs):
            tally.add(batch)
            if writer is not None:
                writer.write_batch(batch)
            say(tally.rows, rows.count)
    return tally


def _show(tally: _Tally, latency: dict[str, dict[str, float]]) -> None:
    console = stdout()
    for miss in tally.misses:
        expected = "success" if miss["expected_success"] else "failure"
        console.print(f"miss: {visible(miss['id'])}", markup=False, soft_wrap=True)
        console.print(f"  expected {expected}{_units(miss, 'expected_')}", markup=False, soft_wrap=True)
        reason = f" ({visible(miss['error'])})" if miss["error"] else ""
        console.print(f"  actual   {miss['status']}{reason}{_units(miss, '')}", markup=False, soft_wrap=True)
    if (more := tally.rows - tally.exact - len(tally.misses)) > 0:
        console.print(f"… and {more} more", markup=False)
    console.print(f"{tally.exact} of {tally.rows} rows exact", markup=False)
    headings = [(heading, "right") for heading in ("median", "95th percentile", "longest", "all")]
    rows = [(name, *map(time_ns, times.values())) for name, times in latency.items() if times]
    console.print(table(None, [("wall time", "left"), *headings], rows))


def _units(miss: dict[str, Any], prefix: str) -> str:
    cpu, mem = miss[f"{prefix}cpu"], miss[f"{prefix}mem"]
    return "" if cpu is None else f", cpu {cpu}, mem {mem}"
