"""From files of measurements to a run that `fit`, `compare` and `report` read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from costmodel import __version__
from costmodel.errors import InputError
from costmodel.files import read_bytes
from costmodel.imports.json_formats import read_json
from costmodel.imports.measured import (
    MAX_FILE_BYTES,
    Measured,
    MeasurementFile,
    NamedOperation,
    checked_text,
    operation_of,
)
from costmodel.imports.text_formats import read_text
from costmodel.plutus import LedgerLanguage
from costmodel.records.measurement import Import
from costmodel.records.run import ClockRecord, FileFact, ImportOutcome, ImportParameters, Machine, RunStatus, identified
from costmodel.runs.bounds import BOUNDS, CLOCK, Bounds, bounds_parquet
from costmodel.runs.design import Cell, Plan
from costmodel.runs.store import Run, RunWriter, file_fact
from costmodel.runs.tables import Sample
from costmodel.trace import JsonLines, Route, Trace

EXPERIMENT: Final = "imported"

_MAX_FILES: Final = 20_000
_MAX_NAME: Final = 200
_JSON_STARTS: Final = b"[{"
_NO_BOUNDS: Final = "the source gives no interval"


@dataclass(frozen=True, slots=True)
class ImportOrigin:
    """Whose measurements these are, as the user says: the evaluator, its version, and the machine.

    Sizes are taken to be in the measures of `language` at `protocol_version`.
    """

    evaluator: str
    version: str
    machine: str
    language: LedgerLanguage
    protocol_version: int


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files that were named and, of each folder, those that criterion.rs and uplc-evaluator leave there: links are
    not followed. InputError for a folder without any, and for a file that comes twice."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        below = sorted(file for file in _walked(path) if _is_result(file))
        if not below:
            raise InputError(f"{path}: no new/estimates.json and no *.result.json below it; name files")
        found += below
    known: set[Path] = set()
    for path in found:
        if (real := path.resolve()) in known:
            raise InputError(f"{path} is named twice; its times would count as repetitions of themselves")
        known.add(real)
    return found


def _walked(path: Path) -> list[Path]:
    files = []
    for folder, _, names in os.walk(path, followlinks=False):
        files += [each for name in names if not (each := Path(folder) / name).is_symlink()]
        if len(files) > _MAX_FILES:
            raise InputError(f"{path}: more than {_MAX_FILES:,} files below it; name the folder of the benchmarks")
    return files


def _is_result(file: Path) -> bool:
    return (file.name == "estimates.json" and file.parent.name == "new") or file.name.endswith(".result.json")


def read_source(path: Path) -> MeasurementFile:
    """The measurements in a file, whose format its content tells. InputError, with file and line, where it is none."""
    content = read_bytes(path, MAX_FILE_BYTES)
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in [bytes([start]) for start in _JSON_STARTS]:
        found = read_json(path, content.removeprefix(b"\xef\xbb\xbf"))
    else:
        found = read_text(path, checked_text(content, path))
    if not found.measured:
        raise InputError(f"{path}: no measurement in it")
    return found


def import_runs(
    paths: Sequence[Path],
    root: Path,
    origin: ImportOrigin,
    *,
    names: Mapping[str, str],
    names_file: Path | None = None,
    command_line: Sequence[str] = (),
) -> Run:
    """Read the files and write a complete run below `root`.

    `names` says for benchmarks of other names which ones are meant. InputError where a file is malformed, or where no
    benchmark is a builtin's.
    """
    for what, text in (("evaluator", origin.evaluator), ("version", origin.version), ("machine", origin.machine)):
        if not text.strip() or not text.isprintable() or len(text) > _MAX_NAME:
            raise InputError(
                f"{text[:40]!r} is no name of {what}; use up to {_MAX_NAME} characters that can be printed"
            )
    files = files_of(paths)
    inputs = {str(path): file_fact(path) for path in (*files, *([names_file] if names_file else ()))}
    sources = [read_source(path) for path in files]
    named = [(each, operation_of(each.name, names)) for source in sources for each in source.measured]
    known = [(each, operation) for each, operation in named if operation is not None]
    if not any(not operation.name.startswith("nop") for _, operation in known):
        raise InputError(
            f"{files[0]}: no benchmark of a builtin, but e.g. {named[0][0].name[:80]!r}; "
            "names are such as addInteger/3/5, and --names says what others mean"
        )
    left_out = Counter(each.name.split("/")[0] for each, operation in named if operation is None)
    cells = _cells([operation for _, operation in known], origin)
    facts: dict[str, str] = {}
    for source in sources:
        facts |= source.facts
    writer = RunWriter.create(
        root,
        EXPERIMENT,
        Plan(cells=tuple(cells), core=0),
        machine=identified(Machine(id="", name=origin.machine, cpu=facts)),
        versions={"calibrate": __version__},
        evaluator={"name": origin.evaluator, "version": origin.version},
        command_line=command_line,
        inputs=inputs,
        clock=ClockRecord(name=CLOCK, unit="ns"),
    )
    _fill(writer, sources, [each for each, _ in known], left_out, origin)
    return _finish(writer, inputs)


def imported(run: Run) -> Import:
    """What `calibrate import` says of the run that it made."""
    parameters, outcome = run.manifest.parameters, run.manifest.outcome
    assert isinstance(parameters, ImportParameters)  # noqa: S101 - as import_runs writes it
    assert isinstance(outcome, ImportOutcome)  # noqa: S101
    return Import(
        run=str(run.path),
        formats=parameters.formats,
        builtins=len({cell.operation for cell in run.design.cells if not cell.operation.startswith("nop")}),
        **msgspec.structs.asdict(outcome),
    )


def _cells(operations: Sequence[NamedOperation], origin: ImportOrigin) -> list[Cell]:
    counts: Counter[NamedOperation] = Counter()
    cells = []
    for operation in operations:
        counts[operation] += 1
        name = "/".join((operation.name, *map(str, operation.sizes)))
        cells.append(
            Cell(
                id=f"{name}#{counts[operation]}",
                experiment="builtins",
                operation=operation.name,
                sizes=operation.sizes,
                flat=b"",
                language=origin.language.value,
                protocol_version=origin.protocol_version,
            )
        )
    return cells


def _fill(
    writer: RunWriter,
    sources: Sequence[MeasurementFile],
    measured: Sequence[Measured],
    left_out: Counter[str],
    origin: ImportOrigin,
) -> None:
    """The samples, each a mean as it was read, their bounds, and what the manifest says of them."""
    cells = writer.design.cells
    writer.append([_sample(cell.id, i, each.ns) for i, (cell, each) in enumerate(zip(cells, measured, strict=True))])
    bounds = [
        Bounds(cell.id, each.ns, *(each.interval_ns or (None, None)))
        for cell, each in zip(cells, measured, strict=True)
    ]
    writer.add(BOUNDS, bounds_parquet(bounds))
    uncertain = {each.cell: _NO_BOUNDS for each in bounds if each.low_ns is None}
    writer.update(
        parameters=ImportParameters(
            cells=len(cells),
            formats=tuple(sorted({source.format for source in sources})),
            programs=(f"{origin.language.value} at protocol version {origin.protocol_version}",),
        ),
        uncertain=uncertain,
        outcome=ImportOutcome(
            files=len(sources),
            measurements=len(measured),
            without_interval=len(uncertain),
            left_out=dict(sorted(left_out.items())),
        ),
    )


def _sample(cell: str, order: int, ns: float) -> Sample:
    return Sample(
        cell=cell,
        process=0,
        block=0,
        order=order,
        iterations=1,
        ticks=0,
        ns=ns,
        disturbance="",
        yardstick_hash_ns=float("nan"),
        yardstick_machine_ns=float("nan"),
        cpu=-1,
    )


def _finish(writer: RunWriter, inputs: Mapping[str, FileFact]) -> Run:
    log = JsonLines(writer.messages_path)
    try:
        trace = Trace(Route(log))
        for name, fact in inputs.items():
            trace.emit("import", "read", file=name, bytes=fact.bytes, sha256=fact.sha256)
        trace.emit("import", "end", cells=len(writer.design.cells))
    finally:
        log.close()
    return writer.finish(RunStatus.COMPLETE, "imported", log.summary)
