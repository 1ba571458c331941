"""Requests that a collector must refuse, and go on."""

import gzip
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from costmodel.trace import receiver
from costmodel.trace.collect import Collection
from tests.cli.command import calibrate, one_line
from tests.trace.collector import Collector, collecting

REQUEST = b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n"
CONTENT = {"Content-Type": "application/x-protobuf"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("collector") / "out"


@pytest.fixture(scope="module")
def collector(out: Path) -> Iterator[Collector]:
    with collecting(out) as running:
        yield running


def post(collector: Collector, body: bytes, headers: dict[str, str], path: str = "/v1/logs") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=20)
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def foreign(name: str = "") -> bytes:
    """A record as another program would send it, with no number."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    if name:
        attribute = group.resource.attributes.add(key="service.instance.id")
        attribute.value.string_value = name
    record = group.scope_logs.add().log_records.add(time_unix_nano=5)
    record.body.string_value = "hello"
    content: bytes = request.SerializeToString()
    return content


def test_records_of_other_programs_are_kept(collector: Collector, out: Path) -> None:
    assert post(collector, foreign(), CONTENT) == 200
    assert b'"kind":"hello"' in (out / "unnamed.jsonl").read_bytes()


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", ".lock", "a" * 300, "a\x00b", "ü"])
def test_the_name_of_a_source_is_no_path(collector: Collector, out: Path, name: str) -> None:
    before = set(out.iterdir())
    assert post(collector, foreign(name), CONTENT) == 200
    (path,) = set(out.iterdir()) - before
    assert len(path.stem) == 32
    assert path.suffix == ".jsonl"
    assert sorted(one.name for one in out.parent.iterdir()) == ["out"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xff\xff\xff", CONTENT, 400),
        (b"{}", {"Content-Type": "application/json"}, 415),
        (foreign(), CONTENT | {"Content-Length": "5000000"}, 413),
        (foreign(), CONTENT | {"Content-Length": "99999999999999999999"}, 413),
        (foreign(), CONTENT | {"Content-Length": "-1"}, 411),
        (gzip.compress(bytes(5 << 20)), CONTENT | {"Content-Encoding": "gzip"}, 413),
        (b"no gzip", CONTENT | {"Content-Encoding": "gzip"}, 400),
        (foreign(), CONTENT | {"Content-Encoding": "br"}, 415),
        (b"\x0a\x80" * 2000, CONTENT, 400),
    ],
)
def test_a_bad_request_is_refused_and_the_next_is_taken(
    collector: Collector, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert post(collector, body, headers) == status
    assert post(collector, foreign(), CONTENT) == 200


def test_deep_values_do_not_reach_the_stack(collector: Collector) -> None:
    value = b""
    for _ in range(5000):  # AnyValue.array_value.values, again and again
        inner = b"\x0a" + _varint(len(value)) + value
        value = b"\x2a" + _varint(len(inner)) + inner
    record = b"\x2a" + _varint(len(value)) + value
    for tag in (b"\x12", b"\x12", b"\x0a"):
        record = tag + _varint(len(record)) + record
    assert post(collector, record, CONTENT) == 400
    assert post(collector, foreign(), CONTENT) == 200


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def test_other_paths_are_not_there(collector: Collector) -> None:
    assert post(collector, foreign(), CONTENT, "/v1/traces") == 404


def test_a_sender_that_stalls_does_not_hold_up_others(collector: Collector) -> None:
    with socket.create_connection(("127.0.0.1", collector.port)) as stalled:
        stalled.sendall(b"POST /v1/logs HTTP/1.1\r\nContent-Length: 100\r\n")
        assert post(collector, foreign(), CONTENT) == 200


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[receiver.Receiver]:
    """A collector for two senders at once that has little patience."""
    monkeypatch.setattr(receiver, "_CONNECTIONS", 2)
    monkeypatch.setattr(receiver, "_REQUEST_SECONDS", 0.5)
    with (
        closing(Collection(tmp_path / "out", 1 << 20)) as collection,
        receiver.Receiver("127.0.0.1", 0, collection, lambda _: None) as running,
    ):
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()


def connected(running: receiver.Receiver) -> socket.socket:
    return socket.create_connection(("127.0.0.1", running.server_port), timeout=20)


def test_senders_that_trickle_do_not_keep_their_places(small: receiver.Receiver) -> None:
    ended: list[bool] = []

    def trickle() -> None:
        with connected(small) as slow, suppress(OSError):
            slow.sendall(REQUEST % 100_000)
            while True:
                slow.sendall(b"0")
                time.sleep(0.05)
        ended.append(True)

    senders = [threading.Thread(target=trickle, daemon=True) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(timeout=20)
    assert len(ended) == 2


def test_senders_make_room_for_others_when_many_come(small: receiver.Receiver) -> None:
    with connected(small) as alone:
        alone.sendall(REQUEST % 0)
        assert b"Connection: close" not in alone.recv(1000)
        with connected(small) as second:
            second.sendall(REQUEST % 0)
            assert b"Connection: close" in second.recv(1000)


def test_two_collectors_cannot_share_a_folder_or_an_address(collector: Collector, out: Path, tmp_path: Path) -> None:
    same_folder = calibrate("trace", "collect", out, "--listen", "127.0.0.1:0")
    assert "is being written by another collector" in one_line(same_folder)
    same_address = calibrate("trace", "collect", tmp_path, "--listen", f"127.0.0.1:{collector.port}")
    assert "cannot listen on" in one_line(same_address)


@pytest.mark.parametrize("listen", ["4318", "127.0.0.1:99999", "host:", "a b:1"])
def test_what_is_no_address_is_refused(tmp_path: Path, listen: str) -> None:
    assert "is no address" in one_line(calibrate("trace", "collect", tmp_path, "--listen", listen))


def test_a_collector_goes_on_after_a_line_that_a_kill_cut_short(tmp_path: Path) -> None:
    with collecting(tmp_path) as first:
        assert post(first, foreign("abc"), CONTENT) == 200
    path = tmp_path / "abc.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"names')
    with collecting(tmp_path) as second:
        assert post(second, foreign("abc"), CONTENT) == 200
    lines = path.read_bytes().splitlines(keepends=True)
    assert b"".join(lines[:2]) == whole
    assert len(lines) == 3
