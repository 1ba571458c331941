"""From runs to one robust time for every cell in every process, with the machine's changes of state cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from costmodel.errors import InputError
from costmodel.fit.cells import STEPS, Cell, cells_of
from costmodel.fit.resample import Clusters
from costmodel.runs.schema import Status
from costmodel.runs.store import Run

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

TRIMMED_SHARE = 0.25
"""Share of the batches that the trimmed mean leaves out at either end."""

_FEWEST_BATCHES = 3
"""A process with fewer clean batches of a cell has no mean of it to trim."""

_HASH = "yardstick_hash_ns"
_YARDSTICKS = (_HASH, "yardstick_machine_ns")
_COLUMNS = ("cell", "process", "block", "iterations", "ns", "gate", *_YARDSTICKS)


@dataclass(frozen=True, slots=True)
class Observations:
    """What runs observed of C cells in P processes.

    `logs` is P × C: the trimmed mean of log ns of one evaluation, brought to the state of the machine in which the
    yardstick takes `reference_yardstick_ns`; NaN where a process has too few clean batches of the cell. `yardsticks`
    names the columns whose geometric mean the yardstick is; `hash_yardstick_ns` the median of the hash one, which alone
    does not depend on what else a session times. `uncertain` has the reason for each cell that missed its
    precision.
    """

    cells: tuple[Cell, ...]
    logs: Floats
    clusters: Clusters
    reference_yardstick_ns: float
    hash_yardstick_ns: float | None
    yardsticks: tuple[str, ...]
    uncertain: dict[Cell, str]
    clean_batches: int
    gated_batches: int

    def columns(self, experiment: str) -> list[int]:
        """The columns of an experiment's cells."""
        return [i for i, cell in enumerate(self.cells) if cell.experiment == experiment]


def check_runs(runs: Sequence[Run]) -> None:
    """InputError, naming the run, unless all are whole, unharmed, different, and of one machine and evaluator."""
    if not runs:
        raise InputError("no run to fit; name at least one run folder")
    for i, run in enumerate(runs):
        if run.manifest.status is not Status.COMPLETE:
            raise InputError(
                f"{run.path} is not complete ({run.manifest.status}); finish it with `calibrate measure --resume`"
            )
        run.verify()
        for other in runs[:i]:
            _check_alike(run, other)


def _check_alike(run: Run, other: Run) -> None:
    a, b = run.manifest, other.manifest
    if a.run == b.run:
        raise InputError(f"{run.path} and {other.path} are the same run; name it once")
    if a.machine != b.machine:
        different = _first_difference(a.machine, b.machine)
        raise InputError(f"{run.path} and {other.path} are of unlike machines ({different} differs); fit them apart")
    if a.evaluator != b.evaluator:
        different = _first_difference(a.evaluator, b.evaluator)
        raise InputError(f"{run.path} and {other.path} timed unlike evaluators ({different} differs); fit them apart")


def _first_difference(a: Mapping[str, object], b: Mapping[str, object]) -> str:
    return next(key for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key))


def observe(runs: Sequence[Run]) -> Observations:
    """Read the clean batches of `runs`. InputError where they have no step cells, or what no fit can use."""
    cells_by_run = [cells_of(run.design.cells, str(run.path)) for run in runs]
    everything = tuple(sorted({cell for cells in cells_by_run for cell in cells.values()}))
    if not any(cell.experiment == STEPS for cell in everything):
        raise InputError(f"{runs[0].path}: no run has step cells, and without step costs nothing can be fitted")
    column = {cell: i for i, cell in enumerate(everything)}
    frames = [
        _clean(run, {name: column[cell] for name, cell in cells.items()})
        for run, cells in zip(runs, cells_by_run, strict=True)
    ]
    yardsticks = _usable_yardsticks(frames, runs[0].path)
    clusters = _clusters(frames, [frozenset(cells.values()) for cells in cells_by_run], runs)
    yards = [np.exp(np.log(frame[list(yardsticks)].to_numpy(np.float64)).mean(axis=1)) for frame in frames]
    reference = _reference_yardstick(frames, yards)
    hashes = [frame[_HASH].to_numpy(np.float64) for frame in frames]
    logs = [
        _trimmed_means(frame, np.log(reference / yard), len(everything))
        for frame, yard in zip(frames, yards, strict=True)
    ]
    table = np.vstack(logs)
    if (lost := np.isnan(table).all(axis=0)).any():
        cell = everything[int(np.flatnonzero(lost)[0])]
        raise InputError(
            f"{runs[0].path}: too few clean batches of {cell.experiment} {cell.operation} {cell.sizes}; measure again"
        )
    gated = sum(int(frame.attrs["gated"]) for frame in frames)
    return Observations(
        cells=everything,
        logs=table,
        clusters=clusters,
        reference_yardstick_ns=reference,
        hash_yardstick_ns=_reference_yardstick(frames, hashes) if _HASH in yardsticks else None,
        yardsticks=yardsticks,
        uncertain=_uncertain(runs, cells_by_run),
        clean_batches=sum(map(len, frames)),
        gated_batches=gated,
    )


