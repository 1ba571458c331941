"""Messages as OpenTelemetry's log records, and back.

The namespace is the record's scope, the kind its event name and body, the fields its attributes. The source is the
resource's `service.instance.id`; `calibrate.sequence` numbers its messages, `calibrate.uptime` is the uptime.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from costmodel.records.message import Severity
from costmodel.trace.spool import Sent, Source

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


def resource(source: Source) -> Resource:
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
