"""`calibrate eval` over a replay corpus, in JSON or in Parquet."""

from __future__ import annotations

import statistics
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from costmodel.cli.output import print_json, say, show
from costmodel.cli.progress import counted
from costmodel.errors import InputError
from costmodel.machine.traced import Narrator
from costmodel.records.evaluation import CorpusCaseRecord, CorpusReplay, ExpectedRecord, RowMiss, RowsReplay
from costmodel.records.figures import ExUnitsRecord, Latencies, Latency
from costmodel.remote import is_remote, opened_whole, shown_address
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, number

if TYPE_CHECKING:
    import pyarrow as pa

    from costmodel.model import ExUnits
    from costmodel.trace import Trace
    from costmodel.workloads.evaluation import CaseResult
    from costmodel.workloads.rows import Rows, Spreader

_MISSES_KEPT: Final = 20
_RESOLUTION: Final = 1.01  # of a latency's quantiles: the ratio of two neighbouring bins
_BINS: Final = 3000  # up to 2.5 hours


def evaluate_corpus(path: Path, trace: Trace, *, as_json: bool) -> int:
    """Replays a corpus in JSON and compares success and ExUnits; 0 if all agree, else 1."""
    from costmodel.workloads.corpus import load_corpus
    from costmodel.workloads.evaluation import replay

    results = [replay(evaluation) for evaluation in load_corpus(path)]
    if narrator := Narrator.of(trace):
        for result in results:
            if result.outcome is None:
                narrator.refuse(result.refused or "", case=result.case)
            else:
                narrator.tell(result.outcome, case=result.case, nanoseconds=result.evaluate_ns)
    if not results:
        raise InputError(f"{path}: the corpus has no cases")
    exact = sum(result.exact for result in results)
    latency = Latencies(**{name: _latency(times) for name, times in _times(results).items()})
    if as_json:
        print_json(CorpusReplay(cases=tuple(map(_case, results)), exact=exact, latency_ns=latency))
    else:
        for result in results:
            if not result.exact:
                _say_miss(result.case, _expected(result), _actual(result))
        say(f"{exact} of {len(results)} cases exact")
        _show_latency(latency)
    return 0 if exact == len(results) else 1


def _times(results: list[CaseResult]) -> dict[str, list[int]]:
    return {
        "decode": [result.decode_ns for result in results],
        "evaluate": [result.evaluate_ns for result in results if result.outcome is not None],
    }


def _latency(times: list[int]) -> Latency | None:
    if not times:
        return None
    tail = statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else float(times[0])
    return Latency(median=statistics.median(times), p95=tail, max=max(times), total=sum(times))


def _case(result: CaseResult) -> CorpusCaseRecord:
    outcome = result.outcome
    return CorpusCaseRecord(
        id=result.case,
        exact=result.exact,
        status="refused" if outcome is None else outcome.status.value,
        error=result.refused if outcome is None else outcome.error,
        ex_units=None if outcome is None else ExUnitsRecord(**asdict(outcome.spent)),
        expected=ExpectedRecord(
            success=result.expected_success,
            ex_units=None if result.expected is None else ExUnitsRecord(**asdict(result.expected)),
        ),
        decode_ns=result.decode_ns,
        evaluate_ns=result.evaluate_ns,
    )


def _say_miss(case: str, expected: str, actual: str) -> None:
    say(f"miss: {case}", f"  expected {expected}", f"  actual   {actual}")


def _show_latency(latency: Latencies) -> None:
    columns = ("wall time", *map(number, ("median", "95th percentile", "longest", "total")))
    timed = (("decode", latency.decode), ("evaluate", latency.evaluate))
    rows = [(name, *map(numbers.time_ns, structs.astuple(times))) for name, times in timed if times]
    show(Table.of("", columns, rows))


def _units(units: ExUnits | None) -> str:
    return "" if units is None else f", cpu {units.cpu}, mem {units.mem}"


def _expected(result: CaseResult) -> str:
    return ("success" if result.expected_success else "failure") + _units(result.expected)


def _actual(result: CaseResult) -> str:
    if result.outcome is None:
        return f"refused: {result.refused}"
    reason = f" ({result.outcome.error})" if result.outcome.error else ""
    return f"{result.outcome.status.value}{reason}{_units(result.outcome.spent)}"


