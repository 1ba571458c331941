"""The measuring process: `python -m costmodel.timing.worker`, a Job on its standard input, replies on its output.

It ends at once when its standard input is closed, which is what happens when its manager dies, however it dies.
"""

from __future__ import annotations

import gc
import math
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

import msgspec

from costmodel.errors import CalibrateError, EnvironmentFault
from costmodel.evaluators import driver_named
from costmodel.judging.steady import steady_from
from costmodel.machine import CellLost, Evaluator
from costmodel.machine.driver import DriverEvaluator
from costmodel.records.run import NATIVE
from costmodel.runs.design import FEWEST_BLOCKS
from costmodel.timing.batches import Stopwatch, WorkInBatch, Yardsticks, time_block
from costmodel.timing.clock import Clock, ns_per_tick
from costmodel.timing.memory import DrawnHeap, take_own_pages
from costmodel.timing.native_evaluator import NativeEvaluator
from costmodel.timing.plan import fewest_blocks, groups, in_blocks, orders
from costmodel.timing.protocol import Begin, Block, End, Fault, Job, Reply

_TRIES: Final = 2  # a cell that was disturbed in a block is timed in another, up to so many times as many in all
_BLOCK_CELLS: Final = 64  # at most; a block has one value of each yardstick, so it is to end while that holds
_BLOCK_NS: Final = 60e6
_YARDSTICK_NS: Final = 200_000  # a yardstick's batch at most, however long those of the cells are
_WARM_CELLS: Final = 16
_WARM_SECONDS: Final = 15.0
_WARM_BUDGET: Final = 0.05  # of the job's seconds
_WARM_ROUNDS: Final = 200
_STEADY_ROUNDS: Final = 8
_LONG: Final = 2  # batches so many times as long as the target are timed in fewer blocks


def main() -> int:
    # Ctrl-C reaches the whole terminal; the manager decides what becomes of this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    job = msgspec.json.decode(requests.readline(), type=Job)
    threading.Thread(target=_end_with_manager, args=(requests.fileno(),), daemon=True).start()
    try:
        _measure(job, replies)
    except CalibrateError as error:
        _reply(replies, Fault(job.process, type(error).__name__, str(error)))
    return 0


def _end_with_manager(requests: int) -> None:
    # The descriptor itself: a buffered reader would keep its lock while Python shuts down.
    while os.read(requests, 1):
        pass
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)  # a driver too, which may not look at its own input
    os._exit(1)


def _reply(replies: BinaryIO, reply: Reply) -> None:
    replies.write(msgspec.json.encode(reply) + b"\n")
    replies.flush()


def _measure(job: Job, replies: BinaryIO) -> None:
    began = time.monotonic()
    pin(job.core)
    take_own_pages()
    stopwatch = Stopwatch(Clock(job.clock))
    heap = DrawnHeap()
    native = NativeEvaluator(stopwatch.clock, heap)
    evaluator = evaluator_named(job.evaluator, job.core, native, stopwatch.ns_per_tick)
    target_ns = job.target_batch_us * 1e3
    hints = job.iterations or (0,) * len(job.cells)
    cells: dict[int, WorkInBatch] = {}
    lost: dict[int, str] = {}
    for index, (cell, hint) in enumerate(zip(job.cells, hints, strict=True)):
        try:
            cells[index] = WorkInBatch(evaluator.prepare(cell, checked=hint > 0), max(hint, 1))
        except CellLost as reason:
            lost[index] = str(reason)
    yardsticks = Yardsticks(
        stopwatch, native.hash_yardstick(), native.prepare(job.yardstick), min(target_ns, _YARDSTICK_NS)
    )
    for index in list(cells):
        try:
            stopwatch.confirm_iterations(cells[index], target_ns, known=hints[index] > 0)
        except CellLost as reason:
            lost[index] = str(reason)
            del cells[index]
    steady = "" if evaluator is native else warm_up(stopwatch, cells, job.seconds)
    gc.collect()
    gc.freeze()
    heap.settle()
    before = stopwatch.timed_ticks
    _reply(
        replies,
        Begin(
            job.process,
            stopwatch.ns_per_tick,
            time.monotonic() - began,
            tuple(cells[index].iterations if index in cells else 0 for index in range(len(job.cells))),
            lost=tuple(lost.items()),
            ex_units=tuple(
                (index, evaluator.differences[cell.id])
                for index, cell in enumerate(job.cells)
                if cell.id in evaluator.differences
            ),
            steady=steady,
        ),
    )
    for block in timed_blocks(job, stopwatch, yardsticks, cells, began + job.seconds):
        _reply(replies, block)
    evaluator.close()
    length = ns_per_tick(stopwatch.start, stopwatch.clock.read())
    tick = length if stopwatch.clock.counts_time else stopwatch.ns_per_tick
    timed, on_yardsticks = (
        (ticks * length) / 1e9 for ticks in (stopwatch.timed_ticks - before, yardsticks.timed_ticks)
    )
    _reply(replies, End(job.process, tick, time.monotonic() - began, timed, on_yardsticks))


