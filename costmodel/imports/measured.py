"""What every format comes down to: a benchmark's mean time with the 95 % interval of that mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Final

from scipy.special import ndtri, stdtrit

from costmodel.errors import InputError

LEVEL: Final = 0.95
"""The confidence level of every interval, whatever the file's own was."""

MAX_NS: Final = 2**63 / 1000
"""Beyond this a time has no picoseconds in 64 bits."""

MAX_FILE_BYTES: Final = 256 * 2**20

NS_PER: Final[Mapping[str, float]] = {
    "ps": 1e-3,
    "ns": 1.0,
    "us": 1e3,
    "µs": 1e3,
    "μs": 1e3,
    "ms": 1e6,
    "s": 1e9,
    "min": 60e9,
    "hr": 3600e9,
    "day": 86400e9,
}
"""Units of time as benchmark tools write them."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One benchmark: its name, its mean time in ns, and the interval of that, None where the file tells none.

    `where` names the file and the place in it.
    """

    name: str
    ns: float
    interval_ns: tuple[float, float] | None
    where: str


@dataclass(frozen=True, slots=True)
class MeasurementFile:
    """What was read: the format, the measurements in the file's order, and what the file says of its machine."""

    path: Path
    format: str
    measured: tuple[Measured, ...]
    facts: Mapping[str, str] = field(default_factory=dict)


def time_in_ns(value: float, unit: str, where: str) -> float:
    """A positive time. InputError, naming `where`, for another unit or what is no time."""
    if unit not in NS_PER:
        raise InputError(f"{where}: {unit[:20]!r} is no unit of time; use one of {', '.join(NS_PER)}")
    ns = value * NS_PER[unit]
    if not 0 < ns < MAX_NS:
        raise InputError(f"{where}: {value!r} {unit} is no time that a benchmark can take")
    return ns


def stated(name: str, ns: float, low_ns: float, high_ns: float, where: str, *, level: float = LEVEL) -> Measured:
    """A mean with the interval that the file states at a confidence `level`, brought to 95 % by the normal law.

    InputError where the interval does not hold the mean.
    """
    if not (math.isfinite(low_ns) and math.isfinite(high_ns) and low_ns <= ns <= high_ns):
        raise InputError(f"{where}: the bounds {low_ns:.6g} and {high_ns:.6g} ns do not hold the mean of {ns:.6g} ns")
    if not 0.5 <= level < 1:
        raise InputError(f"{where}: {level!r} is no confidence level from 0.5 to 1")
    scale = float(ndtri(0.5 + LEVEL / 2) / ndtri(0.5 + level / 2))
    return Measured(name, ns, (ns - scale * (ns - low_ns), ns + scale * (high_ns - ns)), where)


def averaged(name: str, times_ns: Sequence[float], where: str) -> Measured:
    """The mean of repeated times with its Student interval; of a single one nothing tells the interval."""
    ns = fmean(times_ns)
    if len(times_ns) < 2:
        return Measured(name, ns, None, where)
    half = float(stdtrit(len(times_ns) - 1, 0.5 + LEVEL / 2)) * stdev(times_ns) / math.sqrt(len(times_ns))
    return Measured(name, ns, (ns - half, ns + half), where)


def checked_text(content: bytes, path: Path) -> str:
    """UTF-8 text. InputError, naming the line, for other bytes."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not UTF-8 text") from error
