"""Settings made right for a while, and put back whatever happens: by a guard process when this one ends or is killed,
and by the next run where the guard was killed too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from costmodel.doctor.settings import Host, hold, keep, put_back, settings
from costmodel.errors import EnvironmentFault, InputError
from costmodel.records.doctor import SettingChange
from costmodel.timing.backend import import_path, piped


@contextmanager
def tuned(host: Host, core: int) -> Iterator[list[SettingChange]]:
    """While inside, the settings are as a measurement on the core wants them; gives what was changed.

    EnvironmentFault where a setting cannot be made, or where another process has made some.
    """
    if not settings(host, core):
        yield []
        return
    with hold(host) as held:
        put_back(host)
        changes = [
            SettingChange(setting.name, str(setting.path.relative_to(host.sys)), before, setting.wanted)
            for setting in settings(host, core)
            if (before := setting.show()) not in (None, setting.wanted)
        ]
        if not changes:
            yield []
            return
        keep(host, changes)
        with _guarded(host, held):
            for setting in settings(host, core):
                if setting.show() != setting.wanted:
                    setting.set(setting.wanted)
            yield changes


@contextmanager
def _guarded(host: Host, held: IO[bytes]) -> Iterator[None]:
    """A guard that waits, with the lock in its hands too; it acts when the context is left. EnvironmentFault where it
    then fails."""
    command = [sys.executable, "-P", "-m", "costmodel.doctor.guard", str(host.sys), str(host.run)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(import_path())}
    with (
        tempfile.TemporaryFile() as complaints,
        piped(command, environment, complaints, start_new_session=True, pass_fds=[held.fileno()]) as guard,
    ):
        if guard.stdout is None or guard.stdin is None or guard.stdout.readline() != b"ready\n":
            raise EnvironmentFault("the process that puts settings back does not start; nothing was changed")
        try:
            yield
        finally:
            guard.stdin.close()
            failed = guard.wait()
        if failed:
            complaints.seek(0)
            said = complaints.read().decode("utf-8", "replace").strip()
            raise EnvironmentFault(f"settings were not put back: {said}; run calibrate doctor as root")


def run_command(command: Sequence[str]) -> int:
    """Run a command to its end; its exit code, or 128 and the signal that ended it. Ctrl-C reaches the command itself;
    SIGTERM is passed on."""
    try:
        child = subprocess.Popen(command)
    except OSError as error:
        raise InputError(f"cannot run {command[0]!r}: {error.strerror}") from error
    handlers = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: child.terminate()),
    }
    try:
        code = child.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
