"""Where data came from: size and hash of files, and of a run all that its making is known by."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import msgspec

from costmodel.errors import InputError


class FileFact(msgspec.Struct, frozen=True):
    """A file's size in bytes and the SHA-256 of its content, in hex."""

    bytes: int
    sha256: str


def file_fact(path: Path) -> FileFact:
    """Size and hash of a file, an input of a run or a part of it. InputError where it cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise InputError(f"cannot read {path}: it is no regular file")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return FileFact(file.tell(), digest)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
