"""Whether instructions can be counted here, and counting them as runs do."""

import os
import shutil
from collections.abc import Sequence

import pytest
from costmodel._native import lib

from costmodel.machine import build_info
from costmodel.runs.design import Cell
from costmodel.timing.icount import CountingBackend
from costmodel.timing.protocol import Block, Job
from costmodel.timing.yardstick import machine_yardstick


def _obstacle() -> str:
    if shutil.which("valgrind") is None:
        return "valgrind is not installed"
    if not lib.cal_counting_built():
        return "the extension was built without valgrind's headers"
    return "valgrind and sanitizers do not go together" if "-fsanitize" in build_info().flags else ""


needs_counts = pytest.mark.skipif(bool(_obstacle()), reason=_obstacle())


def counts(cells: Sequence[Cell]) -> list[int]:
    """Instructions of one iteration of each cell, the C library's included, as in a run."""
    job = Job(
        cells=tuple(cells),
        yardstick=machine_yardstick(),
        clock="icount",
        core=min(os.sched_getaffinity(0)),
        seed=0,
        process=0,
        blocks=1,
        seconds=0,
        target_batch_us=0,
    )
    (block,) = (event for event in CountingBackend().run([job], lambda: False) if isinstance(event, Block))
    return [batch.ticks for batch in block.batches]
