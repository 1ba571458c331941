"""What each builtin is measured on: points over the sizes that its costing function reads, and operands at a point.

A costing function is linear in few coefficients, so its points lie at the ends of the domain, where they tell most,
with one between them that would show a wrong shape. Operands are those that cost most at their size: equal but distinct
where the builtin compares, valid where it verifies. No two applications share an operand.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
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
    list_of,
    pair_of,
)

WORD_BYTES: Final = 8

Operands = tuple[Const, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One place in a builtin's domain.

    `sizes` are those of the arguments in the builtin's own measures; `operands` makes one application's arguments.
    """

    sizes: tuple[int, ...]
    operands: Callable[[random.Random], Operands]


def _integer_of(words: int, rng: random.Random) -> int:
    """A positive integer of a number of words; the single word is one that contracts have, of up to 62 bits."""
    return rng.getrandbits(62) | 1 if words == 1 else rng.getrandbits(64 * words) | 1 << (64 * words - 1)


def _const(kind: ConstantType, value: Any) -> Const:
    return Const(Constant(kind, value))


def _data(value: Data) -> Const:
    return _const(DATA, value)


def _pair_of_integers(words: int) -> Point:
    def operands(rng: random.Random) -> Operands:
        return tuple(_const(INTEGER, _integer_of(words, rng)) for _ in range(2))

    return Point((words, words), operands)


def _equal_integers(words: int) -> Point:
    def operands(rng: random.Random) -> Operands:
        value = _integer_of(words, rng)
        return _const(INTEGER, value), _const(INTEGER, value)

    return Point((words, words), operands)


def _constructor(rng: random.Random) -> Data:
    return DataConstr(rng.randrange(7), tuple(rng.getrandbits(62) for _ in range(3)))


def _list(rng: random.Random) -> Data:
    return DataList(tuple(rng.getrandbits(62) for _ in range(3)))


def _map(rng: random.Random) -> Data:
    return DataMap(tuple((rng.getrandbits(62), rng.randbytes(28)) for _ in range(3)))


_FORMS: Final = (_constructor, _map, _list, lambda rng: rng.getrandbits(62), lambda rng: rng.randbytes(28))


def _one_of_data(make: Callable[[random.Random], Data], words: int) -> tuple[Point, ...]:
    return (Point((words,), lambda rng: (_data(make(rng)),)),)


def _choose_data(rng: random.Random) -> Operands:
    chosen = _FORMS[rng.randrange(len(_FORMS))](rng)
    return (_data(chosen), *(_const(INTEGER, rng.getrandbits(62)) for _ in range(5)))


def _list_constant(rng: random.Random) -> Const:
    return _const(list_of(DATA), tuple(rng.getrandbits(62) for _ in range(3)))


def _choose_list(rng: random.Random) -> Operands:
    return (_list_constant(rng), *(_const(INTEGER, rng.getrandbits(62)) for _ in range(2)))


def _pair(rng: random.Random) -> Operands:
    return (_const(pair_of(INTEGER, list_of(DATA)), (rng.randrange(7), (rng.getrandbits(62),))),)


def _if(rng: random.Random) -> Operands:
    return (_const(BOOL, rng.random() < 0.5), *(_const(INTEGER, rng.getrandbits(62)) for _ in range(2)))


def _trace(rng: random.Random) -> Operands:
    return _const(STRING, f"{rng.getrandbits(62):016x}"), _const(UNIT, None)


def _words(length: int) -> int:
    return (length - 1) // WORD_BYTES + 1 if length else 1


def _signed(sign: Callable[..., int], key_bytes: int, message_bytes: int) -> Point:
    """A valid signature of a random message under a random key."""

    def operands(rng: random.Random) -> Operands:
        message = rng.randbytes(message_bytes)
        key, signature = ffi.new(f"uint8_t[{key_bytes}]"), ffi.new("uint8_t[64]")
        # A random secret is invalid with probability 2^-127; the check keeps a broken library from going unseen.
        length = () if sign is lib.cal_sign_ecdsa else (message_bytes,)
        if sign(rng.randbytes(32), message, *length, key, signature) != 0:
            raise InputError("the signature library refuses to sign, so signature checks cannot be measured")
        return tuple(_const(BYTESTRING, bytes(part)) for part in (key, message, signature))

    return Point((_words(key_bytes), _words(message_bytes), 8), operands)


_INTEGER_WORDS: Final = (1, 10, 100)
_MESSAGE_BYTES: Final = (32, 2_000, 16_000)

POINTS: Final[dict[str, tuple[Point, ...]]] = {
    "addInteger": tuple(map(_pair_of_integers, _INTEGER_WORDS)),
    "subtractInteger": tuple(map(_pair_of_integers, _INTEGER_WORDS)),
    "equalsInteger": tuple(map(_equal_integers, _INTEGER_WORDS)),
    "lessThanInteger": tuple(map(_equal_integers, _INTEGER_WORDS)),
    "lessThanEqualsInteger": tuple(map(_equal_integers, _INTEGER_WORDS)),
    "ifThenElse": (Point((1, 1, 1), _if),),
    "trace": (Point((16, 1), _trace),),
    "fstPair": (Point((1,), _pair),),
    "sndPair": (Point((1,), _pair),),
    "chooseList": (Point((3, 1, 1), _choose_list),),
    "headList": (Point((3,), lambda rng: (_list_constant(rng),)),),
    "tailList": (Point((3,), lambda rng: (_list_constant(rng),)),),
    "nullList": (Point((3,), lambda rng: (_list_constant(rng),)),),
    "chooseData": (Point((15, 1, 1, 1, 1, 1), _choose_data),),
    "unConstrData": _one_of_data(_constructor, 19),
    "unMapData": _one_of_data(_map, 43),
    "unListData": _one_of_data(_list, 19),
    "unIData": _one_of_data(lambda rng: rng.getrandbits(62), 5),
    "unBData": _one_of_data(lambda rng: rng.randbytes(28), 8),
    "verifyEd25519Signature": tuple(_signed(lib.cal_sign_ed25519, 32, length) for length in _MESSAGE_BYTES),
    "verifyEcdsaSecp256k1Signature": (_signed(lib.cal_sign_ecdsa, 33, 32),),
    "verifySchnorrSecp256k1Signature": tuple(_signed(lib.cal_sign_schnorr, 32, length) for length in _MESSAGE_BYTES),
}
"""The points of every builtin that has a design."""
