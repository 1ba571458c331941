"""Workloads from a folder of the node workbench: text envelopes with their redeemers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from costmodel.errors import InputError
from costmodel.plutus import Data, DataConstr, DataList, DataMap, load_data, load_program
from costmodel.workloads.workload import (
    DEFAULT_LOOP_COUNTS,
    DEFAULT_PROTOCOL_VERSION,
    Workload,
    WorkloadProgram,
    checked_loop_counts,
    script_arguments,
)

COUNT_ENDS_AT: Final = 1_000_000
"""The workbench's loop scripts count an integer of their redeemer down to this one, so that its size never changes."""


def from_folder(
    folder: Path,
    loop_counts: Iterable[int] = DEFAULT_LOOP_COUNTS,
    protocol_version: int = DEFAULT_PROTOCOL_VERSION,
) -> Workload:
    """Every NAME.plutus of a folder with the redeemer of its NAME.redeemer.json (detailed-schema JSON).

    A redeemer that has the integer 1,000,000 once gives a program a loop count: n iterations start at 1,000,000 + n. A
    redeemer without it is used as it is. InputError or DecodeError names the file that is missing or wrong.
    """
    counts = checked_loop_counts(loop_counts)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of a workload")
    envelopes = sorted(folder.glob("*.plutus"))
    if not envelopes:
        raise InputError(f"{folder}: has no .plutus file to replay")
    redeemers = [envelope.with_suffix(".redeemer.json") for envelope in envelopes]
    programs: list[WorkloadProgram] = []
    for envelope, redeemer in zip(envelopes, redeemers, strict=True):
        programs += _programs(envelope, redeemer, counts, protocol_version)
    return Workload(folder.resolve().name, tuple(programs), (*envelopes, *redeemers))


def _programs(
    envelope: Path, redeemer_file: Path, counts: tuple[int, ...], protocol_version: int
) -> list[WorkloadProgram]:
    flat, language = load_program(envelope)
    if language is None:
        raise InputError(f"{envelope}: does not say its ledger language; a text envelope is expected")
    if not redeemer_file.is_file():
        raise InputError(f"{envelope}: its redeemer {redeemer_file.name} is missing")
    redeemer = load_data(redeemer_file)
    starts = _occurrences(redeemer, COUNT_ENDS_AT)
    if starts > 1:
        raise InputError(f"{redeemer_file}: has the integer {COUNT_ENDS_AT} {starts} times; which counts the loop?")
    programs = [
        WorkloadProgram(
            name=envelope.stem,
            flat=flat,
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


def _occurrences(data: Data, integer: int) -> int:
    found = 0
    stack = [data]
    while stack:
        node = stack.pop()
        found += isinstance(node, int) and node == integer
        stack += _parts(node)
    return found


def _replaced(data: Data, old: int, new: int) -> Data:
    """The same Data with the integer `old` replaced wherever it stands."""
    # Nodes in the order of their first visit; each is rebuilt after its parts, which come later.
    order = [data]
    parts_of: list[list[int]] = []
    for node in order:
        parts = _parts(node)
        parts_of.append(list(range(len(order), len(order) + len(parts))))
        order += parts
    built: list[Data] = list(order)
    for place in reversed(range(len(order))):
        node = order[place]
        parts = [built[part] for part in parts_of[place]]
        if isinstance(node, int):
            built[place] = new if node == old else node
        elif not isinstance(node, bytes):
            built[place] = _rebuilt(node, parts)
    return built[0]


def _parts(node: Data) -> list[Data]:
    match node:
        case DataConstr():
            return list(node.fields)
        case DataList():
            return list(node.items)
        case DataMap():
            return [part for entry in node.entries for part in entry]
    return []


def _rebuilt(node: DataConstr | DataList | DataMap, parts: list[Data]) -> Data:
    match node:
        case DataConstr():
            return DataConstr(node.tag, tuple(parts))
        case DataList():
            return DataList(tuple(parts))
    return DataMap(tuple(zip(parts[::2], parts[1::2], strict=True)))
