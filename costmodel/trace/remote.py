"""Messages to a collector by OTLP over HTTP, through a spool on disk, so that none is lost while it is away.

The namespace is the log record's scope, the kind its event name and body, the fields its attributes. The source is the
resource's `service.instance.id`; `calibrate.sequence` numbers its messages, `calibrate.uptime` is the uptime.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from costmodel import __version__
from costmodel.errors import DecodeError, EnvironmentFault
from costmodel.records import decode_json
from costmodel.records.message import Message, Severity
from costmodel.trace.spool import MessageSource, Sent, Spool
from costmodel.trace.trace import stamped

_NAMESPACE: Final = "trace.remote"
_BATCH: Final = 512  # messages of a request,
_BATCH_BYTES: Final = 1 << 20  # and as many bytes of JSON
_LARGEST: Final = 1 << 18  # bytes of one message: a collector refuses requests that are too large, and always will
_GATHER_SECONDS: Final = 0.2  # for a batch to fill
_AGAIN_SECONDS: Final = 1.0  # after the SDK's own retries have failed
_ANSWER_SECONDS: Final = 5.0  # of one request with its retries


class Remote:
    """Sends each message to a collector, in order, as often as it takes, from a thread of its own.

    Messages wait in `folder`, in up to `limit` bytes; what does not fit is counted, told as a message "overflow" and in
    the line that `close` returns. What is left there by processes that have ended is sent too. `close` gives the
    collector `patience` seconds; what it has not taken by then waits on disk for the next process that traces.
    Certificates, headers and compression are set by OpenTelemetry's environment variables (OTEL_EXPORTER_OTLP_…).
    """

    def __init__(self, endpoint: str, folder: Path, *, limit: int, patience: float) -> None:
        self.endpoint, self.patience = endpoint, patience
        # The SDK complains by way of logging; what there is to say is said at the end.
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
        self._exporter = OTLPLogExporter(endpoint=endpoint, timeout=_ANSWER_SECONDS)
        source = MessageSource(secrets.token_hex(8), _facts())
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._left = list(Spool.left_behind(folder))
            room = max(0, limit - sum(spool.bytes for spool in self._left))
            self._spool = Spool.create(folder, source, room)
        except OSError as error:
            raise EnvironmentFault(
                f"cannot write {folder}, where messages wait for the collector: {error.strerror}; name another folder"
            ) from error
        self.source = source.name
        self._folder = folder
        self._resources: dict[str, Resource] = {}
        self._sequence = 0
        self._order = threading.Lock()
        self._untold: Counter[str] = Counter()  # messages that did not fit, by kind, and have not been told of
        self.dropped = 0
        self._until = 0.0  # the time of CLOCK_MONOTONIC to give up at, once closing
        self._news = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._deliver, name="trace", daemon=True)
        self._thread.start()

    def emit(self, message: Message) -> None:
        """Hand a message to the spool; it counts as dropped where that is full or the disk refuses."""
        with self._order:
            if self._untold:
                self._tell_overflow(beyond=False)
            if not self._put(message):
                self._sequence += 1  # the collector sees that one is missing
                self.dropped += 1
                self._untold[message.name] += 1
        self._news.set()

    def _put(self, message: Message, *, beyond: bool = False) -> bool:
        line = msgspec.json.encode(Sent(self._sequence + 1, message)) + b"\n"
        try:
            taken = len(line) <= _LARGEST and self._spool.put(line, beyond=beyond)
        except OSError:
            return False
        self._sequence += taken
        return taken

    def _tell_overflow(self, *, beyond: bool) -> None:
        fields = {"dropped": self._untold.total(), "kinds": dict(self._untold)}
        if self._put(stamped(_NAMESPACE, "overflow", Severity.WARNING, fields), beyond=beyond):
            self._untold.clear()

    def close(self) -> str:
        """Deliver what can be delivered; what the user is to know of the rest, or nothing."""
        if self._untold:
            self._tell_overflow(beyond=True)
        self._until = time.monotonic() + self.patience
        self._closing.set()
        self._news.set()
        self._thread.join(self.patience)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]
        self._thread.join()
        waiting = sum(spool.close() for spool in (*self._left, self._spool))
        parts = []
        if waiting:
            parts.append(
                f"{self.endpoint} did not take all messages: {waiting} bytes of them wait in {self._folder} "
                "and are sent by the next command that traces to a collector"
            )
        if self.dropped:
            parts.append(f"{self.dropped} messages for {self.endpoint} found no room or were damaged, and were dropped")
        return "; ".join(parts)

    def _deliver(self) -> None:
        """The thread: until all is delivered after `close`, or that has lost patience."""
        while True:
            closing = self._closing.is_set()
            sent = self._round()
            if closing and (sent == 0 or time.monotonic() >= self._until):
                return
            if sent is None:
                time.sleep(_GATHER_SECONDS) if closing else self._closing.wait(_AGAIN_SECONDS)
            elif not sent:
                self._news.wait()
                self._news.clear()
                self._closing.wait(_GATHER_SECONDS)

    def _round(self) -> int | None:
        """Send a batch from every spool: how many messages in all, None where the collector does not take them."""
        total = 0
        for spool in (self._spool, *self._left):
            try:
                lines = spool.first(_BATCH, _BATCH_BYTES)
            except OSError:
                return None
            if lines and not self._send(spool, lines):
                return None
            total += len(lines)
        return total

    def _send(self, spool: Spool, lines: list[bytes]) -> bool:
        origin = self._resources.get(spool.source.name)
        if origin is None:
            origin = self._resources[spool.source.name] = resource(spool.source)
        messages = self._decoded(lines)
        if messages:
            result = self._exporter.export(to_records(messages, origin))
            if result is not LogRecordExportResult.SUCCESS:
                return False
        spool.delivered(lines)
        return True

    def _decoded(self, lines: list[bytes]) -> list[Sent]:
        messages = []
        for line in lines:
            try:
                messages.append(decode_json(line, Sent, "a spool"))
            except DecodeError:  # somebody has changed a file that was left behind
                self.dropped += 1
        return messages


def _facts() -> dict[str, str]:
    return {
        "service.name": "calibrate",
        "service.version": __version__,
        "host.name": platform.node(),
        "process.pid": str(os.getpid()),
    }


SEQUENCE: Final = "calibrate.sequence"
UPTIME: Final = "calibrate.uptime"
INSTANCE: Final = "service.instance.id"

_NUMBERS: Final = {
    Severity.DEBUG: SeverityNumber.DEBUG,
    Severity.INFO: SeverityNumber.INFO,
    Severity.WARNING: SeverityNumber.WARN,
    Severity.ERROR: SeverityNumber.ERROR,
}
_INT64: Final = range(-(1 << 63), 1 << 63)
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


def resource(source: MessageSource) -> Resource:
    """What the source is; OTEL_RESOURCE_ATTRIBUTES of this process adds to it."""
    return Resource.create({**source.resource, INSTANCE: source.name})


def to_records(sent: Sequence[Sent], origin: Resource) -> list[ReadableLogRecord]:
    """Log records for the SDK's exporter."""
    return [_to_record(one, origin) for one in sent]


def _to_record(sent: Sent, origin: Resource) -> ReadableLogRecord:
    message = sent.message
    record = LogRecord(
        timestamp=message.timestamp,
        observed_timestamp=message.timestamp,
        severity_number=_NUMBERS[message.severity],
        severity_text=message.severity.value,
        body=message.kind,
        event_name=message.kind,
        attributes={
            **{name: _carried(value) for name, value in message.fields.items()},
            SEQUENCE: sent.sequence,
            UPTIME: message.uptime,
        },
    )
    return ReadableLogRecord(record, origin, InstrumentationScope(message.namespace))


def _carried(value: object) -> Any:
    """A value of JSON as OTLP can carry it: integers of more than 64 bits become text."""
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INT64:
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): _carried(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_carried(part) for part in value]
    return value
