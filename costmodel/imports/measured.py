"""What every format comes down to: a benchmark's mean time with the 95 % interval of that mean, and from its name a
builtin and the sizes of its arguments.

A name is `[anything/]builtin[/size]…`, such as `addInteger/3/5`, `Builtins/AddInteger/x=3/y=5` or
`org.example.Bench.addInteger/3/5`. The builtin's name is told by its letters and digits alone, capital or not, so that
`Bls12_381_G1_add` and `bls12381G1Add` are the same. `Nop1` to `Nop6`, with a letter after them as upstream has them,
are builtins that do nothing."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Final

from scipy.special import ndtri, stdtrit

from costmodel.errors import InputError
from costmodel.files import read_bytes
from costmodel.plutus.builtins import BUILTIN_BY_NAME, BUILTINS

LEVEL: Final = 0.95
"""The confidence level of every interval, whatever the file's own was."""

MIN_NS: Final = 0.001
"""Below a picosecond no machine does anything: such a time is of another unit."""

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
    """A time. InputError, naming `where`, for another unit or what is no time."""
    if unit not in NS_PER:
        raise InputError(f"{where}: {unit[:20]!r} is no unit of time; use one of {', '.join(NS_PER)}")
    ns = value * NS_PER[unit]
    if not MIN_NS <= ns < MAX_NS:
        raise InputError(f"{where}: {value!r} {unit} is no time that a benchmark can take")
    return ns


def stated(name: str, ns: float, low_ns: float, high_ns: float, where: str, *, level: float = LEVEL) -> Measured:
    """A mean with the interval that the file states at a confidence `level`, brought to 95 % by the normal law.

    An interval of no width is none: nothing is known exactly. InputError where the interval does not hold the mean.
    """
    if not (math.isfinite(low_ns) and math.isfinite(high_ns) and low_ns <= ns <= high_ns):
        raise InputError(f"{where}: the bounds {low_ns:.6g} and {high_ns:.6g} ns do not hold the mean of {ns:.6g} ns")
    if not 0.5 <= level < 1:
        raise InputError(f"{where}: {level!r} is no confidence level from 0.5 to 1")
    if low_ns == high_ns:
        return Measured(name, ns, None, where)
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


OPAQUE: Final = "o"
"""The kind of no-op that is subtracted, as upstream does: its arguments are of no type that is looked at."""

_MAX_SIZE: Final = 2**63 - 1
_SIZE: Final = re.compile(r"(?:[A-Za-z_]\w{0,40}=)?(?:ExMemory )?(\d{1,19})")
_NOP: Final = re.compile(r"nop([1-6])([bico]?)")
_HEADER: Final = ["benchmark", "name"]


@dataclass(frozen=True, slots=True)
class NamedOperation:
    """What was timed: a builtin's name, or a no-op's such as nop2, and sizes in the builtin's own measures."""

    name: str
    sizes: tuple[int, ...]


def operation_of(name: str, names: Mapping[str, str]) -> NamedOperation | None:
    """The operation of a benchmark, by `names` if it is in there; None for one of no builtin's name."""
    parts = names.get(name, name).split("/")
    sizes: list[int] = []
    while parts and (match := _SIZE.fullmatch(parts[-1].strip())) and int(match[1]) <= _MAX_SIZE:
        sizes.insert(0, int(match[1]))
        parts.pop()
    key = _key(parts[-1].rpartition(".")[2]) if parts else ""
    if match := _NOP.fullmatch(key):
        return NamedOperation(f"nop{match[1]}", ()) if match[2] in ("", OPAQUE) else None
    return NamedOperation(_BUILTINS[key], tuple(sizes)) if key in _BUILTINS else None


def read_names(path: Path) -> dict[str, str]:
    """A CSV with the header benchmark,name: which benchmark of a file is to be taken for which name.

    InputError, naming the line, for another file, a name that is no builtin's, or a benchmark that comes twice.
    """
    found: dict[str, str] = {}
    headed = False
    try:
        rows = list(csv.reader(checked_text(read_bytes(path, MAX_FILE_BYTES), path).splitlines(), strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: no CSV: {error}") from error
    for number, row in enumerate(rows, start=1):
        where = f"{path}, line {number}"
        fields = [field.strip() for field in row]
        if not any(fields) or fields[0].startswith("#"):
            continue
        if not headed:
            headed = True
            if fields != _HEADER:
                raise InputError(f"{where}: the header must be {','.join(_HEADER)}")
            continue
        if len(fields) != len(_HEADER):
            raise InputError(f"{where}: {len(fields)} fields instead of {len(_HEADER)}")
        benchmark, name = fields
        if operation_of(name, {}) is None:
            raise InputError(f"{where}: {name[:80]!r} is no builtin with sizes, such as addInteger/3/5")
        if benchmark in found:
            raise InputError(f"{where}: {benchmark[:80]!r} comes twice")
        found[benchmark] = name
    if not headed:
        raise InputError(f"{path}: no header {','.join(_HEADER)}")
    return found


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_BUILTINS: Final = {_key(builtin.name): builtin.name for builtin in BUILTINS}
assert len(_BUILTINS) == len(BUILTIN_BY_NAME)  # noqa: S101 - no two names differ in punctuation alone
