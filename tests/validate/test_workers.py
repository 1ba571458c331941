"""Workers of a fleet beside one another, on made-up samples."""

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pandas as pd
import pytest

from costmodel.records.run import Calibration, Machine, Manifest
from costmodel.runs.means import COLUMNS
from costmodel.validate.workers import WorkerReplicates
from tests.runs.facts import CLOCK

BLOCKS = 4


def manifest(workers: Sequence[str]) -> Manifest:
    """Of a run whose processes ran on these workers, in their order."""
    processes = {str(process): Calibration(first=1.0, worker=worker) for process, worker in enumerate(workers)}
    return Manifest(
        run="r",
        experiment="replay",
        created="2026-01-01T00:00:00Z",
        command_line=(),
        versions={},
        evaluator={},
        design_sha256="0" * 64,
        seed=0,
        machine=Machine(id="m"),
        clock=msgspec.structs.replace(CLOCK, ns_per_tick=processes),
    )


def samples(logs: Sequence[float]) -> pd.DataFrame:
    """Two programs in processes whose times are so much longer, on the logarithmic scale."""
    rows: list[Mapping[str, object]] = [
        dict(zip(COLUMNS, (cell, process, block, 1, ns * math.exp(log), "", 1.0, 1.0), strict=True))
        for cell, ns in (("a", 100.0), ("b", 7000.0))
        for process, log in enumerate(logs)
        for block in range(BLOCKS)
    ]
    return pd.DataFrame(rows)


def test_a_slower_worker_is_measured_and_told() -> None:
    logs = [0.001, -0.001, 0.0, 0.101, 0.099, 0.1]
    found = WorkerReplicates.of(manifest(["one"] * 3 + ["other"] * 3), samples(logs))
    one, other = found.shares()
    assert (one.worker, one.processes, other.worker, other.processes) == ("one", 3, "other", 3)
    assert one.ratio is not None and other.ratio is not None
    assert one.ratio.value == pytest.approx(math.exp(-0.05))
    assert other.ratio.value == pytest.approx(math.exp(0.05))
    # Student's t of four degrees of freedom, 2.776, times the standard error 0.001 / sqrt(3)
    assert other.ratio.interval == pytest.approx([math.exp(0.05 + sign * 2.7764 * 0.001 / 3**0.5) for sign in (-1, 1)])
    (note,) = found.notes()
    assert note.startswith(f"workers differ by up to {np.expm1(0.1):.1%}")


def test_like_workers_are_not_remarked_upon() -> None:
    found = WorkerReplicates.of(manifest(["one", "other"] * 3), samples([0.01, -0.01, -0.01, 0.01, 0.0, 0.0]))
    assert found.notes() == []


def test_one_process_a_worker_has_no_interval() -> None:
    found = WorkerReplicates.of(manifest(["one", "other"]), samples([0.0, 0.1]))
    assert [share.ratio and share.ratio.interval for share in found.shares()] == [(0.0, None)] * 2
    assert found.notes() == []


def test_this_machine_alone_has_no_workers() -> None:
    assert WorkerReplicates.of(manifest(["", ""]), samples([0.0, 0.1])).shares() == ()
