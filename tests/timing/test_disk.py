"""A disk that is full, or that may not be written, while a run is measured."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from costmodel.errors import EnvironmentFault
from costmodel.records.run import RunStatus
from costmodel.runs.store import Run
from costmodel.timing.session import measure, resume
from tests.timing.programs import QUICK, by_time

ENDLESS = msgspec.structs.replace(QUICK, max_processes=1000, target_half_width=1e-9)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with room for the samples of a few processes."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=96k", "calibrate-test", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


def test_a_disk_that_fills_is_one_line_and_with_more_room_the_run_goes_on(disk: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"^cannot write .*: No space left on device; free space or [^\n]*$"):
        measure(ENDLESS, disk, "test", time_budget=60)
    (path,) = disk.iterdir()
    held = by_time(Run.open(path))
    assert len(held)
    assert Run.open(path).manifest.status is not RunStatus.COMPLETE
    assert not list(path.rglob(".tmp-*"))
    remount(disk, "size=50m")
    run = resume(path, time_budget=4)
    assert run.manifest.status is RunStatus.COMPLETE
    now = by_time(run)
    assert len(now) > len(held)
    assert now.head(len(held)).equals(held)


def test_a_disk_that_may_not_be_written_is_one_line(disk: Path) -> None:
    remount(disk, "ro")
    with pytest.raises(EnvironmentFault, match=r"^cannot make the folder .*: Read-only file system; free [^\n]*$"):
        measure(QUICK, disk, "test")
    assert not list(disk.iterdir())
