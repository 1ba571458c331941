"""The HTTP side of the collector: OTLP log requests in protobuf, bounded in size, number and time."""

from __future__ import annotations

import io
import threading
import time
import zlib
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6, socket
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from costmodel.errors import EnvironmentFault
from costmodel.trace.collect import Collection, Full
from costmodel.trace.otlp import from_request

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

REQUEST_BYTES: Final = 4 << 20
"""The largest request that is taken, before and after decompression."""

_PATH: Final = "/v1/logs"
_CONTENT: Final = "application/x-protobuf"
_CONNECTIONS: Final = 64
_IDLE_SECONDS: Final = 20.0  # between two requests on a connection
_REQUEST_SECONDS: Final = 20.0  # for a request, from its first byte on: some 200 KB a second for the largest
_INFLATE: Final = {"gzip": 31, "deflate": 15}  # zlib's window bits for the names of HTTP


class _Refused(Exception):  # noqa: N818 - an answer, no error of the program
    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Receiver(ThreadingHTTPServer):
    """Listens on an address. `say` takes a line whenever the collection begins or ceases to refuse messages.

    EnvironmentFault where the address cannot be had.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, collection: Collection, say: Callable[[str], None]) -> None:
        self.collection, self._say = collection, say
        self._open = 0  # connections
        self._guard = threading.Lock()
        self.decoding = threading.Lock()  # one at a time: a request takes many times its size while it is read
        self.refusing = ""
        self.address_family = AF_INET6 if ":" in host else AF_INET
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise EnvironmentFault(f"cannot listen on {host}:{port}: {error}; choose another address") from error

    @property
    def crowded(self) -> bool:
        """Whether a sender should come again rather than hold its connection: others are waiting for a place."""
        return self._open > _CONNECTIONS // 2

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            taken = self._open < _CONNECTIONS
            self._open += taken
        if taken:
            super().process_request(request, client_address)
        else:  # senders come again
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                self._open -= 1

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """A connection that broke is the sender's to make anew."""

    def note(self, refusing: str) -> None:
        """Say why messages are refused, once, and when they are taken again."""
        if refusing != self.refusing:
            self.refusing = refusing
            self._say(refusing or "messages are taken again")


class _Timed(io.RawIOBase):
    """What comes in on a connection. A request that trickles in for too long is a TimeoutError, as is a silence."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection
        self._until: float | None = None

    def begin(self) -> None:
        """Wait for the first byte of a request."""
        self._until = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        left = _IDLE_SECONDS if self._until is None else self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        count = self._connection.recv_into(buffer)
        if self._until is None:
            self._until = time.monotonic() + _REQUEST_SECONDS
        return count


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    server_version = "calibrate"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._timed = _Timed(self.connection)
        self.rfile = io.BufferedReader(self._timed)

    def handle_one_request(self) -> None:
        self._timed.begin()
        super().handle_one_request()

    def do_POST(self) -> None:
        try:
            self._take(self._body())
            self._answer(HTTPStatus.OK, _CONTENT, ExportLogsServiceResponse().SerializeToString())
        except _Refused as refused:
            # What is left of the request is not read, so nothing can follow it on this connection.
            self.close_connection = True
            self._answer(refused.status, "text/plain; charset=utf-8", f"{refused}\n".encode())

    def _body(self) -> bytes:
        if self.path.partition("?")[0] != _PATH:
            raise _Refused(HTTPStatus.NOT_FOUND, f"logs are posted to {_PATH}")
        if self.headers.get_content_type() != _CONTENT:
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {_CONTENT}")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "say how long the request is")
        if len(length) > 9 or int(length) > REQUEST_BYTES:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"send {REQUEST_BYTES} bytes at most")
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            raise _Refused(HTTPStatus.BAD_REQUEST, "the request was cut short")
        return _inflated(body, self.headers.get("Content-Encoding", "identity").lower())

    def _take(self, body: bytes) -> None:
        try:
            with self.server.decoding:
                self.server.collection.add(from_request(ExportLogsServiceRequest.FromString(body)))
        except (DecodeError, UnicodeError, RecursionError) as error:
            raise _Refused(HTTPStatus.BAD_REQUEST, "that is no request of OTLP logs") from error
        except Full as error:
            limit = self.server.collection.limit
            self.server.note(f"{self.server.collection.folder} holds {limit} bytes, its limit; messages are refused")
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the collector is full") from error
        except OSError as error:
            where = error.filename or self.server.collection.folder
            self.server.note(f"cannot write {where}: {error.strerror}; messages are refused")
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the collector cannot write") from error
        self.server.note("")

    def _answer(self, status: HTTPStatus, content: str, body: bytes) -> None:
        self.close_connection |= self.server.crowded
        self.send_response(status)
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server has
        """Says nothing of single requests."""


def _inflated(body: bytes, encoding: str) -> bytes:
    if encoding == "identity":
        return body
    if encoding not in _INFLATE:
        raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send gzip, deflate or no compression")
    stream = zlib.decompressobj(_INFLATE[encoding])
    try:
        content = stream.decompress(body, REQUEST_BYTES)
    except zlib.error as error:
        raise _Refused(HTTPStatus.BAD_REQUEST, f"that is no {encoding}") from error
    if not stream.eof:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too long when decompressed, or cut short")
    return content