class _LatencyBins:
    """Times in ns, counted in bins: a corpus may have more of them than memory has room for."""

    def __init__(self) -> None:
        import numpy as np

        self._counts = np.zeros(_BINS, np.int64)
        self.longest = self.total = 0

    def add(self, times: Any) -> None:
        import numpy as np

        bins = (np.log(np.maximum(times, 1)) / np.log(_RESOLUTION)).astype(np.int64)
        self._counts += np.bincount(np.minimum(bins, _BINS - 1), minlength=_BINS)
        self.longest = max(self.longest, int(times.max(initial=0)))
        self.total += int(times.sum())

    def record(self) -> Latency | None:
        """Median and 95th percentile to 1 %, the longest, and the sum; None where there was none."""
        import numpy as np

        if not self._counts.any():
            return None
        reached = np.cumsum(self._counts) / self._counts.sum()
        median, p95 = (float(_RESOLUTION ** (np.searchsorted(reached, share) + 0.5)) for share in (0.5, 0.95))
        return Latency(median=median, p95=p95, max=self.longest, total=self.total)


class _CorpusTally:
    """What came of the rows so far."""

    def __init__(self) -> None:
        self.rows = self.exact = 0
        self.statuses: Counter[str] = Counter()
        self.misses: list[RowMiss] = []
        self.latency = {"decode": _LatencyBins(), "evaluate": _LatencyBins()}

    def add(self, batch: pa.RecordBatch) -> None:
        import numpy as np

        exact = batch.column("exact").to_numpy(zero_copy_only=False)
        self.rows += batch.num_rows
        self.exact += int(exact.sum())
        statuses = batch.column("status").to_pylist()
        self.statuses.update(statuses)
        self.latency["decode"].add(batch.column("decode_ns").to_numpy())
        evaluated = np.array([status != "refused" for status in statuses], bool)
        self.latency["evaluate"].add(batch.column("evaluate_ns").to_numpy()[evaluated])
        wanted = np.flatnonzero(~exact)[: _MISSES_KEPT - len(self.misses)]
        rows = batch.take(wanted).to_pylist() if len(wanted) else []
        self.misses += [RowMiss(**row) for row in rows]


def evaluate_rows(rows: Rows, spreader: Spreader, *, out: str | None, as_json: bool) -> int:
    """Replays a corpus row by row and compares success and ExUnits; 0 if all agree, else 1. `out` is whole
    or not there."""
    if not rows.count:
        raise InputError(f"{rows.name}: the corpus has no rows")
    if out is not None and _is_of(rows, out):
        raise InputError(f"--out {out} is the corpus itself; name another file for the results")
    tally = _replayed(rows, spreader, out)
    latency = Latencies(**{name: times.record() for name, times in tally.latency.items()})
    if as_json:
        print_json(
            RowsReplay(
                rows=tally.rows,
                exact=tally.exact,
                statuses=dict(tally.statuses),
                misses=tuple(tally.misses),
                latency_ns=latency,
                results=None if out is None else shown_address(out),
            )
        )
    else:
        _show_tally(tally, latency)
    return 0 if tally.exact == tally.rows else 1


def _is_of(rows: Rows, out: str) -> bool:
    """Whether results would replace what they are of."""
    if is_remote(out):
        return shown_address(out) == rows.name
    return Path(out).resolve() in {file.resolve() for file in rows.files}


def _replayed(rows: Rows, spreader: Spreader, out: str | None) -> _CorpusTally:
    import pyarrow.parquet as pq

    from costmodel.workloads.parquet import RESULTS, replay_rows

    tally = _CorpusTally()
    with ExitStack() as stack:
        writer = None
        if out is not None:
            file = stack.enter_context(opened_whole(out))
            writer = stack.enter_context(pq.ParquetWriter(file, RESULTS, compression="zstd"))
        tell = stack.enter_context(counted("evaluating", "rows"))
        for batch in replay_rows(rows, spreader):
            tally.add(batch)
            if writer is not None:
                writer.write_batch(batch)
            tell(tally.rows, rows.count)
    return tally


def _show_tally(tally: _CorpusTally, latency: Latencies) -> None:
    for miss in tally.misses:
        expected = "success" if miss.expected_success else "failure"
        reason = f" ({miss.error})" if miss.error else ""
        _say_miss(
            miss.id,
            expected + _row_units(miss.expected_cpu, miss.expected_mem),
            f"{miss.status}{reason}{_row_units(miss.cpu, miss.mem)}",
        )
    if (more := tally.rows - tally.exact - len(tally.misses)) > 0:
        say(f"… and {more} more")
    say(f"{tally.exact} of {tally.rows} rows exact")
    _show_latency(latency)


def _row_units(cpu: int | None, mem: int | None) -> str:
    return "" if cpu is None else f", cpu {cpu}, mem {mem}"
