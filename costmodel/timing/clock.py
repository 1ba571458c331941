"""The clock of a session: which one, and how long its tick is."""

from __future__ import annotations

import errno
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from costmodel._native import ffi, lib
from costmodel.errors import EnvironmentFault, InputError
from costmodel.records.run import ClockRecord

ClockName: TypeAlias = Literal["tsc", "cntvct", "raw", "perf", "icount"]
CLOCKS: Final[tuple[ClockName, ...]] = get_args(ClockName)

INVARIANT_TSC: Final = {"constant_tsc", "nonstop_tsc"}
_CALIBRATION_NS: Final = 20_000_000  # the pair's window of some 50 ns is then under 3 ppm of the interval


@dataclass(frozen=True, slots=True)
class ClockReading:
    """A reading of the clock, in its ticks, and of CLOCK_MONOTONIC_RAW, in nanoseconds, at one moment."""

    ticks: int
    raw_ns: int


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Flags (x86) or features (arm64) of the first core, as the kernel names them; empty where it does not say."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def choose_clock() -> ClockName:
    """The hardware counter where its rate is constant and never stops, else CLOCK_MONOTONIC_RAW."""
    counter: str = ffi.string(lib.cal_clock_counter()).decode()
    if counter == "cntvct":
        return "cntvct"
    if counter == "tsc" and cpu_flags() >= INVARIANT_TSC:
        return "tsc"
    return "raw"


def clock_named(name: str | None) -> ClockName | None:
    """A clock's name, or None for the best. InputError for any other."""
    if name is not None and name not in CLOCKS:
        raise InputError(f"unknown clock {name!r}; known are {', '.join(CLOCKS)}")
    return name


def clock_facts(name: ClockName) -> ClockRecord:
    """What a manifest says of a clock: its name, and the unit of all times by it. EnvironmentFault where it is
    not to be had. `icount` is no clock that a process reads; `costmodel/timing/icount.py` speaks for it."""
    clock = Clock(name)
    return ClockRecord(name=clock.name, unit="ns" if clock.counts_time else "cycles")


class Clock:
    """A clock by name. EnvironmentFault where this build or machine does not have it.

    `perf` counts the cycles that the calling thread spends in user space; whatever else is said in nanoseconds is in
    cycles then.
    """

    def __init__(self, name: ClockName) -> None:
        if name not in ("raw", "perf", ffi.string(lib.cal_clock_counter()).decode()):
            raise EnvironmentFault(f"the clock {name} does not exist on {platform.machine()}; use raw")
        self.name = name
        self.counts_time = name != "perf"
        self.native: int = {"raw": lib.CAL_CLOCK_RAW, "perf": lib.CAL_CLOCK_PERF}.get(name, lib.CAL_CLOCK_COUNTER)
        if name == "perf" and (number := lib.cal_clock_perf_open(lib.CAL_PERF_CYCLES)):
            raise EnvironmentFault(_no_cycles(number))

    def read(self) -> ClockReading:
        pair = lib.cal_clock_read_pair(self.native)
        return ClockReading(pair.ticks, pair.raw_ns)

    def calibrate(self) -> tuple[ClockReading, float]:
        """A reading, and nanoseconds per tick as found over the next 20 ms."""
        first = self.read()
        if not self.counts_time:
            return first, 1.0
        last = first
        while last.raw_ns - first.raw_ns < _CALIBRATION_NS:
            last = self.read()
        return first, ns_per_tick(first, last)

    def spin_gap(self, ns: float, gap_ns: float, ns_per_tick: float) -> float:
        """Share of `ns` nanoseconds of spinning that was lost in gaps longer than `gap_ns`."""
        lost, elapsed = ffi.new("uint64_t *"), ffi.new("uint64_t *")
        native, tick = (self.native, ns_per_tick) if self.counts_time else (lib.CAL_CLOCK_RAW, 1.0)
        lib.cal_clock_spin(native, int(ns / tick), int(gap_ns / tick), lost, elapsed)
        return float(lost[0] / elapsed[0])


def _no_cycles(number: int) -> str:
    """Why cycles cannot be counted, from the system's error number, and what to change."""
    if number in (errno.EACCES, errno.EPERM):
        return (
            "the clock perf may not be used here: set kernel.perf_event_paranoid to 2 or less (sysctl), or grant "
            "CAP_PERFMON; or use another clock"
        )
    if number in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
        return (
            "the clock perf needs a PMU, and this machine shows none: enable it in the virtual machine's settings, or "
            "use another clock"
        )
    return f"the clock perf cannot be opened: {os.strerror(number)}; use another clock"


def ns_per_tick(first: ClockReading, last: ClockReading) -> float:
    """Length of a tick, from two readings."""
    return (last.raw_ns - first.raw_ns) / (last.ticks - first.ticks)
