"""What a manager and its fleet say to each other, as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from costmodel.timing.protocol import Job, Reply


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's machine, build and clock as manifests have them, the core that it would measure on, and how many
    measurements its resource `core` lets run at once. `boot` tells running systems apart. `fault` says why it cannot
    measure at all; the rest is empty then."""

    host: str = ""
    boot: str = ""
    core: int = 0
    slots: float = 0.0
    machine: dict[str, Any] = {}
    versions: dict[str, str] = {}
    clock: dict[str, Any] = {}
    fault: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One process to run on a worker of the machine and with the evaluator that a run is of. `halt` names the event
    that ends it early."""

    job: Job
    machine: dict[str, Any]
    evaluator: dict[str, str]
    halt: str


class Answer(msgspec.Struct, frozen=True):
    """All that a process replied; End is missing where it was halted."""

    replies: tuple[Reply, ...]
