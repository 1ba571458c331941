"""What the machine is that measures: only what stays the same from run to run."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Final

from costmodel.machine import build_info
from costmodel.records.run import Machine, core_list, identified
from costmodel.timing.clock import cpu_flags

# Of the many flags, those that decide which code libraries choose, or what the clock is worth.
_FLAGS: Final = frozenset(
    {
        *("constant_tsc", "nonstop_tsc", "rdtscp", "hypervisor"),
        *("adx", "bmi2", "avx2", "avx512f", "sha_ni", "vaes", "vpclmulqdq"),
        *("asimd", "sha2", "sha3"),
    }
)
_CPU_FIELDS: Final = (
    "vendor_id",
    "model name",
    "cpu family",
    "model",
    "stepping",
    "microcode",
    "CPU implementer",
    "CPU part",
)


def fingerprint(core: int) -> Machine:
    """The computer of a core, as far as it may change how long things take."""
    cpu = Path(f"/sys/devices/system/cpu/cpu{core}")
    threads = _line(cpu / "topology" / "thread_siblings_list")
    return identified(
        Machine(
            id="",
            architecture=platform.machine(),
            cpu=_cpu(),
            flags=tuple(sorted(cpu_flags() & _FLAGS)),
            cores=os.cpu_count(),
            smt=_line(Path("/sys/devices/system/cpu/smt/control")),
            threads_per_core=len(core_list(threads)) if threads else None,
            governor=_line(cpu / "cpufreq" / "scaling_governor"),
            boost=_line(Path("/sys/devices/system/cpu/cpufreq/boost")),
            isolated=_line(Path("/sys/devices/system/cpu/isolated")),
            clocksource=_line(Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")),
            aslr=_line(Path("/proc/sys/kernel/randomize_va_space")),
            kernel=platform.release(),
            virtualisation=_virtualisation(),
            memory_mib=_memory_mib(),
        )
    )


def versions(tool: str) -> dict[str, str]:
    """Versions of the tool, of the native build and of the libraries in it."""
    build = build_info()
    return {
        "calibrate": tool,
        "python": platform.python_version(),
        "native": build.source_sha256,
        "compiler": build.compiler,
        "flags": build.flags,
        "libraries": build.libraries,
    }


def _line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


def _cpu() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in (_line(Path("/proc/cpuinfo")) or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in _CPU_FIELDS:
            found.setdefault(name.strip(), value.strip())
    return found


def _virtualisation() -> str | None:
    if "hypervisor" not in cpu_flags():
        return None
    product = _line(Path("/sys/class/dmi/id/product_name"))
    return product or "hypervisor"


def _memory_mib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
