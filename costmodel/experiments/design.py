"""The design of a whole measurement: the cells of the experiments that it asks for."""

from __future__ import annotations

import gc
import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from costmodel.errors import InputError
from costmodel.experiments.builtins import DESIGNED_BUILTINS, LIVE_BUILTINS, builtin_cells
from costmodel.experiments.calls import call_cells
from costmodel.experiments.steps import step_cells
from costmodel.model import EXTRAS_KEY, CostModel
from costmodel.plutus import BUILTIN_BY_NAME
from costmodel.records.model import FittedModel, parse_section
from costmodel.runs.design import Cell
from costmodel.timing.plan import groups

if TYPE_CHECKING:
    import pandas as pd

    from costmodel.runs.store import Run

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
    with _uncollected():
        if "builtins" in experiments:
            cells += builtin_cells(matching_builtins(builtins), seed)
        steps = step_cells(seed) if {"steps", "calls"} & set(experiments) else ()
        if "steps" in experiments:
            cells += steps
        if "calls" in experiments:
            cells += call_cells(seed, steps)
    return tuple(cells)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles: terms have none, and to look for them takes a fifth of a design's time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def matching_builtins(patterns: str) -> list[str]:
    """The builtins with a design that match any of the shell patterns, which have commas between them. `*` stands for
    those that run on the chain; what a later protocol version brings takes a pattern of its own. Raises InputError for
    a pattern that matches none."""
    wanted = [pattern.strip() for pattern in patterns.split(",")]
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in DESIGNED_BUILTINS):
            raise InputError(f"no builtin matches {pattern!r}; known are {', '.join(DESIGNED_BUILTINS)}")
    if "*" in wanted:
        wanted += LIVE_BUILTINS
        wanted.remove("*")
    return [name for name in DESIGNED_BUILTINS if any(fnmatchcase(name, pattern) for pattern in wanted)]


def imprecise_cells(run: Run, half_width: float) -> tuple[Cell, ...]:
    """The cells of a run that are known less precisely than asked, and what they are paired with, to be measured again
    in a run of its own. InputError where there are none."""
    from costmodel.runs.means import process_means, yardsticks_for  # they bring pandas
    from costmodel.timing.estimate import estimate

    settings = run.design.settings
    means = process_means(run.samples(), yardsticks=yardsticks_for(settings.evaluator))
    known = estimate(means, scale_ns=1.0, seed=settings.seed)["half_width"]
    cells = run.plan().cells
    chosen = [members for members in groups(cells) if any(_wide(known, cells[i].id, half_width) for i in members)]
    if not chosen:
        raise InputError(f"{run.path} knows all of its cells to ±{half_width:.2g}; ask for more with --precision")
    return tuple(cells[i] for members in chosen for i in members)


def _wide(known: pd.Series[float], cell: str, half_width: float) -> bool:
    return not known.get(cell, math.inf) <= half_width


def flagged_design(model: CostModel) -> tuple[list[str], str]:
    """The experiments, and the patterns of builtins, that a fitted model's material flags are about. InputError for a
    model that has none, or that was not fitted to runs."""
    section = parse_section(model.extras, f"{model.source}: {EXTRAS_KEY}") if model.extras else None
    if not isinstance(section, FittedModel):
        raise InputError(f"{model.source} was not fitted to runs, so nothing is known of its flags")
    builtins = [name for name in DESIGNED_BUILTINS if name in section.flagged]
    names = ["builtins"] if builtins else []
    if section.flagged.keys() - BUILTIN_BY_NAME.keys():
        names.append("steps")
    if not names:
        raise InputError(f"{model.source} has no flagged prices; there is nothing to measure again")
    return names, ",".join(builtins) or "*"
