"""Workloads from a folder: text envelopes of the node workbench with their redeemers, and applied programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from costmodel.errors import InputError
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
from costmodel.workloads.applied import BUDGETS, SUFFIXES, applied_files, applied_programs
from costmodel.workloads.nodes import nodes
from costmodel.workloads.workload import (
    DEFAULT_LANGUAGE,
    DEFAULT_LOOP_COUNTS,
    DEFAULT_PROTOCOL_VERSION,
    Workload,
    WorkloadProgram,
    checked_loop_counts,
    named_apart,
    script_arguments,
)

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
