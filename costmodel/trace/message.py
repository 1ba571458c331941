"""The one message type, and the trace that hands messages to backends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol, TypeAlias

import msgspec

Fields: TypeAlias = Mapping[str, object]
"""What a message says beside its kind: values that JSON can carry."""


class Severity(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Message(msgspec.Struct, frozen=True):
    """One thing that happened.

    `namespace` is the place that says it ("timing.session"), `kind` what happened ("block"); `timestamp` is in
    nanoseconds since the Unix epoch.
    """

    namespace: str
    kind: str
    severity: Severity
    timestamp: int
    fields: Fields


class Summary(msgspec.Struct):
    """What a log holds: messages by `namespace/kind`, and the first and last timestamp (ns since the Unix epoch)."""

    counts: dict[str, int] = {}
    first: int | None = None
    last: int | None = None

    def add(self, message: Message) -> None:
        kind = f"{message.namespace}/{message.kind}"
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.first = message.timestamp if self.first is None else self.first
        self.last = message.timestamp


class Backend(Protocol):
    """Takes messages in the order in which they are sent. Raises rather than drop one."""

    def emit(self, message: Message) -> None: ...

    def close(self) -> None: ...


class Trace:
    """Stamps messages with the time and hands each to every backend."""

    def __init__(self, *backends: Backend) -> None:
        self._backends = backends

    def emit(self, namespace: str, kind: str, severity: Severity = Severity.INFO, **fields: object) -> None:
        message = Message(namespace, kind, severity, time.time_ns(), fields)
        for backend in self._backends:
            backend.emit(message)

    def close(self) -> None:
        for backend in self._backends:
            backend.close()
