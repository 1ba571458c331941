"""A collector in a process of its own, and what it has written."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from tests.cli.command import ENVIRONMENT
from tests.trace.otlp_sink import Sink

ROOT = Path(__file__).resolve().parents[2]


class Collector:
    """An `otlp_sink` process, on a free port unless it is to take one."""

    def __init__(self, folder: Path, port: int = 0, *limit: str) -> None:
        command = [sys.executable, "-m", "tests.trace.otlp_sink", str(folder), str(port), *limit]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=ROOT)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()

    def stop(self) -> dict[str, int]:
        """Ends it as Ctrl-C does: what it received."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=30)
        counts: dict[str, int] = json.loads(out)
        return counts


@contextmanager
def collecting(folder: Path, port: int = 0, *limit: str) -> Iterator[Collector]:
    collector = Collector(folder, port, *limit)
    try:
        yield collector
    finally:
        collector.kill()


class Receiver:
    """A sink in a thread of this process: it is there at once."""

    def __init__(self, folder: Path) -> None:
        self.sink = Sink(folder, 0, 1 << 30)
        self.endpoint = f"http://127.0.0.1:{self.sink.server_port}"
        Thread(target=self.sink.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@contextmanager
def receiving(folder: Path) -> Iterator[Receiver]:
    receiver = Receiver(folder)
    try:
        yield receiver
    finally:
        receiver.sink.shutdown()
        receiver.sink.server_close()


def kept(path: Path) -> list[dict[str, Any]]:
    """What the collector wrote of one source."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]
