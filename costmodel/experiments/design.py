"""The design of a whole measurement: the cells of the experiments that it asks for."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Final

from costmodel.errors import InputError
from costmodel.experiments.builtins import DESIGNED_BUILTINS, builtin_cells
from costmodel.experiments.calls import call_cells
from costmodel.experiments.steps import step_cells
from costmodel.runs.design import Cell

EXPERIMENTS: Final = ("builtins", "steps", "calls")


def design_cells(experiments: Collection[str], builtins: str, seed: int) -> tuple[Cell, ...]:
    """All cells of the experiments named; `builtins` is a shell pattern over builtin names.

    The same arguments give the same cells, operands included. Raises InputError for a name that is not known and for
    a pattern that matches nothing.
    """
    unknown = sorted(set(experiments) - set(EXPERIMENTS))
    if unknown:
        raise InputError(f"unknown experiment {unknown[0]!r}; known are {', '.join(EXPERIMENTS)}")
    cells: list[Cell] = []
    if "builtins" in experiments:
        matching = [name for name in DESIGNED_BUILTINS if fnmatchcase(name, builtins)]
        if not matching:
            raise InputError(
                f"no builtin with a design matches {builtins!r}; known are: {', '.join(DESIGNED_BUILTINS)}"
            )
        cells += builtin_cells(matching, seed)
    if "steps" in experiments:
        cells += step_cells(seed)
    if "calls" in experiments:
        cells += call_cells(seed)
    return tuple(cells)