def evaluator_named(name: str, core: int, native: NativeEvaluator, ns_per_tick: float) -> Evaluator:
    """What runs the cells: the native machine of this process, or a driver that is started on the same core."""
    return native if name == NATIVE else DriverEvaluator(driver_named(name), core, ns_per_tick)


def warm_up(stopwatch: Stopwatch, cells: Mapping[int, WorkInBatch], seconds: float) -> str:
    """Time a few cells over and over until their times keep to one level, and say how long that took."""
    chosen = sorted(cells.values(), key=lambda timed: timed.visit_ns)[: _WARM_CELLS * 4 : 4]
    if not chosen:
        return ""
    until = time.monotonic() + min(_WARM_SECONDS, _WARM_BUDGET * seconds)
    logs: list[float] = []
    while len(logs) < _WARM_ROUNDS and (len(logs) < _STEADY_ROUNDS or time.monotonic() < until):
        readings = [reading for reading in stopwatch.time(chosen) if reading.ticks > 0]
        if not readings:
            return "nothing to warm up with"
        logs.append(sum(math.log(reading.ticks) for reading in readings) / len(readings))
        start = steady_from(logs, _STEADY_ROUNDS)
        if start is not None:
            return f"steady from round {start} of {len(logs)}"
    return f"not steady within {len(logs)} rounds"


def timed_blocks(
    job: Job, stopwatch: Stopwatch, yardsticks: Yardsticks, cells: dict[int, WorkInBatch], until: float
) -> Iterator[Block]:
    """Round after round of blocks, each round with the cells that still want to be timed. When time is up, those cells
    of a driver go on of which there are too few clean batches to believe any: what they took would be lost."""
    members = [here for group in groups(job.cells) if (here := [index for index in group if index in cells])]
    chance = random.Random(f"{job.seed}/{job.process}/blocks")  # noqa: S311 - a design to be reproduced, no secret
    wanted = [max(blocks_of(job, cells[index], index) for index in group) for group in members]
    tries = [_TRIES * blocks for blocks in wanted]
    group_of = {cell: number for number, group in enumerate(members) for cell in group}
    expected = {index: timed.visit_ns for index, timed in cells.items()}
    clean_batches = dict.fromkeys(cells, 0)
    number = 0

    def believed(group: int) -> bool:
        return job.evaluator == NATIVE or all(clean_batches[cell] >= FEWEST_BLOCKS for cell in members[group])

    for taken, order in enumerate(orders(len(members), job.seed, job.process)):
        active = [group for group in order if members[group] and min(wanted[group], tries[group]) > 0]
        if taken >= FEWEST_BLOCKS and time.monotonic() > until:
            active = [group for group in active if not believed(group)]
        if not active:
            return
        for block_order in in_blocks(active, members, expected, _BLOCK_CELLS, _BLOCK_NS):
            if taken >= FEWEST_BLOCKS and time.monotonic() > until:
                block_order = [cell for cell in block_order if not believed(group_of[cell])]
                if not block_order:
                    continue
            chance.shuffle(block_order)
            block = time_block(stopwatch, yardsticks, cells, block_order, job.process, number)
            yield block
            number += 1
            for cell, _ in block.lost:
                members[group_of[cell]].remove(cell)
                del cells[cell]
            for batch in block.batches:
                clean_batches[batch.cell] += not batch.disturbance
            clean = {batch.cell for batch in block.batches if not batch.disturbance}
            for group in {group_of[cell] for cell in block_order}:
                tries[group] -= 1
                wanted[group] -= clean.issuperset(members[group])


def blocks_of(job: Job, timed: WorkInBatch, index: int) -> int:
    """In how many blocks a cell is to be timed: in fewer the longer its batches are, as these say more each."""
    blocks = job.rounds[index] if job.rounds else job.blocks
    # A driver may take most of a minute for one batch.
    fewest = FEWEST_BLOCKS if job.evaluator == NATIVE else fewest_blocks(timed.batches)
    return max(fewest, round(blocks * min(1.0, _LONG * job.target_batch_us * 1e3 / timed.expected_ns)))


def pin(core: int) -> None:
    """Run on this core alone from now on. EnvironmentFault where it may not be used."""
    try:
        os.sched_setaffinity(0, {core})
    except OSError as error:
        raise EnvironmentFault(f"core {core} cannot be used for measuring: {error.strerror}; choose another") from error


if __name__ == "__main__":
    sys.exit(main())
