"""Messages of a trace: the lines of `messages.jsonl` and of a collector's files, and what a log of them adds up to."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from costmodel.records.documents import Count, Record, about


class Severity(StrEnum):
    """How much a message matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Message(Record, frozen=True, kw_only=True):
    """One thing that happened. A line of a log is its own document: its kind is what happened."""

    kind: Annotated[str, about("What happened, such as block")]
    schema_version: Annotated[
        Literal[1], about("Version of this kind of document; absent in version 0, which had the same keys")
    ] = 1
    namespace: Annotated[str, about("The place that says it, such as timing.session")]
    severity: Severity
    timestamp: Annotated[int, about("Nanoseconds since the Unix epoch")]
    uptime: Annotated[
        int,
        about(
            "Nanoseconds since the machine was started, suspends included; 0 where unknown. It tells when somebody "
            "sets the clock"
        ),
    ] = 0
    fields: Annotated[dict[str, Any], about("What else it says; by kind of message")]

    @property
    def name(self) -> str:
        """Namespace and kind, as messages are counted."""
        return f"{self.namespace}/{self.kind}"


class Break(Record, frozen=True, kw_only=True):
    """A place in a log."""

    message: Annotated[Count, about("The number, from 1, of the message before which it is")]
    kind: Annotated[str, about("That message's kind")]
    seconds: Annotated[float, about("Of silence, or by which the clock was set forward; below zero, back")]


class LogSummary(Record, frozen=True, kw_only=True):
    """What a log of messages holds."""

    counts: Annotated[dict[str, Count], about("Messages by `namespace/kind`")] = msgspec.field(default_factory=dict)
    first: Annotated[int | None, about("First timestamp, ns since the Unix epoch")] = None
    last: Annotated[int | None, about("Last timestamp")] = None
    gaps: Annotated[tuple[Break, ...], about("Silences of more than ten seconds, the first hundred")] = ()
    jumps: Annotated[tuple[Break, ...], about("Places where the clock was set, the first hundred")] = ()
    unlisted: Annotated[Count, about("Gaps and jumps beyond those listed")] = 0

    @property
    def messages(self) -> int:
        """All of them."""
        return sum(self.counts.values())
