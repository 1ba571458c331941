"""Messages that wait on disk for a collector: bounded, in order, and still there after a kill.

A spool is a folder of its own for each source (a process): `source.json` says who it is, `lock` is held while the
process lives, and numbered segments hold one line a message. A segment goes once all of it has been delivered, and the
last is emptied, so after a kill some messages are sent again, and the collector knows them by their sequence numbers.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Self

import msgspec

from costmodel.errors import DecodeError
from costmodel.records import decode_json
from costmodel.records.message import Message
from costmodel.trace.log import read_lines

SEGMENT_BYTES: Final = 1 << 18
_SOURCE, _LOCK, _SEGMENTS = "source.json", "lock", "*.jsonl"


class MessageSource(msgspec.Struct, frozen=True):
    """A process that says things: its name, and what it is, as OpenTelemetry's resource attributes."""

    name: str
    resource: dict[str, str]


class Sent(msgspec.Struct, frozen=True):
    """A message with its number among those of its source, from 1."""

    sequence: int
    message: Message


class Spool:
    """A queue of messages on disk. `put` may be called while another thread takes."""

    def __init__(self, folder: Path, source: MessageSource, held: IO[bytes], limit: int) -> None:
        self.folder, self.source, self.limit = folder, source, limit
        self._held = held
        self._guard = threading.Lock()
        self._file: IO[bytes] | None = None
        self._written = 0  # bytes of the segment that is being written
        self._segments: deque[Path] = deque(sorted(folder.glob(_SEGMENTS)))
        self._number = int(self._segments[-1].stem) if self._segments else 0
        self._loaded: deque[bytes] = deque()  # lines of the first segment that wait, up to where it was read
        self._offset = 0  # in the first segment, where reading goes on
        self.bytes = sum(path.stat().st_size for path in self._segments)

    @classmethod
    def create(cls, root: Path, source: MessageSource, limit: int) -> Self:
        """A spool for this process; `limit` is what it may hold, in bytes. OSError where `root` cannot be written."""
        folder = root / source.name
        folder.mkdir(parents=True, mode=0o700)
        held = _locked(folder / _LOCK)
        if held is None:  # nobody else knows of the folder yet
            raise BlockingIOError(f"{folder} is locked")
        (folder / _SOURCE).write_bytes(msgspec.json.encode(source))
        return cls(folder, source, held, limit)

    @classmethod
    def left_behind(cls, root: Path) -> Iterator[Self]:
        """The spools of processes that have ended without having delivered all."""
        for folder in sorted(path for path in root.iterdir() if (path / _SOURCE).is_file()):
            with suppress(OSError, DecodeError):  # it has been emptied since, or is none of ours
                source = decode_json((folder / _SOURCE).read_bytes(), MessageSource, _SOURCE)
                held = _locked(folder / _LOCK)
                if held is not None:
                    yield cls(folder, source, held, 0)

    def put(self, line: bytes, *, beyond: bool = False) -> bool:
        """Append a line; False where there is no room for it. `beyond` takes it beyond the limit all the same.

        OSError where the disk refuses; nothing of the line is kept then.
        """
        with self._guard:
            if self.bytes + len(line) > self.limit and not beyond:
                return False
            file = self._writable()
            try:
                written = file.write(line)
                if written != len(line):
                    raise OSError(errno.ENOSPC, "the disk took a part of a message")
            except OSError:
                with suppress(OSError):
                    file.truncate(self._written)
                raise
            self._written += len(line)
            self.bytes += len(line)
        return True

    def _writable(self) -> IO[bytes]:
        if self._file is None or self._written >= SEGMENT_BYTES:
            self._number += 1
            path = self.folder / f"{self._number:08d}.jsonl"
            file = path.open("ab", buffering=0)
            if self._file is not None:
                self._file.close()
            self._file, self._written = file, 0
            self._segments.append(path)
        return self._file

    def first(self, messages: int, size: int) -> list[bytes]:
        """The lines that have waited longest, up to so many and to `size` bytes; they stay until `delivered`."""
        with self._guard:
            if not self._loaded:
                self._load()
            chosen: list[bytes] = []
            for line in self._loaded:
                size -= len(line)
                if len(chosen) == messages or (chosen and size < 0):
                    break
                chosen.append(line)
            return chosen

    def _load(self) -> None:
        """Read on in the first segment, dropping those that have been delivered wholly."""
        while self._segments:
            path = self._segments[0]
            lines, self._offset = read_lines(path, self._offset)
            self._loaded.extend(lines)
            if lines or (len(self._segments) == 1 and self._file is not None and self._written < SEGMENT_BYTES):
                return
            # A torn last line is what a kill left: its message was never taken.
            self._drop(path)

    def _drop(self, path: Path) -> None:
        if len(self._segments) == 1 and self._file is not None:
            self._file.close()
            self._file = None
        self._segments.popleft()
        self._offset = 0
        path.unlink(missing_ok=True)

    def delivered(self, lines: list[bytes]) -> None:
        """The first lines have arrived."""
        with self._guard:
            for _ in lines:
                self._loaded.popleft()
            self.bytes -= sum(map(len, lines))
            if self.bytes == 0 and self._file is not None:
                # Nothing waits: give the room back at once, the disk may be full.
                with suppress(OSError):
                    self._file.truncate(0)
                    self._written = self._offset = 0

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
            if self._file is not None:
                self._file.close()
                self._file = None
            if not left:
                for name in (*self.folder.glob(_SEGMENTS), self.folder / _SOURCE, self.folder / _LOCK):
                    name.unlink(missing_ok=True)
                with suppress(OSError):
                    self.folder.rmdir()
            self._held.close()
        return left


def _locked(path: Path) -> IO[bytes] | None:
    """The file, locked until it is closed or the process has died; None where another process has it."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    if not path.exists() or os.fstat(file.fileno()).st_ino != path.stat().st_ino:  # emptied meanwhile
        file.close()
        return None
    return file
