"""Messages of this moment, and what a log of them adds up to."""

from __future__ import annotations

import time
from typing import Final

from costmodel.records.message import Break, Message, Severity, Summary

START: Final = "start"
"""The kind that begins a session in a log, which may hold several, one after another."""

GAP_SECONDS: Final = 10.0
"""A longer silence between two messages is noted in a log's summary."""

JUMP_SECONDS: Final = 0.1
"""As far may the two clocks of messages part without the system's clock being called set anew: a process can be
held up between the reading of one and of the other."""

_LISTED: Final = 100  # breaks of a kind; the rest are counted


def stamped(namespace: str, kind: str, severity: Severity, fields: dict[str, object]) -> Message:
    """A message of this moment."""
    return Message(
        namespace=namespace,
        kind=kind,
        severity=severity,
        timestamp=time.time_ns(),
        fields=fields,
        uptime=time.clock_gettime_ns(time.CLOCK_BOOTTIME),
    )


class Tally:
    """Sums messages up as they come, in their order."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: Message | None = None
        self._last: Message | None = None
        self._gaps: list[Break] = []
        self._jumps: list[Break] = []
        self._number = self._unlisted = 0

    @property
    def summary(self) -> Summary:
        """Of all that was added."""
        return Summary(
            counts=dict(self._counts),
            first=self._first.timestamp if self._first else None,
            last=self._last.timestamp if self._last else None,
            gaps=tuple(self._gaps),
            jumps=tuple(self._jumps),
            unlisted=self._unlisted,
        )

    def add(self, message: Message) -> None:
        self._number += 1
        self._counts[message.name] = self._counts.get(message.name, 0) + 1
        self._first = self._first or message
        before, self._last = self._last, message
        if before is not None:
            passed, set_by = _passed(before, message)
            if passed > GAP_SECONDS:
                self._note(self._gaps, message, passed)
            if set_by:
                self._note(self._jumps, message, set_by)

    def _note(self, breaks: list[Break], message: Message, seconds: float) -> None:
        if len(breaks) < _LISTED:
            breaks.append(Break(message=self._number, kind=message.kind, seconds=seconds))
        else:
            self._unlisted += 1


def _passed(before: Message, after: Message) -> tuple[float, float]:
    """Seconds between two messages, and by how many the clock was set meanwhile."""
    told = (after.timestamp - before.timestamp) / 1e9
    # The uptime of another session may be that of another start of the machine.
    if before.uptime and after.uptime and after.kind != START:
        passed = (after.uptime - before.uptime) / 1e9
        set_by = told - passed
        return passed, set_by if abs(set_by) > JUMP_SECONDS else 0.0
    return max(told, 0.0), min(told, 0.0)
