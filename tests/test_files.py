"""Files that are whole or absent."""

import errno
import io
import os
from pathlib import Path
from typing import IO, Any, cast

import pytest

from costmodel.errors import EnvironmentFault, InputError
from costmodel.files import append, new_folder, open_regular, write_atomically


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


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_not_read(device: str) -> None:
    """Of some there is no end."""
    with pytest.raises(InputError, match="not a regular file"):
        open_regular(Path(device))


def test_nothing_is_added_where_the_disk_takes_a_part_only(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\n")

    class Full(io.FileIO):
        def write(self, content: Any, /) -> int:
            if len(content) < 4:
                raise OSError(errno.ENOSPC, "full")
            return super().write(bytes(content)[:2]) or 0

    with Full(path, "ab") as file, pytest.raises(OSError, match="full"):
        append(cast("IO[bytes]", file), b"four\n")
    assert path.read_bytes() == b"one\n"


def test_a_folder_that_cannot_be_made_is_called_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match="file/folder: Not a directory"), new_folder(tmp_path / "file/folder"):
        pytest.fail("there is no such folder")
