"""Messages that wait on disk for a collector: bounded, in order, and still there after a kill.

A spool is a folder of its own for each source (a process): `source.json` says who it is, `lock` is held while the
process lives, and numbered segments hold one line a message. A segment goes once all of it has been delivered, and the
last is emptied, so after a kill some messages are sent again, and the collector knows them by their sequence numbers.

Other users and programs may write where spools are. Only regular files of this user that can be segments are read or
removed: no link is followed, nothing is waited for, and whatever else is there stays as it is.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Self

import msgspec

from costmodel.errors import DecodeError
from costmodel.records import decode_json
from costmodel.records.message import Message

SEGMENT_BYTES: Final = 1 << 18
LARGEST_LINE: Final = 1 << 18
"""Bytes of one message: a collector refuses requests that are too large, and always will."""

_LARGEST_SEGMENT: Final = SEGMENT_BYTES + LARGEST_LINE  # what a segment may reach before the next is begun
_SOURCE, _LOCK = "source.json", "lock"
_SEGMENT: Final = re.compile(r"\d{8}\.jsonl")
_SOURCE_BYTES: Final = 1 << 16
_HELD: Final = 64  # spools of ended processes at a time: each takes a file of the process's share


class MessageSource(msgspec.Struct, frozen=True):
    """A process that says things: its name, and what it is, as OpenTelemetry's resource attributes."""

    name: str
    resource: dict[str, str]


class Sent(msgspec.Struct, frozen=True):
    """A message with its number among those of its source, from 1."""

    sequence: int
    message: Message


@dataclass(slots=True)
class _Segment:
    path: Path
    bytes: int


class Spool:
    """A queue of messages on disk. `put` may be called while another thread takes."""

    def __init__(self, folder: Path, source: MessageSource, held: IO[bytes], limit: int) -> None:
        self.folder, self.source, self.limit = folder, source, limit
        self._held = held
        self._guard = threading.Lock()
        self._closed = False
        self._file: IO[bytes] | None = None  # the last segment, while it is being written
        self._segments, self.foreign = _content(folder)
        """`foreign` are the names of what is in the folder and is none of a spool's."""
        self._number = 0
        self._loaded: deque[bytes] = deque()  # lines of the first segment that wait, up to where it was read
        self._offset = 0  # in the first segment, where reading goes on
        self.bytes = sum(segment.bytes for segment in self._segments)
        self.lost = 0
        """Bytes that were not delivered, and that somebody has taken out of the folder."""

    @classmethod
    def create(cls, root: Path, source: MessageSource, limit: int) -> Self:
        """A spool for this process; `limit` is what it may hold, in bytes. OSError where `root` cannot be written."""
        folder = root / source.name
        folder.mkdir(parents=True, mode=0o700)
        try:
            held = _locked(folder / _LOCK)
            if held is None:  # nobody else knows of the folder yet
                raise BlockingIOError(errno.EAGAIN, f"{folder} is locked")
            try:
                with _opened(folder / _SOURCE, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
                    content = msgspec.json.encode(source)
                    if file.write(content) != len(content):
                        raise OSError(errno.ENOSPC, "the disk took a part of a file")
            except BaseException:
                held.close()
                raise
        except BaseException:
            for name in (_SOURCE, _LOCK):
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()
            raise
        return cls(folder, source, held, limit)

    @classmethod
    def left_behind(cls, root: Path) -> Iterator[Self]:
        """Spools of this user's processes that have ended without having delivered all: the first of them, as there
        may be more than a process can hold."""
        yielded = 0
        for folder in sorted(_own_folders(root)):
            with suppress(OSError, DecodeError):  # it has been emptied since, or is none of ours
                source = decode_json(_source(folder), MessageSource, _SOURCE)
                held = _locked(folder / _LOCK)
                if held is None:
                    continue
                try:
                    spool = cls(folder, source, held, 0)
                except BaseException:
                    held.close()
                    raise
                yield spool
                yielded += 1
            if yielded == _HELD:
                return

    def put(self, line: bytes, *, beyond: bool = False) -> bool:
        """Append a line; False where there is no room for it. `beyond` takes it beyond the limit all the same.

        OSError where the disk refuses; nothing of the line is kept then.
        """
        with self._guard:
            if self.bytes + len(line) > self.limit and not beyond:
                return False
            file, segment = self._writable()
            try:
                written = file.write(line)
                if written != len(line):
                    raise OSError(errno.ENOSPC, "the disk took a part of a message")
            except OSError:
                with suppress(OSError):
                    file.truncate(segment.bytes)
                raise
            segment.bytes += len(line)
            self.bytes += len(line)
        return True

    def _writable(self) -> tuple[IO[bytes], _Segment]:
        if self._file is None or self._segments[-1].bytes >= SEGMENT_BYTES:
            self._number += 1  # also where somebody has taken the name
            path = self.folder / f"{self._number:08d}.jsonl"
            file = _opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)
            if self._file is not None:
                self._file.close()
            self._file = file
            self._segments.append(_Segment(path, 0))
        return self._file, self._segments[-1]

    def first(self, messages: int, size: int) -> list[bytes]:
        """The lines that have waited longest, up to so many and to `size` bytes; they stay until `delivered`."""
        with self._guard:
            if not self._loaded and not self._closed:
                self._load()
            chosen: list[bytes] = []
            for line in self._loaded:
                size -= len(line)
                if len(chosen) == messages or (chosen and size < 0):
                    break
                chosen.append(line)
            return chosen

    def _load(self) -> None:
        """Read on in the first segment, dropping those that have been delivered wholly. OSError."""
        while self._segments:
            segment = self._segments[0]
            try:
                lines = _lines(segment.path, self._offset)
            except FileNotFoundError:
                self.lost += segment.bytes - self._offset
                self._drop(segment)
                continue
            self._offset += sum(map(len, lines))
            self._loaded.extend(lines)
            if lines or (len(self._segments) == 1 and self._file is not None and segment.bytes < SEGMENT_BYTES):
                return
            # A torn last line is what a kill left: its message was never taken.
            self._drop(segment)

    def _drop(self, segment: _Segment) -> None:
        if len(self._segments) == 1 and self._file is not None:
            self._file.close()
            self._file = None
        self.bytes -= max(0, segment.bytes - self._offset)
        self._segments.popleft()
        self._offset = 0
        segment.path.unlink(missing_ok=True)

    def delivered(self, lines: list[bytes]) -> None:
        """The first lines have arrived."""
        with self._guard:
            if self._closed:
                return
            for _ in lines:
                self._loaded.popleft()
            self.bytes -= sum(map(len, lines))
            if self.bytes == 0 and self._file is not None:
                # Nothing waits: give the room back at once, the disk may be full.
                with suppress(OSError):
                    self._file.truncate(0)
                    self._segments[-1].bytes = self._offset = 0

    @property
    def empty(self) -> bool:
        return not self.first(1, 1)

    def close(self) -> int:
        """Let go of the spool; it goes, if it is empty. The number of bytes that stay."""
        try:
            left = 0 if self.empty else self.bytes
        except OSError:  # what cannot be read now may be another time
            left = self.bytes
        with self._guard:
            self._closed = True
            if self._file is not None:
                self._file.close()
                self._file = None
            if not left:
                self.lost += self.bytes  # cut off by somebody
                with suppress(OSError):
                    for path in (*(each.path for each in self._segments), self.folder / _SOURCE, self.folder / _LOCK):
                        path.unlink(missing_ok=True)
                    self.folder.rmdir()
            self._held.close()
        return left


