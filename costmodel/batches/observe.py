"""What each run says of each operation: a mean, and how far its processes let it be trusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from costmodel.batches.select import RunBatch
from costmodel.errors import InputError
from costmodel.records.run import DesignCell
from costmodel.runs.bounds import drawn, is_imported
from costmodel.runs.means import COLUMNS, HASH_YARDSTICK, process_means
from costmodel.runs.store import Run

Floats: TypeAlias = NDArray[np.float64]


class ComparedRow(NamedTuple):
    """What is compared: the cells of one operation and kind of work, or all of an experiment (`operation` empty).

    The programs of a replayed workload are operations of the experiment `replay`, which as a whole is the workload.
    """

    experiment: str
    operation: str
    work: str

    @property
    def label(self) -> str:
        name = self.operation or f"all of {self.experiment}"
        return name if self.work in ("evaluate", self.operation, "") else f"{name} ({self.work})"


@dataclass(frozen=True, slots=True)
class ObservedRuns:
    """R runs and what they say of L rows.

    `means` (R × L) are means over a row's cells of log(time ÷ yardstick); `variances` (R × L) those of the means, from
    the processes of the run, NaN of a single process; `processes` (R × L) how many those are. `batch` numbers
    the batch of each run, `machine` names its machine. `yardsticks_ns` is each run's median hash yardstick. `left_out`
    counts cells that not every run has, and `lacking` names the run that lacks most of them.
    """

    rows: tuple[ComparedRow, ...]
    cells: tuple[int, ...]
    means: Floats
    variances: Floats
    processes: Floats
    batch: NDArray[np.intp]
    machine: NDArray[np.str_]
    yardsticks_ns: Floats
    left_out: int
    lacking: str = ""


def observe(batches: Sequence[RunBatch], yardsticks: Sequence[str]) -> ObservedRuns:
    """Read all runs, their times in units of the `yardsticks`. InputError where no cell is in all runs."""
    tables, yards = [], []
    runs = [run for batch in batches for run in batch.runs]
    for run in runs:
        table, yard = _process_table(run, yardsticks)
        tables.append(table)
        yards.append(yard)
    common = tables[0].index
    for run, table in zip(runs, tables, strict=True):
        common = common.intersection(table.index, sort=False)
        if not len(common):
            shared = "" if run is runs[0] else f" that {runs[0].path} and those after it have too"
            raise InputError(f"{run.path} has no cell with enough clean batches{shared}; compare runs of one design")
    everything = {key for table in tables for key in table.index}
    keys = list(common)
    rows = _rows(keys)
    weights = np.array([[key in members for key in keys] for members in rows.values()], np.float64)
    per_run = [_summary(table.loc[common].to_numpy(np.float64), weights) for table in tables]
    return ObservedRuns(
        rows=tuple(rows),
        cells=tuple(len(members) for members in rows.values()),
        means=np.array([each[0] for each in per_run]),
        variances=np.array([each[1] for each in per_run]),
        processes=np.array([each[2] for each in per_run]),
        batch=np.repeat(np.arange(len(batches)), [len(batch.runs) for batch in batches]),
        machine=np.array([machine for batch in batches for machine in batch.machines]),
        yardsticks_ns=np.array(yards),
        left_out=len(everything) - len(keys),
        lacking=min(zip(tables, runs, strict=True), key=lambda pair: len(pair[0]))[1].name,
    )


_Key: TypeAlias = tuple[str, str, str, tuple[int, ...], int, str]


def _key(cell: DesignCell) -> _Key:
    return (cell.experiment, cell.operation, cell.work, cell.sizes, cell.repeats, cell.id)


def _process_table(run: Run, yardsticks: Sequence[str]) -> tuple[pd.DataFrame, float]:
    """Log means by cell and process, cells without any left out, and the median hash yardstick (NaN if imported)."""
    if is_imported(run):
        cells, logs = drawn(run)
        by_name = {cell.id: _key(cell) for cell in run.design.cells}
        index = pd.Index([by_name[cell] for cell in cells], tupleize_cols=False)
        return pd.DataFrame(logs, index=index), float("nan")
    clean = run.samples(columns=COLUMNS, filters=pc.field("disturbance") == "")
    means = process_means(clean, yardsticks=yardsticks)
    keys = {cell.id: _key(cell) for cell in run.design.cells}
    means.index = pd.Index([keys[str(cell)] for cell in means.index], tupleize_cols=False)
    return means, float(clean.drop_duplicates(["process", "block"])[HASH_YARDSTICK].median())


def _rows(keys: Sequence[_Key]) -> dict[ComparedRow, set[_Key]]:
    """Every operation in the order of the cells, and each experiment of several operations as a whole."""
    rows: dict[ComparedRow, set[_Key]] = defaultdict(set)
    experiments = list(dict.fromkeys(key[0] for key in keys))
    for key in sorted(keys, key=lambda key: experiments.index(key[0])):
        rows[ComparedRow(*key[:3])].add(key)
    parts = list(rows)
    for experiment in dict.fromkeys(row.experiment for row in parts):
        members = [rows[row] for row in parts if row.experiment == experiment]
        if len(members) > 1:
            rows[ComparedRow(experiment, "", "")] = set().union(*members)
    return dict(rows)


def _summary(logs: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean of each row, its variance and its processes, from the logs (cells × processes, NaN where missing).

    A cell's mean is over the processes that timed it, a row's over its cells. The variance is that of a mean of
    clusters: what each process adds to the row's mean, its cells together, squared and summed.
    """
    present = np.isfinite(logs)
    counts = present.sum(axis=1, keepdims=True)
    centre = np.where(present, logs, 0.0).sum(axis=1, keepdims=True) / counts
    share = weights / weights.sum(axis=1, keepdims=True)
    pulls = share @ (np.where(present, logs - centre, 0.0) / counts)
    processes = ((weights @ present) > 0).sum(axis=1).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        variances = (pulls**2).sum(axis=1) * processes / (processes - 1)
    return (share @ centre)[:, 0], np.where(processes > 1, variances, np.nan), processes
