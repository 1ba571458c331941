"""What a manager and its workers say to each other: one JSON document a line, over pipes.

A worker gets a Job, answers Begin, then a Block for each block, then End; or Fault, and nothing more. One that counts
instructions answers Counted for each block, then End.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from costmodel.records.run import NATIVE
from costmodel.runs.design import Cell
from costmodel.timing.clock import ClockName


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """The work of one process.

    Each cell is timed in `blocks` blocks, not counting those in which it was disturbed; in fewer, though in
    FEWEST_BLOCKS at least, where one evaluation of it takes longer than the target. `rounds` has other numbers of
    blocks, cell by cell. After `seconds` the process ends though some be left, once every cell was timed in
    FEWEST_BLOCKS. `iterations` are those that an earlier process of the same run came to, cell by cell. `evaluator` is
    what runs the cells, as users name it.
    """

    cells: tuple[Cell, ...]
    rounds: tuple[int, ...] = ()
    iterations: tuple[int, ...] = ()
    yardstick: Cell
    clock: ClockName
    core: int
    seed: int
    process: int
    blocks: int
    seconds: float
    target_batch_us: float
    evaluator: str = NATIVE


class Begin(msgspec.Struct, frozen=True, tag=True):
    """`ns_per_tick` converts the process's ticks; calibration of clock and iterations took `setup_seconds`, and found
    the `iterations` of each cell's batches. The backend adds what it took from asking for the process until this,
    `start_seconds`, and in a fleet the `worker` that runs it. `lost` are cells that the evaluator cannot do, by index,
    with the reason, and `ex_units` those whose ExUnits are not the exact ones. `steady` says how a driver was warmed
    up.
    """

    process: int
    ns_per_tick: float
    setup_seconds: float
    iterations: tuple[int, ...]
    start_seconds: float = 0.0
    worker: str = ""
    lost: tuple[tuple[int, str], ...] = ()
    ex_units: tuple[tuple[int, str], ...] = ()
    steady: str = ""


class TimedBatch(msgspec.Struct, frozen=True, array_like=True):
    """One timed batch; `cell` is an index into the job's cells, the rest is as in `Sample`."""

    cell: int
    order: int
    iterations: int
    ticks: int
    disturbance: str
    cpu: int


class Block(msgspec.Struct, frozen=True, tag=True):
    """`gap_share` is the share of the block's spin probe that was lost in gaps; `lost` are cells as in Begin."""

    process: int
    block: int
    yardstick_hash_ns: float
    yardstick_machine_ns: float
    gap_share: float
    batches: tuple[TimedBatch, ...]
    lost: tuple[tuple[int, str], ...] = ()


class Counted(msgspec.Struct, frozen=True, tag=True):
    """The files with the instruction counts of a block are written (see `icount`)."""

    process: int
    block: int


class End(msgspec.Struct, frozen=True, tag=True):
    """`ns_per_tick` as found over the process's whole life; `timed_seconds` were spent inside the clock, between the
    two readings of a batch, disturbed or not, `yardstick_seconds` of them on yardsticks. Warm-ups do not count, nor
    does anything before Begin."""

    process: int
    ns_per_tick: float
    seconds: float
    timed_seconds: float
    yardstick_seconds: float


class Fault(msgspec.Struct, frozen=True, tag=True):
    """The process cannot do its job: the class of the error, and its line for the user."""

    process: int
    error: str
    message: str


class DuetPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one of the two processes of a duet is to play (see `duet`), each cell at `draws` different places."""

    cells: tuple[Cell, ...]
    clock: ClockName
    core: int
    target_batch_us: float
    draws: int


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Iterations by cell that make a batch of the target's length."""

    iterations: tuple[int, ...]
    ns_per_tick: float


class Turn(msgspec.Struct, frozen=True):
    """Time these cells, by index, in this order, at the place with the number `draw`; `iterations` are by cell."""

    draw: int
    order: tuple[int, ...]
    iterations: tuple[int, ...]


class Played(msgspec.Struct, frozen=True, tag=True):
    """Ticks in the order of the turn, 0 where disturbed."""

    ticks: tuple[int, ...]


Event: TypeAlias = Begin | Block | End
Reply: TypeAlias = Begin | Block | Counted | End | Fault
