"""What optuna writes of its studies: one JSON object a line, in a file of the run's folder.

The folder's lock sees to it that nobody else writes. A line that a kill left unfinished is cut off. What a kill of the
machine can cost is the last second.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from optuna.storages.journal import BaseJournalBackend

from costmodel.errors import InputError
from costmodel.files import open_append, refuse

_SYNC_SECONDS: Final = 1.0
_MOST_BYTES: Final = 1 << 30


class StudyJournal(BaseJournalBackend):
    """The journal of all studies of a search."""

    def __init__(self, path: Path) -> None:
        """InputError where the file is no journal; EnvironmentFault where it cannot be written."""
        try:
            self._file = open_append(path)
            size = os.fstat(self._file.fileno()).st_size
            content = os.pread(self._file.fileno(), min(size, _MOST_BYTES), 0)
        except OSError as error:
            refuse("write", path, error)
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < size:
            os.ftruncate(self._file.fileno(), len(whole))
        try:
            self._logs: list[dict[str, Any]] = [json.loads(line) for line in whole.splitlines()]
        except ValueError as error:
            raise InputError(f"{path} is not a journal of a search: {error}") from None
        self._path = path
        self._synced = time.monotonic()

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        return self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = [json.dumps(log, separators=(",", ":")) for log in logs]
        try:
            self._file.write(("\n".join(lines) + "\n").encode())
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                self.sync()
        except OSError as error:
            refuse("write", self._path, error)
        self._logs += [json.loads(line) for line in lines]

    def sync(self) -> None:
        """Make what was written durable."""
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def close(self) -> None:
        self.sync()
        self._file.close()
