"""The folder of a proposal and its zip: written with the same bytes each time, read as untrusted input.

`SHA256SUMS` lists every other file, so that `sha256sum -c SHA256SUMS` checks a folder without this program.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final

from costmodel.errors import InputError
from costmodel.files import open_regular, opened_atomically, read_bytes, write_atomically

SUMS: Final = "SHA256SUMS"

MOST_FILES: Final = 10_000
MOST_BYTES: Final = 8 << 30  # of all files together
_DEEPEST: Final = 6
_CHUNK: Final = 1 << 20
_LINE: Final = re.compile(r"([0-9a-f]{64})  (\S.*)")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
_MODE: Final = (stat.S_IFREG | 0o644) << 16
_UNIX: Final = 3


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS of everything else in a folder."""
    lines = [f"{digest(folder / name)}  {name}\n" for name in files_in(folder) if name != SUMS]
    write_atomically(folder / SUMS, "".join(lines).encode())


def write_zip(folder: Path, target: Path) -> None:
    """Write the files of a folder as a zip. Nothing is compressed again, as bytes would depend on the compressor."""
    with opened_atomically(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in files_in(folder):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr, entry.create_system = _MODE, _UNIX
            with (folder / name).open("rb") as content, archive.open(entry, "w", force_zip64=True) as member:
                shutil.copyfileobj(content, member, _CHUNK)


def files_in(folder: Path) -> tuple[str, ...]:
    """Names of all files below a folder, sorted. InputError for links, for what is no regular file, and for more files,
    bytes or levels than a proposal has."""
    found: list[str] = []
    size = 0
    for place, folders, names in os.walk(folder, followlinks=False, onerror=_unreadable):
        below = Path(place).relative_to(folder)
        if len(below.parts) > _DEEPEST:
            raise InputError(f"{place}: a proposal has no folders that deep")
        for name in (*folders, *names):
            status = (Path(place) / name).lstat()
            if stat.S_ISLNK(status.st_mode):
                raise InputError(f"{Path(place) / name} is a link; a proposal holds regular files only")
            if stat.S_ISDIR(status.st_mode):
                continue
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{Path(place) / name} is not a regular file")
            size += status.st_size
            found.append((below / name).as_posix())
        if len(found) > MOST_FILES or size > MOST_BYTES:
            raise InputError(f"{folder} holds more than {MOST_FILES:,} files or {MOST_BYTES >> 30} GiB")
    return tuple(sorted(found))


def read_sums(folder: Path) -> dict[str, str]:
    """What SHA256SUMS says of each file. InputError where it is malformed or names something outside of the folder."""
    path = folder / SUMS
    try:
        text = read_bytes(path).decode("ascii")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a list of checksums: it has bytes that are not ASCII") from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or not _is_inside(match[2]) or match[2] in found:
            raise InputError(f"{path} line {number} is not a checksum and the name of a file in the folder")
        found[match[2]] = match[1]
    return found


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex. InputError where it cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """The folder of a proposal, be it one or a zip of one. InputError for anything else."""
    if path.is_dir():
        files_in(path)
        yield path
        return
    if not path.exists():
        raise InputError(f"{path} does not exist; name the folder or the zip of a proposal")
    with tempfile.TemporaryDirectory(prefix="calibrate-proposal-") as folder:
        _unzip(path, Path(folder))
        yield Path(folder)


def _unzip(path: Path, folder: Path) -> None:
    """Unpack within bounds: the sizes that the zip states are summed first, and not believed while reading."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise InputError(f"{path} holds more than {MOST_FILES:,} files or {MOST_BYTES >> 30} GiB")
            if len(set(names)) < len(names):
                raise InputError(f"{path} holds two files of one name")
            for entry in entries:
                kind = stat.S_IFMT(entry.external_attr >> 16)
                if not _is_inside(entry.filename) or kind not in (0, stat.S_IFREG) or entry.flag_bits & 1:
                    raise InputError(f"{path} holds {entry.filename[:80]!r}, which is no file of a proposal")
                target = folder / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as member, target.open("xb") as unpacked:
                    _copy(member, unpacked, entry.file_size, f"{path}: {entry.filename}")
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"{path} is not a zip of a proposal: {' '.join(str(error).split()) or error!r}") from error


def _copy(source: IO[bytes], target: IO[bytes], size: int, where: str) -> None:
    left = size
    while chunk := source.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise InputError(f"{where} is larger than the zip says")
        target.write(chunk)


def _is_inside(name: str) -> bool:
    """Whether a name is that of a file in the folder."""
    parts = PurePosixPath(name).parts
    return (
        bool(parts)
        and len(parts) <= _DEEPEST
        and len(name) < 512
        and name.isprintable()
        and "\\" not in name
        and not name.startswith("/")
        and not name.endswith("/")
        and not any(part in ("..", ".") for part in name.split("/"))
        and PurePosixPath(name).as_posix() == name
    )


def _unreadable(error: OSError) -> None:
    raise InputError(f"cannot read {error.filename}: {error.strerror}") from error
