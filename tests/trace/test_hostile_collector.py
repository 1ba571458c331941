"""Endpoints that are no collector: they hang, never end, point elsewhere or refuse for ever. Nothing is lost by any."""

import gzip
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path
from threading import Event, Thread

import pytest

from costmodel.errors import InputError
from costmodel.trace import Message, Severity
from costmodel.trace.config import ToCollector, endpoint_of, shown_endpoint
from costmodel.trace.remote import Remote
from tests.trace.collector import kept, receiving

PATIENCE = 0.3
SECONDS = 4.0  # for giving up
PIECE = b"x" * (1 << 16)


class Endpoint:
    """Answers each request with pieces, one after another, until the sender has gone or the test ends."""

    def __init__(self, answer: Callable[[], Iterator[bytes]], pause: float = 0.0) -> None:
        self._answer, self._pause = answer, pause
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ended = Event()
        self.port = self._listening.getsockname()[1]
        self.connections = self.requests = self.written = 0
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while (length := self._request(connection)) is not None:
                while length > 0:
                    length -= len(connection.recv(length))
                self.requests += 1
                for piece in self._answer():
                    connection.sendall(piece)
                    self.written += len(piece)
                    if self._ended.wait(self._pause):
                        return

    def _request(self, connection: socket.socket) -> int | None:
        """The bytes of a request's body that have not come yet; None where nobody asks any more."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(1 << 16)
            if not piece:
                return None
            head += piece
        head, _, body = head.partition(b"\r\n\r\n")
        (length,) = (
            int(each.split(b":")[1]) for each in head.split(b"\r\n") if each.lower().startswith(b"content-len")
        )
        return length - len(body)

    def close(self) -> None:
        self._ended.set()
        self._listening.close()


@contextmanager
def answering(answer: Callable[[], Iterator[bytes]], pause: float = 0.0) -> Iterator[Endpoint]:
    endpoint = Endpoint(answer, pause)
    try:
        yield endpoint
    finally:
        endpoint.close()


def message(number: int) -> Message:
    return Message(namespace="test", kind="said", severity=Severity.INFO, timestamp=number, fields={"number": number})


def said_by(url: str, spool: Path, count: int = 3) -> str:
    """What a command says that sends a few messages there; it ends in time and takes no more memory than it should."""
    backend = Remote(url, spool, limit=1 << 20, patience=PATIENCE)
    for number in range(count):
        backend.emit(message(number))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    said = backend.close()
    assert time.monotonic() - began < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10
    return said


def arrived_later(spool: Path, out: Path) -> list[int]:
    """The numbers that a collector gets from the next command."""
    with receiving(out) as collector:
        backend = Remote(f"{collector.endpoint}/v1/logs", spool, limit=1 << 20, patience=20)
        assert backend.close() == ""
        return [each["fields"]["number"] for path in out.glob("*.jsonl") for each in kept(path)]


def silence() -> Iterator[bytes]:
    yield from repeat(b"")


def once(content: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter((content,))


def endless(start: bytes, piece: bytes) -> Callable[[], Iterator[bytes]]:
    def answer() -> Iterator[bytes]:
        yield start
        yield from repeat(piece)

    return answer


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        (silence, 0.1),
        (endless(b"HTTP/1.1 200 OK\r\n", b"x"), 0.05),
        (endless(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"), 0.05),
        (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), 0.01),
        (endless(b"", b"\r\n"), 0.01),
        (endless(b"HTTP/1.1 200 ", PIECE), 0.0),
    ],
    ids=["never", "header byte by byte", "headers", "continue", "empty lines", "long status line"],
)
def test_an_answer_that_never_ends_is_given_up(
    answer: Callable[[], Iterator[bytes]], pause: float, tmp_path: Path
) -> None:
    with answering(answer, pause) as endpoint:
        said = said_by(f"http://127.0.0.1:{endpoint.port}/v1/logs", tmp_path / "spool")
    assert "did not take all messages" in said
    assert arrived_later(tmp_path / "spool", tmp_path / "out") == [0, 1, 2]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\xff" * 1000,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Encoding: gzip\r\n\r\nno gzip at all",
        b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 429 X\r\nRetry-After: Mon, 01 Jan 0001 00:00:00 +2359\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 429 X\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 X\r\nRetry-After: 1e300\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 401 X\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_endpoint_that_does_not_take_messages_loses_none(content: bytes, tmp_path: Path) -> None:
    def answer() -> Iterator[bytes]:
        yield content
        if b"Content-Length: 0" not in content:
            raise ConnectionError  # closes early

    with answering(answer) as endpoint:
        said = said_by(f"http://127.0.0.1:{endpoint.port}/v1/logs", tmp_path / "spool")
        assert endpoint.requests < 50
    if b" 200 OK" in content:  # it has said that they are taken
        assert said == ""
    else:
        assert "did not take all messages" in said
        assert arrived_later(tmp_path / "spool", tmp_path / "out") == [0, 1, 2]


@pytest.mark.parametrize("status", [200, 307, 400, 500])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_no_more_of_an_answer_is_read_than_is_needed(status: int, encoding: str, tmp_path: Path) -> None:
    start = f"HTTP/1.1 {status} X\r\nLocation: /\r\nContent-Encoding: {encoding}\r\n\r\n".encode()
    piece = PIECE if encoding == "identity" else gzip.compress(bytes(1 << 26), 1)
    with answering(endless(start, piece)) as endpoint:
        said = said_by(f"http://127.0.0.1:{endpoint.port}/v1/logs", tmp_path / "spool")
        assert endpoint.written < endpoint.requests * (16 << 20)
    assert said == "" if status == 200 else "did not take all messages" in said


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308, 399])
def test_a_redirection_is_not_followed_and_loses_no_message(status: int, tmp_path: Path) -> None:
    with receiving(tmp_path / "elsewhere") as other:
        head = f"HTTP/1.1 {status} X\r\nLocation: {other.endpoint}/v1/logs\r\nContent-Length: 0\r\n\r\n"
        with answering(once(head.encode())) as endpoint:
            said = said_by(f"http://127.0.0.1:{endpoint.port}/v1/logs", tmp_path / "spool")
        assert other.sink.received == 0
    assert f"did not take all messages (HTTP status {status}; name the address that it redirects to): " in said
    assert arrived_later(tmp_path / "spool", tmp_path / "out") == [0, 1, 2]


def test_a_connection_is_used_again(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n" + b'{"partialSuccess":{}}'
    with answering(once(head)) as endpoint:
        backend = Remote(f"http://127.0.0.1:{endpoint.port}/v1/logs", tmp_path / "spool", limit=1 << 20, patience=5)
        for number in range(3):
            backend.emit(message(number))
            time.sleep(0.5)
        assert backend.close() == ""
        assert endpoint.requests == 3
        assert endpoint.connections == 1


def test_user_and_password_of_an_address_are_not_shown(tmp_path: Path) -> None:
    said = said_by("http://me:s3cret@127.0.0.1:9/v1/logs?token=s3cret", tmp_path / "spool")
    assert said.startswith("http://…@127.0.0.1:9/v1/logs?… did not take all messages: ")
    with pytest.raises(InputError, match="is no address of a collector") as caught:
        endpoint_of(ToCollector(endpoint="ftp://me:s3cret@host"), {})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://me:s3cret@host/v1/logs",
        "http://s3cret@host/v1/logs",
        "http://me:a/s3cret@host/v1/logs",
        "http://me:a?s3cret@host/v1/logs",
        "http://me:a@s3cret@host/v1/logs",
        "me:s3cret@host/v1/logs",
        "http://host/v1/logs?key=s3cret",
    ],
)
def test_nothing_secret_is_left_of_an_address(url: str) -> None:
    assert "s3cret" not in shown_endpoint(url)
    assert "host/v1/logs" in shown_endpoint(url)
