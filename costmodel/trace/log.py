"""Logs: files of messages, a line of JSON each, written as they come and read whatever became of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from costmodel.errors import DecodeError, EnvironmentFault, InputError
from costmodel.files import open_append
from costmodel.records import decode_json
from costmodel.records.message import LogSummary, Message
from costmodel.trace.trace import MessageTally, encoded

_LINE_LIMIT: Final = 1 << 24
"""Bytes of the longest line that is read."""

_NAMED: Final = 10  # damaged lines


@dataclass(slots=True)
class Log:
    """What a log holds. `damaged` names the first lines that are no message, with the reason, and `damage` counts them;
    `complete` bytes end with a whole line, and `torn` bytes follow, of a line that was cut short."""

    tally: MessageTally = field(default_factory=MessageTally)
    damaged: list[tuple[int, str]] = field(default_factory=list)
    damage: int = 0
    complete: int = 0
    torn: int = 0

    @property
    def summary(self) -> LogSummary:
        """What the messages add up to."""
        return self.tally.summary


def read_log(path: Path) -> Log:
    """A log. InputError where it cannot be read, or has a line that is longer than any message."""
    log = Log()
    for number, line in enumerate(_lines(path), start=1):
        if not line.endswith(b"\n"):
            log.torn = len(line)
            break
        log.complete += len(line)
        try:
            log.tally.add(decode_json(line, Message, f"line {number}"))
        except DecodeError as error:
            log.damage += 1
            if len(log.damaged) < _NAMED:
                log.damaged.append((number, str(error)))
    return log


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LINE_LIMIT):
                number += 1
                if len(line) == _LINE_LIMIT and not line.endswith(b"\n"):
                    raise InputError(f"{path} line {number} is longer than {_LINE_LIMIT} bytes")
                yield line
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


class JsonLines:
    """Appends to a file, a line a message, each handed to the system before `emit` returns.

    An existing file is continued: `summary` counts what it held already. A last line that a kill cut short is removed,
    and `torn` says how many bytes it had, for the caller to report. EnvironmentFault where the file cannot be written,
    InputError where it holds something else than messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = open_append(path)
        except OSError as error:
            self._fail(error)
        try:
            self.torn = self._read_back()
        except BaseException:
            self.close()
            raise

    def _read_back(self) -> int:
        """Count what the file holds, and cut off an unfinished line: its number of bytes."""
        log = read_log(self.path)
        self._tally = log.tally
        if log.damaged:
            number, reason = log.damaged[0]
            raise InputError(f"{self.path} line {number} is no message: {reason}")
        if log.torn:
            try:
                self._file.truncate(log.complete)
            except OSError as error:
                self._fail(error)
        return log.torn

    @property
    def summary(self) -> LogSummary:
        return self._tally.summary

    def emit(self, message: Message) -> None:
        line = encoded(message) + b"\n"
        try:
            while line:
                line = line[self._file.write(line) or 0 :]
        except OSError as error:
            self._fail(error)
        self._tally.add(message)

    def close(self) -> str:
        self._file.close()
        return ""

    def _fail(self, error: OSError) -> NoReturn:
        raise EnvironmentFault(
            f"cannot write {self.path}: {error.strerror}; free space or choose another folder"
        ) from error
