"""Cells are checked against the machine before they are timed, and with every batch."""

import errno
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from costmodel._native import ffi, lib

from costmodel.errors import CheckFailed, DecodeError, EnvironmentFault, InputError
from costmodel.machine import Order, Reading
from costmodel.timing.batches import Stopwatch, WorkInBatch, Yardsticks, time_block
from costmodel.timing.clock import Clock, choose_clock
from costmodel.timing.native_evaluator import NativeEvaluator, NativeWork
from costmodel.timing.plan import Cell
from costmodel.timing.yardstick import machine_yardstick
from tests.timing.programs import ADD, CALL, DECODE, FORCE, cell

CLOCK = Clock(choose_clock())


def make(one: Cell) -> NativeWork:
    return NativeEvaluator(CLOCK).prepare(one)


@pytest.fixture(scope="module")
def stopwatch() -> Stopwatch:
    return Stopwatch(CLOCK)


@pytest.mark.parametrize("one", [ADD, FORCE, DECODE, CALL, machine_yardstick()], ids=lambda one: one.id)
def test_a_cell_that_does_what_it_says_can_be_timed(one: Cell, stopwatch: Stopwatch) -> None:
    (reading,) = stopwatch.time([WorkInBatch(make(one), 3)])
    assert reading.ticks > 0


def test_an_evaluation_is_held_to_the_published_cost() -> None:
    # Variant C: addInteger 100788 + 420·1 ps and 1 + 1·1 words for sizes 1 and 1, and 2 applications, 2 constants, 1
    # builtin at 16000 ps and 100 words, start-up 100 and 100.
    expected = make(ADD).handle.expected
    assert (expected.spent.cpu, expected.spent.mem) == (100788 + 420 + 5 * 16000 + 100, 2 + 5 * 100 + 100)


def test_a_preparation_is_held_to_its_terms() -> None:
    assert make(DECODE).handle.expected.nodes == 2
    applied = cell("apply", "(lam x x)", "apply", arguments=(b"\x01", b"\x02"))
    assert make(applied).handle.expected.nodes == 6  # and an application and a constant for each argument


def test_making_a_machine_can_be_timed(stopwatch: Stopwatch) -> None:
    (reading,) = stopwatch.time([WorkInBatch(make(cell("setup", "(con unit ())", "setup")), 3)])
    assert reading.ticks > 0


@pytest.mark.parametrize("work", ["evaluate", "start", "call"])
def test_other_counts_than_planned_are_an_error(work: str) -> None:
    one = cell("wrong", "(force (delay (con unit ())))", work, steps={"force": 2})  # type: ignore[arg-type]
    with pytest.raises(CheckFailed, match=r"cell 'wrong' takes the steps \{.*\} instead of the planned \{'force': 2\}"):
        make(one)


def test_a_cell_that_fails_is_an_error() -> None:
    with pytest.raises(CheckFailed, match="cell 'bad' ends in evaluation failure instead of success"):
        make(cell("bad", "(error)"))


def test_a_cell_in_no_language_is_an_error() -> None:
    with pytest.raises(InputError, match="'Plutarch', which is no ledger language"):
        make(cell("alien", "(con unit ())", language="Plutarch"))


def test_a_truncated_program_is_an_error() -> None:
    with pytest.raises(DecodeError):
        make(cell("short", "(con unit ())", flat=ADD.flat[:-3]))


@pytest.mark.parametrize("field", ["cpu", "mem"])
def test_a_batch_that_costs_something_else_is_an_error(field: str, stopwatch: Stopwatch) -> None:
    work = make(ADD)
    setattr(work.handle.expected.spent, field, 1)
    with pytest.raises(CheckFailed, match=r"cell 'add': a timed run came to .* instead of "):
        stopwatch.time([WorkInBatch(make(FORCE)), WorkInBatch(work)])


def test_a_batch_that_fails_is_an_error(stopwatch: Stopwatch) -> None:
    work = make(ADD)
    work.handle.budget.cpu = 1000
    with pytest.raises(CheckFailed, match="cell 'add': "):
        stopwatch.time([WorkInBatch(work, 5)])


