"""The command as its user runs it: a process of its own."""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

MAIN = [sys.executable, "-c", "from costmodel.cli import main; main()"]
ENVIRONMENT = os.environ | {"NO_COLOR": "1"}

Result = subprocess.CompletedProcess[str]

_ROOT = str(Path(__file__).resolve().parents[2])
_SERVER = f"import sys; sys.path.insert(0, {_ROOT!r}); from tests.cli.forked import serve; del sys.path[0]; serve()"


def calibrate(*arguments: str | Path) -> Result:
    """Runs a command to its end."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    given = [*map(str, arguments)]
    with tempfile.TemporaryDirectory(prefix="calibrate-") as folder:
        streams = [Path(folder, name) for name in ("stdout", "stderr")]
        for stream in streams:
            stream.touch()
        request = {"arguments": given, "folder": str(Path.cwd()), "environment": ENVIRONMENT}
        request |= {stream.name: str(stream) for stream in streams}
        print(json.dumps(request), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        return Result([*MAIN, *given], code, *(stream.read_text(encoding="utf-8") for stream in streams))


@functools.cache
def _server() -> subprocess.Popen[str]:
    """One for each process that runs tests, which ends with it."""
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    atexit.register(server.communicate)
    return server


def one_line(result: Result) -> str:
    """The complaint of a command that was refused: exit code 2, one line, nothing on stdout. Before it may be a line of
    progress, that something is being prepared."""
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if not line.endswith(": preparing")]
    assert len(lines) == 1, result.stderr
    return lines[0] + "\n"


def workers_of(process: int) -> list[int]:
    """The processes of the pool that a process has started."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has just ended
            found += [int(child) for child in (task / "children").read_text().split()]
    workers = []
    for each in found:
        with suppress(FileNotFoundError):  # likewise
            workers += [each] * (b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes())
    return workers
