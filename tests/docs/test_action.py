"""action.yml as a workflow runs it, on a repository that is not calibrate's."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.comment_server import CommentServer, serving
from tests.docs.sample_repository import sample_repository
from tests.docs.workflow_job import ROOT, Job, action

INPUTS = {
    "calibrate": str(Path(sys.executable).with_name("calibrate")),
    "evaluator": "python3 driver.py",
    "contracts": "contracts",
    "metrics": "cpu,memory",
}
# Stands in for the command: writes down what it was given, and ends as if the usage were wrong.
STUB = '#!/bin/sh\n[ "$1" = --version ] && exit 0\nprintf "%s\\n" "$@" > given\necho "it is wrong" >&2\nexit 2\n'


@pytest.fixture
def server() -> Iterator[CommentServer]:
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def slower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_repository(tmp_path_factory.mktemp("slower") / "sample")


def job(repository: Path, url: str = "", **inputs: str) -> Job:
    given = INPUTS | {name.replace("_", "-"): text for name, text in inputs.items()}
    event = {"pull_request.number": "7"} if url else {}
    return Job(repository, given | {"token": "the token"}, event, {"GITHUB_API_URL": url}).run()


def test_no_path_is_of_the_runner_host() -> None:
    """In a job's container, `github.workspace` and the like name folders that are not there."""
    assert "${{ github.workspace" not in (ROOT / "action.yml").read_text()
    assert "${{ github.action_path" not in (ROOT / "action.yml").read_text()


def test_inputs_reach_scripts_as_variables_only() -> None:
    assert [step["name"] for step in action()["runs"]["steps"] if "${{" in step.get("run", "")] == []


def test_planted_regression_is_told_everywhere(slower: Path, server: CommentServer) -> None:
    server.comments = dict.fromkeys(range(1, 131), "hello")
    done = job(slower, server.url, baseline="before..HEAD")
    assert done.code == 1
    assert (done.outputs["verdict"], done.outputs["exit-code"]) == ("regressed", "1")
    counts = {name: done.outputs[name] for name in ("regressed", "improved", "unchanged", "inconclusive")}
    assert counts == {"regressed": "2", "improved": "0", "unchanged": "4", "inconclusive": "0"}
    errors = [line for line in done.log.splitlines() if line.startswith("::error")]
    assert sorted(line.partition("::regressed")[0] for line in errors) == [
        "::error title=Drift%3A closures cpu",
        "::error title=Drift%3A factorial cpu",
    ]
    comment = server.comments[131]
    assert comment.startswith("<!-- calibrate: drift -->\n### Drift check (deterministic): regressed")
    for place in (comment, done.summary):
        assert "| factorial cpu | 🔴 regressed |" in place
    assert server.asked[-1][2]["Authorization"] == "Bearer the token"
    ((name, artifact),) = done.uses
    assert name.startswith("actions/upload-artifact@")
    kept = {path.name for path in (slower / artifact["path"]).iterdir()}
    assert {"page.html", "verdict.json", "summary.md", "junit.xml", "bencher.json", "benchmark.json"} <= kept
    assert "something became slower" in (slower / artifact["path"] / "page.html").read_text("utf-8")
    assert json.loads((slower / artifact["path"] / "verdict.json").read_text())["evaluator"] == "sample 1.0"


def test_accepted_regression_passes_with_its_reason(slower: Path) -> None:
    inputs = {"operations": "factorial", "limits": "limits.toml", "comment": "", "artifact": ""}
    done = job(slower, baseline="before..HEAD", **inputs)
    assert done.code == 0, done.log
    assert (done.outputs["verdict"], done.outputs["accepted"]) == ("unchanged", "1")
    assert "::notice title=Drift%3A factorial cpu::accepted" in done.log
    assert "each closure has its own copy" in done.summary
    assert done.uses == []


