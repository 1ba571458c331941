"""Builds of commits: taken out of git, built once, and kept."""

import subprocess
from pathlib import Path

import pytest

from costmodel.drift.check import baseline_path
from costmodel.drift.revisions import build_revision, revision_range
from costmodel.errors import EnvironmentFault, InputError
from costmodel.timing.duet import Build

SETUP = """
import sys
from pathlib import Path
target = Path(sys.argv[sys.argv.index("--build-lib") + 1]) / "costmodel"
target.mkdir(parents=True)
(target / "_native.so").write_text(Path("version").read_text())
"""


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    for version in ("one", "two"):
        (folder / "setup.py").write_text(SETUP)
        (folder / "version").write_text(version)
        git(folder, "add", ".")
        git(folder, "commit", "-qm", version)
        git(folder, "tag", version)
    (folder / "version").write_text("of the working tree")
    return folder


def test_commit_is_built_apart_from_the_working_tree(repository: Path, tmp_path: Path) -> None:
    made = {name: build_revision(repository, name, tmp_path / "cache") for name in ("one", "two")}
    assert {name: (path / "costmodel" / "_native.so").read_text() for name, path in made.items()} == {
        "one": "one",
        "two": "two",
    }
    assert Build.at(made["one"]).path == (str(made["one"]),)
    assert sorted(path.name[0] == "." for path in (tmp_path / "cache").iterdir()) == [False, False]


def test_build_is_kept(repository: Path, tmp_path: Path) -> None:
    made = build_revision(repository, "one", tmp_path / "cache")
    (made / "kept").touch()
    assert (build_revision(repository, "HEAD~1", tmp_path / "cache") / "kept").exists()


@pytest.mark.parametrize("revision", ["three", "--help", "one:version", "HEAD~9"])
def test_what_is_no_commit_is_refused(repository: Path, tmp_path: Path, revision: str) -> None:
    with pytest.raises(InputError, match="has no commit"):
        build_revision(repository, revision, tmp_path / "cache")


def test_commit_that_does_not_build_is_one_line_and_leaves_nothing(repository: Path, tmp_path: Path) -> None:
    (repository / "setup.py").write_text("raise SystemExit('no compiler')\n")
    git(repository, "commit", "-qam", "broken")
    with pytest.raises(EnvironmentFault, match="cannot build HEAD: no compiler"):
        build_revision(repository, "HEAD", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_repository_is_named(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "x").touch()
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    with pytest.raises(InputError, match="not a version of calibrate"):
        build_revision(tmp_path, "HEAD", tmp_path / "cache")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("main..HEAD", ("main", "HEAD")),
        ("v1.0..", ("v1.0", "HEAD")),
        ("origin/main..topic~2", ("origin/main", "topic~2")),
        ("main", None),
        ("../base", None),
        ("--help..HEAD", None),
        ("a b..c", None),
    ],
)
def test_range_is_told_from_a_path(text: str, expected: tuple[str, str] | None) -> None:
    assert revision_range(text) == expected


def test_bare_name_is_a_named_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert [baseline_path(name) for name in ("release-1", "here", "x.json", "a/b")] == [
        Path("baselines/release-1.json"),
        Path("here"),
        Path("x.json"),
        Path("a/b"),
    ]
