"""The experiment on builtins: what one saturated application adds, over a no-op of the same arity and forces.

Every point of a builtin is two programs that differ in nothing but the builtin: in the one it is applied n times, in
the other a no-op stands in its place each time, on the same operands. What the program costs around its applications,
the way to the operands and what the clock costs cancel in their difference.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Final

from costmodel.experiments.domains import DOMAINS, Sizes
from costmodel.experiments.operands import PooledRandom, small
from costmodel.experiments.points import choose, shapes_of
from costmodel.experiments.terms import (
    LANGUAGE,
    PROTOCOL_VERSION,
    Application,
    Bound,
    Item,
    Operands,
    cell,
    integer,
    nop,
    row,
)
from costmodel.model import ledger_model, variant_for
from costmodel.plutus import BUILTIN_BY_NAME, Builtin, Const
from costmodel.runs.design import Cell

DESIGNED_BUILTINS: Final = tuple(DOMAINS)
"""The builtins that can be measured."""

# Enough applications that they are most of the program, few enough that a block of all cells stays short. The ledger's
# price, dear for most machines, says how long one takes.
_APPLICATIONS_PS: Final = 100_000_000
_MOST_APPLICATIONS: Final = 128

# So that all results, whose size the ledger's memory cost says, stay in a core's own cache.
_RESULT_WORDS: Final = 65_536

# Operands stay in a core's own cache; those that come after are the first ones again.
_OPERAND_BYTES: Final = 8_192
_FEWEST_OPERANDS: Final = 2

_VARIANT: Final = variant_for(LANGUAGE, PROTOCOL_VERSION)

_NOP_ARITIES: Final = range(1, 7)
_NOP_FORCES: Final = range(3)


def builtin_cells(names: Iterable[str], seed: int) -> Iterator[Cell]:
    """Cells for builtins that have a design, and for no-ops of the same arities and forces; all of these beside all."""
    chosen = sorted(set(names))
    for name in chosen:
        yield from _cells_of(BUILTIN_BY_NAME[name], seed)
    kinds = {(BUILTIN_BY_NAME[name].arity, BUILTIN_BY_NAME[name].forces) for name in chosen}
    for arity, forces in product(_NOP_ARITIES, _NOP_FORCES):
        if (arity, forces) in kinds or len(chosen) == len(DESIGNED_BUILTINS):
            yield from _nop_cells(arity, forces, seed)


def points_of(name: str) -> tuple[Sizes, ...]:
    """The points of a builtin that are measured."""
    return choose(shapes_of(name), DOMAINS[name].candidates)


def _cells_of(builtin: Builtin, seed: int) -> Iterator[Cell]:
    domain = DOMAINS[builtin.name]
    for sizes in points_of(builtin.name):
        rng = PooledRandom(f"{seed} {builtin.name} {sizes}")
        count = max(domain.fewest, _applications(builtin.name, sizes))
        distinct = max(_FEWEST_OPERANDS, _OPERAND_BYTES // (8 * domain.density * max(sum(sizes), 1)))
        prepared, operands = domain.prepare(sizes, min(count, distinct), rng)
        if len(operands) < count:
            prepared, operands = _shared(prepared, operands)
        applied = [operands[at % len(operands)] for at in range(count)]
        yield _cell(builtin.name, sizes, [*prepared, *(Application(builtin, each) for each in applied)], count)
        instead = nop(builtin.arity, builtin.forces)
        yield _cell(builtin.name, sizes, [*prepared, *(Application(instead, each) for each in applied)], 0)


def _applications(name: str, sizes: Sizes) -> int:
    cost = ledger_model(_VARIANT).builtins[name]
    by_time = _APPLICATIONS_PS // max(cost.cpu.evaluate(sizes), 1)
    by_space = _RESULT_WORDS // max(cost.memory.evaluate(sizes), 1)
    return max(2, min(_MOST_APPLICATIONS, by_time, by_space))


def _shared(prepared: list[Item], operands: list[Operands]) -> tuple[list[Item], list[Operands]]:
    """The same with all operands bound, since a constant that a program has twice is two objects."""
    items: list[Item] = list(prepared)
    shared: list[Operands] = []
    for application in operands:
        shared.append(
            tuple(operand if isinstance(operand, Bound) else _bind(items, operand) for operand in application)
        )
    return items, shared


def _bind(items: list[Item], operand: Const) -> Bound:
    items.append(operand)
    return Bound(len(items) - 1)


def _nop_cells(arity: int, forces: int, seed: int) -> Iterator[Cell]:
    """Two programs that differ in how often they apply the no-op: what an application takes as a whole."""
    rng = random.Random(f"{seed} nop{arity}_{forces}")
    builtin = nop(arity, forces)
    operands: list[Operands] = [tuple(integer(small(rng)) for _ in range(arity)) for _ in range(_MOST_APPLICATIONS)]
    for count in (_MOST_APPLICATIONS // 2, _MOST_APPLICATIONS):
        items = [Application(builtin, each) for each in operands[:count]]
        yield _cell(builtin.name, (1,) * arity, items, count)


def _cell(operation: str, sizes: Sizes, items: Sequence[Item], repeats: int) -> Cell:
    name = f"{operation}/{'-'.join(map(str, sizes))}/x{repeats}"
    counted = operation.startswith("nop")
    return cell(name, "builtins", operation, row(items), sizes=sizes, repeats=repeats, counted=counted)
