"""Messages as lines on stderr."""

from __future__ import annotations

import sys
import time

import msgspec

from costmodel.records.message import Message


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
    fields = " ".join(f"{name}={msgspec.json.encode(value).decode()}" for name, value in message.fields.items())
    line = f"{clock}.{rest // 10**6:03d} {message.severity.value} {message.namespace} {message.kind} {fields}".rstrip()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
