"""The one message type, and what a log of messages adds up to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

Fields: TypeAlias = Mapping[str, object]
"""What a message says beside its kind: values that JSON can carry."""

START: Final = "start"
"""The kind that begins a session in a log, which may hold several, one after another."""

GAP_SECONDS: Final = 10.0
"""A longer silence between two messages is noted in a log's summary."""

JUMP_SECONDS: Final = 0.1
"""As far may the two clocks of messages part without the system's clock being called set anew: a process can be
held up between the reading of one and of the other."""

_LISTED: Final = 100  # breaks of a kind; the rest are counted


class Severity(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Message(msgspec.Struct, frozen=True):
    """One thing that happened.

    `namespace` is the place that says it ("timing.session"), `kind` what happened ("block"); `timestamp` is in
    nanoseconds since the Unix epoch, `uptime` in nanoseconds since the machine was started, suspends included (0 where
    it is not known). The second tells when somebody sets the first.
    """

    namespace: str
    kind: str
    severity: Severity
    timestamp: int
    fields: Fields
    uptime: int = 0

    @property
    def name(self) -> str:
        """Namespace and kind, as messages are counted."""
        return f"{self.namespace}/{self.kind}"


def stamped(namespace: str, kind: str, severity: Severity, fields: Fields) -> Message:
    """A message of this moment."""
    return Message(namespace, kind, severity, time.time_ns(), fields, time.clock_gettime_ns(time.CLOCK_BOOTTIME))


class Break(msgspec.Struct, frozen=True):
    """A place in a log: the number of the message before which it is, from 1, that message's kind, and seconds: of
    silence, or by which the clock was set forward (or, below zero, back)."""

    message: int
    kind: str
    seconds: float


class Summary(msgspec.Struct):
    """What a log holds: messages by `namespace/kind`, and the first and last timestamp (ns since the Unix epoch).

    `gaps` are silences of more than GAP_SECONDS, `jumps` are places where the clock was set. Of each the first hundred
    are listed; `unlisted` counts the rest.
    """

    counts: dict[str, int] = {}
    first: int | None = None
    last: int | None = None
    gaps: list[Break] = []
    jumps: list[Break] = []
    unlisted: int = 0

    @property
    def messages(self) -> int:
        return sum(self.counts.values())


class Tally:
    """Sums messages up as they come, in their order."""

    def __init__(self) -> None:
        self.summary = Summary()
        self._number = 0
        self._before: Message | None = None

    def add(self, message: Message) -> None:
        summary = self.summary
        self._number += 1
        summary.counts[message.name] = summary.counts.get(message.name, 0) + 1
        summary.first = message.timestamp if summary.first is None else summary.first
        summary.last = message.timestamp
        before, self._before = self._before, message
        if before is not None:
            passed, set_by = _passed(before, message)
            if passed > GAP_SECONDS:
                self._note(summary.gaps, message, passed)
            if set_by:
                self._note(summary.jumps, message, set_by)

    def _note(self, breaks: list[Break], message: Message, seconds: float) -> None:
        if len(breaks) < _LISTED:
            breaks.append(Break(self._number, message.kind, seconds))
        else:
            self.summary.unlisted += 1


def _passed(before: Message, after: Message) -> tuple[float, float]:
    """Seconds between two messages, and by how many the clock was set meanwhile."""
    told = (after.timestamp - before.timestamp) / 1e9
    # The uptime of another session may be that of another start of the machine.
    if before.uptime and after.uptime and after.kind != START:
        passed = (after.uptime - before.uptime) / 1e9
        set_by = told - passed
        return passed, set_by if abs(set_by) > JUMP_SECONDS else 0.0
    return max(told, 0.0), min(told, 0.0)
