"""Reading files within bounds, and writing them so that they are whole or absent."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO, Final, NoReturn

from costmodel.errors import EnvironmentFault, InputError

TEMPORARY_PREFIX = ".tmp-"

_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

MAX_BYTES: Final = 64 * 2**20
"""Of a file that is read whole."""


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular file. InputError where it cannot be read or has more than `limit` bytes."""
    try:
        with open_regular(path) as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > limit:
        size = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit} bytes"
        raise InputError(f"{path} is larger than {size}, the most that is read")
    return content


def open_regular(path: Path) -> BufferedReader:
    """A regular file, to read. OSError where it cannot be; InputError for anything else: a device may have no end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe is not waited for
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"cannot read {path}: it is not a regular file")
    return os.fdopen(descriptor, "rb")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, make it durable, and rename it. EnvironmentFault where that fails.

    What a link points to is written, and not the link; nothing but a regular file is ever replaced.
    """
    with opened_atomically(path) as file:
        file.write(content)


@contextmanager
def opened_atomically(path: Path) -> Iterator[IO[bytes]]:
    """As `write_atomically`, for what is written piece by piece: the file is there once all of it is."""
    path = _target(path)
    # Nobody can foresee the name, and O_EXCL does not follow a link that somebody put there nevertheless.
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | _NEW, 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            refuse("write", path, error)
        raise


def _target(path: Path) -> Path:
    """The file that a path stands for. EnvironmentFault for a folder, a device and the like."""
    # A rename would put a file in the place of a device such as /dev/null, for every process of the machine.
    real = Path(os.path.realpath(path))
    try:
        mode = real.lstat().st_mode
    except OSError:  # nothing is there yet, or the write will say what is wrong
        return real
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise EnvironmentFault(f"cannot write {path}: it is {what}; name a file")
    return real


def open_append(path: Path) -> IO[bytes]:
    """A file for adding to its end, unbuffered. OSError where it cannot be, and where `path` is a link."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o666), "ab", buffering=0)


def append(file: IO[bytes], content: bytes) -> None:
    """Add all of it to the end of a file of `open_append` or, where the disk takes a part only, none. OSError."""
    before = os.fstat(file.fileno()).st_size
    left = memoryview(content)
    try:
        while left:
            left = left[file.write(left) :]
    except BaseException:
        with suppress(OSError):
            file.truncate(before)
        raise


def make_folder(path: Path, *, parents: bool = True) -> None:
    """Make a folder that must not exist yet: FileExistsError where it does, EnvironmentFault where that fails."""
    try:
        path.mkdir(parents=parents)
    except FileExistsError:
        raise
    except OSError as error:
        refuse("make the folder", path, error)


def with_folder(path: Path) -> Path:
    """The path of a file to write, whose folder is made if it is not there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse("make the folder", path.parent, error)
    return path


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder under a temporary name, which becomes `path` at the end. It is removed where that is not reached."""
    temporary = path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        refuse("make the folder", path, error)
    try:
        yield temporary
        try:
            temporary.rename(path)
        except OSError as error:
            refuse("make the folder", path, error)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def lock(path: Path) -> IO[bytes]:
    """Take the lock that says a run has a writer; it goes with the file or the process, however that ends."""
    try:
        file = open_append(path)
    except OSError as error:
        refuse("write", path, error)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise EnvironmentFault(f"{path.parent} is being written by another process; wait for it or stop it") from error
    return file


def is_locked(path: Path) -> bool:
    """Whether some process of this machine holds the lock."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is none, or nobody here may know
        return False
    return False


def refuse(what: str, path: Path, error: OSError) -> NoReturn:
    """Turn a refusal of the system into the one line for the user."""
    raise EnvironmentFault(
        f"cannot {what} {path}: {error.strerror or error}; free space or choose another folder"
    ) from error
