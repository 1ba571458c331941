"""Pieces of a corpus processed by the workers of a dask scheduler, and answered in the corpus's order.

A piece is sent with all that it takes, so workers read no files, and a piece whose worker is lost can be given to
another. Only a few are under way at a time, which bounds memory on both sides.
"""

from __future__ import annotations

import platform
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, TypeVar

import dask.config
from distributed import Client, KilledWorker

from costmodel.errors import CalibrateError, EnvironmentFault
from costmodel.fleet.cluster import difference, one_line, own_build

Out = TypeVar("Out")

_AHEAD: Final = 2  # pieces for each worker that are sent before their turn
_LOOK_SECONDS: Final = 1.0  # between two looks at who is there
_ALONE_SECONDS: Final = 60.0  # to wait for a worker where all were lost; a nanny starts a new one in a few
_LARGE_PIECES: Final = {"distributed.admin.large-graph-warning-threshold": "1 GiB"}  # dask warns of 10 MB

_one_at_a_time = threading.Lock()


def spread(
    client: Client, work: Callable[..., Out], pieces: Iterable[tuple[Any, ...]], alone_seconds: float = _ALONE_SECONDS
) -> Iterator[Out]:
    """What `work(*piece)` gives for each piece; all of it is picklable.

    Dask gives a piece whose worker is lost to another one, three times. EnvironmentFault where it is lost again, where
    a worker has another build, and where the scheduler or, for a minute, every worker is gone. What `work` raises for
    the user is raised here.
    """
    build = own_build()
    waiting: deque[Any] = deque()
    workers, looked = 0, -_LOOK_SECONDS
    try:
        with dask.config.set(_LARGE_PIECES):
            for piece in pieces:
                if time.monotonic() - looked > _LOOK_SECONDS:
                    workers, looked = len(client.nthreads()), time.monotonic()
                waiting.append(client.submit(work_on, build, work, piece, pure=False))
                while len(waiting) > _AHEAD * max(workers, 1):
                    yield _answer(client, waiting.popleft(), alone_seconds)
            while waiting:
                yield _answer(client, waiting.popleft(), alone_seconds)
    except OSError as error:
        raise EnvironmentFault(
            f"the dask scheduler is gone ({one_line(error)}); run the command again when it is back"
        ) from None
    finally:
        with suppress(OSError):
            client.cancel(list(waiting))


def _answer(client: Client, future: Any, alone_seconds: float) -> Any:
    seen = time.monotonic()
    while not future.done():
        with suppress(TimeoutError):
            future.exception(timeout=_LOOK_SECONDS)
        if client.nthreads():
            seen = time.monotonic()
        elif time.monotonic() - seen > alone_seconds:
            raise EnvironmentFault("every worker of the dask scheduler is gone; start some and run the command again")
    if future.status == "finished":
        return future.result()
    if future.status != "error":
        raise ConnectionError(f"a piece of work was {future.status}")
    error = future.exception()
    if isinstance(error, CalibrateError):
        raise error
    if isinstance(error, KilledWorker):
        raise EnvironmentFault(
            f"four workers were lost with the same rows, the last at {error.last_worker.address}; see its log; give "
            "workers more memory (--memory-limit)"
        )
    hint = "; is calibrate installed there?" if isinstance(error, ImportError) else ""
    raise EnvironmentFault(f"a worker failed: {type(error).__name__}: {one_line(error)}{hint}")


def work_on(build: dict[str, str], work: Callable[..., Out], piece: tuple[Any, ...]) -> Out:
    """On a worker. It may have more threads than one, and an evaluator is for one at a time."""
    if wrong := difference(build, own_build()):
        raise EnvironmentFault(f"worker on {platform.node()}: {wrong}")
    with _one_at_a_time:
        return work(*piece)
