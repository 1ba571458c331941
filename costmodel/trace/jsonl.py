"""Messages as lines of JSON in a file."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import msgspec

from costmodel.errors import EnvironmentFault, InputError
from costmodel.files import open_append
from costmodel.records.message import Message, Summary
from costmodel.trace.log import read_log


class JsonLines:
    """Appends to a file, a line a message, each handed to the system before `emit` returns.

    An existing file is continued: `summary` counts what it held already. A last line that a kill cut short is removed,
    and `torn` says how many bytes it had, for the caller to report. EnvironmentFault where the file cannot be written,
    InputError where it holds something else than messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._encoder = msgspec.json.Encoder()
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
    def summary(self) -> Summary:
        return self._tally.summary

    def emit(self, message: Message) -> None:
        line = self._encoder.encode(message) + b"\n"
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
