"""One node: `python -m costmodel.cluster.node`, a NodeJob on its standard input, a line a block on its output.

For each transaction of a block it does what a node does: decode the script, apply its arguments, run it within the
budget and give the memory back. Nothing is kept from one transaction to the next. A block is timed as a whole, in C.
"""

from __future__ import annotations

import platform
import signal
import sys
from statistics import median
from typing import Final, TypeAlias

import msgspec

from costmodel.errors import CalibrateError, CheckFailed
from costmodel.model import ExUnits
from costmodel.records.run import NATIVE
from costmodel.runs.design import Cell
from costmodel.timing.batches import Stopwatch, WorkInBatch
from costmodel.timing.clock import Clock, ClockName
from costmodel.timing.memory import take_own_pages
from costmodel.timing.native_evaluator import NativeEvaluator
from costmodel.timing.worker import evaluator_named, pin

_YARDSTICK_RUNS: Final = 100
_YARDSTICK_READINGS: Final = 9


class NodeJob(msgspec.Struct, frozen=True, kw_only=True):
    """A node's work: the transaction as a cell, the ledger's cost-model array, and the transactions of each block."""

    node: int
    core: int
    clock: ClockName
    cell: Cell
    parameters: tuple[int, ...]
    blocks: tuple[int, ...]
    evaluator: str = NATIVE


class NodeReady(msgspec.Struct, frozen=True, tag=True):
    """The ExUnits of a transaction as this node finds them, one run of the hash yardstick in nanoseconds, and the
    computer that it runs on."""

    node: int
    cpu: int
    mem: int
    yardstick_ns: float
    host: str


class Validated(msgspec.Struct, frozen=True, tag=True):
    """A block's scripts, all of them, as timed. `disturbance` names what disturbed it, if anything."""

    node: int
    block: int
    ticks: int
    ns: float
    disturbance: str
    core: int


class NodeEnd(msgspec.Struct, frozen=True, tag=True):
    """`fault` is empty where the node has validated all blocks."""

    node: int
    fault: str = ""


NodeReply: TypeAlias = NodeReady | Validated | NodeEnd


class _Unwarmed(WorkInBatch):
    """A block is validated once: there is nothing to warm up with."""

    @property
    def warm_up(self) -> int:
        return 0


def main() -> int:
    # Ctrl-C reaches the whole terminal; the manager decides what becomes of this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=NodeJob)
    try:
        _validate(job)
    except CalibrateError as error:
        _reply(NodeEnd(job.node, str(error)))
    except BrokenPipeError:
        return 1
    return 0


def _validate(job: NodeJob) -> None:
    pin(job.core)
    take_own_pages()
    stopwatch = Stopwatch(Clock(job.clock))
    native = NativeEvaluator(stopwatch.clock)
    evaluator = evaluator_named(job.evaluator, job.core, native, stopwatch.ns_per_tick)
    work = evaluator.prepare(job.cell, checked=True, parameters=job.parameters or None)
    spent = work.spent or ExUnits(0, 0)
    yardstick = WorkInBatch(native.hash_yardstick(), _YARDSTICK_RUNS)
    readings = stopwatch.time([yardstick] * _YARDSTICK_READINGS)
    # The median, since some reading may be disturbed.
    yardstick_ns = median(reading.ticks for reading in readings) * stopwatch.ns_per_tick / _YARDSTICK_RUNS
    _reply(NodeReady(job.node, spent.cpu, spent.mem, yardstick_ns, platform.node()))
    for number, transactions in enumerate(job.blocks):
        if transactions:
            (reading,) = stopwatch.time([_Unwarmed(work, transactions)])
            if reading.fault:
                raise CheckFailed(reading.fault)
            ns = reading.ticks * stopwatch.ns_per_tick
            _reply(Validated(job.node, number, reading.ticks, ns, reading.disturbance, reading.cpu))
    evaluator.close()
    _reply(NodeEnd(job.node))


def _reply(reply: NodeReply) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(reply) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
