"""The command as its user runs it: a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

MAIN = [sys.executable, "-c", "from costmodel.cli import main; main()"]
ENVIRONMENT = os.environ | {"NO_COLOR": "1"}

Result = subprocess.CompletedProcess[str]


def calibrate(*arguments: str | Path) -> Result:
    """Runs a command to its end."""
    command = [*MAIN, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=ENVIRONMENT)


def one_line(result: Result) -> str:
    """The complaint of a command that was refused: exit code 2, one line, nothing on stdout."""
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr
