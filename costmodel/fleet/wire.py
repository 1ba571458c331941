"""What a manager and its fleet say to each other, as JSON."""

from __future__ import annotations

import msgspec

from costmodel.records.run import Machine
from costmodel.timing.protocol import Job, Reply
from costmodel.timing.session import Place


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The core that a worker would measure on, how many measurements its resource `core` lets run at once, and its
    machine, build and clock. `boot` tells running systems apart. `fault` says why it cannot measure at all; there is no
    `place` then."""

    host: str = ""
    boot: str = ""
    core: int = 0
    slots: float = 0.0
    place: Place | None = None
    fault: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One process to run on a worker of the machine and with the evaluator that a run is of. `halt` names the event
    that ends it early."""

    job: Job
    machine: Machine
    evaluator: dict[str, str]
    halt: str


class Answer(msgspec.Struct, frozen=True):
    """All that a process replied; End is missing where it was halted."""

    replies: tuple[Reply, ...]
