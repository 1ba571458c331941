"""Processes that work for this one, piece by piece: how they begin, that interrupting this one ends them, and that none
outlives it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import Any, Final, TypeVar

from costmodel.errors import EnvironmentFault

_AHEAD: Final = 2  # pieces for each process that are made before their turn
In = TypeVar("In")
Out = TypeVar("Out")


@contextmanager
def process_pool(jobs: int, context: BaseContext | None = None) -> Iterator[Executor]:
    """A pool of processes. EnvironmentFault where one of them is killed."""
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin)
    try:
        yield pool
        pool.shutdown()
    except BaseException as error:
        with _uninterrupted():
            _end(pool)
        if isinstance(error, BrokenProcessPool):
            raise EnvironmentFault("a process that does the work was killed; use fewer --jobs") from None
        raise


def in_order(pool: Executor, parallel: int, work: Callable[[In], Out], pieces: Iterable[In]) -> Iterator[Out]:
    """What comes of each piece, in the order of the pieces, by a pool that does `parallel` of them at a time. A few
    more are made ahead, so memory is bounded."""
    waiting: deque[Future[Out]] = deque()
    for piece in pieces:
        with _uninterrupted():
            waiting.append(pool.submit(work, piece))
        if len(waiting) > _AHEAD * parallel:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait for the end of what is inside. A pool that is interrupted while it starts a process or
    its thread is left with one that it does not know of, and would wait for ever. From a process that starts, Ctrl-C,
    which reaches the whole terminal, is held back until it ignores it; it would print a traceback."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda number, _: came.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _end(pool: ProcessPoolExecutor) -> None:
    """Ends a pool's processes in the middle of their work. `shutdown` would wait until they are done with it."""
    known: dict[str, Any] = vars(pool)
    for process in list((known["_processes"] or {}).values()):
        process.kill()
    # One that ended in the middle of an answer would have the pool wait for the rest of it, for ever: its pipe ends
    # where this process does not hold it open either.
    if known["_result_queue"] is not None:
        known["_result_queue"]._writer.close()
    pool.shutdown()


def _begin() -> None:
    """The initializer of the processes. Ctrl-C reaches the whole terminal, and is the parent's to deal with, which ends
    them; a parent that is killed takes its processes with it, which would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a fork has the parent's
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
