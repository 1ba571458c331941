"""The experiment on builtins: what one saturated application adds, over a no-op of the same arity and forces.

Every point of a builtin is two programs that differ in nothing but the builtin: in the one it is applied n times, in
the other a no-op stands in its place each time, on the same operands. What the program costs around its applications,
the way to the operands and what the clock costs cancel in their difference.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from costmodel.experiments.domains import DOMAINS, Sizes
from costmodel.experiments.operands import PooledRandom, small
from costmodel.experiments.points import choose, measured_sizes, shapes_of
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
    version_of,
)
from costmodel.model import proposed_model, variant_for
from costmodel.plutus import BUILTIN_BY_NAME, Builtin, Const, available
from costmodel.runs.design import Cell

DESIGNED_BUILTINS: Final = tuple(DOMAINS)
"""The builtins that can be measured."""

LIVE_BUILTINS: Final = tuple(
    name for name in DESIGNED_BUILTINS if available(BUILTIN_BY_NAME[name], LANGUAGE, PROTOCOL_VERSION)
)
"""Those of them that scripts can use on the chain."""

# Enough applications that they are most of the program, few enough that a block of all cells stays short. The ledger's
# price, dear for most machines, says how long one takes.
_APPLICATIONS_PS: Final = 100_000_000
_MOST_APPLICATIONS: Final = 128

# What nobody has priced is taken to be as slow as writing its result is.
_WORD_PS: Final = 10_000

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
    everything = set(LIVE_BUILTINS) <= set(chosen)
    kinds = {(BUILTIN_BY_NAME[name].arity, BUILTIN_BY_NAME[name].forces) for name in chosen}
    for arity, forces in product(_NOP_ARITIES, _NOP_FORCES):
        if (arity, forces) in kinds or everything:
            yield from _nop_cells(arity, forces, seed)


def points_of(name: str) -> tuple[Sizes, ...]:
    """The points of a builtin's domain that are measured."""
    domain = DOMAINS[name]
    return domain.candidates if domain.explored else choose(shapes_of(name), domain.candidates)


def _cells_of(builtin: Builtin, seed: int) -> Iterator[Cell]:
    for point, number in product(points_of(builtin.name), range(DOMAINS[builtin.name].programs)):
        yield from cells_at(builtin, point, seed, number)


def cells_at(builtin: Builtin, point: Sizes, seed: int, number: int = 0) -> Iterator[Cell]:
    """The two programs of a builtin at a point of its domain, the one that applies it first; `number` counts programs
    of a point, which differ in their operands."""
    domain = DOMAINS[builtin.name]
    own = f"/{number}" if number else ""
    rng = PooledRandom(f"{seed} {builtin.name} {point}{own}")
    sizes, by_measure = _measured(builtin, point, rng) if domain.explored else (point, {})
    count = max(domain.fewest, _applications(builtin.name, sizes))
    extent = math.prod(point) if domain.explored else sum(sizes)
    distinct = max(_FEWEST_OPERANDS, _OPERAND_BYTES // (8 * domain.density * max(extent, 1)))
    prepared, operands = domain.prepare(point, min(count, distinct), rng)
    if len(operands) < count:
        prepared, operands = _shared(prepared, operands)
    applied = [operands[at % len(operands)] for at in range(count)]
    for function, repeats in ((builtin, count), (nop(builtin.arity, builtin.forces), 0)):
        items = [*prepared, *(Application(function, each) for each in applied)]
        yield _cell(
            f"{builtin.name}/{_joined(point)}{own}/x{repeats}",
            builtin,
            items,
            sizes=sizes,
            sizes_by_measure=by_measure,
            repeats=repeats,
        )


def _measured(builtin: Builtin, point: Sizes, rng: random.Random) -> tuple[Sizes, Mapping[str, Sizes]]:
    prepared, (operands,) = DOMAINS[builtin.name].prepare(point, 1, rng)
    return measured_sizes(builtin, prepared, operands)


def _applications(name: str, sizes: Sizes) -> int:
    cost = proposed_model(_VARIANT).builtins[name]
    words = max(cost.memory.evaluate(sizes), 1)
    by_time = _APPLICATIONS_PS // (cost.cpu.evaluate(sizes) or _WORD_PS * words)
    by_space = _RESULT_WORDS // words
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
        sizes = (1,) * arity
        yield _cell(f"{builtin.name}/{_joined(sizes)}/x{count}", builtin, items, sizes=sizes, repeats=count)


def _joined(numbers: Sizes) -> str:
    return "-".join(map(str, numbers))


def _cell(
    name: str,
    builtin: Builtin,
    items: Sequence[Item],
    *,
    sizes: Sizes,
    repeats: int,
    sizes_by_measure: Mapping[str, Sizes] | None = None,
) -> Cell:
    return cell(
        name,
        "builtins",
        builtin.name,
        row(items),
        sizes=sizes,
        sizes_by_measure=sizes_by_measure,
        repeats=repeats,
        counted=builtin.name.startswith("nop"),
        protocol_version=version_of(builtin),
    )
