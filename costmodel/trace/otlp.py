"""Messages as OpenTelemetry's log records, sent by OTLP over HTTP.

The namespace is the log record's scope, the kind its event name and body, the fields its attributes. The source is the
resource's `service.instance.id`; `calibrate.sequence` numbers its messages, `calibrate.uptime` is the uptime.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from costmodel.records.message import Severity
from costmodel.trace.spool import MessageSource, Sent

_ANSWER_SECONDS: Final = 5.0  # of one request with its retries
_ANSWER_BYTES: Final = 1 << 16  # of an answer's body, which a collector has next to nothing to say in
_DEEPEST: Final = 16  # values within values: Protocol Buffers end at a hundred, and take three for each

SUCCESSES: Final = range(200, 300)
REDIRECTS: Final = range(300, 400)
"""HTTP statuses of an address that points elsewhere. Nobody told us to send anything there."""
_PERMANENT: Final = frozenset(range(400, 500)) - {408, 429}  # HTTP statuses of a request that is refused for good


class Delivery(Enum):
    """What came of a request."""

    TAKEN = auto()
    LATER = auto()
    REFUSED = auto()


class Endpoint:
    """Where a collector takes requests. Certificates, headers and compression are set by OpenTelemetry's environment
    variables (OTEL_EXPORTER_OTLP_…)."""

    def __init__(self, url: str) -> None:
        session = _Connections()
        session.hooks["response"].append(self._answered)
        self._exporter = OTLPLogExporter(endpoint=url, timeout=_ANSWER_SECONDS, session=session)
        self._closed = False
        self.status = 0
        """The HTTP status of the last answer; 0 where there was none."""

    def _answered(self, response: requests.Response, **_: object) -> None:
        self.status = response.status_code

    def send(self, sent: Sequence[Sent], origin: Resource) -> Delivery:
        """Send messages of a source in one request."""
        if self._closed:
            return Delivery.LATER
        self.status = 0
        try:
            result = self._exporter.export([_to_record(one, origin) for one in sent])
        except Exception:  # each library below has exceptions of its own, which an answer may raise
            return Delivery.LATER
        # The SDK calls a redirection a success, though nothing has arrived anywhere.
        if result is LogRecordExportResult.SUCCESS and self.status in SUCCESSES:
            return Delivery.TAKEN
        return Delivery.REFUSED if self.status in _PERMANENT else Delivery.LATER

    def close(self) -> None:
        """End a request that is waiting for its retry, and take no more."""
        self._closed = True
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


class _Connections(requests.Session):
    """Takes of an answer what it takes to use the connection again, and no more: a body may have no end, or come byte
    by byte, or be gigabytes once it is decompressed."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # they would only accumulate

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        response = super().request(*arguments, **options | {"stream": True})
        if not _read_to_its_end(response):
            response.close()
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: requests would read the whole body to see where a redirection leads, and it is not followed."""
        del resp


def _read_to_its_end(response: requests.Response) -> bool:
    left, until = _ANSWER_BYTES, time.monotonic() + _ANSWER_SECONDS
    try:
        while left > 0 and time.monotonic() < until:
            piece = response.raw.read1(left, decode_content=False)
            if not piece:
                return True
            left -= len(piece)
    except Exception:  # the status has come, and nothing else was wanted
        return False
    return False


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
_FIXED64: Final = range(1 << 64)


def resource(source: MessageSource) -> Resource:
    """What the source is; OTEL_RESOURCE_ATTRIBUTES of this process adds to it."""
    return Resource.create({**source.resource, INSTANCE: source.name})


def can_be_sent(sent: Sent) -> bool:
    """Whether OTLP has room for it; not so where somebody has changed a file that was left behind."""
    message = sent.message
    numbers = message.timestamp in _FIXED64 and message.uptime in _INT64 and sent.sequence in _INT64
    return numbers and _within(message.fields, _DEEPEST)


def _within(value: object, levels: int) -> bool:
    """Whether no more than so many values are within one another."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, (list, tuple)):
        return True
    return levels > 0 and all(_within(part, levels - 1) for part in value)


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
