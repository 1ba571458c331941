"""What can be set right without harm: each setting can show itself, and be set; what it was is put back by setting it.

Governor and turbo last until somebody sets them otherwise or the machine is booted, and no running program depends on
them. Taking a core offline or moving interrupts is left to the machine's owner.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from costmodel.doctor.host import Host, line
from costmodel.errors import EnvironmentFault

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
