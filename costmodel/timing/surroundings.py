"""What a manager keeps off its measuring core and out of its writes while a session goes on."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def signals_set(event: threading.Event) -> Iterator[None]:
    """While inside, Ctrl-C and SIGTERM set the event instead of raising in the middle of a write."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: event.set()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def other_threads_off(core: int) -> Iterator[None]:
    """While inside, no thread of this process runs on the measuring core, if there is another one to run on."""
    before = {}
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            before[int(task.name)] = os.sched_getaffinity(int(task.name))
    try:
        _set_affinity({thread: cores - {core} for thread, cores in before.items()})
        yield
    finally:
        _set_affinity(before)


def _set_affinity(cores_by_thread: Mapping[int, set[int]]) -> None:
    for thread, cores in cores_by_thread.items():
        if cores:
            with suppress(OSError):  # a thread that has ended since
                os.sched_setaffinity(thread, cores)


class CoreClaim:
    """Tells measurements on one core of each other, as they would slow each other down.

    The first holds a name in the kernel, which goes with its process; one that comes later finds it taken, and
    connects to it, which tells the first.
    """

    def __init__(self, core: int) -> None:
        name = f"\0calibrate core {core}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._shared = False
        try:
            self._socket.bind(name)
            self._socket.listen()
        except OSError:
            self._shared = True
            with suppress(OSError):  # the first has ended since, or has not begun to listen
                self._socket.connect(name)

    def is_shared(self) -> bool:
        """Whether another measurement ran on the core at any time since this one began."""
        if not self._shared:
            with suppress(OSError):  # nobody has come
                self._socket.accept()[0].close()
                self._shared = True
        return self._shared

    def close(self) -> None:
        self._socket.close()
