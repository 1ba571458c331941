"""Workloads of programs that have their arguments already: flat and textual UPLC files, one or a folder of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from costmodel.files import read_bytes
from costmodel.model import ExUnits
from costmodel.plutus import LedgerLanguage, load_program
from costmodel.records import decode_json
from costmodel.workloads.workload import WorkloadProgram

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
