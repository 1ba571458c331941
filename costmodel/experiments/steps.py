"""The experiment on machine steps: whole programs, in the forms that compiled contracts have, whose counts of the nine
kinds vary.

A price per step has to stand for a step wherever it occurs, so every kind is met in its usual company, in programs as
large as contracts are: in a row of a few hundred steps, which caches and branch predictors know by heart, a step takes
two thirds of the time. What varies is how a program is written and which forms it favours (`forms.style`), and how much
of it is run how often: some of the programs are a loop each, to tell what a step costs where little is run from what it
costs where much is. The programs apply builtins of the cheap kind too, of which real code is full.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Final

from costmodel.errors import ModelError
from costmodel.experiments.forms import loop, program, style
from costmodel.experiments.terms import cell
from costmodel.experiments.writer import Style
from costmodel.model import ExUnits
from costmodel.plutus import UNIT, Const, Constant, Term
from costmodel.runs.design import Cell

_PROGRAMS: Final = 80
_LOOPS: Final = 8
_STEPS: Final = (20_000, 80_000)  # that a program is to take at most; it takes about half of them
_TAKEN: Final = range(4_000, 60_000)  # steps of a program that is kept
_BUDGET: Final = ExUnits(cpu=10**10, mem=10**9)  # several times what so many steps and their builtins are charged
_ATTEMPTS: Final = 100


@lru_cache(maxsize=1)  # it takes some seconds, and the cells cannot be changed
def step_cells(seed: int) -> tuple[Cell, ...]:
    """The programs of the experiment; their counts are in the cells."""
    start = cell("steps/start", "steps", "start", Const(Constant(UNIT, None)))
    programs = (_drawn(program, "program", number, seed) for number in range(_PROGRAMS))
    loops = (_drawn(loop, "loop", number, seed) for number in range(_LOOPS))
    return (start, *programs, *loops)


def _drawn(write: Callable[[Style, random.Random], Term], operation: str, number: int, seed: int) -> Cell:
    """The first one drawn that takes as many steps as wanted: a writer knows but about what its terms take."""
    least, most = _STEPS
    for attempt in range(_ATTEMPTS):
        rng = random.Random(f"{seed} {operation} {number} {attempt}")
        term = write(style(rng, round(least * (most / least) ** rng.random())), rng)
        with suppress(ModelError):  # one that takes far too many
            drawn = cell(f"steps/{operation}/{number}", "steps", operation, term, budget=_BUDGET)
            if sum(drawn.steps.values()) in _TAKEN:
                return drawn
    raise ModelError(f"no {operation} of {_TAKEN} steps in {_ATTEMPTS} attempts from the seed {seed}")
