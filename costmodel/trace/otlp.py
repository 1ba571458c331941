"""Messages as OpenTelemetry's log records, and back.

The namespace is the record's scope, the kind its event name and body, the fields its attributes. The source is the
resource's `service.instance.id`; `calibrate.sequence` numbers its messages, `calibrate.uptime` is the uptime.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from costmodel.records.message import Message, Severity
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


class Received(msgspec.Struct, frozen=True):
    """A message as it came in. `sequence` is 0 where the sender gave none."""

    source: Source
    sent: Sent


def from_request(request: ExportLogsServiceRequest) -> Iterator[Received]:
    """The messages of a request, whoever sent it. Sources have names that are safe as names of files."""
    for group in request.resource_logs:
        facts = {one.key: _text(_value(one.value)) for one in group.resource.attributes}
        source = Source(_safe(facts.pop(INSTANCE, "")), facts)
        for scope in group.scope_logs:
            for record in scope.log_records:
                fields = {one.key: _value(one.value) for one in record.attributes}
                sequence, uptime = (_whole(fields.pop(name, 0)) for name in (SEQUENCE, UPTIME))
                message = Message(
                    namespace=scope.scope.name or "unnamed",
                    kind=record.event_name or _text(_value(record.body)),
                    severity=_severity(record.severity_number),
                    timestamp=record.time_unix_nano or record.observed_time_unix_nano,
                    fields=fields,
                    uptime=uptime,
                )
                yield Received(source, Sent(sequence, message))


def _safe(name: str) -> str:
    if not name:
        return "unnamed"
    return name if _NAME.fullmatch(name) else hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32]


def _severity(number: int) -> Severity:
    """The highest of ours that is not above it; none given counts as information."""
    reached = [severity for severity, least in _NUMBERS.items() if least.value <= number]
    return reached[-1] if reached else Severity.INFO if number == 0 else Severity.DEBUG


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _value(any_value: AnyValue) -> Any:
    """As JSON has it; protobuf has bounded the depth."""
    which = any_value.WhichOneof("value")
    if which is None:
        return None
    value = getattr(any_value, which)
    if which == "array_value":
        return [_value(part) for part in value.values]
    if which == "kvlist_value":
        return {part.key: _value(part.value) for part in value.values}
    return value.hex() if which == "bytes_value" else value