def _own_folders(root: Path) -> Iterator[Path]:
    """Folders of this user; a link to one is none. OSError where the root cannot be read."""
    with os.scandir(root) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                    yield Path(entry.path)


def _content(folder: Path) -> tuple[deque[_Segment], list[str]]:
    """A spool's segments in their order, and the names of what is no file of a spool."""
    segments, foreign = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            state = entry.stat(follow_symlinks=False)
            if _SEGMENT.fullmatch(entry.name) and stat.S_ISREG(state.st_mode) and state.st_size <= _LARGEST_SEGMENT:
                segments.append(_Segment(Path(entry.path), state.st_size))
            elif entry.name not in (_SOURCE, _LOCK):
                foreign.append(entry.name)
    return deque(sorted(segments, key=lambda segment: segment.path.name)), sorted(foreign)


def _source(folder: Path) -> bytes:
    with _opened(folder / _SOURCE, os.O_RDONLY) as file:
        return file.read(_SOURCE_BYTES)


def _lines(path: Path, offset: int) -> list[bytes]:
    """Whole lines of a segment from `offset` on."""
    with _opened(path, os.O_RDONLY) as file:
        file.seek(offset)
        *lines, _ = file.read(_LARGEST_SEGMENT).split(b"\n")
    return [line + b"\n" for line in lines]


def _opened(path: Path, flags: int) -> IO[bytes]:
    """A regular file, unbuffered where it is written. OSError for anything else, which is neither followed nor waited
    for."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        return os.fdopen(descriptor, "rb") if flags == os.O_RDONLY else os.fdopen(descriptor, "ab", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


def _locked(path: Path) -> IO[bytes] | None:
    """The file, locked until it is closed or the process has died; None where another process has it."""
    file = _opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_ino == path.lstat().st_ino:
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        file.close()
        raise
    file.close()  # another process has it, or it was emptied meanwhile
    return None
