"""The collector as its user runs it, and what it has written."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from costmodel.trace.collect import Line
from tests.cli.command import ENVIRONMENT, MAIN


class Collector:
    """A `calibrate trace collect` process, on a free port unless it is to take one."""

    def __init__(self, folder: Path, port: int = 0, *options: str) -> None:
        command = [*MAIN, "trace", "collect", str(folder), "--listen", f"127.0.0.1:{port}", "--json", *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line.startswith("calibrate: collecting on http://127.0.0.1:"), line
        self.port = int(line.split(":")[3].split()[0])

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def stop(self) -> dict[str, int]:
        """Ends it as Ctrl-C does: what it says it has received."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=30)
        assert self.process.returncode == 0
        counts: dict[str, int] = msgspec.json.decode(out)
        return counts


@contextmanager
def collecting(folder: Path, port: int = 0, *options: str) -> Iterator[Collector]:
    collector = Collector(folder, port, *options)
    try:
        yield collector
    finally:
        collector.kill()


def kept(path: Path) -> list[Line]:
    """What the collector wrote of one source, without its own remarks."""
    lines = [msgspec.json.decode(line, type=Line) for line in path.read_bytes().splitlines()]
    return [line for line in lines if line.sequence]
