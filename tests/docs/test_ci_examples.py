"""The examples for GitHub, GitLab and Buildkite, their scripts run on the sample repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.comment_server import serving
from tests.docs.sample_repository import git, sample_repository
from tests.docs.workflow_job import ROOT, action, yaml

CI = ROOT / "examples" / "ci"
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
# Stands in for Buildkite's agent: keeps what it is told.
AGENT = '#!/bin/sh\necho "$@" > told\ncat > annotation.md\n'


def commit(folder: Path, revision: str) -> str:
    asked = ["git", "-C", str(folder), "rev-parse", revision]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return sample_repository(tmp_path / "sample")


def test_workflow_of_github_uses_inputs_that_there_are() -> None:
    workflow = yaml.safe_load((CI / "github" / "drift.yml").read_text())
    (step,) = [step for step in workflow["jobs"]["drift"]["steps"] if "calibrate" in step.get("uses", "")]
    assert step["with"].keys() <= action()["inputs"].keys()
    assert re.fullmatch(r"\$\{\{ \S+ \}\}\.\.\$\{\{ \S+ \}\}", step["with"]["baseline"])


def test_job_of_gitlab_fails_with_its_reports_and_comment(sample: Path) -> None:
    job = yaml.safe_load((CI / "gitlab" / ".gitlab-ci.yml").read_text())["drift"]
    shutil.copy(ROOT / "action" / "comment.py", sample)
    # A runner joins the lines of a script, and stops at the first that fails.
    script = "set -eo pipefail\n" + "\n".join(job["script"])
    with serving() as server:
        variables = {
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": commit(sample, "before"),
            "CI_COMMIT_SHA": commit(sample, "HEAD"),
            "CI_API_V4_URL": server.url,
            "CI_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_IID": "7",
            "GITLAB_TOKEN": "secret",
        }
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=sample,
            env={**os.environ, "PATH": PATH, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert "🔵 accepted" in server.comments[1]
    assert (
        "verdict=regressed\nexit_code=1\nregressed=1\n" in (sample / job["artifacts"]["reports"]["dotenv"]).read_text()
    )
    assert "<failure" in (sample / job["artifacts"]["reports"]["junit"]).read_text()
    assert [path for path in job["artifacts"]["paths"] if not (sample / path).stat().st_size] == []


def test_script_of_buildkite_annotates_the_build(sample: Path, tmp_path: Path) -> None:
    (step,) = yaml.safe_load((CI / "buildkite" / "pipeline.yml").read_text())["steps"]
    shutil.copy(CI / "buildkite" / "drift.sh", sample)
    agent = tmp_path / "bin" / "buildkite-agent"
    agent.parent.mkdir()
    agent.write_text(AGENT)
    agent.chmod(0o755)
    git(sample, "branch", "base", "before")
    git(sample, "remote", "add", "origin", str(sample))
    variables = {"BUILDKITE_PULL_REQUEST_BASE_BRANCH": "base", "BUILDKITE_COMMIT": commit(sample, "HEAD")}
    done = subprocess.run(
        ["bash", "-c", step["command"]],
        cwd=sample,
        env={**os.environ, "PATH": f"{agent.parent}:{PATH}", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert (sample / "told").read_text() == "annotate --context drift --style error\n"
    assert "🔴 regressed" in (sample / "annotation.md").read_text()
    for name in step["artifact_paths"].split(";"):
        assert (sample / name).stat().st_size
