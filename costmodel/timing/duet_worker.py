"""One of the two processes of a duet: `python -m costmodel.timing.duet_worker`, a Part on its standard input, answered
by Ready, and then a Turn a line, each answered by Played. It ends when its input does.
"""

from __future__ import annotations

import gc
import signal
import sys

import msgspec

from costmodel.errors import CalibrateError
from costmodel.timing.batches import Stopwatch, WorkInBatch
from costmodel.timing.clock import Clock
from costmodel.timing.memory import DrawnHeap, take_own_pages
from costmodel.timing.native_evaluator import NativeEvaluator
from costmodel.timing.protocol import DuetPart, Fault, Played, Ready, Turn
from costmodel.timing.worker import pin


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _play(msgspec.json.decode(sys.stdin.buffer.readline(), type=DuetPart))
    except CalibrateError as error:
        _reply(Fault(0, type(error).__name__, str(error)))
    return 0


def _reply(reply: Ready | Played | Fault) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(reply) + b"\n")
    sys.stdout.buffer.flush()


def _play(part: DuetPart) -> None:
    pin(part.core)
    heap = DrawnHeap()
    stopwatch = Stopwatch(Clock(part.clock))
    places = []
    for draw in range(part.draws):
        native = NativeEvaluator(stopwatch.clock, heap)
        places.append([WorkInBatch(native.prepare(cell, checked=draw > 0)) for cell in part.cells])
        heap.settle()
    for item in places[0]:
        stopwatch.confirm_iterations(item, part.target_batch_us * 1e3)
    gc.collect()
    gc.freeze()
    heap.settle()
    _reply(Ready(tuple(item.iterations for item in places[0]), stopwatch.ns_per_tick))
    drawn = None
    for line in sys.stdin.buffer:
        turn = msgspec.json.decode(line, type=Turn)
        timed = places[turn.draw]
        if turn.draw != drawn:
            drawn = turn.draw
            take_own_pages()
            for item, iterations in zip(timed, turn.iterations, strict=True):
                item.iterations = iterations
        readings = stopwatch.time([timed[index] for index in turn.order])
        _reply(Played(tuple(0 if reading.disturbance else reading.ticks for reading in readings)))


if __name__ == "__main__":
    sys.exit(main())
