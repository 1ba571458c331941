"""The counting process, run under callgrind: `python -m costmodel.timing.icount_worker`, a Job on its standard input.

It has no second thread, which would be counted too; when its manager is gone, its next reply fails.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

import msgspec

from costmodel._native import ffi, lib
from costmodel.errors import CalibrateError, CheckFailed, EnvironmentFault
from costmodel.timing.memory import Heap
from costmodel.timing.native_evaluator import NativeEvaluator, NativeWork, error_text, expect_result
from costmodel.timing.protocol import Counted, End, Fault, Job


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    try:
        _count(job)
        _reply(End(job.process, 1.0, 0.0, 0.0, 0.0))
    except CalibrateError as error:
        _reply(Fault(job.process, type(error).__name__, str(error)))
    except BrokenPipeError:
        pass
    sys.stdout.flush()
    os._exit(0)  # an interpreter that takes itself down is long about it under valgrind


def _reply(reply: Counted | End | Fault) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(reply) + b"\n")
    sys.stdout.buffer.flush()


def _count(job: Job) -> None:
    heap = Heap()
    native = NativeEvaluator(heap=heap)
    works = [native.hash_yardstick(), native.prepare(job.yardstick), *map(native.prepare, job.cells)]
    for work in works:
        # Its second run: libraries look at the processor in the first.
        expect_result(work.name, work.handle)
    gc.disable()
    heap.settle()
    if not lib.cal_counting_start():
        raise EnvironmentFault("valgrind does not count in its process; it needs the tool callgrind")
    for block in range(job.blocks):
        for number, work in enumerate(works):
            for times in (1, 2):
                _iterate(work, times, f"{block}/{number}/{times}")
        _reply(Counted(job.process, block))


def _iterate(work: NativeWork, times: int, label: str) -> None:
    error = ffi.new("cal_error *")
    if lib.cal_batch_count(work.handle, times, label.encode(), error) != lib.CAL_OK:
        raise CheckFailed(f"cell {work.name!r}: {error_text(error)}")


if __name__ == "__main__":
    sys.exit(main())
