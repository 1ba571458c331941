"""The log of messages."""

from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from costmodel.errors import EnvironmentFault, InputError
from costmodel.trace import JsonLines, LogSummary, Message, Route, Severity, Trace
from costmodel.trace.trace import Terminal


def message(kind: str, timestamp: int) -> Message:
    return Message(namespace="test", kind=kind, severity=Severity.INFO, timestamp=timestamp, fields={"n": timestamp})


def test_messages_read_back_in_order(tmp_path: Path) -> None:
    sent = [message("a", 1), message("b", 2), message("a", 3)]
    with closing(JsonLines(tmp_path / "log")) as log:
        for one in sent:
            log.emit(one)
    lines = (tmp_path / "log").read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Message) for line in lines] == sent
    assert log.summary == LogSummary(counts={"test/a": 2, "test/b": 1}, first=1, last=3)


def test_a_log_is_continued(tmp_path: Path) -> None:
    with closing(JsonLines(tmp_path / "log")) as first:
        first.emit(message("a", 1))
    with closing(JsonLines(tmp_path / "log")) as second:
        second.emit(message("a", 2))
    assert second.summary == LogSummary(counts={"test/a": 2}, first=1, last=2)
    assert second.torn == 0
    assert len((tmp_path / "log").read_bytes().splitlines()) == 2


def test_half_a_surrogate_pair_does_not_stop_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = b"run-\xff".decode(errors="surrogateescape")  # as Python has the name of a file that is not UTF-8
    fields: dict[str, object] = {"path": name, "deep": {name: [name, 1, None, float("nan")]}}
    sent = Message(namespace="test", kind=name, severity=Severity.INFO, timestamp=1, fields=fields)
    with closing(JsonLines(tmp_path / "log")) as log:
        log.emit(sent)
        Terminal().emit(sent)
    (line,) = (tmp_path / "log").read_bytes().splitlines()
    told = msgspec.json.decode(line, type=Message)
    assert told.fields == {"path": "run-?", "deep": {"run-?": ["run-?", 1, None, None]}}
    assert '"run-?"' in capsys.readouterr().err


def test_a_torn_last_line_is_removed_and_said(tmp_path: Path) -> None:
    with closing(JsonLines(tmp_path / "log")) as log:
        log.emit(message("a", 1))
    whole = (tmp_path / "log").read_bytes()
    (tmp_path / "log").write_bytes(whole + b'{"namesp')
    with closing(JsonLines(tmp_path / "log")) as again:
        assert again.torn == 8
    assert (tmp_path / "log").read_bytes() == whole


def test_a_line_that_is_no_message_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"{}\n")
    with pytest.raises(InputError, match="line 1 is no message"):
        JsonLines(tmp_path / "log")


def test_a_log_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"cannot write .*: Is a directory; "):
        JsonLines(tmp_path)


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(JsonLines(tmp_path / "log")) as log, Path("/dev/full").open("ab", buffering=0) as full:
        monkeypatch.setattr(log, "_file", full)
        with pytest.raises(EnvironmentFault, match="No space left on device"):
            log.emit(message("a", 1))
        monkeypatch.undo()
    assert log.summary.counts == {}


def test_a_trace_hands_each_message_to_every_backend(tmp_path: Path) -> None:
    logs = [JsonLines(tmp_path / "one"), JsonLines(tmp_path / "two")]
    trace = Trace(*map(Route, logs))
    trace.emit("test", "kind", Severity.WARNING, number=3)
    trace.close()
    written = (tmp_path / "one").read_bytes()
    assert written == (tmp_path / "two").read_bytes()
    read = msgspec.json.decode(written, type=Message)
    assert (read.namespace, read.kind, read.severity, read.fields) == ("test", "kind", Severity.WARNING, {"number": 3})