def test_inputs_are_options_and_stay_texts(tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.write_text(STUB)
    stub.chmod(0o755)
    text = "$(touch hit); `touch hit` \" '"
    known = {name: f"--{name} {text}" for name in action()["inputs"] if name not in ("calibrate", "results", "comment")}
    workspace = tmp_path / "work space"
    workspace.mkdir()
    done = Job(workspace, known | {"calibrate": str(stub), "model": f"a b.json\n{text}\n"}).run()
    assert not (workspace / "hit").exists()
    given = (workspace / "given").read_text().splitlines()
    options = {"time-budget": "--time-budget", "fail": "--tolerance", "inconclusive-exit-code": "--inconclusive"}
    options |= {
        name: f"--{name}" for name in ("evaluator", "build", "operations", "metrics", "warn", "limits", "history")
    }
    options["contracts"] = "--workload"
    assert given[1 : 1 + len(options)] == sorted(given[1 : 1 + len(options)], key=given.index)
    assert {f"{option}=--{name} {text}" for name, option in options.items()} <= set(given)
    assert given[-4:] == ["--", f"--baseline {text}", "a b.json", text]
    assert (done.code, done.outputs["verdict"], done.outputs["exit-code"]) == (2, "error", "2")
    assert "::error title=Drift::the check could not be made (exit code 2)" in done.log


def commented(summary: Path, *key: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "action" / "comment.py"), str(summary), *key],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def summary(tmp_path: Path) -> Path:
    path = tmp_path / "summary.md"
    path.write_text("first\n")
    return path


def on_github(server: CommentServer) -> dict[str, str]:
    repository = {"GITHUB_REPOSITORY": "someone/sample", "GITHUB_TOKEN": "t", "PULL_REQUEST": "7"}
    return {"GITHUB_API_URL": server.url, **repository}


def on_gitlab(server: CommentServer) -> dict[str, str]:
    request = {"CI_PROJECT_ID": "5", "CI_MERGE_REQUEST_IID": "7", "GITLAB_TOKEN": "t"}
    return {"CI_API_V4_URL": f"{server.url}/api/v4", **request}


@pytest.mark.parametrize("system", [on_github, on_gitlab])
def test_comment_is_written_once_and_then_renewed(
    summary: Path, server: CommentServer, system: Callable[[CommentServer], dict[str, str]]
) -> None:
    server.comments = dict.fromkeys(range(1, 101), "a page full; <!-- calibrate: drift -->")
    for text, key in (("first", "drift"), ("second", "drift"), ("third", "another")):
        summary.write_text(text)
        assert commented(summary, key, **system(server)).returncode == 0
    assert [server.comments[number] for number in range(101, 103)] == [
        "<!-- calibrate: drift -->\nsecond",
        "<!-- calibrate: another -->\nthird",
    ]
    assert len(server.comments) == 102


def test_requests_are_those_of_the_two_systems(summary: Path, server: CommentServer) -> None:
    for system in (on_github, on_gitlab):
        server.comments, server.asked = {}, []
        for _ in range(2):
            commented(summary, **system(server))
        found = [f"{method} {path}" for method, path, _ in server.asked if method != "GET"]
        github = ["POST /repos/someone/sample/issues/7/comments", "PATCH /repos/someone/sample/issues/comments/1"]
        notes = "/api/v4/projects/5/merge_requests/7/notes"
        assert found == (github if system is on_github else [f"POST {notes}", f"PUT {notes}/1"])


def test_comment_that_cannot_be_written_is_one_line(summary: Path, server: CommentServer) -> None:
    def line(summary: Path, *key: str, **environment: str) -> str:
        done = commented(summary, *key, **environment)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        return done.stderr

    server.refuse = 403
    assert "403" in line(summary, **on_github(server))
    assert "GITHUB_API_URL is empty" in line(summary)
    assert "the key '--> x'" in line(summary, "--> x", **on_github(server))
    assert "absent.md" in line(summary.with_name("absent.md"), **on_github(server))
    assert server.comments == {}
