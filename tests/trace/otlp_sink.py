"""A stand-in for an OpenTelemetry Collector: takes logs by OTLP over HTTP and appends them to a file for each source.

`python -m tests.trace.otlp_sink FOLDER PORT [LIMIT]` prints its port, and ends with SIGINT, printing how many messages
it received. Messages are written before their request is answered, and none with a number that was written before. A
request with a message that has a field `refuse` is refused whole, with that HTTP status; so is one to another path.
"""

import gzip
import json
import sys
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

_INFLATE: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": zlib.decompress, "identity": bytes}
PATH = "/v1/logs"
LARGEST = 4 << 20


class Sink(ThreadingHTTPServer):
    """Where requests go. `limit` is the most bytes that the folder may hold."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self.received = self.missing = 0
        self.lock = Lock()
        folder.mkdir(exist_ok=True)
        self.last = {path.name: self._last(path) for path in folder.glob("*.jsonl")}
        super().__init__(("127.0.0.1", port), _Handler)

    def _last(self, path: Path) -> int:
        """The last number in a file, whose last line is cut off if a kill left it unfinished."""
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        path.write_bytes(whole)
        lines = whole.splitlines()
        return int(json.loads(lines[-1])["sequence"]) if lines else 0

    def add(self, source: str, messages: list[dict[str, Any]]) -> bool:
        path = self.folder / f"{source}.jsonl"
        with self.lock:
            last = self.last.get(path.name, 0)
            new = sorted((one for one in messages if one["sequence"] > last), key=lambda one: one["sequence"])
            content = b"".join(json.dumps(one).encode() + b"\n" for one in new)
            if len(content) > self.limit:
                return False
            with path.open("ab") as file:
                file.write(content)
            self.received += len(new)
            for one in new:
                self.missing += one["sequence"] - last - 1
                last = one["sequence"]
            self.last[path.name] = last
        return True


class _Handler(BaseHTTPRequestHandler):
    server: Sink
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = _INFLATE[self.headers.get("Content-Encoding", "identity")](body)
        request = ExportLogsServiceRequest.FromString(body)
        self.send_response(404 if self.path != PATH else self._status(body, _groups(request)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _status(self, body: bytes, groups: list[tuple[str, list[dict[str, Any]]]]) -> int:
        refusals = [one["fields"]["refuse"] for _, messages in groups for one in messages if "refuse" in one["fields"]]
        if refusals or len(body) > LARGEST:
            return int(refusals[0]) if refusals else 413
        return 200 if all(self.server.add(*group) for group in groups) else 503

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server has
        """Says nothing of single requests."""


def _groups(request: ExportLogsServiceRequest) -> list[tuple[str, list[dict[str, Any]]]]:
    groups = []
    for group in request.resource_logs:
        facts = {one.key: _value(one.value) for one in group.resource.attributes}
        messages = [_message(scope.scope.name, record) for scope in group.scope_logs for record in scope.log_records]
        groups.append((facts["service.instance.id"], messages))
    return groups


def _message(namespace: str, record: Any) -> dict[str, Any]:
    fields = {one.key: _value(one.value) for one in record.attributes}
    sequence, uptime = fields.pop("calibrate.sequence"), fields.pop("calibrate.uptime")
    return {
        "namespace": namespace,
        "kind": record.event_name,
        "severity": record.severity_text,
        "timestamp": record.time_unix_nano,
        "fields": fields,
        "uptime": uptime,
        "sequence": sequence,
    }


def _value(any_value: Any) -> Any:
    which = any_value.WhichOneof("value")
    if which is None:
        return None
    value = getattr(any_value, which)
    if which == "array_value":
        return [_value(part) for part in value.values]
    if which == "kvlist_value":
        return {part.key: _value(part.value) for part in value.values}
    return value


def main() -> None:
    folder, port, *limit = sys.argv[1:]
    sink = Sink(Path(folder), int(port), int(limit[0]) if limit else 1 << 30)
    sys.stdout.write(f"{sink.server_port}\n")
    sys.stdout.flush()
    try:
        sink.serve_forever()
    except KeyboardInterrupt:
        sys.stdout.write(json.dumps({"received": sink.received, "missing": sink.missing}) + "\n")


if __name__ == "__main__":
    main()
