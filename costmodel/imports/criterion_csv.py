"""The rows of a Criterion CSV as upstream's benchmarks of builtins write it.

A row is `AddInteger/1/70,mean,lower bound,upper bound,deviation,…` in seconds: the numbers after the name are the sizes
of the arguments. What follows `#` is a comment. Runs are appended to one file, so a header may come again.
"""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from costmodel.errors import InputError

_MAX_FILE_BYTES = 256 * 2**20
_MAX_SECONDS = 2**63 / 1e12  # in picoseconds, the greatest cost there is
# Upstream's own column names, and those that Criterion gives.
_NAMES, _MEANS, _UPPER_BOUNDS = ("benchmark", "Name"), ("t", "Mean"), ("t.mean.ub", "MeanUB")
_LOWER_BOUNDS = ("t.mean.lb", "MeanLB")
# Sizes were written `ExMemory 12` until 2021. No size is more than the ledger's greatest integer, of 19 digits.
_BENCHMARK = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,99})((?:/(?:ExMemory )?[0-9]{1,19}){0,6})")


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """One benchmark: mean time and its 95 % interval, in µs; `lower_us` is None where the file has no such column.

    `line` is its line in the file, from 1.
    """

    line: int
    sizes: tuple[int, ...]
    mean_us: float
    upper_us: float
    lower_us: float | None = None


@dataclass(frozen=True, slots=True)
class CriterionRows:
    """The rows of a file by benchmark name, each name's ordered by sizes and times, whatever the file's order."""

    source: str
    sha256: str
    rows: Mapping[str, tuple[CriterionRow, ...]]


def read_criterion(path: Path) -> CriterionRows:
    """Read a Criterion CSV. InputError, naming the line, for what is no such file or no measured time."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot read the Criterion CSV: {error.strerror or error}") from error
    if len(raw) > _MAX_FILE_BYTES:
        raise InputError(f"{path}: a CSV of more than {_MAX_FILE_BYTES // 2**20} MiB is refused")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not UTF-8 text, so no Criterion CSV") from error
    rows: dict[str, list[CriterionRow]] = defaultdict(list)
    for name, row in _rows(text, path):
        rows[name].append(row)
    if not rows:
        raise InputError(f"{path}: no benchmark in it; give the CSV of upstream's cost-model benchmarks")
    ordered = {
        name: tuple(sorted(each, key=lambda row: (row.sizes, row.mean_us, row.upper_us))) for name, each in rows.items()
    }
    return CriterionRows(str(path), hashlib.sha256(raw).hexdigest(), ordered)


def _rows(text: str, path: Path) -> Iterator[tuple[str, CriterionRow]]:
    columns: tuple[int, int, int] | None = None
    lower: int | None = None
    width = 0
    for number, line in enumerate(text.split("\n"), start=1):
        where = f"{path}, line {number}"
        fields = _fields(line, where)
        if not fields:
            continue
        if fields[0] in _NAMES:
            columns, width = _columns(fields, where), len(fields)
            lower = _position(fields, _LOWER_BOUNDS)
            continue
        if columns is None:
            raise InputError(f"{where}: a row before any header such as {_NAMES[0]},{_MEANS[0]},{_UPPER_BOUNDS[0]}")
        if len(fields) != width:
            raise InputError(f"{where}: {len(fields)} fields where the header has {width}")
        name, mean, upper = (fields[column] for column in columns)
        match = _BENCHMARK.fullmatch(name)
        if match is None:
            raise InputError(f"{where}: {name[:80]!r} is no benchmark name such as AddInteger/1/70")
        sizes = tuple(int(part.removeprefix("ExMemory ")) for part in match[2].split("/")[1:])
        least = None if lower is None else _microseconds(fields[lower], where)
        yield match[1], CriterionRow(number, sizes, _microseconds(mean, where), _microseconds(upper, where), least)


def _fields(line: str, where: str) -> list[str]:
    content = line.split("#", 1)[0].strip()
    if not content:
        return []
    try:
        return [field.strip() for field in next(csv.reader([content], strict=True))]
    except csv.Error as error:
        raise InputError(f"{where}: no CSV: {error}") from error


def _columns(header: Sequence[str], where: str) -> tuple[int, int, int]:
    """Where a header has name, mean and upper bound."""
    found = []
    for names in (_NAMES, _MEANS, _UPPER_BOUNDS):
        position = _position(header, names)
        if position is None:
            raise InputError(f"{where}: the header has no column {' or '.join(names)}")
        found.append(position)
    return found[0], found[1], found[2]


def _position(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _microseconds(text: str, where: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < _MAX_SECONDS:
        raise InputError(f"{where}: {text[:40]!r} is no time in seconds")
    return seconds * 1e6
