"""A small collector for one's own fleet: OTLP logs over HTTP in, a JSONL file for each source out.

A request is answered once its messages are on disk, so a sender that gets no answer sends again; messages of a source
are told apart by their sequence numbers, written once and in order. After a kill the files say where each source
stands.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

import msgspec

from costmodel.errors import EnvironmentFault
from costmodel.records.message import Message, Severity
from costmodel.trace.message import stamped
from costmodel.trace.otlp import Received
from costmodel.trace.spool import Sent, Source

_NAMESPACE: Final = "trace.collect"
_TAIL: Final = 1 << 24  # bytes at the end of a file, where the last sequence number must be


class Full(Exception):  # noqa: N818 - it is no error of the program
    """The folder holds as much as it may."""


class Line(Message, frozen=True, kw_only=True):
    """A message as it is kept: a line that reads as `Message` too. `sequence` is 0 in the collector's own."""

    sequence: int = 0


class Collection:
    """The files of a folder, and what was added to them. Not to be shared between processes: the folder is locked.

    `received` counts messages kept, `repeated` those that were there already, `missing` the numbers that were never
    sent, which a sender's buffer dropped for want of room.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self.received = self.repeated = self.missing = 0
        self._guard = threading.Lock()
        self._last: dict[str, int] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._held = _lock(folder / ".lock")
            self.bytes = sum(path.stat().st_size for path in folder.glob("*.jsonl"))
        except OSError as error:
            raise EnvironmentFault(f"cannot write {folder}: {error.strerror or error}; name another folder") from error

    def add(self, messages: Iterable[Received]) -> None:
        """Write messages, and return once they are on disk. Full or OSError where they are not; a sender that sends
        them again loses nothing."""
        by_source: dict[str, list[Received]] = {}
        for message in messages:
            by_source.setdefault(message.source.name, []).append(message)
        with self._guard:
            for group in by_source.values():
                self._append(group[0].source, group)

    def _append(self, source: Source, messages: list[Received]) -> None:
        path = self.folder / f"{source.name}.jsonl"
        if source.name not in self._last:
            self._last[source.name] = self._resume(path)
        last = self._last[source.name]
        lines = [] if path.exists() else [_own("source", Severity.INFO, dict(source.resource))]
        received = repeated = missing = 0
        # A request has its records by namespace; the sequence is their order.
        for one in sorted(messages, key=lambda received: received.sent.sequence):
            sequence = one.sent.sequence
            if 0 < sequence <= last:
                repeated += 1
                continue
            if sequence > last + 1:
                missing += sequence - last - 1
                lines.append(_own("missing", Severity.WARNING, {"first": last + 1, "last": sequence - 1}))
            lines.append(_kept(one.sent))
            last = max(last, sequence)
            received += 1
        if received:
            self._write(path, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        self._last[source.name] = last
        self.received += received
        self.repeated += repeated
        self.missing += missing

    def _write(self, path: Path, content: bytes) -> None:
        if self.bytes + len(content) > self.limit:
            raise Full
        with path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                if file.write(content) != len(content):
                    raise OSError(errno.ENOSPC, "no room for all of it")
                os.fdatasync(file.fileno())
            except OSError:
                file.truncate(size)
                raise
        self.bytes += len(content)

    def _resume(self, path: Path) -> int:
        """The last sequence number in a file, whose last line is cut off if it is not whole."""
        if not path.exists():
            return 0
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            content = file.read()
            *lines, torn = content.split(b"\n")
            if torn:
                file.truncate(size - len(torn))
                self.bytes -= len(torn)
        for line in reversed(lines if size <= _TAIL else lines[1:]):
            try:
                sequence = msgspec.json.decode(line, type=Line).sequence
            except msgspec.MsgspecError as error:
                raise OSError(errno.EINVAL, "holds what no collector wrote", str(path)) from error
            if sequence:
                return sequence
        return 0

    def close(self) -> None:
        self._held.close()


def _own(kind: str, severity: Severity, fields: dict[str, object]) -> Line:
    """Something that the collector says of a source."""
    return _line(stamped(_NAMESPACE, kind, severity, fields), 0)


def _kept(sent: Sent) -> Line:
    return _line(sent.message, sent.sequence)


def _line(message: Message, sequence: int) -> Line:
    return Line(**msgspec.structs.asdict(message), sequence=sequence)


def _lock(path: Path) -> IO[bytes]:
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise EnvironmentFault(f"{path.parent} is being written by another collector; name another folder") from error
    return file
