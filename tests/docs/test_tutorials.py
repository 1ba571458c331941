"""The tutorials are followed to the letter, but for the time that a measurement may take."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.cli.command import ENVIRONMENT, MAIN

ROOT = Path(__file__).resolve().parents[2]
# A short measurement on a busy machine may be unfit, unsafe or inconclusive; none of these is a fault of the tutorial.
ANSWERS = {
    "doctor": {0, 1},
    "measure": {0, 3},
    "fit": {0, 1, 3},
    "report": {0},
    "params": {0},
    "eval": {0},
    "validate": {0, 1, 3},
}


def test_every_command_of_the_first_calibration_works_in_its_order(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "tutorials" / "first.md").read_text("utf-8")
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    # Whether so short a run gives a model is not the tutorial's to promise; the steps behind it must work anyhow.
    shutil.copy(ROOT / "models" / "reference.json", tmp_path / "model.json")
    commands = [
        line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines() if line
    ]
    assert commands[:2] == ["make setup", ". .venv/bin/activate"]
    followed = []
    for command in commands[2:]:
        name = command.split()[1]
        short = re.sub(r"--time-budget \d+s", "--time-budget 8s", command)
        # A shell, because the tutorial leaves the name of the run to its pattern.
        result = subprocess.run(
            ["/bin/sh", "-c", f'calibrate() {{ "$PYTHON" "$@"; }}; {short}'],
            env=ENVIRONMENT | {"PYTHON": str(launcher(tmp_path))},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert result.returncode in ANSWERS[name], f"{command}: {result.stderr}"
        assert "Traceback" not in result.stderr
        followed.append(name)
    assert followed == ["doctor", "measure", "fit", "report", "params", "eval", "validate"]
    assert (tmp_path / "page.html").stat().st_size > 10_000


def launcher(folder: Path) -> Path:
    """The command, as a file that a shell can call."""
    path = folder / "launch"
    if not path.exists():
        python, *arguments = MAIN
        quoted = " ".join(f"'{each}'" for each in arguments)
        path.write_text(f"#!/bin/sh\nexec '{python}' {quoted} \"$@\"\n")
        path.chmod(0o755)
    return path
