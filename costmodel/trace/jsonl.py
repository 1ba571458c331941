"""Messages as lines of JSON in a file."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import msgspec

from costmodel.errors import EnvironmentFault, InputError
from costmodel.trace.message import Message, Summary

_LINE_LIMIT = 1 << 24
"""Bytes of the longest line that is read back."""


class JsonLines:
    """Appends to a file, a line a message, each handed to the system before `emit` returns.

    An existing file is continued: `summary` counts what it held already. A last line that a kill cut short is removed,
    and `torn` says how many bytes it had, for the caller to report. EnvironmentFault where the file cannot be written,
    InputError where it holds something else than messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = 0
        self._encoder = msgspec.json.Encoder()
        try:
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            self._fail(error)
        try:
            self.summary = self._read_back()
        except BaseException:
            self.close()
            raise

    def _read_back(self) -> Summary:
        summary = Summary()
        decoder = msgspec.json.Decoder(Message)
        self._file.seek(0)
        complete = number = 0
        with self.path.open("rb") as lines:
            while line := lines.readline(_LINE_LIMIT):
                if not line.endswith(b"\n"):
                    if len(line) == _LINE_LIMIT:
                        raise InputError(f"{self.path} line {number + 1} is longer than {_LINE_LIMIT} bytes")
                    self.torn = self._cut(complete)
                    break
                number += 1
                complete += len(line)
                try:
                    summary.add(decoder.decode(line))
                except msgspec.MsgspecError as error:
                    raise InputError(f"{self.path} line {number} is no message: {error}") from error
        return summary

    def _cut(self, size: int) -> int:
        """Shorten the file to `size` bytes; the number of bytes removed."""
        removed = self.path.stat().st_size - size
        try:
            self._file.truncate(size)
        except OSError as error:
            self._fail(error)
        return removed

    def emit(self, message: Message) -> None:
        line = self._encoder.encode(message) + b"\n"
        try:
            while line:
                line = line[self._file.write(line) or 0 :]
        except OSError as error:
            self._fail(error)
        self.summary.add(message)

    def close(self) -> None:
        self._file.close()

    def _fail(self, error: OSError) -> NoReturn:
        raise EnvironmentFault(
            f"cannot write {self.path}: {error.strerror}; free space or choose another folder"
        ) from error
