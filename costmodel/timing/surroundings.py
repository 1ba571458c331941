"""What is around a measurement: the machine's fingerprint, of which only what stays the same from run to run, and what
a manager keeps off its measuring core and out of its writes while a session goes on."""

from __future__ import annotations

import os
import platform
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from costmodel.machine import build_info
from costmodel.records.run import Machine, core_list, identified
from costmodel.timing.clock import cpu_flags


@contextmanager
def signals_set(event: threading.Event) -> Iterator[None]:
    """While inside, Ctrl-C and SIGTERM set the event instead of raising in the middle of a write."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: event.set()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def other_threads_off(core: int) -> Iterator[None]:
    """While inside, no thread of this process runs on the measuring core, if there is another one to run on."""
    before = {}
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            before[int(task.name)] = os.sched_getaffinity(int(task.name))
    try:
        _set_affinity({thread: cores - {core} for thread, cores in before.items()})
        yield
    finally:
        _set_affinity(before)


def _set_affinity(cores_by_thread: Mapping[int, set[int]]) -> None:
    for thread, cores in cores_by_thread.items():
        if cores:
            with suppress(OSError):  # a thread that has ended since
                os.sched_setaffinity(thread, cores)


class CoreClaim:
    """Tells measurements on one core of each other, as they would slow each other down.

    The first holds a name in the kernel, which goes with its process; one that comes later finds it taken, and
    connects to it, which tells the first.
    """

    def __init__(self, core: int) -> None:
        name = f"\0calibrate core {core}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._shared = False
        try:
            self._socket.bind(name)
            self._socket.listen()
        except OSError:
            self._shared = True
            with suppress(OSError):  # the first has ended since, or has not begun to listen
                self._socket.connect(name)

    def is_shared(self) -> bool:
        """Whether another measurement ran on the core at any time since this one began."""
        if not self._shared:
            with suppress(OSError):  # nobody has come
                self._socket.accept()[0].close()
                self._shared = True
        return self._shared

    def close(self) -> None:
        self._socket.close()


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
