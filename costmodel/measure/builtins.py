"""The experiment on builtins: what one saturated application adds, over a no-op of the same arity and forces.

Every point of a builtin is two programs that differ in one thing only, how often they apply it: k and 2k times. What
the program costs around its applications, and what the clock costs, cancels in their difference.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Final

from costmodel.measure.operands import POINTS, Operands
from costmodel.measure.terms import cell, integer, nop, saturated, sequence
from costmodel.plutus import BUILTIN_BY_NAME, Builtin
from costmodel.runs.design import Cell

DESIGNED_BUILTINS: Final = tuple(POINTS)
"""The builtins that can be measured."""

# Enough applications that they are most of the program, few enough that all operands stay in the first-level cache.
_OPERAND_BYTES: Final = 8_192
_MOST_REPEATS: Final = 64

# These outweigh the rest of their program with few applications. Their time depends on the very signature, by 1 % from
# one to the next, so it takes several to know the typical one.
_SLOW_REPEATS: Final = 8
_SLOW: Final = frozenset({"verifyEd25519Signature", "verifyEcdsaSecp256k1Signature", "verifySchnorrSecp256k1Signature"})


def builtin_cells(names: Iterable[str], seed: int) -> Iterator[Cell]:
    """Cells for builtins that have a design, and for the no-ops that they are compared with."""
    chosen = sorted(set(names))
    for name in chosen:
        yield from _cells_of(BUILTIN_BY_NAME[name], seed)
    kinds = sorted({(BUILTIN_BY_NAME[name].arity, BUILTIN_BY_NAME[name].forces) for name in chosen})
    for arity, forces in kinds:
        yield from _nop_cells(arity, forces, seed)


def _cells_of(builtin: Builtin, seed: int) -> Iterator[Cell]:
    for number, point in enumerate(POINTS[builtin.name]):
        repeats = _SLOW_REPEATS if builtin.name in _SLOW else _repeats(sum(point.sizes) * 8)
        rng = random.Random(f"{seed} {builtin.name} {number}")
        applications = [point.operands(rng) for _ in range(2 * repeats)]
        yield from _pair(builtin, builtin.forces, point.sizes, applications)


def _nop_cells(arity: int, forces: int, seed: int) -> Iterator[Cell]:
    rng = random.Random(f"{seed} nop{arity}_{forces}")
    applications = [tuple(integer(rng.getrandbits(62)) for _ in range(arity)) for _ in range(2 * _MOST_REPEATS)]
    yield from _pair(nop(arity, forces), forces, (1,) * arity, applications)


def _pair(builtin: Builtin, forces: int, sizes: tuple[int, ...], applications: list[Operands]) -> Iterator[Cell]:
    """The program with all applications and the one with half of them."""
    for count in (len(applications) // 2, len(applications)):
        terms = [saturated(builtin, forces, operands) for operands in applications[:count]]
        name = f"{builtin.name}/{'-'.join(map(str, sizes))}/x{count}"
        term = sequence(terms, integer(0))
        yield cell(name, "builtins", builtin.name, term, sizes=sizes, repeats=count)


def _repeats(operand_bytes: int) -> int:
    return max(4, min(_MOST_REPEATS, _OPERAND_BYTES // max(operand_bytes, 1)))