def test_iterations_are_raised_to_the_target(stopwatch: Stopwatch) -> None:
    timed = WorkInBatch(make(ADD))
    stopwatch.confirm_iterations(timed, 50_000.0)
    assert timed.iterations > 1
    assert timed.warm_up == -(-timed.iterations // 8)


class Collecting:
    """An evaluator with a collector, of which every run takes as long."""

    collects, warm_up_ns = True, 0.0

    def __init__(self, run_ns: float, ns_per_tick: float) -> None:
        self.run_ns, self.ns_per_tick, self.runs = run_ns, ns_per_tick, 0

    def time(self, orders: Sequence[Order]) -> list[Reading]:
        self.runs += sum(order.warm_up + order.iterations for order in orders)
        ticks = [round(self.run_ns * order.iterations / self.ns_per_tick) for order in orders]
        return [Reading(each, "", 0) for each in ticks]


def test_a_run_that_is_several_batches_long_is_not_tried_again(stopwatch: Stopwatch) -> None:
    for run_ns, most in ((5e6, 2), (1.5e6, 20)):
        evaluator = Collecting(run_ns, stopwatch.ns_per_tick)
        work: Any = SimpleNamespace(evaluator=evaluator)
        timed = WorkInBatch(work)
        stopwatch.confirm_iterations(timed, 1e6)
        assert timed.iterations == 1
        assert timed.expected_ns == pytest.approx(run_ns, rel=0.01)
        assert evaluator.runs <= most
    assert evaluator.runs > 4  # of one batch, a longer one says whether it is long enough


class Uneven(Collecting):
    """Of which batches are off by shares of their time, in turn, and longer ones by `more`."""

    def __init__(self, shares: Sequence[float], more: float, ns_per_tick: float) -> None:
        super().__init__(1e4, ns_per_tick)
        self.shares, self.more, self.batches = shares, more, 0

    def time(self, orders: Sequence[Order]) -> list[Reading]:
        ticks = []
        for order, reading in zip(orders, super().time(orders), strict=True):
            share = self.shares[self.batches % len(self.shares)] + (self.more if order.iterations > 200 else 0.0)
            self.batches += 1
            ticks.append(round(reading.ticks * (1 + share)))
        return [Reading(each, "", 0) for each in ticks]


@pytest.mark.parametrize(
    ("shares", "more", "lengthened"),
    [
        ((0.0,), 0.0, False),
        ((0.0,), 0.1, True),
        ((0.05,), -0.1, True),
        ((0.06, 0.0, 0.03), 0.0, False),
        ((0.3, 0.0, 0.15), 0.0, True),
    ],
)
def test_a_batch_is_lengthened_where_collecting_is_more_or_less_of_it(
    shares: Sequence[float], more: float, lengthened: bool, stopwatch: Stopwatch
) -> None:
    work: Any = SimpleNamespace(evaluator=Uneven(shares, more, stopwatch.ns_per_tick))
    timed = WorkInBatch(work)
    stopwatch.confirm_iterations(timed, 1e6)
    assert (timed.iterations > 200) == lengthened
    # Longer ones differ from one another as before, which is no reason to take still longer ones.
    assert timed.iterations < 1_000


@pytest.mark.parametrize(("run_ns", "iterations", "runs"), [(100e3, 2, 3), (250e3, 1, 3), (5e6, 1, 1), (1e3, 200, 25)])
def test_short_programs_run_three_times_before_they_are_timed(run_ns: float, iterations: int, runs: int) -> None:
    assert WorkInBatch(make(ADD), iterations, run_ns * iterations).warm_up == runs


def test_a_block_times_every_cell_once_or_says_why_not(stopwatch: Stopwatch) -> None:
    native = NativeEvaluator(CLOCK)
    cells = [WorkInBatch(native.prepare(one), 20) for one in (ADD, FORCE, DECODE, CALL) * 3]
    yardsticks = Yardsticks(stopwatch, native.hash_yardstick(), native.prepare(machine_yardstick()), 20_000.0)
    order = list(reversed(range(len(cells))))
    block = time_block(stopwatch, yardsticks, dict(enumerate(cells)), order, process=3, block=7)
    assert (block.process, block.block) == (3, 7)
    assert [batch.cell for batch in block.batches[: len(order)]] == order
    assert [batch.order for batch in block.batches] == list(range(len(block.batches)))
    retried = [batch.cell for batch in block.batches[len(order) :]]
    disturbed = {batch.cell for batch in block.batches if batch.disturbance}
    assert set(retried) <= disturbed
    assert block.yardstick_hash_ns > 0
    assert block.yardstick_machine_ns > 0


def test_the_hash_yardstick_is_fixed() -> None:
    first, second = (NativeEvaluator().hash_yardstick().handle.expected.hash for _ in range(2))
    assert first == second != 0


def test_the_raw_clock_counts_nanoseconds() -> None:
    assert Clock("raw").calibrate()[1] == pytest.approx(1.0, rel=1e-3)


def test_the_cycle_counter_counts_or_says_why_not() -> None:
    try:
        clock = Clock("perf")
    except EnvironmentFault as error:
        assert re.search("needs a PMU|perf_event_paranoid", str(error))
    else:
        first, last = clock.read(), clock.read()
        assert last.ticks > first.ticks


def test_an_event_of_the_kernel_is_counted() -> None:
    """The way that cycles are read, on an event that machines without a PMU have too."""
    number = lib.cal_clock_perf_open(lib.CAL_PERF_TASK_CLOCK)
    if number in (errno.EPERM, errno.EACCES, errno.ENOSYS):
        pytest.skip(f"perf_event_open is not allowed here: {os.strerror(number)}")
    assert number == 0
    work = NativeEvaluator().hash_yardstick()
    batch, done, error = ffi.new("cal_batch *"), ffi.new("size_t *"), ffi.new("cal_error *")
    order, scheduling = (
        ffi.new("cal_batch_order *", [work.handle, 1, 20]),
        ffi.new("cal_scheduling *", lib.cal_scheduling_open()),
    )
    before = time.thread_time_ns()
    assert lib.cal_batches_time(lib.CAL_CLOCK_PERF, scheduling, order, 1, batch, done, error) == lib.CAL_OK
    assert 0 < batch.ticks <= time.thread_time_ns() - before
    lib.cal_scheduling_close(scheduling)


def test_a_batch_beside_a_busy_process_is_disturbed(stopwatch: Stopwatch) -> None:
    before = os.sched_getaffinity(0)
    core = max(before)
    busy = f"import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    timed = WorkInBatch(NativeEvaluator(CLOCK).hash_yardstick(), 200)
    with subprocess.Popen([sys.executable, "-c", busy]) as process:
        try:
            os.sched_setaffinity(0, {core})
            found = {stopwatch.time([timed])[0].disturbance for _ in range(100)}
        finally:
            os.sched_setaffinity(0, before)
            process.kill()
    assert any("preempted" in disturbance or "delayed" in disturbance for disturbance in found)
