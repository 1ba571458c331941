"""Formats of lines: upstream's Criterion CSV, the plain CSV, and what `go test -bench` prints.

A row of a Criterion CSV, as upstream's benchmarks of builtins write it, is `AddInteger/1/70,mean,lower bound,upper
bound,deviation,…` in seconds: the numbers after the name are the sizes of the arguments. What follows `#` is a comment.
Runs are appended to one file, so a header may come again."""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from costmodel.errors import InputError
from costmodel.files import open_regular
from costmodel.imports.measured import Measured, MeasurementFile, averaged, stated, time_in_ns

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
        with open_regular(path) as file:
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
        fields = _criterion_fields(line, where)
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


def _criterion_fields(line: str, where: str) -> list[str]:
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


_GO_LINE: Final = re.compile(r"(Benchmark\S*?)(?:-\d+)?\s+\d+\s+(.*)")
_GO_TIME: Final = re.compile(r"([0-9.eE+-]+) ns/op(?:\s|$)")
_GO_FACT: Final = re.compile(r"(goos|goarch|pkg|cpu): (.+)")
_PLAIN_COLUMNS: Final = ("builtin", "sizes", "ns")
_PLAIN_BOUNDS: Final = ("low_ns", "high_ns")


def read_text(path: Path, text: str) -> MeasurementFile:
    """What a file of lines holds; `text` is its content. InputError for a file of another kind."""
    lines = text.split("\n")
    first = next((line for line in map(_content, lines) if line), "")
    if any(_GO_LINE.match(line) or _GO_FACT.match(line) for line in lines):
        return read_go(path, lines)
    header = [field.strip() for field in first.split(",")]
    if _PLAIN_COLUMNS[0] in header:
        return MeasurementFile(path, "plain CSV", tuple(_plain(path, lines)))
    if header[0] in ("benchmark", "Name"):
        return read_criterion_csv(path)
    raise InputError(
        f"{path}: the format is not known: no JSON, no output of `go test -bench`, and no header such as "
        f"{','.join((*_PLAIN_COLUMNS, *_PLAIN_BOUNDS))} or benchmark,t,t.mean.lb,t.mean.ub"
    )


def read_criterion_csv(path: Path) -> MeasurementFile:
    """Upstream's Criterion CSV, whose bounds are of 95 %."""
    criterion = read_criterion(path)
    found = []
    for name, rows in criterion.rows.items():
        for row in rows:
            where = f"{path}, line {row.line}"
            if row.lower_us is None:
                raise InputError(f"{where}: the file has no lower bounds (t.mean.lb or MeanLB)")
            sized = "/".join((name, *map(str, row.sizes)))
            found.append(stated(sized, 1e3 * row.mean_us, 1e3 * row.lower_us, 1e3 * row.upper_us, where))
    return MeasurementFile(path, "Criterion CSV", tuple(found))


def read_go(path: Path, lines: list[str]) -> MeasurementFile:
    """The output of `go test -bench`: lines of one name, as `-count` gives them, are repetitions."""
    times: dict[str, list[float]] = defaultdict(list)
    first: dict[str, int] = {}
    facts: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if fact := _GO_FACT.fullmatch(line.strip()):
            facts[fact[1]] = fact[2]
        match = _GO_LINE.match(line.strip())
        if match is None:
            continue
        where = f"{path}, line {number}"
        time = _GO_TIME.search(match[2])
        if time is None:
            raise InputError(f"{where}: no time in ns/op")
        name = match[1].removeprefix("Benchmark").lstrip("/")
        times[name].append(time_in_ns(_number(time[1], where), "ns", where))
        first.setdefault(name, number)
    if not times:
        raise InputError(f"{path}: no benchmark in it; give the output of `go test -bench . -count 10`")
    measured = (averaged(name, each, f"{path}, line {first[name]}") for name, each in times.items())
    return MeasurementFile(path, "Go benchmarks", tuple(measured), facts)


def _plain(path: Path, lines: list[str]) -> Iterator[Measured]:
    header: list[str] = []
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"
        if not (content := _content(line)):
            continue
        fields = _fields(content, where)
        if not header:
            header = fields
            _check_header(header, where)
            continue
        if len(fields) != len(header):
            raise InputError(f"{where}: {len(fields)} fields where the header has {len(header)}")
        yield _plain_row(dict(zip(header, fields, strict=True)), where)


def _plain_row(row: Mapping[str, str], where: str) -> Measured:
    name = "/".join(part for part in (row["builtin"], row["sizes"].strip("/")) if part)
    ns = time_in_ns(_number(row["ns"], where), "ns", where)
    low, high = (row.get(bound, "") for bound in _PLAIN_BOUNDS)
    if bool(low) != bool(high):
        raise InputError(f"{where}: one bound without the other; give both low_ns and high_ns, or neither")
    if not low:
        return Measured(name, ns, None, where)
    return stated(name, ns, _number(low, where), _number(high, where), where)


def _check_header(header: list[str], where: str) -> None:
    known = (*_PLAIN_COLUMNS, *_PLAIN_BOUNDS)
    if missing := [name for name in _PLAIN_COLUMNS if name not in header]:
        raise InputError(f"{where}: the header has no column {missing[0]}; write {','.join(known)}")
    if unknown := [name for name in header if name not in known]:
        raise InputError(f"{where}: unknown column {unknown[0][:40]!r}; the columns are {', '.join(known)}")
    if len(set(header)) != len(header):
        raise InputError(f"{where}: the header has a column twice")


def _content(line: str) -> str:
    return line.split("#", 1)[0].strip()


def _fields(content: str, where: str) -> list[str]:
    try:
        return [field.strip() for field in next(csv.reader([content], strict=True))]
    except csv.Error as error:
        raise InputError(f"{where}: no CSV: {error}") from error


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {text[:40]!r} is no number")
    return value
