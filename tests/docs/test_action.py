"""action.yml as a workflow runs it: its script by bash, with what GitHub puts into the environment."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="comes with dask")

ROOT = Path(__file__).resolve().parents[2]
# Stands in for the command: writes down what it was given, and ends inconclusive.
STUB = '#!/bin/sh\nprintf "%s\\n" "$@" > given\nexit 3\n'


def action() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return document


def test_no_path_is_of_the_runner_host() -> None:
    """In a job's container, `github.workspace` and the like name folders that are not there."""
    assert "github.workspace" not in str(action())
    assert "github.action_path" not in str(action())


@pytest.mark.parametrize(("tolerance", "options"), [("", []), ("0.5% $(x)", ["--tolerance", "0.5% $(x)"])])
def test_check_writes_to_the_summary_and_passes_its_exit_code_on(
    tmp_path: Path, tolerance: str, options: list[str]
) -> None:
    given = {name: one.get("default", "") for name, one in action()["inputs"].items()}
    given |= {"baseline": "base line", "tolerance": tolerance}
    check = action()["runs"]["steps"][1]
    variables = {
        name: re.sub(r"\$\{\{ inputs\.(\S+) \}\}", lambda found: given[found[1]], text)
        for name, text in check["env"].items()
    }
    stub = tmp_path / ".venv" / "bin" / "calibrate"
    stub.parent.mkdir(parents=True)
    stub.write_text(STUB)
    stub.chmod(0o755)
    variables |= {"GITHUB_STEP_SUMMARY": "summary.md", "GITHUB_OUTPUT": "output"}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", check["run"]]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | variables, check=False)
    assert done.returncode == 3
    assert (tmp_path / "output").read_text() == "exit-code=3\n"
    assert (tmp_path / "drift-results").is_dir()
    arguments = (tmp_path / "given").read_text().splitlines()
    assert arguments[: 2 + len(options)] == ["drift", "base line", *options]
    assert arguments[2 + len(options) :][:2] == ["--markdown", "summary.md"]


def test_workflow_in_the_documentation_uses_inputs_that_there_are() -> None:
    text = (ROOT / "docs" / "drift.md").read_text()
    workflow = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    used = [step for job in workflow["jobs"].values() for step in job["steps"] if step.get("uses") == "./"]
    assert len(used) == 2
    for step in used:
        assert step["with"].keys() <= action()["inputs"].keys()
