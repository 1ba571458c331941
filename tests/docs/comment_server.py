"""A server that keeps comments as GitHub's and GitLab's do, with pages, for what writes them."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class CommentServer(ThreadingHTTPServer):
    """`comments` by number; `refuse` is a status that every request is answered with instead. `asked` are requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: dict[int, str] = {}
        self.refuse = 0
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: CommentServer

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - its name in the class
        pass

    def _answer(self) -> None:
        path = urlsplit(self.path)
        self.server.asked.append((self.command, path.path, dict(self.headers.items())))
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, found = self.server.refuse or 200, self._done(path.path, path.query, content)
        answer = json.dumps(found if status == 200 else {"message": "Resource not accessible"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815 - names of the library

    def _done(self, path: str, query: str, content: bytes) -> Any:
        comments = self.server.comments
        if self.server.refuse:
            return None
        if self.command == "GET":
            asked = {name: int(values[0]) for name, values in parse_qs(query).items()}
            first = asked["per_page"] * (asked["page"] - 1)
            return [{"id": key, "body": comments[key]} for key in sorted(comments)][first : first + asked["per_page"]]
        number = max(comments, default=0) + 1
        if self.command in ("PATCH", "PUT"):
            found = re.search(r"/(\d+)$", path)
            assert found is not None
            number = int(found[1])
            assert number in comments
        comments[number] = json.loads(content)["body"]
        return {"id": number}


@contextmanager
def serving() -> Iterator[CommentServer]:
    with CommentServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
