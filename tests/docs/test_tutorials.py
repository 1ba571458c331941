"""The tutorials are followed to the letter, but for the time that a measurement may take."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.package_copy import copy_of_package

ROOT = Path(__file__).resolve().parents[2]
SET_UP = ["make setup", ". .venv/bin/activate"]
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
GIT = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
# A short measurement on a busy machine may be unfit, unsafe or inconclusive; none of these is a fault of the tutorial.
PERHAPS = {0, 1, 3}


class Done(NamedTuple):
    """A command of calibrate, what it ended with and what it printed."""

    command: str
    code: int
    output: str


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files of a clone that tutorials use; what they write lies beside them."""
    folder = tmp_path / "clone"
    (folder / "measurements").mkdir(parents=True)
    for name in ("docs", "examples", "models", "measurements/reference"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def commands(page: str) -> list[str]:
    """Those of a tutorial behind its first block, which sets the clone up."""
    text = (ROOT / "docs" / "tutorials" / page).read_text("utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines() if line]
    assert lines[:2] == SET_UP
    return lines[2:]


def follow(page: str, folder: Path, variables: dict[str, str] | None = None, *, setup: str = "false") -> list[Done]:
    """Gives every command of a tutorial to a shell in the folder that the last `cd` went to; `setup` is what compiles.
    Commands that are not calibrate's must succeed."""
    followed: list[Done] = []
    for command in commands(page):
        short = re.sub(r"--time-budget \d+s", "--time-budget 4s", command)
        short = setup if command == "make setup" else short
        result = subprocess.run(
            ["/bin/sh", "-c", short],
            env=os.environ | GIT | {"NO_COLOR": "1", "PATH": PATH} | (variables or {}),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert "Traceback" not in result.stderr, command
        if not command.startswith("calibrate "):
            assert result.returncode == 0, f"{command}: {result.stderr} after {followed}"
            if command.startswith("cd "):
                folder = folder / command.removeprefix("cd ")
            continue
        followed.append(Done(command, result.returncode, result.stdout + result.stderr))
        stand_in(command, folder)
    return followed


def stand_in(command: str, folder: Path) -> None:
    """Whether so short a run gives a model is not a tutorial's to promise; the steps behind it must work anyhow. The
    stand-in's bytes are its own, since parity takes no file twice."""
    written = re.search(r"^calibrate fit .*--out (\S+)", command)
    if written and not (folder / written[1]).exists():
        reference = json.loads((ROOT / "models" / "reference.json").read_text("utf-8"))
        (folder / written[1]).write_text(json.dumps(reference), "utf-8")


def expect(followed: list[Done], *expected: tuple[str, set[int]]) -> None:
    """Each command, by its first words, ended with one of the exit codes."""
    assert [done.command.split()[1] for done in followed] == [name for name, _ in expected]
    for done, (_, codes) in zip(followed, expected, strict=True):
        assert done.code in codes, f"{done.command}: {done.code}: {done.output}"


def test_first_calibration(clone: Path) -> None:
    followed = follow("first.md", clone)
    expect(
        followed,
        ("doctor", PERHAPS),
        ("measure", {0, 3}),
        ("fit", PERHAPS),
        ("report", {0}),
        ("params", {0}),
        ("eval", {0}),
        ("validate", PERHAPS),
    )
    assert (clone / "page.html").stat().st_size > 10_000


def test_your_evaluator(clone: Path) -> None:
    followed = follow("evaluator.md", clone)
    expect(
        followed,
        ("evaluators", {0, 1}),  # a busy machine may fail what times show
        ("evaluators", {1}),
        ("measure", {0, 3}),
        ("fit", PERHAPS),
        ("validate", PERHAPS),
        ("parity", {0}),
    )
    driver, mistaken = followed[0].output, followed[1].output
    for name in ("handshake", "refusals", "budget", "results", "threads"):
        assert re.search(rf"^{name} +ok", driver, re.MULTILINE), driver
    assert re.search(r"^kept results +bad", mistaken, re.MULTILINE), mistaken
    (manifest,) = (clone / "my-evaluator" / "runs").glob("*/manifest.json")
    uncertain = json.loads(manifest.read_text("utf-8"))["uncertain"]
    assert [reason for reason in uncertain.values() if reason.startswith("lost")] == []
    assert (clone / "my-evaluator" / "driver.py").read_text() == (ROOT / "examples/evaluator/driver.py").read_text()


def test_your_builtin(tmp_path: Path) -> None:
    clone = copy_of_package(tmp_path / "clone")
    (clone / "examples").symlink_to(ROOT / "examples")
    # Without optimisation, the counting of what programs do takes longer than a compiler that optimises a little.
    variables = {"PYTHONPATH": str(clone), "CALIBRATE_CFLAGS": "-O1 -g0"}
    followed = follow(
        "builtin.md", clone, variables, setup=f"{sys.executable} setup.py -q build_ext --inplace --parallel 2"
    )
    expect(
        followed,
        ("eval", {1}),
        ("measure", {0, 3}),
        ("fit", PERHAPS),
        ("eval", {0, 1}),
        ("memory", {0}),
        ("report", {0}),
    )
    assert "the budget ran out" in followed[0].output
    fit, priced = followed[2], followed[3]
    if fit.code == 0:
        assert "sumOfBytes-cpu-arguments-" in fit.output
        assert priced.output.startswith("(program 1.1.0 (con integer 6))")
    assert "exact" in followed[4].output


def test_a_proposal(clone: Path) -> None:
    followed = follow("proposal.md", clone)
    expect(
        followed,
        ("fit", {0}),
        ("params", {0}),
        ("impact", {0}),
        ("validate", PERHAPS),
        ("params", {1}),
        ("propose", {1}),
        ("propose", {0}),
        ("propose", {1}),
    )
    assert "decision: not usable" in followed[5].output
    assert "everything is as computed again" in followed[6].output
    assert "arrays/PlutusV3.json" in followed[7].output


def test_drift(clone: Path, tmp_path: Path) -> None:
    followed = follow("drift.md", clone)
    codes = [{1}, {1, 3}, {1}, {0}, {0}, {0}, {0}, {1}]  # the second is timed
    expect(followed, *(("drift", each) for each in codes), ("report", {0}))
    last = [done.output.strip().splitlines()[-1] for done in followed[:4]]
    assert last[0].startswith("regressed: 2 regressed, 4 unchanged")
    assert last[2].startswith("regressed: 1 regressed, 5 unchanged (1 accepted)")
    assert "2 accepted" in last[3]
    assert (tmp_path / "sample" / "page.html").stat().st_size > 10_000