def _clean(run: Run, column: dict[str, int]) -> pd.DataFrame:
    """The clean batches of the cells in `column` (cell id to column), with that column and a process number from 0."""
    frame = run.samples(columns=_COLUMNS)
    frame = frame[frame["cell"].isin(list(column))]
    clean = frame[frame["gate"] == ""].copy()
    if clean.empty:
        raise InputError(f"{run.path} has no clean batches; measure again on a quieter machine")
    per_evaluation = clean["ns"] / clean["iterations"]
    if not (np.isfinite(per_evaluation) & (per_evaluation > 0)).all():
        raise InputError(f"{run.path} has a batch that took no time; its samples cannot be used")
    clean["log_ns"] = np.log(per_evaluation)
    clean["column"] = clean["cell"].map(column).astype(np.intp)
    clean["process"] = np.unique(clean["process"], return_inverse=True)[1]
    clean.attrs["gated"] = len(frame) - len(clean)
    return clean


def _usable_yardsticks(frames: Sequence[pd.DataFrame], where: Path) -> tuple[str, ...]:
    """The yardsticks that every clean batch has: the same for all, lest some times be measured by another rod."""
    usable = tuple(
        name for name in _YARDSTICKS if all((np.isfinite(frame[name]) & (frame[name] > 0)).all() for frame in frames)
    )
    if not usable:
        raise InputError(f"{where}: the runs have no yardstick in common; measure again")
    return usable


def _clusters(frames: Sequence[pd.DataFrame], designs: Sequence[frozenset[Cell]], runs: Sequence[Run]) -> Clusters:
    """Processes of all runs in order; runs of the same cells form a group, which needs two processes at least."""
    group_of = {design: i for i, design in enumerate(dict.fromkeys(designs))}
    counts = [int(frame["process"].max()) + 1 for frame in frames]
    group = np.repeat([group_of[design] for design in designs], counts).astype(np.intp)
    for i, run in enumerate(runs):
        if int((group == group_of[designs[i]]).sum()) < 2:
            raise InputError(
                f"{run.path} has one process, and its spread cannot be told from one; measure with several"
            )
    return Clusters(run=np.repeat(np.arange(len(runs)), counts).astype(np.intp), group=group)


def _reference_yardstick(frames: Sequence[pd.DataFrame], yards: Sequence[Floats]) -> float:
    """Median of the yardstick over all blocks, in ns: the state of the machine that the model speaks of."""
    blocks = [
        frame[["process", "block"]].assign(yard=yard).drop_duplicates(["process", "block"])["yard"].to_numpy()
        for frame, yard in zip(frames, yards, strict=True)
    ]
    return float(np.median(np.concatenate(blocks)))


def _trimmed_means(frame: pd.DataFrame, correction: Floats, columns: int) -> Floats:
    """Processes × `columns`: trimmed means of the corrected log times, NaN where there is too little."""
    values = frame["log_ns"].to_numpy(np.float64) + correction
    processes = int(frame["process"].max()) + 1
    keys = frame["process"].to_numpy(np.intp) * columns + frame["column"].to_numpy(np.intp)
    order = np.lexsort((values, keys))
    keys, values = keys[order], values[order]
    present, starts, counts = np.unique(keys, return_index=True, return_counts=True)
    cut = (TRIMMED_SHARE * counts).astype(np.intp)
    rank = np.arange(len(keys)) - np.repeat(starts, counts)
    kept = (rank >= np.repeat(cut, counts)) & (rank < np.repeat(counts - cut, counts))
    means = np.full(processes * columns, np.nan)
    sums = np.add.reduceat(np.where(kept, values, 0.0), starts)
    means[present] = np.where(counts >= _FEWEST_BATCHES, sums / (counts - 2 * cut), np.nan)
    return means.reshape(processes, columns)


def _uncertain(runs: Sequence[Run], cells_by_run: Sequence[dict[str, Cell]]) -> dict[Cell, str]:
    """Cells whose sessions missed the target, unless another run of the same cells met it."""
    reasons: dict[Cell, str] = {}
    met: set[Cell] = set()
    for run, cells in zip(runs, cells_by_run, strict=True):
        for name, cell in cells.items():
            if name in run.manifest.uncertain:
                reasons.setdefault(cell, run.manifest.uncertain[name])
            else:
                met.add(cell)
    return {cell: reason for cell, reason in reasons.items() if cell not in met}
