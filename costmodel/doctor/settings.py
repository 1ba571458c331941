"""What can be set right without harm: each setting can show itself, and be set; what it was is put back by setting it.

Governor and turbo last until somebody sets them otherwise or the machine is booted, and no running program depends on
them. Taking a core offline or moving interrupts is left to the machine's owner.

What the settings were is kept in a file that a reboot removes, as it undoes the settings. Whoever changes settings
writes it first and holds its lock until all is put back. A file whose lock is free was left by a run of which every
process was killed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from costmodel.errors import DecodeError, EnvironmentFault, InputError
from costmodel.files import lock, make_folder, read_bytes, write_atomically
from costmodel.records import encode, parse
from costmodel.records.doctor import SavedSettings, SettingChange


@dataclass(frozen=True, slots=True)
class Host:
    """`sys` and `proc` are the kernel's; `run` is a folder that only its owner writes to and that a reboot empties."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    run: Path = Path("/run")

    def cpu(self, core: int) -> Path:
        """The folder of one core."""
        return self.sys / "devices/system/cpu" / f"cpu{core}"

    @property
    def cpus(self) -> Path:
        return self.sys / "devices/system/cpu"


def line(path: Path) -> str | None:
    """A file's text without the space around it; None where it is not there or not to be read, or is empty."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


_KNOWN: Final = re.compile(r"devices/system/cpu/(cpu\d+/cpufreq/scaling_governor|intel_pstate/no_turbo|cpufreq/boost)")


@dataclass(frozen=True, slots=True)
class Setting:
    """A file of the kernel with a value in it, and the value that steadies a measurement."""

    name: str
    path: Path
    wanted: str

    def show(self) -> str | None:
        """The value now; None where this machine has no such setting."""
        return line(self.path)

    def set(self, value: str) -> None:
        """EnvironmentFault where the kernel refuses."""
        try:
            # Not "w", which would make a file where there is none.
            with self.path.open("r+", encoding="utf-8") as file:
                file.truncate()
                file.write(value + "\n")
        except OSError as error:
            raise EnvironmentFault(
                f"cannot set {self.name} ({self.path}) to {value!r}: {error.strerror}; run as root"
            ) from error


def settings(host: Host, core: int) -> list[Setting]:
    """The settings that this machine has for a core, in the order in which they are to be made."""
    frequency = host.cpu(core) / "cpufreq"
    governors = (line(frequency / "scaling_available_governors") or "performance").split()
    known = [
        Setting("governor", frequency / "scaling_governor", "performance" if "performance" in governors else ""),
        Setting("turbo", host.cpus / "intel_pstate" / "no_turbo", "1"),
        Setting("turbo", host.cpus / "cpufreq" / "boost", "0"),
    ]
    return [setting for setting in known if setting.wanted and setting.show() is not None]


def known_setting(host: Host, path: str) -> bool:
    """Whether a path below `host.sys` is one of those that `settings` gives for some core."""
    return _KNOWN.fullmatch(path) is not None and (host.sys / path).exists()


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
    """Saved changes, empty where the file is missing. DecodeError where it has anything but known settings."""
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
            raise DecodeError(f"{path} names {change.path!r}, but this machine has no such setting; remove the file")
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
