"""Elements of the BLS12-381 groups to apply builtins to, made by the programs themselves: flat has no such constants.

A program uncompresses one point of a group, and doubles it. Every further point is the sum of the two before it, so no
two are the same, and none is in affine form, which is the easier one for some builtins.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from costmodel.experiments.operands import Constants, byte_string, const, number, random_bytes
from costmodel.experiments.terms import Application, Bound, Item, Operand, Operands, bytes_of
from costmodel.plutus import BUILTIN_BY_NAME, G1_ELEMENT, G2_ELEMENT, INTEGER, Const, ConstantType, list_of

Prepared = tuple[list[Item], list[Operands]]
"""What a program binds first, and the operands of each application."""

Preparer = Callable[[tuple[int, ...], int, random.Random], Prepared]
"""Prepares a number of applications to arguments of some sizes."""

_ELEMENTS: Final[dict[str, ConstantType]] = {"G1": G1_ELEMENT, "G2": G2_ELEMENT}
_DOMAIN_TAG_BYTES: Final = 255  # the longest that is legal


def _bind(items: list[Item], name: str, *operands: Operand) -> Bound:
    items.append(Application(BUILTIN_BY_NAME[name], operands))
    return Bound(len(items) - 1)


def _points(items: list[Item], group: str, count: int, rng: random.Random) -> list[Bound]:
    first = _bind(items, f"bls12_381_{group}_uncompress", _compressed(group, rng))
    made = [first, _bind(items, f"bls12_381_{group}_add", first, first)]
    while len(made) <= count:
        made.append(_bind(items, f"bls12_381_{group}_add", made[-2], made[-1]))
    return made[1:]


def _pairings(items: list[Item], count: int, rng: random.Random) -> list[Bound]:
    """Results of Miller loops: one of them, its square, then products of the two before."""
    first = _bind(items, "bls12_381_millerLoop", _points(items, "G1", 1, rng)[0], _points(items, "G2", 1, rng)[0])
    made = [first, _bind(items, "bls12_381_mulMlResult", first, first)]
    while len(made) < count:
        made.append(_bind(items, "bls12_381_mulMlResult", made[-2], made[-1]))
    return made


def _compressed(group: str, rng: random.Random) -> Const:
    """A valid compressed point."""
    items: list[Item] = []
    point = _bind(items, f"bls12_381_{group}_hashToGroup", *hashed((4, 1), rng))
    _bind(items, f"bls12_381_{group}_compress", point)
    return byte_string(bytes_of(items))


def hashed(sizes: tuple[int, ...], rng: random.Random) -> Constants:
    """A message, and the tag that sets its use apart from others'."""
    message, tag = sizes
    return random_bytes(message, rng), byte_string(rng.randbytes(min(8 * tag, _DOMAIN_TAG_BYTES)))


def compressed(group: str) -> Callable[[tuple[int, ...], random.Random], Constants]:
    def operands(_: tuple[int, ...], rng: random.Random) -> Constants:
        return (_compressed(group, rng),)

    return operands


def one_point(group: str) -> Preparer:
    def prepare(_: tuple[int, ...], count: int, rng: random.Random) -> Prepared:
        items: list[Item] = []
        return items, [(point,) for point in _points(items, group, count, rng)]

    return prepare


def two_points(group: str) -> Preparer:
    """Each point with the next."""

    def prepare(_: tuple[int, ...], count: int, rng: random.Random) -> Prepared:
        items: list[Item] = []
        points = _points(items, group, count + 1, rng)
        return items, list(pairwise(points))

    return prepare


def equal_points(group: str) -> Preparer:
    """Each point with its negation's negation."""

    def prepare(_: tuple[int, ...], count: int, rng: random.Random) -> Prepared:
        items: list[Item] = []
        negate = f"bls12_381_{group}_neg"
        points = _points(items, group, count, rng)
        return items, [(point, _bind(items, negate, _bind(items, negate, point))) for point in points]

    return prepare


def multiple(group: str) -> Preparer:
    def prepare(sizes: tuple[int, ...], count: int, rng: random.Random) -> Prepared:
        items: list[Item] = []
        points = _points(items, group, count, rng)
        return items, [(const(INTEGER, number(sizes[0], rng)), point) for point in points]

    return prepare


_SCALAR_WORDS: Final = 64  # the longest that is legal


def sum_of_multiples(group: str) -> Preparer:
    """As many scalars, of the greatest length, as points."""

    def prepare(sizes: tuple[int, ...], count: int, rng: random.Random) -> Prepared:
        items: list[Item] = []
        applications: list[Operands] = []
        for _ in range(count):
            scalars = tuple(rng.getrandbits(64 * _SCALAR_WORDS - 1) for _ in range(sizes[0]))
            element = _ELEMENTS[group]
            points: Operand = const(list_of(element), ())
            for point in _points(items, group, sizes[1], rng):
                points = _bind(items, "mkCons", point, points)
            applications.append((const(list_of(INTEGER), scalars), points))
        return items, applications

    return prepare


def miller_loops(_: tuple[int, ...], count: int, rng: random.Random) -> Prepared:
    items: list[Item] = []
    ones, twos = _points(items, "G1", count, rng), _points(items, "G2", count, rng)
    return items, list(zip(ones, twos, strict=True))


def two_pairings(_: tuple[int, ...], count: int, rng: random.Random) -> Prepared:
    """Each result of a Miller loop with the next."""
    items: list[Item] = []
    made = _pairings(items, count + 1, rng)
    return items, list(pairwise(made))
