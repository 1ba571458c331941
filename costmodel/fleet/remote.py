"""What runs on the workers of a fleet, and what goes over the wire.

Dask calls two functions by name; arguments and results are JSON.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from distributed import Event

from costmodel.errors import CalibrateError, EnvironmentFault
from costmodel.records.run import Machine
from costmodel.timing.backend import LocalBackend
from costmodel.timing.plan import choose_core
from costmodel.timing.protocol import Fault, Job, Reply
from costmodel.timing.session import ProcessPlace, evaluator, here

RESOURCE: Final = "core"
_ASK_SECONDS: Final = 0.5


@cache
def own_core() -> int:
    """The last core that this worker may use; found once, for while it measures its own threads are kept off it."""
    return choose_core()


def facts(clock: bytes, dask_worker: Any = None) -> bytes:
    """`Facts` of the worker that this runs on. `clock` is a clock's name or null; dask adds its own worker."""
    try:
        place = here(own_core(), msgspec.json.decode(clock))
    except CalibrateError as error:
        return msgspec.json.encode(Facts(host=socket.gethostname(), fault=str(error)))
    found = Facts(
        host=socket.gethostname(),
        boot=Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip(),
        core=own_core(),
        slots=dask_worker.state.total_resources.get(RESOURCE, 0.0),
        place=place,
    )
    return msgspec.json.encode(found)


def work(task: bytes) -> bytes:
    """Run one measuring process, pinned to this worker's core, to its end or until halted: a `Task`, then a
    `ProcessReply`."""
    asked = msgspec.json.decode(task, type=Task)
    job = msgspec.structs.replace(asked.job, core=own_core())
    replies: list[Reply] = []
    try:
        _same(asked)
        replies += LocalBackend(ahead=False).run([job], halted_by(Event(asked.halt)))
    except CalibrateError as error:
        replies.append(Fault(job.process, type(error).__name__, str(error)))
    return msgspec.json.encode(ProcessReply(tuple(replies)))


def _same(asked: Task) -> None:
    """EnvironmentFault where samples of this worker would not belong into the run."""
    place = here(own_core(), asked.job.clock)
    if place.machine != asked.machine or evaluator(place.versions) != asked.evaluator:
        raise EnvironmentFault("this worker's machine or build is no longer that of the run; start the run anew")


def halted_by(event: Any) -> Callable[[], bool]:
    """Whether the manager has set the event, asked now and then; true for good once it has, or cannot be asked."""
    asked, halted = time.monotonic(), False

    def now() -> bool:
        nonlocal asked, halted
        if not halted and time.monotonic() - asked > _ASK_SECONDS:
            asked = time.monotonic()
            try:
                halted = bool(event.is_set())
            except OSError:  # the scheduler is gone
                halted = True
        return halted

    return now


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The core that a worker would measure on, how many measurements its resource `core` lets run at once, and its
    machine, build and clock. `boot` tells running systems apart. `fault` says why it cannot measure at all; there is no
    `place` then."""

    host: str = ""
    boot: str = ""
    core: int = 0
    slots: float = 0.0
    place: ProcessPlace | None = None
    fault: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One process to run on a worker of the machine and with the evaluator that a run is of. `halt` names the event
    that ends it early."""

    job: Job
    machine: Machine
    evaluator: dict[str, str]
    halt: str


class ProcessReply(msgspec.Struct, frozen=True):
    """All that a process replied; End is missing where it was halted."""

    replies: tuple[Reply, ...]
