"""What the settings were before they were changed: a file that a reboot removes, as it undoes the settings.

Whoever changes settings writes it first and holds its lock until all is put back. A file whose lock is free was left by
a run of which every process was killed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Final

from costmodel.doctor.host import Host
from costmodel.doctor.settings import Setting, known_setting
from costmodel.errors import DecodeError, EnvironmentFault, InputError
from costmodel.files import lock, make_folder, read_bytes, write_atomically
from costmodel.records import encode, parse
from costmodel.records.doctor import SavedSettings, SettingChange

_FOLDER: Final = "calibrate"
_STATE: Final = "settings.json"


def hold(host: Host) -> IO[bytes]:
    """The lock. EnvironmentFault where another process has it, or where this user may not write."""
    folder = host.run / _FOLDER
    with suppress(FileExistsError):
        make_folder(folder)
    return lock(folder / ".lock")


def keep(host: Host, changes: Sequence[SettingChange]) -> None:
    """Write down the changes that are about to be made."""
    write_atomically(host.run / _FOLDER / _STATE, encode(SavedSettings(changes=tuple(changes))))


def kept(host: Host) -> list[SettingChange]:
    """Saved changes, none where there is no file. DecodeError where it has anything but known settings."""
    path = host.run / _FOLDER / _STATE
    if not path.exists():
        return []
    try:
        content = read_bytes(path)
    except InputError as error:
        raise EnvironmentFault(f"{error}; run as root") from error
    try:
        changes = list(parse(content, str(path), SavedSettings).changes)
    except DecodeError as error:
        raise DecodeError(f"{path} does not say what the settings were: {error}; remove it") from error
    for change in changes:
        if not known_setting(host, change.path):
            raise DecodeError(f"{path} names {change.path!r}, which is no setting of this machine; remove it")
    return changes


def put_back(host: Host) -> list[SettingChange]:
    """Undo the changes written down, as far as they stand, the last first, and forget them. For the lock's holder."""
    changes = kept(host)
    for change in reversed(changes):
        setting = Setting(change.name, host.sys / change.path, change.after)
        if setting.show() == change.after:  # if it is anything else, somebody set it since
            setting.set(change.before)
    (host.run / _FOLDER / _STATE).unlink(missing_ok=True)
    return changes


def put_back_leftovers(host: Host) -> list[SettingChange]:
    """`put_back` of what a killed run left; nothing where there is none, or where its run still goes on."""
    if not kept(host):
        return []
    try:
        held = hold(host)
    except EnvironmentFault:
        return []
    with held:
        return put_back(host)
