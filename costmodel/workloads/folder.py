"""Workloads from files: flat and textual UPLC, one or a folder of them, which are programs that have their arguments
already, and text envelopes of the node workbench with their redeemers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import msgspec

from costmodel.errors import InputError
from costmodel.files import read_bytes
from costmodel.model import ExUnits
from costmodel.plutus import (
    Data,
    DataConstr,
    DataList,
    DataMap,
    LedgerLanguage,
    data_parts,
    load_data,
    load_program,
)
from costmodel.records import decode_json
from costmodel.workloads.workload import (
    DEFAULT_LANGUAGE,
    DEFAULT_LOOP_COUNTS,
    DEFAULT_PROTOCOL_VERSION,
    Workload,
    WorkloadProgram,
    checked_loop_counts,
    named_apart,
    nodes,
    script_arguments,
)

SUFFIXES: Final = (".flat", ".uplc")
BUDGETS: Final = "budgets.json"
"""Of a folder: an object `{NAME: {"cpu": ps, "mem": words}}` with what its programs must cost, of some or of all."""


class _ExpectedUnits(msgspec.Struct, frozen=True):
    cpu: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    mem: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


def applied_files(folder: Path) -> list[Path]:
    """The flat and textual files of a folder and of those below it, by name. Links to folders are not followed."""
    return sorted(path for suffix in SUFFIXES for path in folder.rglob(f"*{suffix}") if path.is_file())


def applied_programs(
    files: Sequence[Path], language: LedgerLanguage, protocol_version: int, root: Path | None = None
) -> tuple[WorkloadProgram, ...]:
    """A program for each file, named by its place below `root` or else by the file alone, with its expected ExUnits
    where the BUDGETS of its folder has them.

    InputError or DecodeError names the file that cannot be read or is no program of that language and version.
    """
    budgets = {folder: _budgets(folder / BUDGETS) for folder in {path.parent for path in files}}
    loaded = [(path, load_program(path, default=language)) for path in files]
    programs = tuple(
        WorkloadProgram(
            name=path.relative_to(root or path.parent).with_suffix("").as_posix(),
            flat=program.flat,
            language=program.language or language,
            protocol_version=protocol_version,
            arguments=(),
            source=str(path),
            expected=budgets[path.parent].get(path.stem),
        )
        for path, program in loaded
    )
    for program in programs:
        program.script()  # the machine knows best whether it is one
    return programs


def _budgets(path: Path) -> Mapping[str, ExUnits]:
    if not path.exists():
        return {}
    table = decode_json(read_bytes(path), dict[str, _ExpectedUnits], f"{path}, a table of budgets")
    return {name: ExUnits(units.cpu, units.mem) for name, units in table.items()}


COUNT_ENDS_AT: Final = 1_000_000
"""The workbench's loop scripts count an integer of their redeemer down to this one, so that its size never changes."""


def from_folder(
    folder: Path,
    loop_counts: Iterable[int] = DEFAULT_LOOP_COUNTS,
    protocol_version: int = DEFAULT_PROTOCOL_VERSION,
    language: LedgerLanguage = DEFAULT_LANGUAGE,
) -> Workload:
    """Every NAME.plutus of a folder and of those below it with the redeemer of its NAME.redeemer.json (detailed-schema
    JSON), and every .flat and .uplc file as a program of `language` that has its arguments already.

    A redeemer that has the integer 1,000,000 once gives a program a loop count: n iterations start at 1,000,000 + n. A
    redeemer without it is used as it is. InputError or DecodeError names the file that is missing or wrong.
    """
    counts = checked_loop_counts(loop_counts)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of a workload")
    envelopes = sorted(path for path in folder.rglob("*.plutus") if path.is_file())
    applied = applied_files(folder)
    if not envelopes and not applied:
        raise InputError(f"{folder}: has no .plutus, {' or '.join(SUFFIXES)} file to replay")
    redeemers = [envelope.with_suffix(".redeemer.json") for envelope in envelopes]
    programs: list[WorkloadProgram] = []
    for envelope, redeemer in zip(envelopes, redeemers, strict=True):
        name = envelope.relative_to(folder).with_suffix("").as_posix()
        programs += [
            replace(program, name=name) for program in envelope_programs(envelope, redeemer, counts, protocol_version)
        ]
    programs += applied_programs(applied, language, protocol_version, folder)
    budgets = [path for path in sorted({file.parent / BUDGETS for file in applied}) if path.exists()]
    return Workload(
        folder.resolve().name,
        named_apart(programs),
        (*envelopes, *redeemers, *applied, *budgets),
        loops=all(program.loop_count is not None for program in programs),
    )


def envelope_programs(
    envelope: Path, redeemer_file: Path, counts: tuple[int, ...], protocol_version: int
) -> list[WorkloadProgram]:
    """One envelope at each loop count, or once where its redeemer has none. Errors as of `from_folder`."""
    program = load_program(envelope)
    language = program.language
    if language is None:
        raise InputError(f"{envelope}: does not say its ledger language; a text envelope is expected")
    if not redeemer_file.is_file():
        raise InputError(f"{envelope}: its redeemer {redeemer_file.name} is missing")
    redeemer = load_data(redeemer_file)
    starts = sum(isinstance(node, int) and node == COUNT_ENDS_AT for node in nodes(redeemer))
    if starts > 1:
        raise InputError(f"{redeemer_file}: has the integer {COUNT_ENDS_AT} {starts} times; which counts the loop?")
    programs = [
        WorkloadProgram(
            name=envelope.stem,
            flat=program.flat,
            language=language,
            protocol_version=protocol_version,
            arguments=script_arguments(
                language, redeemer if count is None else _replaced(redeemer, COUNT_ENDS_AT, COUNT_ENDS_AT + count)
            ),
            source=str(envelope),
            loop_count=count,
        )
        for count in (counts if starts else (None,))
    ]
    # The machine knows best whether a program is one: ask it now, while the user's mind is on the folder.
    programs[0].script()
    return programs


def _replaced(data: Data, old: int, new: int) -> Data:
    """The same Data with the integer `old` replaced wherever it stands."""
    # Nodes in the order of their first visit; each is rebuilt after its parts, which come later.
    order = [data]
    parts_of: list[list[int]] = []
    for node in order:
        below = data_parts(node)
        parts_of.append(list(range(len(order), len(order) + len(below))))
        order += below
    built: list[Data] = list(order)
    for place in reversed(range(len(order))):
        node = order[place]
        if isinstance(node, int):
            built[place] = new if node == old else node
        elif not isinstance(node, bytes):
            built[place] = _rebuilt(node, [built[part] for part in parts_of[place]])
    return built[0]


def _rebuilt(node: DataConstr | DataList | DataMap, below: list[Data]) -> Data:
    match node:
        case DataConstr():
            return DataConstr(node.tag, tuple(below))
        case DataList():
            return DataList(tuple(below))
    return DataMap(tuple(zip(below[::2], below[1::2], strict=True)))
