"""Formats of lines: upstream's Criterion CSV, the plain CSV, and what `go test -bench` prints."""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from costmodel.errors import InputError
from costmodel.imports.criterion_csv import read_criterion
from costmodel.imports.measured import Measured, MeasurementFile, averaged, stated, time_in_ns

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
    if not header:
        raise InputError(f"{path}: no measurement in it")


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
