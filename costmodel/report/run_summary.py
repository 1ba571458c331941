"""What a page needs of runs, taken from their samples one run at a time: a folder may hold more than memory does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import pandas as pd

from costmodel.errors import InputError
from costmodel.records.run import DesignCell
from costmodel.runs.anomalies import run_folders
from costmodel.runs.means import HASH_YARDSTICK, YARDSTICKS, process_means
from costmodel.runs.store import Run

_COLUMNS: Final = ("cell", "operation", "process", "block", "order", "iterations", "ns", "disturbance", *YARDSTICKS)
CLUSTER: Final = "cluster"
"""The experiment of a run by `calibrate cluster`."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A run without its samples.

    `disturbed` counts discarded batches by what disturbed them. `blocks` has a row for each block in the order of
    timing: process, both yardsticks, batches, disturbed ones. `logs` has for each cell the mean over processes of
    log(time/hash yardstick), by operation, cell and the hash of what it does: a cell of the same name in another run
    may be another program. `validated` has the blocks of a cluster's run, and of other runs nothing. `unread` says
    why there are no samples, where they cannot be read.
    """

    run: Run
    batches: int
    disturbed: dict[str, int]
    blocks: pd.DataFrame
    logs: pd.Series[float]
    yardstick_ns: float
    validated: pd.DataFrame
    unread: str = ""

    @property
    def machine(self) -> str:
        """The fingerprint of the machine."""
        return self.run.manifest.machine.id


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs to be looked at together, and the folders among them that are none any more."""

    digests: tuple[Digest, ...]
    broken: tuple[Path, ...] = ()

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(digest.run for digest in self.digests)


def read_runs(paths: Sequence[Path]) -> Runs:
    """The runs in these folders, each of them a run or a folder of runs; a run that comes again is taken once.

    InputError where a folder is neither, and where the only run cannot be read.
    """
    folders = {folder.resolve(): folder for path in paths for folder in run_folders(path)}
    digests, broken = [], []
    for folder in folders.values():
        try:
            run = Run.open(folder)
        except InputError as error:
            broken.append(folder)
            if len(folders) == 1:  # a page of it would say nothing
                raise InputError(str(error)) from error
        else:
            digests.append(digest(run))
    return Runs(tuple(digests), tuple(broken))


def digest(run: Run) -> Digest:
    """The digest of one run."""
    unread = ""
    try:
        samples = run.samples(_COLUMNS)
    except InputError as error:
        samples, unread = pd.DataFrame(columns=list(_COLUMNS)), str(error)
    disturbed = samples.loc[samples["disturbance"] != "", "disturbance"].value_counts()
    cluster = run.manifest.experiment == CLUSTER
    return Digest(
        run=run,
        batches=len(samples),
        disturbed={str(disturbance): int(count) for disturbance, count in disturbed.items()},
        blocks=_blocks(samples),
        logs=_cell_logs(run, samples),
        yardstick_ns=float(samples[HASH_YARDSTICK].median()) if len(samples) else float("nan"),
        validated=samples[["process", "iterations", "ns", "disturbance"]] if cluster else pd.DataFrame(),
        unread=unread,
    )


def _blocks(samples: pd.DataFrame) -> pd.DataFrame:
    groups = samples.assign(disturbed=samples["disturbance"] != "").groupby(["process", "block"], sort=True)
    blocks = groups.agg(
        **{name: (name, "median") for name in YARDSTICKS}, batches=("disturbed", "size"), disturbed=("disturbed", "sum")
    )
    return blocks.reset_index()


def _cell_logs(run: Run, samples: pd.DataFrame) -> pd.Series[float]:
    cells = {cell.id: (cell.operation, cell.id, _content(cell)) for cell in run.design.cells}
    known = samples[samples["cell"].isin(list(cells))]
    if known.empty:
        return pd.Series(dtype=float)
    means = process_means(known, yardsticks=(HASH_YARDSTICK,)).mean(axis=1).dropna()
    index = pd.MultiIndex.from_tuples(
        [cells[str(name)] for name in means.index], names=["operation", "cell", "content"]
    )
    return pd.Series(means.to_numpy(), index=index)


def _content(cell: DesignCell) -> str:
    return hashlib.sha256(msgspec.json.encode((cell.work, cell.repeats, cell.program, cell.arguments))).hexdigest()
