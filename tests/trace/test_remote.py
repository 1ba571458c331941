"""Messages on their way to a collector that is there, away, killed and full: all of it with real processes."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from costmodel.trace import Message, Severity
from costmodel.trace.remote import Remote
from tests.cli.command import ENVIRONMENT
from tests.trace.collector import Collector, collecting, kept

NOBODY = "http://127.0.0.1:9"  # the discard port, where nobody listens

# Says numbered things for a while, told how many by its arguments, then how it went.
SENDER = """
import sys, time
from pathlib import Path
from costmodel.trace import Route, Trace
from costmodel.trace.remote import Remote
endpoint, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
backend = Remote(endpoint, folder, limit=1 << 26, patience=60)
trace = Trace(Route(backend))
for number in range(count):
    trace.emit("one" if number % 3 else "other", "said", number=number)
    if number % 20 == 0:
        time.sleep(0.02)
    if number == count // 2:
        print("half", flush=True)
print(trace.close(), flush=True)
"""


def sender(endpoint: str, folder: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SENDER, endpoint + "/v1/logs", str(folder), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)


def remote(endpoint: str, folder: Path, *, limit: int = 1 << 20, patience: float = 20.0) -> Remote:
    return Remote(endpoint + "/v1/logs", folder, limit=limit, patience=patience)


def message(number: int, text: str = "", fields: dict[str, object] | None = None) -> Message:
    return Message(
        namespace="test",
        kind="said",
        severity=Severity.INFO,
        timestamp=number,
        fields={"number": number, "text": text, **(fields or {})},
        uptime=7,
    )


def test_no_message_is_lost_and_order_is_kept_through_a_collector_that_is_killed(tmp_path: Path) -> None:
    count, out = 3000, tmp_path / "collected"
    collector = Collector(out)
    try:
        senders = [sender(collector.endpoint, tmp_path / "spool", count) for _ in range(2)]
        for one in senders:
            assert one.stdout is not None
            assert one.stdout.readline() == "half\n"
        collector.kill()
        before = sum(len(kept(path)) for path in out.glob("*.jsonl"))
        collector = Collector(out, collector.port)
        for one in senders:
            assert one.communicate(timeout=60)[0] == "()\n"
        counts = collector.stop()
    finally:
        with suppress(ValueError):  # its streams are closed already
            collector.kill()
    assert 0 < before < 2 * count
    assert counts["received"] == 2 * count - before
    assert counts["missing"] == 0
    files = sorted(out.glob("*.jsonl"))
    assert len(files) == 2
    for path in files:
        assert [line["fields"]["number"] for line in kept(path)] == list(range(count))
    assert list((tmp_path / "spool").iterdir()) == []


def test_what_a_killed_process_could_not_send_is_sent_by_the_next(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    with sender(NOBODY, spool, 200) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "half\n"
        killed.kill()
    with collecting(tmp_path / "out") as collector:
        assert remote(collector.endpoint, spool).close() == ""
        (path,) = (tmp_path / "out").glob("*.jsonl")
    numbers = [line["fields"]["number"] for line in kept(path)]
    assert len(numbers) > 100
    assert numbers == list(range(len(numbers)))
    assert list(spool.iterdir()) == []


def test_a_collector_that_stays_away_leaves_messages_on_disk_and_is_said(tmp_path: Path) -> None:
    backend = remote(NOBODY, tmp_path / "spool", patience=0.1)
    backend.emit(message(1))
    said = backend.close()
    assert said.startswith(f"{NOBODY}/v1/logs did not take all messages: ")
    assert "are sent by the next command that traces" in said
    with collecting(tmp_path / "out") as collector:
        assert remote(collector.endpoint, tmp_path / "spool").close() == ""
        (path,) = (tmp_path / "out").glob("*.jsonl")
        assert [line["fields"]["number"] for line in kept(path)] == [1]


def test_a_full_buffer_is_told_to_the_user_and_to_the_collector(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    backend = remote(NOBODY, spool, limit=2000, patience=0)
    for number in range(100):
        backend.emit(message(number))
    assert f"{backend.dropped} messages for {NOBODY}/v1/logs found no room" in backend.close()
    assert 80 < backend.dropped < 100
    with collecting(tmp_path / "out") as collector:
        assert remote(collector.endpoint, spool).close() == ""
        counts = collector.stop()
    (path,) = (tmp_path / "out").glob("*.jsonl")
    *taken, overflow = kept(path)
    assert [line["fields"]["number"] for line in taken] == list(range(100 - backend.dropped))
    assert (overflow["kind"], overflow["severity"]) == ("overflow", "warning")
    assert overflow["fields"] == {"dropped": backend.dropped, "kinds": {"test/said": backend.dropped}}
    assert counts["missing"] == backend.dropped


def test_a_message_too_large_for_a_collector_does_not_stop_the_others(tmp_path: Path) -> None:
    with collecting(tmp_path / "out") as collector:
        backend = remote(collector.endpoint, tmp_path / "spool")
        backend.emit(message(1))
        backend.emit(message(2, "x" * (1 << 19)))
        backend.emit(message(3))
        assert "1 messages" in backend.close()
        (path,) = (tmp_path / "out").glob("*.jsonl")
    assert [line["kind"] for line in kept(path)] == ["said", "overflow", "said"]


def test_half_a_surrogate_pair_does_not_stop_a_message(tmp_path: Path) -> None:
    with collecting(tmp_path / "out") as collector:
        backend = remote(collector.endpoint, tmp_path / "spool")
        backend.emit(message(1, "\ud800"))
        backend.emit(message(2))
        assert backend.close() == ""
        (path,) = (tmp_path / "out").glob("*.jsonl")
    assert [line["fields"]["number"] for line in kept(path)] == [1, 2]


def test_a_message_arrives_as_it_was_sent(tmp_path: Path) -> None:
    fields: dict[str, object] = {
        "text": "ü\x00",
        "none": None,
        "list": [1, "a", None, 0.5],
        "deep": {"a": {"b": True}},
        "big": -(2**63),
    }
    sent = Message(
        namespace="a.b",
        kind="kind",
        severity=Severity.ERROR,
        timestamp=1_700_000_000_123_456_789,
        fields=fields,
        uptime=987_654_321,
    )
    with collecting(tmp_path / "out") as collector:
        backend = remote(collector.endpoint, tmp_path / "spool")
        backend.emit(sent)
        assert backend.close() == ""
        (path,) = (tmp_path / "out").glob("*.jsonl")
    assert path.stem == backend.source
    assert kept(path) == [
        {
            "namespace": "a.b",
            "kind": "kind",
            "severity": "error",
            "timestamp": 1_700_000_000_123_456_789,
            "fields": fields,
            "uptime": 987_654_321,
            "sequence": 1,
        }
    ]


def test_compressed_requests_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting(tmp_path / "out") as collector:
        for compression in ("gzip", "deflate"):
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
            backend = remote(collector.endpoint, tmp_path / "spool")
            backend.emit(message(1))
            assert backend.close() == ""
        assert collector.stop()["received"] == 2


def test_a_full_collector_refuses_and_the_sender_keeps_its_messages(tmp_path: Path) -> None:
    with collecting(tmp_path / "out", 0, "10") as collector:
        backend = remote(collector.endpoint, tmp_path / "spool", patience=1)
        backend.emit(message(1))
        assert "did not take all messages" in backend.close()
    assert list((tmp_path / "out").glob("*.jsonl")) == []


def refuse(status: int, really: bool) -> dict[str, object]:
    """What has the stand-in refuse a message with an HTTP status."""
    return {"refuse": status} if really else {}


@pytest.mark.parametrize(
    ("status", "refused"),
    [(400, {0}), (400, {19}), (400, {3, 4, 11}), (400, set(range(20))), (403, {7}), (413, {7}), (422, {7})],
)
def test_messages_that_are_refused_for_good_are_told_and_do_not_stop_the_others(
    status: int, refused: set[int], tmp_path: Path
) -> None:
    with collecting(tmp_path / "out") as collector:
        backend = remote(collector.endpoint, tmp_path / "spool")
        for number in range(20):
            backend.emit(message(number, "", refuse(status, number in refused)))
        said = backend.close()
        (path,) = (tmp_path / "out").glob("*.jsonl")
    assert said == (
        f"{collector.endpoint}/v1/logs refused {len(refused)} messages for good (HTTP status {status}); "
        "they were dropped"
    )
    lines = kept(path)
    told = [line for line in lines if line["namespace"] == "trace.remote"]
    assert [line["fields"]["number"] for line in lines if line not in told] == sorted(set(range(20)) - refused)
    assert {line["kind"] for line in told} == {"refused"}
    assert sum(line["fields"]["refused"] for line in told) == len(refused)
    assert sum(line["fields"]["kinds"]["test/said"] for line in told) == len(refused)
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_be_taken_later_stays_in_its_place(status: int, tmp_path: Path) -> None:
    with collecting(tmp_path / "out") as collector:
        backend = remote(collector.endpoint, tmp_path / "spool", patience=0.3)
        for number in range(3):
            backend.emit(message(number, "", refuse(status, number == 1)))
        assert "did not take all messages" in backend.close()
        assert backend.refused == 0
    assert list((tmp_path / "spool").iterdir()) != []


def test_a_place_that_refuses_every_request_loses_no_message(tmp_path: Path) -> None:
    with collecting(tmp_path / "out") as collector:
        backend = Remote(f"{collector.endpoint}/elsewhere", tmp_path / "spool", limit=1 << 20, patience=0.3)
        for number in range(3):
            backend.emit(message(number))
        said = backend.close()
        assert "did not take all messages" in said
        assert "refused" not in said
        assert remote(collector.endpoint, tmp_path / "spool").close() == ""
        (path,) = (tmp_path / "out").glob("*.jsonl")
    assert [line["fields"]["number"] for line in kept(path)] == [0, 1, 2]


def test_numbers_in_a_changed_file_that_cannot_be_sent_do_not_stop_the_others(tmp_path: Path) -> None:
    backend = remote(NOBODY, tmp_path / "spool", patience=0)
    for number in range(3):
        backend.emit(message(number))
    backend.close()
    (segment,) = (tmp_path / "spool").glob("*/*.jsonl")
    first, second, third = segment.read_text("utf-8").splitlines(keepends=True)
    changed = (
        first.replace('"timestamp":0', f'"timestamp":{2**64}')
        + second.replace('"sequence":2', f'"sequence":{2**63}')
        + third
    )
    segment.write_text(changed, "utf-8")
    with collecting(tmp_path / "out") as collector:
        assert "2 messages" in remote(collector.endpoint, tmp_path / "spool").close()
        (path,) = (tmp_path / "out").glob("*.jsonl")
    assert [line["fields"]["number"] for line in kept(path)] == [2]
