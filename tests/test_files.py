"""Files that are whole or absent."""

import os
from pathlib import Path

import pytest

from costmodel.errors import EnvironmentFault
from costmodel.files import write_atomically


def test_nothing_but_a_regular_file_is_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(EnvironmentFault, match="no regular file"):
        write_atomically(pipe, b"content")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="it is a folder"):
        write_atomically(tmp_path, b"content")


def test_what_a_link_points_to_is_written(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "target"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_link_to_a_device_does_not_replace_it(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    with pytest.raises(EnvironmentFault):
        write_atomically(link, b"content")
    assert pipe.is_fifo()
