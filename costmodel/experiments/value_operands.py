"""Values to apply builtins to. Identifiers share their first 28 bytes, so every comparison reads almost all of them."""

from __future__ import annotations

import random
from typing import Final

from costmodel.experiments.group_operands import Prepared
from costmodel.experiments.operands import Constants, byte_string, const, data, literal, small
from costmodel.experiments.terms import Bound, Item, Operands
from costmodel.plutus import BYTESTRING, VALUE, Const, DataMap, list_of

_PREFIX: Final = b"\xff" * 28

Tokens = tuple[tuple[bytes, int], ...]
Entries = tuple[tuple[bytes, Tokens], ...]


def _name(number: int) -> bytes:
    return _PREFIX + number.to_bytes(4, "big")


def _one_each(numbers: range, rng: random.Random) -> Entries:
    """Currencies of one token each: of all values of so many entries, those with most to do."""
    return tuple((_name(number), ((_name(0), small(rng)),)) for number in numbers)


def _value(entries: Entries) -> Const:
    return const(VALUE, entries)


def value_of(entries: int, rng: random.Random) -> Const:
    return _value(_one_each(range(entries), rng))


def wide(numbers: tuple[int, ...], rng: random.Random) -> Constants:
    """A value of so many policies, each of so many tokens."""
    policies, tokens = numbers
    return (_value(_evenly(policies, tokens, rng)),)


def filtered(numbers: tuple[int, ...], rng: random.Random) -> Constants:
    """A list of policies of the value, in any order and again from the first on where it has fewer, and the value."""
    listed, policies, tokens = numbers
    names = [_name(number) for number in range(policies)]
    rng.shuffle(names)
    chosen = tuple(names[at % policies] for at in range(listed))
    return const(list_of(BYTESTRING), chosen), _value(_evenly(policies, tokens, rng))


def _evenly(policies: int, tokens: int, rng: random.Random) -> Entries:
    return tuple(
        (_name(policy), tuple((_name(token), small(rng)) for token in range(tokens))) for policy in range(policies)
    )


def scaled(sizes: tuple[int, ...], rng: random.Random) -> Constants:
    return literal(rng.getrandbits(30) | 1), value_of(sizes[1], rng)


def as_data(sizes: tuple[int, ...], rng: random.Random) -> Constants:
    """Data of 1 + 4·n nodes for a value of n entries."""
    entries = _one_each(range((sizes[0] - 1) // 4), rng)
    return (data(DataMap(tuple((currency, DataMap(tokens)) for currency, tokens in entries))),)


def overlapping(sizes: tuple[int, ...], rng: random.Random) -> Constants:
    """Two values of which the smaller has no currency that the larger lacks."""
    return tuple(value_of(entries, rng) for entries in sizes)


def contained(sizes: tuple[int, ...], rng: random.Random) -> Constants:
    """A value and, where the sizes allow it, a part of it, spread over all of it."""
    container = _one_each(range(sizes[0]), rng)
    part = container if sizes[1] > sizes[0] else container[:: max(sizes[0] // max(sizes[1], 1), 1)][: sizes[1]]
    if sizes[1] > sizes[0]:
        part = (*container, *_one_each(range(sizes[0], sizes[1]), rng))
    return _value(container), _value(part)


def _deep(depth: int, rng: random.Random) -> Entries:
    """Full trees: 2^a − 1 currencies, of which the first has 2^b − 1 tokens, where a + b is the depth.

    Every second key of a full tree is a leaf, and the first is one of them. Token numbers are even, so that a new one
    fits between any two.
    """
    outer, inner = 2 ** (depth // 2) - 1, 2 ** (depth - depth // 2) - 1
    rich = tuple((_name(2 * number), small(rng)) for number in range(1, inner + 1))
    rest = tuple((_name(number), ((_name(0), small(rng)),)) for number in range(1, outer))
    return ((_name(0), rich), *rest)


def _copies(depth: int, rng: random.Random) -> list[Item]:
    """Few different values are enough, since each application takes another way through them."""
    return [_value(_deep(depth, rng)) for _ in range(2)]


def looked_up(sizes: tuple[int, ...], count: int, rng: random.Random) -> Prepared:
    """The deepest token of the deepest currency."""
    depth = sizes[2]
    inner = 2 ** (depth - depth // 2) - 1
    keys = [_name(2 * rng.randrange(1, inner + 1, 2)) for _ in range(count)]
    applications: list[Operands] = [
        (byte_string(_name(0)), byte_string(key), Bound(number % 2)) for number, key in enumerate(keys)
    ]
    return _copies(depth, rng), applications


def inserted(sizes: tuple[int, ...], count: int, rng: random.Random) -> Prepared:
    """A new token of the deepest currency, below the deepest of its tokens."""
    depth = sizes[3]
    inner = 2 ** (depth - depth // 2) - 1
    keys = [_name(2 * rng.randrange(1, inner + 1) + 1) for _ in range(count)]
    applications: list[Operands] = [
        (byte_string(_name(0)), byte_string(key), literal(small(rng)), Bound(number % 2))
        for number, key in enumerate(keys)
    ]
    return _copies(depth, rng), applications
