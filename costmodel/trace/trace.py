"""The trace: messages of this moment on their way to the backends that hear them, and what a log of them adds up to."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from costmodel.records.message import Break, LogSummary, Message, Severity

_RANK: Final = {severity: rank for rank, severity in enumerate(Severity)}


def encoded(value: object) -> bytes:
    """A message, or what is in one, as JSON. Half a surrogate pair, as in the name of a file that is not UTF-8, has no
    place there and becomes a question mark."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_with_whole_characters(msgspec.to_builtins(value)))


def _with_whole_characters(value: object) -> object:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_with_whole_characters(key): _with_whole_characters(item) for key, item in value.items()}
    return [_with_whole_characters(item) for item in value] if isinstance(value, list) else value


class TraceBackend(Protocol):
    """Takes messages in the order in which they are sent. Raises, or counts and says, what it cannot take."""

    def emit(self, message: Message) -> None: ...

    def close(self) -> str:
        """Let go of what is held; what the user is to know of messages that did not arrive, or nothing."""


@dataclass(frozen=True, slots=True)
class Route:
    """A backend, and what it is to hear: messages of `severity` and above, but none of the namespaces in `mute` or
    below them ("evaluator" mutes "evaluator.script" too)."""

    backend: TraceBackend
    severity: Severity = Severity.DEBUG
    mute: tuple[str, ...] = ()

    def hears(self, namespace: str) -> bool:
        return not any(namespace == muted or namespace.startswith(f"{muted}.") for muted in self.mute)


class Channel:
    """The way of one namespace's messages to the backends that hear them."""

    def __init__(self, namespace: str, routes: Sequence[Route]) -> None:
        self._namespace = namespace
        self._targets = {
            severity: tuple(route.backend for route in routes if _RANK[route.severity] <= _RANK[severity])
            for severity in Severity
        }

    def emit(self, kind: str, severity: Severity = Severity.INFO, **fields: object) -> None:
        """Stamp a message with the time and hand it to every backend that hears such."""
        targets = self._targets[severity]
        if targets:
            message = stamped(self._namespace, kind, severity, fields)
            for backend in targets:
                backend.emit(message)


class Trace:
    """Messages' way to the backends. What is muted is decided once, when a channel is asked for."""

    def __init__(self, *routes: Route) -> None:
        self.routes = routes
        self._channels: dict[str, Channel | None] = {}

    def channel(self, namespace: str) -> Channel | None:
        """The channel of a namespace, or None where no backend hears it: a hot path asks once and then says nothing."""
        if namespace not in self._channels:
            hearing = [route for route in self.routes if route.hears(namespace)]
            self._channels[namespace] = Channel(namespace, hearing) if hearing else None
        return self._channels[namespace]

    def emit(self, namespace: str, kind: str, severity: Severity = Severity.INFO, **fields: object) -> None:
        """Say something that is said rarely."""
        channel = self.channel(namespace)
        if channel is not None:
            channel.emit(kind, severity, **fields)

    def close(self) -> tuple[str, ...]:
        """Close every backend: what the user is to know."""
        return tuple(filter(None, [route.backend.close() for route in self.routes]))


SILENT: Final = Trace()
"""Says nothing to anybody."""


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


class MessageTally:
    """Sums messages up as they come, in their order."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: Message | None = None
        self._last: Message | None = None
        self._gaps: list[Break] = []
        self._jumps: list[Break] = []
        self._number = self._unlisted = 0

    @property
    def summary(self) -> LogSummary:
        """Of all that was added."""
        return LogSummary(
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


class Terminal:
    """Writes a line a message. A terminal that has gone away counts what it did not show, and the rest goes on."""

    def __init__(self) -> None:
        self._unseen = 0

    def emit(self, message: Message) -> None:
        if sys.stderr is None:  # print would take stdout instead
            self._unseen += 1
            return
        try:
            print(_line(message), file=sys.stderr, flush=True)  # noqa: T201 - this is what the backend is for
        except (OSError, ValueError):
            self._unseen += 1

    def close(self) -> str:
        return f"{self._unseen} messages could not be shown" if self._unseen else ""


def _line(message: Message) -> str:
    """Time of day in UTC, severity, namespace, kind and fields, on one line without control characters."""
    seconds, rest = divmod(message.timestamp, 10**9)
    clock = time.strftime("%H:%M:%S", time.gmtime(seconds))
    fields = " ".join(f"{name}={encoded(value).decode()}" for name, value in message.fields.items())
    line = f"{clock}.{rest // 10**6:03d} {message.severity.value} {message.namespace} {message.kind} {fields}".rstrip()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
