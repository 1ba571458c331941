"""Cells as the fit sees them: what was timed, whatever run it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from costmodel.errors import InputError
from costmodel.model import MAX_COST, StepKind, Variant, variant_for
from costmodel.plutus.language import LedgerLanguage
from costmodel.records.run import DesignCell

BUILTINS, STEPS, CALLS = "builtins", "steps", "calls"
"""The experiments that a fit uses."""

_NOP_PREFIX = "nop"


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One timed work item, equal in all runs that have it.

    `sizes` are in the measures of the operation (words for most builtins; bytes and nodes for calls). `repeats` is how
    often one evaluation applies the operation, `steps` its step counts in the order of StepKind, `builtins` how often
    it applies each builtin, by name, `footprint` how many different nodes of its program it computes (0: not known),
    `arguments` the number of its arguments. `program` numbers the different programs
    of an experiment in the order of the design; `occurrence` numbers cells that agree in everything else.
    """

    experiment: str
    operation: str
    sizes: tuple[int, ...]
    repeats: int
    steps: tuple[int, ...]
    builtins: tuple[tuple[str, int], ...]
    arguments: int
    variant: Variant
    program: int = 0
    occurrence: int = 0
    footprint: int = 0


def cells_of(planned: Sequence[DesignCell], where: str) -> dict[str, Cell]:
    """The cells of a design that a fit uses, by their ids in it. InputError, naming `where`, for a malformed one.

    Nothing in a Cell depends on the design's ids, constants or order of timing, so designs that differ in these only
    give equal cells.
    """
    cells: dict[str, Cell] = {}
    occurrences: Counter[Cell] = Counter()
    programs: dict[str, int] = {}
    for plan in planned:
        if plan.experiment not in (BUILTINS, STEPS, CALLS):
            continue
        cell = _cell(plan, where)
        if cell.experiment == CALLS:
            cell = replace(cell, program=programs.setdefault(plan.program, len(programs)))
        cells[plan.id] = replace(cell, occurrence=occurrences[cell])
        occurrences[cell] += 1
    return cells


def _cell(plan: DesignCell, where: str) -> Cell:
    kinds = {kind.name.lower(): kind for kind in StepKind}
    counts = [0] * len(StepKind)
    for name, count in plan.steps.items():
        if name not in kinds or not 0 <= count <= MAX_COST:
            raise InputError(f"{where}: cell {plan.id!r} counts {count} steps of kind {name!r}, which cannot be")
        counts[kinds[name]] = count
    if any(not 0 <= size <= MAX_COST for size in (*plan.sizes, plan.footprint)):
        raise InputError(f"{where}: cell {plan.id!r} has a size that is negative or beyond 64 bits")
    try:
        language = LedgerLanguage(plan.language)
    except ValueError as error:
        raise InputError(f"{where}: cell {plan.id!r} has the unknown ledger language {plan.language!r}") from error
    return Cell(
        experiment=plan.experiment,
        operation=plan.operation,
        sizes=plan.sizes,
        repeats=plan.repeats,
        steps=tuple(counts),
        builtins=tuple(sorted((name, count) for name, count in plan.builtins.items() if count)),
        footprint=plan.footprint,
        arguments=len(plan.arguments),
        variant=variant_for(language, plan.protocol_version),
    )


def is_nop(name: str) -> bool:
    """Whether this names a builtin that does nothing, which models do not price."""
    return name.startswith(_NOP_PREFIX)


def nop_name(arity: int, forces: int) -> str:
    """The name of the builtin that does nothing with `arity` arguments after `forces` forces."""
    return f"{_NOP_PREFIX}{arity}_{forces}"
