"""Which core measures, which cells stay together, and in which order they are timed."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping, Sequence

from costmodel.errors import EnvironmentFault
from costmodel.records.run import Experiment, Work
from costmodel.runs.design import FEWEST_BLOCKS, Cell, Plan

__all__ = ["Cell", "Experiment", "Plan", "Work", "choose_core", "fewest_blocks", "groups", "in_blocks", "orders"]

_FEWEST_PLACES = 2  # in the order of a process, however many batches are timed at each


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


def groups(cells: Sequence[Cell]) -> list[list[int]]:
    """Indices of the cells that belong together, in order: the programs with few and with many applications of a
    builtin at one point of its design, of which the difference is wanted; every other cell by itself."""
    found: dict[object, list[int]] = {}
    for index, cell in enumerate(cells):
        point = (cell.operation, cell.sizes, cell.work) if cell.experiment == "builtins" else index
        found.setdefault(point, []).append(index)
    return list(found.values())


def orders(things: int, seed: int, process: int) -> Iterator[list[int]]:
    """The order of cells or groups in each round of a process: rows of a random Latin square, square after square.

    Rows, columns and symbols of the cyclic square are shuffled, so over the rounds nothing keeps its place or its
    neighbours. The same arguments give the same orders; nothing has none.
    """
    chance = random.Random(f"{seed}/{process}")  # noqa: S311 - a design to be reproduced, no secret
    rows, columns, symbols = (list(range(things)) for _ in range(3))
    while things:
        for shuffled in (rows, columns, symbols):
            chance.shuffle(shuffled)
        for row in rows:
            yield [symbols[(row + column) % things] for column in columns]


def in_blocks(
    order: Sequence[int],
    members: Sequence[Sequence[int]],
    expected_ns: Mapping[int, float],
    most_cells: int,
    most_ns: float,
) -> Iterator[list[int]]:
    """Cut the groups of a round into blocks, each a list of cells: whole groups, and of so many cells and so much
    expected time at most, unless one group alone has more. Groups that fit no more into a block start the next."""
    block: list[int] = []
    ns = 0.0
    for group in order:
        mine = sum(expected_ns[cell] for cell in members[group])
        if block and (len(block) + len(members[group]) > most_cells or ns + mine > most_ns):
            yield block
            block, ns = [], 0.0
        block += members[group]
        ns += mine
    if block:
        yield block


def fewest_blocks(batches: int) -> int:
    """In how many blocks a driver's cell has to be timed at least, of which each block takes so many `batches`."""
    return max(_FEWEST_PLACES, -(-FEWEST_BLOCKS // batches))
