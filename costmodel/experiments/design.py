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
    """All cells of the experiments named; `builtins` has shell patterns over builtin names, with
    commas between them.

    The same arguments give the same cells, operands included. Raises InputError for a name that is not known and for
    a pattern that matches nothing.
    """
    unknown = sorted(set(experiments) - set(EXPERIMENTS))
    if unknown:
        raise InputError(f"unknown experiment {unknown[0]!r}; known are {', '.join(EXPERIMENTS)}")
    cells: list[Cell] = []
    if "builtins" in experiments:
        cells += builtin_cells(matching_builtins(builtins), seed)
    if "steps" in experiments:
        cells += step_cells(seed)
    if "calls" in experiments:
        cells += call_cells(seed)
    return tuple(cells)


def matching_builtins(patterns: str) -> list[str]:
    """The builtins with a design that match any of the shell patterns, which have commas between them. Raises
    InputError for a pattern that matches none."""
    wanted = [pattern.strip() for pattern in patterns.split(",")]
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in DESIGNED_BUILTINS):
            raise InputError(f"no builtin matches {pattern!r}; known are {', '.join(DESIGNED_BUILTINS)}")
    return [name for name in DESIGNED_BUILTINS if any(fnmatchcase(name, pattern) for pattern in wanted)]
