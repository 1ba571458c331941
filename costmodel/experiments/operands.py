"""Operands: constants of given sizes, in each builtin's own measures, that take the builtin longest.

Bits are all set where they are counted, the one that is searched for stands last, strings that are compared are equal
but apart in memory, signatures are valid. Text is of characters of four bytes, so its size in characters, which cost
models up to C read, is that in bytes quot 4, which D and E read.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from costmodel._native import ffi, lib
from costmodel.errors import InputError
from costmodel.plutus import (
    BOOL,
    BYTESTRING,
    DATA,
    INTEGER,
    STRING,
    UNIT,
    Const,
    Constant,
    ConstantType,
    Data,
    DataConstr,
    DataList,
    DataMap,
    array_of,
    list_of,
    pair_of,
)

WORD_BYTES: Final = 8
WORD_BITS: Final = 64

Constants = tuple[Const, ...]
Maker = Callable[[tuple[int, ...], random.Random], Constants]
"""Makes the operands of one application from the sizes of its arguments."""


class PooledRandom(random.Random):
    """Chance that takes long strings and integers from one pool, each from a place of its own: what a design's programs
    hold, which runs keep, then compresses to a quarter. They differ as much as random ones do."""

    _POOL: Final = random.Random("operands").randbytes(48 << 10)
    _LONG: Final = 64  # bytes
    _PLACE: Final = 7  # a multiple of it: the digits of integers in flat then begin with the same bits of the pool

    def randbytes(self, n: int) -> bytes:
        if n <= self._LONG:
            return super().randbytes(n)
        parts = []
        while n > 0:
            length = min(n, len(self._POOL) * 3 // 4)
            start = self.randrange(0, len(self._POOL) - length, self._PLACE)
            parts.append(self._POOL[start : start + length])
            n -= length
        return b"".join(parts)

    def getrandbits(self, k: int, /) -> int:
        if k <= 8 * self._LONG:
            return super().getrandbits(k)
        return int.from_bytes(self.randbytes(-(-k // 8)), "little") & ((1 << k) - 1)


def const(kind: ConstantType, value: Any) -> Const:
    return Const(Constant(kind, value))


def boolean(value: bool) -> Const:
    return const(BOOL, value)


def small(rng: random.Random) -> int:
    """An integer as contracts have them, of one word and so without memory of its own in the machine."""
    return rng.getrandbits(62) | 1


def number(words: int, rng: random.Random) -> int:
    """A positive integer of a number of words; a single word is `small`."""
    return small(rng) if words == 1 else rng.getrandbits(WORD_BITS * words - 1) | 1 << (WORD_BITS * words - 2)


def whole(words: int, rng: random.Random) -> Const:
    return const(INTEGER, number(words, rng))


def literal(value: int) -> Const:
    return const(INTEGER, value)


def byte_string(value: bytes) -> Const:
    return const(BYTESTRING, value)


def random_bytes(words: int, rng: random.Random) -> Const:
    return byte_string(rng.randbytes(WORD_BYTES * words))


def text(words: int, rng: random.Random) -> str:
    """Characters of four bytes in UTF-8."""
    drawn = rng.randbytes(2 * words)
    return "".join(chr(0x10000 + (drawn[at] << 7 | drawn[at + 1] >> 1)) for at in range(0, 2 * words, 2))


def string(value: str) -> Const:
    return const(STRING, value)


def unit() -> Const:
    return const(UNIT, None)


def anything(rng: random.Random) -> Const:
    """What stands in for an argument that the builtin only hands on."""
    return const(INTEGER, small(rng))


def data(value: Data) -> Const:
    return const(DATA, value)


def integers(length: int, rng: random.Random) -> Const:
    return const(list_of(INTEGER), tuple(rng.getrandbits(30) for _ in range(length)))


def data_list(length: int, rng: random.Random) -> Const:
    return const(list_of(DATA), tuple(small(rng) for _ in range(length)))


def pair_list(length: int, rng: random.Random) -> Const:
    return const(list_of(pair_of(DATA, DATA)), tuple((rng.randbytes(28), small(rng)) for _ in range(length)))


def array(length: int, rng: random.Random) -> Const:
    return const(array_of(INTEGER), tuple(rng.getrandbits(30) for _ in range(length)))


def indexed(sizes: tuple[int, ...], rng: random.Random) -> Constants:
    """An array, and indices that lie anywhere in it."""
    length, count = sizes
    return array(length, rng), const(list_of(INTEGER), tuple(rng.randrange(length) for _ in range(count)))


def pair(rng: random.Random) -> Const:
    return const(pair_of(INTEGER, list_of(DATA)), (rng.randrange(7), (small(rng),)))


# Data whose size in words is known: 4 for a node, 1 for an integer of one word, 4 for 28 bytes.


def constr_data(fields: int, rng: random.Random) -> Data:
    """4 + 5·fields words."""
    return DataConstr(rng.randrange(7), tuple(small(rng) for _ in range(fields)))


def list_data(items: int, rng: random.Random) -> Data:
    """4 + 5·items words."""
    return DataList(tuple(small(rng) for _ in range(items)))


def map_data(entries: int, rng: random.Random) -> Data:
    """4 + 13·entries words."""
    return DataMap(tuple((rng.randbytes(28), small(rng)) for _ in range(entries)))


def nested_data(words: int, rng: random.Random) -> Data:
    """An integer of one word, or a byte string of a few, as most Data of contracts is; else a list of constructors of
    three integers, 4 + 19·n words: many nodes for its size, which is what takes long."""
    if words == 5:
        return number(1, rng)
    if words < 23:
        return rng.randbytes(WORD_BYTES * (words - 4))
    return DataList(tuple(constr_data(3, rng) for _ in range((words - 4) // 19)))


def same_prefix(lengths: tuple[int, int], rng: random.Random) -> Constants:
    """Two strings of lengths in words of which the longer begins with the shorter."""
    longer = rng.randbytes(WORD_BYTES * max(lengths))
    return tuple(byte_string(longer[: WORD_BYTES * length]) for length in lengths)


def equal(make: Callable[[int, random.Random], Const]) -> Maker:
    """Two operands that are equal and yet not the same object."""

    def operands(sizes: tuple[int, ...], rng: random.Random) -> Constants:
        made = make(sizes[0], rng)
        return made, made

    return operands


def modular(sizes: tuple[int, ...], rng: random.Random) -> Constants:
    """Base, exponent of ones only, and a modulus close below a power of two."""
    base, exponent, modulus = sizes
    return (
        whole(base, rng) if base != modulus else literal(_below(modulus) // 3 - rng.getrandbits(32)),
        literal((1 << WORD_BITS * exponent) - 1 - rng.getrandbits(8)),
        literal(_below(modulus)),
    )


def _below(words: int) -> int:
    return (1 << WORD_BITS * words) - 11


def dividend_and_divisor(sizes: tuple[int, ...], rng: random.Random) -> Constants:
    """Of opposite signs, for which division that rounds down has to correct its result."""
    return literal(-number(sizes[0], rng)), whole(sizes[1], rng)


_FORMS: Final[tuple[Callable[[int, random.Random], Data], ...]] = (constr_data, map_data, list_data)


def choice_of_data(_: tuple[int, ...], rng: random.Random) -> Constants:
    """One of the five forms, and five operands to choose from."""
    leaf = rng.choice((small(rng), rng.randbytes(28)))
    chosen = rng.choice((leaf, _FORMS[rng.randrange(len(_FORMS))](3, rng)))
    return data(chosen), *(anything(rng) for _ in range(5))


def updates(sizes: tuple[int, ...], rng: random.Random) -> Constants:
    """The string's top bit is written as often as there are indices."""
    top = WORD_BITS * sizes[0] - 1
    return random_bytes(sizes[0], rng), const(list_of(INTEGER), (top,) * sizes[1]), boolean(True)


def signed(sign: Callable[..., int], key_bytes: int) -> Maker:
    """A valid signature of a random message under a random key."""

    def operands(sizes: tuple[int, ...], rng: random.Random) -> Constants:
        message = rng.randbytes(WORD_BYTES * sizes[1])
        key, signature = ffi.new(f"uint8_t[{key_bytes}]"), ffi.new("uint8_t[64]")
        # A random secret is invalid with probability 2^-127; the check keeps a broken library from going unseen.
        length = () if sign is lib.cal_sign_ecdsa else (len(message),)
        if sign(rng.randbytes(32), message, *length, key, signature) != 0:
            raise InputError("the signature library refuses to sign, so signature checks cannot be measured")
        return tuple(byte_string(bytes(part)) for part in (key, message, signature))

    return operands
