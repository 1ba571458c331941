"""Batches whose truth is known: as runs on disk, and, for thousands of them, as what runs would have said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from costmodel.batches.observe import ComparedRow, ObservedRuns
from costmodel.records.run import Experiment, Machine, RunStatus
from costmodel.runs.design import Cell, Plan
from costmodel.runs.store import Run, RunWriter
from costmodel.runs.tables import Sample
from costmodel.trace import JsonLines, Message, Severity
from tests.runs.facts import CLOCK

_OPERATIONS: tuple[tuple[Experiment, str], ...] = (
    ("builtins", "addInteger"),
    ("builtins", "sha2_256"),
    ("replay", "loop"),
)
CELLS = tuple(
    Cell(
        id=f"{operation}/{size}",
        experiment=experiment,
        operation=operation,
        sizes=(size,),
        flat=operation.encode(),
        language="PlutusV3",
        protocol_version=11,
    )
    for experiment, operation in _OPERATIONS
    for size in (1, 10)
)
BLOCKS = 4


def many_cells(count: int) -> tuple[Cell, ...]:
    """Cells of as many operations."""
    names = (f"operation{number}" for number in range(count))
    return tuple(msgspec.structs.replace(CELLS[0], id=name, operation=name) for name in names)


@dataclass(frozen=True)
class Truth:
    """Standard deviations of log time on each level, and the change of the candidate."""

    change: float = 0.0
    machine_sd: float = 0.0
    run_sd: float = 0.01
    process_sd: float = 0.02


def write_run(
    folder: Path,
    rng: np.random.Generator,
    truth: Truth,
    *,
    processes: int = 5,
    cells: Sequence[Cell] = CELLS,
    machine: str = "m",
    evaluator: str = "e",
    status: RunStatus = RunStatus.COMPLETE,
    missing: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Run:
    """A run on disk, its operations independent of each other. Of a cell in `missing` the processes from that number on
    have no batches."""
    plan = Plan(cells=tuple(cells), core=1, min_processes=1, seed=seed)
    writer = RunWriter.create(
        folder,
        "builtins",
        plan,
        machine=Machine(id=machine, cpu={"model name": machine}),
        clock=CLOCK,
        versions={"calibrate": "0", "native": evaluator},
        evaluator={"name": "imaginary", "sha256": evaluator},
    )
    log = JsonLines(writer.messages_path)
    said = ["start", *(["process_begin", *["block"] * BLOCKS, "process_end"] * processes), "end"]
    for number, kind in enumerate(said, 1):
        log.emit(
            Message(
                namespace="timing.session",
                kind=kind,
                severity=Severity.INFO,
                timestamp=number * 10**9,
                fields={},
                uptime=number * 10**9,
            )
        )
    log.close()
    operations = tuple(dict.fromkeys(cell.operation for cell in cells))
    of_run = truth.change + rng.normal(0, truth.run_sd, len(operations))
    samples = []
    for process in range(processes):
        effects = dict(zip(operations, of_run + rng.normal(0, truth.process_sd, len(operations)), strict=True))
        for block in range(BLOCKS):
            pace = 1.4 if block % 2 else 1.0
            for order, cell in enumerate(cells):
                if process >= (missing or {}).get(cell.id, processes):
                    continue
                ns = 1000 * cell.sizes[0] * pace * float(np.exp(effects[cell.operation]))
                samples.append(
                    Sample(
                        cell=cell.id,
                        process=process,
                        block=block,
                        order=order,
                        iterations=1,
                        ticks=round(ns),
                        ns=ns,
                        disturbance="",
                        yardstick_hash_ns=100 * pace,
                        yardstick_machine_ns=200 * pace,
                        cpu=1,
                    )
                )
    writer.append(samples)
    return writer.finish(status, messages=log.summary)


def write_batch(folder: Path, seed: int, runs: int, truth: Truth, **how: object) -> Path:
    """A folder of `runs` runs."""
    rng = np.random.default_rng(seed)
    for _ in range(runs):
        write_run(folder, rng, truth, **how)  # type: ignore[arg-type]
    return folder


def observed(
    rng: np.random.Generator,
    truth: Truth,
    *,
    runs: int,
    rows: int,
    processes: int = 10,
    machines: int = 1,
    base_runs: int | None = None,
) -> ObservedRuns:
    """A candidate (batch 0) and a baseline (batch 1), each of `runs` runs on each of `machines` machines of its own.

    All rows are independent; the candidate's are `truth.change` slower.
    """
    means, variances, batch, names = [], [], [], []
    for number, (count, change) in enumerate(((runs, truth.change), (base_runs or runs, 0.0))):
        for machine in range(machines):
            at_machine = change + rng.normal(0, truth.machine_sd, rows)
            for _ in range(count):
                at_run = at_machine + rng.normal(0, truth.run_sd, rows)
                each = at_run + rng.normal(0, truth.process_sd, (processes, rows))
                means.append(each.mean(axis=0))
                variances.append(each.var(axis=0, ddof=1) / processes)
                batch.append(number)
                names.append("m" if machines == 1 else f"m{number}-{machine}")
    return ObservedRuns(
        rows=tuple(ComparedRow("builtins", f"operation {i}", "evaluate") for i in range(rows)),
        cells=(1,) * rows,
        means=np.array(means),
        variances=np.array(variances),
        processes=np.full((len(means), rows), float(processes)),
        batch=np.array(batch),
        machine=np.array(names),
        yardsticks_ns=np.ones(len(means)),
        left_out=0,
    )
