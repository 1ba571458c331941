"""Pools of processes, when they are interrupted or lose a process."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from multiprocessing import util
from threading import Timer

import pytest

from costmodel.errors import EnvironmentFault
from costmodel.workloads.workers import in_order, process_pool
from tests.cli.command import workers_of


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_process_starts_waits_until_it_is_known(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = util.spawnv_passfds
    workers: list[int] = []
    late: list[int] = []
    timers: list[Timer] = []

    def end_late(process: int) -> None:
        late.append(process)
        os.kill(process, signal.SIGKILL)

    def started(program: bytes, arguments: Sequence[str], descriptors: Sequence[int]) -> int:
        process = start(program, arguments, descriptors)
        workers.extend([process] * any("spawn_main" in str(argument) for argument in arguments))  # not the tracker
        if len(workers) == 2:  # the last, while the first has more than a pipe holds to read
            timers.append(Timer(60, end_late, [process]))
            timers[-1].start()
            os.kill(os.getpid(), number)
        return process

    monkeypatch.setattr(util, "spawnv_passfds", started)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), process_pool(2, multiprocessing.get_context("spawn")) as pool:
            list(in_order(pool, 2, len, [bytes(2**20)] * 9))
    finally:
        signal.signal(signal.SIGTERM, before)
        for timer in timers:
            timer.cancel()
    assert len(timers) == 1
    assert not late
    assert not workers_of(os.getpid())


def test_ctrl_c_does_not_end_a_process_that_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal sends it to every process."""
    start = util.spawnv_passfds

    def started(program: bytes, arguments: Sequence[str], descriptors: Sequence[int]) -> int:
        process = start(program, arguments, descriptors)
        os.kill(process, signal.SIGINT)
        return process

    monkeypatch.setattr(util, "spawnv_passfds", started)
    with process_pool(2, multiprocessing.get_context("spawn")) as pool:
        assert list(in_order(pool, 2, abs, [-1, -2, -3])) == [1, 2, 3]


def test_an_error_ends_work_that_would_go_on() -> None:
    started = time.monotonic()
    with pytest.raises(ValueError, match="enough"), process_pool(2) as pool:
        pool.submit(time.sleep, 600)
        raise ValueError("enough")
    assert time.monotonic() - started < 300


def test_other_children_are_left_alone() -> None:
    other = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    other.start()
    with pytest.raises(ValueError, match="enough"), process_pool(1) as pool:
        pool.submit(abs, 1).result()
        raise ValueError("enough")
    alive = other.is_alive()
    other.kill()
    other.join()
    assert alive


def test_a_killed_process_is_named() -> None:
    with pytest.raises(EnvironmentFault, match="was killed; use fewer --jobs"), process_pool(1) as pool:
        list(in_order(pool, 1, os._exit, [1]))


def test_pieces_are_made_a_few_ahead_and_come_in_order() -> None:
    made: list[int] = []

    def pieces() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    with process_pool(2) as pool:
        answers = in_order(pool, 2, str, pieces())
        assert next(answers) == "0"
        assert len(made) < 10
        assert list(answers) == [str(number) for number in range(1, 50)]
