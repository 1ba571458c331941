"""The measuring process: `python -m costmodel.timing.worker`, a Job on its standard input, replies on its output.

It ends at once when its standard input is closed, which is what happens when its manager dies, however it dies.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from typing import BinaryIO, Final

import msgspec

from costmodel.errors import CalibrateError, EnvironmentFault
from costmodel.runs.design import FEWEST_BLOCKS
from costmodel.timing.batches import Stopwatch, Timed, Yardsticks, time_block
from costmodel.timing.clock import Clock, ns_per_tick
from costmodel.timing.plan import block_orders
from costmodel.timing.protocol import Begin, End, Fault, Job, Reply
from costmodel.timing.work import HashYardstick, Workshop

_TRIES: Final = 2  # a block that was disturbed as a whole is taken again, up to so many times as many in all


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
    os._exit(1)


def _reply(replies: BinaryIO, reply: Reply) -> None:
    replies.write(msgspec.json.encode(reply) + b"\n")
    replies.flush()


def _measure(job: Job, replies: BinaryIO) -> None:
    began = time.monotonic()
    _pin(job.core)
    stopwatch = Stopwatch(Clock(job.clock))
    workshop = Workshop()
    cells = [Timed(workshop.make(cell)) for cell in job.cells]
    target_ns = job.target_batch_us * 1e3
    yardsticks = Yardsticks(stopwatch, HashYardstick(), workshop.make(job.yardstick), target_ns)
    for cell in cells:
        stopwatch.confirm_iterations(cell, target_ns)
    gc.collect()
    gc.freeze()
    setup = time.monotonic() - began
    _reply(replies, Begin(job.process, stopwatch.ns_per_tick, setup))
    taken = 0
    orders = block_orders(len(cells), job.seed, job.process)
    for number, order in zip(range(_TRIES * job.blocks), orders, strict=False):
        block = time_block(stopwatch, yardsticks, cells, order, job.process, number)
        _reply(replies, block)
        taken += not all(batch.gate for batch in block.batches)
        out_of_time = number + 1 >= FEWEST_BLOCKS and time.monotonic() - began > job.seconds
        if taken == job.blocks or out_of_time:
            break
    tick = ns_per_tick(stopwatch.start, stopwatch.clock.read())
    timed = stopwatch.timed_ticks * tick / 1e9
    _reply(replies, End(job.process, tick, time.monotonic() - began, timed))


def _pin(core: int) -> None:
    try:
        os.sched_setaffinity(0, {core})
    except OSError as error:
        raise EnvironmentFault(f"core {core} cannot be used for measuring: {error.strerror}; choose another") from error


if __name__ == "__main__":
    sys.exit(main())
