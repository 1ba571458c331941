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
from costmodel.files import append, open_append, read_bytes, refuse
from costmodel.records import decode_json

_SYNC_SECONDS: Final = 1.0
_MOST_BYTES: Final = 1 << 30


class StudyJournal(BaseJournalBackend):
    """The journal of all studies of a search."""

    def __init__(self, path: Path) -> None:
        """InputError where the file is no journal; EnvironmentFault where it cannot be written."""
        try:
            self._file = open_append(path)
        except OSError as error:
            refuse("write", path, error)
        try:
            content = read_bytes(path, _MOST_BYTES)
            whole = content[: content.rfind(b"\n") + 1]
            where = f"{path}, which is not a journal of a search"
            self._logs = [decode_json(line, dict[str, Any], where) for line in whole.splitlines()]
            if not whole and content[:1] not in (b"", b"{"):
                raise InputError(f"{path} is not a journal of a search")
            if len(whole) < len(content):  # not before it is known what is cut
                os.ftruncate(self._file.fileno(), len(whole))
        except BaseException:
            self._file.close()
            raise
        self._path = path
        self._synced = time.monotonic()

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        return self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = [json.dumps(log, separators=(",", ":")) for log in logs]
        try:
            append(self._file, ("\n".join(lines) + "\n").encode())
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
