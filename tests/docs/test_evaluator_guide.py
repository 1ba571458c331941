"""The driver that the guide writes from scratch is one."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.cli.command import calibrate

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "evaluator.md"


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    """The guide's driver, in a file."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), flags=re.DOTALL)
    path = tmp_path / "my_driver.py"
    path.write_text(code, encoding="utf-8")
    return path


def test_the_guides_driver_passes_its_check(driver: Path) -> None:
    command = shlex.join([sys.executable, str(driver)])
    result = calibrate("evaluators", "check", command, "--json")
    assert result.returncode in (0, 1), result.stderr  # a busy machine may fail what times show
    found = {one["name"]: one for one in json.loads(result.stdout)["checks"]}
    for name in ("handshake", "refusals", "budget", "results", "threads"):
        assert found[name]["verdict"] == "ok", found[name]["found"]


def test_the_guides_driver_is_measured(driver: Path, tmp_path: Path) -> None:
    command = shlex.join([sys.executable, str(driver)])
    folder = tmp_path / "measurements"
    result = calibrate(
        *("measure", "--evaluator", command, "--experiment", "builtins", "--builtins", "sha2_256,chooseData"),
        *("--precision", "50%", "--time-budget", "12s", "--measurements", folder, "--json"),
    )
    measured = json.loads(result.stdout)
    assert measured["status"] == "complete", result.stderr
    assert not [reason for reason in measured["uncertain"].values() if reason.startswith("lost")]
