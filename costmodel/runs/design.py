"""What a run is to measure: its cells with their programs, and how they are to be timed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from costmodel.errors import InputError
from costmodel.records.run import CellFacts, Design, DesignCell, SessionParameters, Settings

FEWEST_BLOCKS: Final = 4
"""Of a process with fewer clean batches of a cell nothing can be trimmed, and nothing is believed."""


class Cell(CellFacts, frozen=True, kw_only=True):
    """One thing to be timed, with its program.

    `flat` is the program, `arguments` are Data in CBOR. `steps` and `builtins` are checked against the machine before
    anything is timed. A builtin's cell with 0 repeats is the program of the cells of the same sizes with a no-op in the
    builtin's place.
    """

    flat: bytes
    arguments: tuple[bytes, ...] = ()


class Plan(Settings, frozen=True, kw_only=True):
    """Cells and how a session times them. InputError for a plan that cannot be measured."""

    cells: tuple[Cell, ...]

    def __post_init__(self) -> None:
        fault = design_fault(self, self.cells)
        if fault:
            raise InputError(fault)

    @property
    def settings(self) -> Settings:
        """All of it but its cells."""
        return Settings(**{name: getattr(self, name) for name in Settings.__struct_fields__})


def design_fault(settings: Settings, cells: Sequence[Cell] | Sequence[DesignCell]) -> str:
    """Why a plan cannot be measured, or nothing."""
    repeated = [name for name, count in Counter(cell.id for cell in cells).items() if count > 1]
    if repeated:
        return f"cell {repeated[0]!r} is in the plan more than once"
    for cell in cells:
        if cell.repeats < 0:
            return f"cell {cell.id!r} has {cell.repeats} repeats, which must not be negative"
        if cell.arguments and cell.work == "decode":
            return f"cell {cell.id!r} only decodes, so it takes no arguments"
    if not cells:
        return "the plan has no cells"
    if settings.blocks_per_process < FEWEST_BLOCKS:
        return f"a plan needs at least {FEWEST_BLOCKS} blocks per process"
    if not 1 <= settings.min_processes <= settings.max_processes:
        return "a plan's min_processes must be from 1 to max_processes"
    if not 10 <= settings.target_batch_us <= 1e6 or not 0 < settings.target_half_width < 1:
        return "a plan's batches take 10 µs to 1 s and its target half-width lies between 0 and 1"
    return ""


def parameters(plan: Plan) -> SessionParameters:
    """What a run is made under: the plan's settings, and by which rules its programs run."""
    rules = sorted({f"{cell.language} at protocol version {cell.protocol_version}" for cell in plan.cells})
    return SessionParameters(settings=plan.settings, cells=len(plan.cells), programs=tuple(rules))


def design_of(plan: Plan) -> tuple[Design, dict[str, bytes]]:
    """The plan as a document, and its programs and arguments by their hashes."""
    contents: dict[str, bytes] = {}

    def stored(content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        contents[name] = content
        return name

    cells = tuple(
        DesignCell(
            **_facts(cell), program=stored(cell.flat), arguments=tuple(stored(argument) for argument in cell.arguments)
        )
        for cell in plan.cells
    )
    return Design(settings=plan.settings, cells=cells), contents


def plan_of(design: Design, contents: Mapping[str, bytes]) -> Plan:
    """The plan that `design_of` was given. KeyError names what `contents` lacks."""
    cells = tuple(
        Cell(**_facts(cell), flat=contents[cell.program], arguments=tuple(contents[name] for name in cell.arguments))
        for cell in design.cells
    )
    return Plan(**msgspec.structs.asdict(design.settings), cells=cells)


def _facts(cell: CellFacts) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in CellFacts.__struct_fields__}
