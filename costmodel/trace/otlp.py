"""Messages as OpenTelemetry's log records, sent by OTLP over HTTP.

The namespace is the log record's scope, the kind its event name and body, the fields its attributes. The source is the
resource's `service.instance.id`; `calibrate.sequence` numbers its messages, `calibrate.uptime` is the uptime.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from enum import Enum, auto
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
        # The SDK complains by way of logging; what there is to say is said at the end.
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
        session = requests.Session()
        session.hooks["response"].append(self._answered)
        self._exporter = OTLPLogExporter(endpoint=url, timeout=_ANSWER_SECONDS, session=session)
        self.status = 0
        """The HTTP status of the last answer; 0 where there was none."""

    def _answered(self, response: requests.Response, **_: object) -> None:
        self.status = response.status_code

    def send(self, sent: Sequence[Sent], origin: Resource) -> Delivery:
        """Send messages of a source in one request."""
        self.status = 0
        if self._exporter.export([_to_record(one, origin) for one in sent]) is LogRecordExportResult.SUCCESS:
            return Delivery.TAKEN
        return Delivery.REFUSED if self.status in _PERMANENT else Delivery.LATER

    def close(self) -> None:
        """End a request that is waiting for its retry, and take no more."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


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
    """Whether OTLP has room for its numbers; not so where somebody has changed a file that was left behind."""
    message = sent.message
    return message.timestamp in _FIXED64 and message.uptime in _INT64 and sent.sequence in _INT64


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
