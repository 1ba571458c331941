"""The trace: hands messages to backends, each with what it is to hear of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from costmodel.records.message import Message, Severity
from costmodel.trace.message import stamped

_RANK: Final = {severity: rank for rank, severity in enumerate(Severity)}


class Backend(Protocol):
    """Takes messages in the order in which they are sent. Raises, or counts and says, what it cannot take."""

    def emit(self, message: Message) -> None: ...

    def close(self) -> str:
        """Let go of what is held; what the user is to know of messages that did not arrive, or nothing."""


@dataclass(frozen=True, slots=True)
class Route:
    """A backend, and what it is to hear: messages of `severity` and above, but none of the namespaces in `mute` or
    below them ("evaluator" mutes "evaluator.script" too)."""

    backend: Backend
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
