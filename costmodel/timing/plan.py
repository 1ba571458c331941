"""Which core measures, and in which order the cells of a block are timed."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

from costmodel.errors import EnvironmentFault
from costmodel.runs.design import Cell, Experiment, Plan, Work

__all__ = ["Cell", "Experiment", "Plan", "Work", "block_orders", "choose_core"]


def choose_core(core: int | None = None) -> int:
    """The core to measure on: the one asked for, else the last that this process may use, since the first is where
    most systems put interrupts. EnvironmentFault where the core asked for does not exist or may not be used."""
    allowed = sorted(os.sched_getaffinity(0))
    if core is None:
        return allowed[-1]
    if core not in allowed:
        choices = ", ".join(map(str, allowed))
        raise EnvironmentFault(f"core {core} does not exist or may not be used here; choose from {choices}")
    return core


def block_orders(cells: int, seed: int, process: int) -> Iterator[list[int]]:
    """The order of the cells in each block of a process: rows of a random Latin square, square after square.

    Rows, columns and symbols of the cyclic square are shuffled, so over the blocks no cell keeps its place or its
    neighbours. The same arguments give the same orders.
    """
    chance = random.Random(f"{seed}/{process}")  # noqa: S311 - a design to be reproduced, no secret
    rows, columns, symbols = (list(range(cells)) for _ in range(3))
    while True:
        for shuffled in (rows, columns, symbols):
            chance.shuffle(shuffled)
        for row in rows:
            yield [symbols[(row + column) % cells] for column in columns]
