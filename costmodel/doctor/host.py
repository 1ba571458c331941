"""Where a machine tells of itself: files of the kernel below three folders, which tests put elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
