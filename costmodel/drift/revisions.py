"""Builds of commits, `BASE..HEAD` of a git repository: of calibrate, each built once and kept, or of an evaluator."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from costmodel.errors import EnvironmentFault, InputError

_RANGE: Final = re.compile(r"(?P<base>[^\s.:~^-][^\s:]*?)\.\.(?P<head>[^\s.:-][^\s:]*)?")
_BUILD_SECONDS: Final = 1800
_MADE: Final = "package"


def revision_range(text: str) -> tuple[str, str] | None:
    """The two commits of `BASE..HEAD` (HEAD where none is given after the dots); None for what is no range."""
    match = _RANGE.fullmatch(text)
    return (match["base"], match["head"] or "HEAD") if match else None


def cache_folder() -> Path:
    """Where builds of commits are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "calibrate" / "builds"


def build_revision(repository: Path, revision: str, cache: Path) -> Path:
    """The folder with the package of a commit, built with this interpreter unless it is in the cache already.

    Nothing in the working tree is touched: the commit's files are taken out of git. InputError where the repository
    has no such commit, EnvironmentFault where it cannot be built.
    """
    commit = _commit(repository, revision)
    folder = cache / commit
    if (folder / _MADE).is_dir():
        return folder / _MADE
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".build-", dir=cache) as temporary:
            made = Path(temporary)
            _export(repository, commit, made / "source")
            _build(made, revision, repository)
            whole = made / "whole"
            whole.mkdir()
            (made / _MADE).rename(whole / _MADE)
            with suppress(OSError):  # another process may have built the same meanwhile
                whole.rename(folder)
    except OSError as error:
        raise EnvironmentFault(f"cannot build {revision} in {cache}: {error.strerror or error}") from error
    return folder / _MADE


@contextmanager
def built_checkout(repository: Path, revision: str, build: str) -> Iterator[Path]:
    """A temporary folder with the files of a commit, in which a command was run to build them.

    InputError where the repository has no such commit, or where there is no such command; EnvironmentFault where it
    fails.
    """
    command = _command(build)
    commit = _commit(repository, revision)
    with tempfile.TemporaryDirectory(prefix="calibrate-build-") as temporary:
        source = Path(temporary) / "source"
        _export(repository, commit, source)
        if command:
            try:
                _run(command, source, revision)
            except FileNotFoundError:
                raise InputError(f"--build {build!r}: there is no command {command[0]!r}") from None
            except OSError as error:
                raise EnvironmentFault(f"cannot build {revision}: {error.strerror or error}") from error
        yield source


def _command(build: str) -> list[str]:
    try:
        return shlex.split(build)
    except ValueError as error:
        raise InputError(f"--build {build!r} is no command: {error}") from None


def _commit(repository: Path, revision: str) -> str:
    """The full hash of a commit."""
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    found = _git(repository, asked)
    if found.returncode != 0:
        raise InputError(f"{repository} has no commit {revision!r}; fetch it, or name another")
    return found.stdout.decode().strip()


def _export(repository: Path, commit: str, target: Path) -> None:
    """The files of a commit."""
    with tempfile.TemporaryFile(dir=target.parent) as archive:
        done = subprocess.run(
            ["git", "-C", str(repository), "archive", "--format=tar", commit],
            stdout=archive,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode != 0:
            raise EnvironmentFault(f"git cannot give the files of {commit[:12]}: {_last_line(done.stderr)}")
        archive.seek(0)
        with tarfile.open(fileobj=archive) as files:
            files.extractall(target, filter="data")


def _build(made: Path, revision: str, repository: Path) -> None:
    source = made / "source"
    if not (source / "setup.py").is_file():
        raise InputError(f"{revision} of {repository} is not a version of calibrate: it has no setup.py")
    bundled = repository / "build" / "bundled"
    if bundled.is_dir():  # sources of bundled libraries by pinned hash, or they would be fetched again
        shutil.copytree(bundled, source / "build" / "bundled", symlinks=True)
    command = [sys.executable, "setup.py", "-q", "build", "--build-base", "work", "--build-lib", str(made / _MADE)]
    _run(command, source, revision)


def _run(command: list[str], folder: Path, revision: str) -> None:
    """Build. What is built may read nothing from the user, and says why it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_BUILD_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentFault(f"building {revision} took more than {_BUILD_SECONDS // 60} minutes") from None
    if done.returncode != 0:
        raise EnvironmentFault(f"cannot build {revision}: {_last_line(done.stderr or done.stdout)}")


def commit_of(repository: Path, revision: str) -> str:
    """The hash of a commit; empty where there is none, or no git."""
    try:
        return _commit(repository, revision)
    except InputError:
        return ""


def _git(repository: Path, arguments: list[str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-C", str(repository), *arguments],
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise EnvironmentFault(f"cannot run git: {error.strerror}; install it") from error


def _last_line(text: bytes) -> str:
    lines = [line for line in text.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it says nothing"
