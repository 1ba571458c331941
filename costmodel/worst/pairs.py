"""Operands that depend on one another: compared, cancelling, cut out, looked up, signed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from costmodel.experiments import operands as made
from costmodel.plutus import INTEGER, VALUE, Const, Data, DataConstr, DataList, DataMap, list_of
from costmodel.worst import constants as one
from costmodel.worst.constants import Argument
from costmodel.worst.space import Number, Option, Parameter, Values, text, whole

Constants = tuple[Const, ...]

_HALF: Final = one.MOST_BYTES // 2
COMPARED: Final = ("equal", "different", "same object")


@dataclass(frozen=True, slots=True)
class Tuple:
    """All arguments of a builtin: their parameters, and how constants are made of them. One constant object in two
    places is one object when the program runs, too."""

    parameters: tuple[Parameter, ...]
    make: Callable[[Values, random.Random], Constants]


def apart(*arguments: Argument) -> Tuple:
    """Arguments that have nothing to do with one another."""
    return Tuple(
        tuple(parameter for argument in arguments for parameter in argument.parameters),
        lambda values, rng: tuple(argument.make(values, rng) for argument in arguments),
    )


def compared(first: Argument, differing: Callable[[Any, int, random.Random], Any]) -> Tuple:
    """Two of which the second is equal to the first, or made to differ at a place, in percent from the beginning."""

    def make(values: Values, rng: random.Random) -> Constants:
        left = first.make(values, rng)
        match values["compared"]:
            case "same object":
                return left, left
            case "equal":
                return left, made.const(left.constant.type, left.constant.value)
        other = differing(left.constant.value, whole(values, "difference"), rng)
        return left, made.const(left.constant.type, other)

    parameters = (*first.parameters, Option("compared", COMPARED), Number("difference", 0, 100, at=100))
    return Tuple(parameters, make)


def other_bytes(value: bytes, percent: int, _: random.Random) -> bytes:
    """The same with another bit at a place; of nothing, one byte."""
    if not value:
        return b"\0"
    at = min(percent * len(value) // 100, len(value) - 1)
    return value[:at] + bytes((value[at] ^ 1,)) + value[at + 1 :]


def other_integer(value: int, percent: int, _: random.Random) -> int:
    """The same with another bit at a place, the highest at 0 %."""
    bits = max(abs(value).bit_length(), 1)
    flipped = abs(value) ^ 1 << (bits - 1 - min(percent * bits // 100, bits - 1))
    return -flipped if value < 0 else flipped


def other_text(value: str, percent: int, _: random.Random) -> str:
    at = min(percent * len(value) // 100, len(value) - 1)
    changed = chr(ord(value[at]) ^ 1)
    return value[:at] + changed + value[at + 1 :]


def other_data(value: Data, percent: int, _: random.Random) -> Data:
    """The same with another leaf: of those directly below the root the one at a place, or the root itself."""
    parts: tuple[Any, ...]
    match value:
        case DataConstr() if value.fields:
            return DataConstr(value.tag, _replaced(value.fields, percent))
        case DataList() if value.items:
            return DataList(_replaced(value.items, percent))
        case DataMap() if value.entries:
            at = min(percent * len(value.entries) // 100, len(value.entries) - 1)
            parts = value.entries
            return DataMap((*parts[:at], (parts[at][0], b"another"), *parts[at + 1 :]))
    return b"another"


def _replaced(parts: tuple[Data, ...], percent: int) -> tuple[Data, ...]:
    at = min(percent * len(parts) // 100, len(parts) - 1)
    return (*parts[:at], b"another", *parts[at + 1 :])


def two_integers(most_words: int, *, positive: bool = False) -> Tuple:
    """Two of them, and whether they are one object or the second follows from the first."""
    x, y = (one.integer(name, most_words, signed=not positive) for name in ("first", "second"))

    def make(values: Values, rng: random.Random) -> Constants:
        left, right = x.make(values, rng), y.make(values, rng)
        match values["second is"]:
            case "the first":
                return left, left
            case "the first negated":
                return left, made.literal(-left.constant.value)
            case "one more":
                return left, made.literal(left.constant.value + 1)
        return left, right

    ways = ("its own", "the first", "one more", *(() if positive else ("the first negated",)))
    return Tuple((*x.parameters, *y.parameters, Option("second is", ways)), make)


def modular() -> Tuple:
    """Base, exponent and modulus."""
    base, exponent = one.integer("base", 64), one.integer("exponent", 64, signed=False)
    modulus = one.integer("modulus", 64, signed=False)

    def make(values: Values, rng: random.Random) -> Constants:
        by = modulus.make(values, rng).constant.value
        by = by | 1 if values["modulus is"] == "odd" else max(by & ~1, 2)
        return base.make(values, rng), exponent.make(values, rng), made.literal(by)

    parameters = (*base.parameters, *exponent.parameters, *modulus.parameters, Option("modulus is", ("odd", "even")))
    return Tuple(parameters, make)


def masks() -> Tuple:
    """Whether to extend, and two byte strings."""
    return apart(flag("extends"), one.byte_string("first", _HALF), one.byte_string("second", _HALF))


def flag(name: str) -> Argument:
    """A boolean."""
    return Argument((Option(name, ("yes", "no")),), lambda values, _: made.boolean(values[name] == "yes"))


def in_bytes(name: str, place: Callable[[Values, int], int], parameters: tuple[Parameter, ...]) -> Tuple:
    """A byte string of one byte or more, and a number that depends on its length."""
    source = one.byte_string(name)

    def make(values: Values, rng: random.Random) -> Constants:
        octets = source.make(values, rng).constant.value or b"\0"
        return made.byte_string(octets), made.literal(place(values, len(octets)))

    return Tuple((*source.parameters, *parameters), make)


def percent_of(scale: int) -> Callable[[Values, int], int]:
    """The place at the parameter `place` of `scale` units a byte."""
    return lambda values, length: min(whole(values, "place") * length * scale // 100, length * scale - 1)


PLACE: Final = (Number("place", 0, 100),)
SHIFTS: Final = ("by one", "by eight", "by seven", "by half", "by all but one", "beyond", "by none")


def shift(values: Values, length: int) -> int:
    """By how many bits, to the left or to the right."""
    bits = 8 * length
    amounts = dict(zip(SHIFTS, (1, 8, 7, bits // 2 + 1, bits - 1, bits + 1, 0), strict=True))
    amount = amounts[text(values, "shifted")]
    return -amount if values["direction"] == "right" else amount


def slice_of() -> Tuple:
    """Where to begin, how much to take, and of what."""
    source = one.byte_string("string")

    def make(values: Values, rng: random.Random) -> Constants:
        octets = source.make(values, rng)
        length = len(octets.constant.value)
        start, taken = (whole(values, name) * length // 100 for name in ("start", "taken"))
        return made.literal(start), made.literal(taken), octets

    return Tuple((*source.parameters, Number("start", 0, 100), Number("taken", 0, 100, at=100)), make)


def updates() -> Tuple:
    """A byte string, bits of it in an order, and what they become."""
    source = one.byte_string("string", _HALF)
    order = ("all the last", "all the first", "ascending", "descending", "random")

    def make(values: Values, rng: random.Random) -> Constants:
        octets = source.make(values, rng).constant.value or b"\0"
        count, bits = whole(values, "updates"), 8 * len(octets)
        spread = [at * bits // count for at in range(count)]
        places = {
            "all the last": [bits - 1] * count,
            "all the first": [0] * count,
            "ascending": spread,
            "descending": spread[::-1],
            "random": [rng.randrange(bits) for _ in range(count)],
        }[text(values, "places")]
        indices = made.const(list_of(INTEGER), tuple(places))
        return made.byte_string(octets), indices, made.boolean(values["become"] == "ones")

    own = (Number("updates", 1, 1_500, log=True), Option("places", order), Option("become", ("ones", "zeros")))
    return Tuple((*source.parameters, *own), make)


def to_bytes() -> Tuple:
    """Which end comes first, how long the result is to be at least, and an integer."""
    source = one.integer("integer", 1_000, signed=False)

    def make(values: Values, rng: random.Random) -> Constants:
        number = source.make(values, rng)
        least = (number.constant.value.bit_length() + 7) // 8
        width = 0 if values["width"] == "free" else least + whole(values, "padding")
        return made.boolean(values["big endian"] == "yes"), made.literal(min(width, 8_192)), number

    own = (Option("big endian", ("yes", "no")), Option("width", ("free", "given")), Number("padding", 0, 4_000))
    return Tuple((*source.parameters, *own), make)


def dropped() -> Tuple:
    """How many elements to drop, and of what."""
    source = one.sequence("list", most=6_000)

    def make(values: Values, rng: random.Random) -> Constants:
        elements = source.make(values, rng)
        length = len(elements.constant.value)
        return made.literal(whole(values, "dropped") * length // 100), elements

    return Tuple((*source.parameters, Number("dropped", 0, 200, at=100)), make)


def indexed() -> Tuple:
    """An array and a place in it."""
    source = one.sequence("array", made_array, fewest=1)

    def make(values: Values, rng: random.Random) -> Constants:
        elements = source.make(values, rng)
        length = len(elements.constant.value)
        return elements, made.literal(min(whole(values, "place") * length // 100, length - 1))

    return Tuple((*source.parameters, *PLACE), make)


def made_array(element: Any) -> Any:
    """The type of arrays of elements."""
    from costmodel.plutus import array_of

    return array_of(element)


def signed(sign: Callable[..., int], key_bytes: int, *, hashed: bool) -> Tuple:
    """A key, a message, which is a hash of 32 bytes where it is `hashed`, and a signature, valid or not."""
    valid = made.signed(sign, key_bytes)
    parameters: list[Parameter] = [Option("signature", ("valid", "of another message", "random"))]
    if not hashed:
        parameters.append(Number("message bytes", 8, one.MOST_BYTES, log=True))

    def make(values: Values, rng: random.Random) -> Constants:
        words = 4 if hashed else whole(values, "message bytes") // 8
        key, message, signature = valid((key_bytes // 8, words, 8), rng)
        match values["signature"]:
            case "of another message":
                message = made.random_bytes(words, rng)
            case "random":
                signature = made.byte_string(rng.randbytes(63) + b"\x01")
        return key, message, signature

    return Tuple(tuple(parameters), make)


# Values


def _entries(constant: Const) -> one.Entries:
    entries: one.Entries = constant.constant.value
    return entries


def two_values() -> Tuple:
    """Two of them: with the same identifiers and amounts, cancelling ones, others, or the same object."""
    first, second = one.value("first"), one.value("second")

    def make(values: Values, rng: random.Random) -> Constants:
        left, right = first.make(values, rng), second.make(values, rng)
        match values["second is"]:
            case "the first":
                return left, left
            case "equal":
                return left, made.const(VALUE, _entries(left))
            case "the first negated":
                return left, made.const(VALUE, _mapped(left, lambda amount: max(-amount, 1 - 2**127)))
            case "the first with other tokens":
                return left, made.const(VALUE, _renamed(left))
            case "the last currency of the first":
                return left, made.const(VALUE, _entries(left)[-1:])
        return left, right

    ways = (
        *("its own", "equal", "the first", "the first negated", "the first with other tokens"),
        "the last currency of the first",
    )
    return Tuple((*first.parameters, *second.parameters, Option("second is", ways)), make)


def _mapped(constant: Const, change: Callable[[int], int]) -> one.Entries:
    return tuple(
        (currency, tuple((token, change(amount)) for token, amount in tokens))
        for currency, tokens in _entries(constant)
    )


def _renamed(constant: Const) -> one.Entries:
    """Every token with another last byte, so that none is in both, and they stay in order."""
    return tuple(
        (currency, tuple(sorted((token[:-1] + bytes((token[-1] ^ 0x80,)), amount) for token, amount in tokens)))
        for currency, tokens in _entries(constant)
    )


def scaled() -> Tuple:
    """A factor and a Value."""
    source = one.value("value")
    factors = {"two": 2, "one": 1, "minus one": -1, "zero": 0, "large": 2**100}

    def make(values: Values, rng: random.Random) -> Constants:
        return made.literal(factors[text(values, "factor")]), source.make(values, rng)

    return Tuple((*source.parameters, Option("factor", tuple(factors))), make)


def coin(*, inserted: bool) -> Tuple:
    """A currency and a token of it, that is in a Value or not, and what to insert."""
    source = one.value("value")
    places = ("first", "middle", "last", "another token", "another currency")

    def make(values: Values, rng: random.Random) -> Constants:
        held = source.make(values, rng)
        entries = _entries(held)
        at = {"first": 0, "middle": len(entries) // 2}.get(text(values, "looked for"), len(entries) - 1)
        currency, tokens = entries[at]
        token = tokens[min(at, len(tokens) - 1)][0]
        if values["looked for"] == "another token":
            token = token[:-1] + bytes((token[-1] ^ 0x80,))
        if values["looked for"] == "another currency":
            currency = currency[:-1] + bytes((currency[-1] ^ 0x80,))
        named = made.byte_string(currency), made.byte_string(token)
        if not inserted:
            return *named, held
        amount = {"one": 1, "zero": 0, "largest": 2**127 - 1, "negative": -1}[text(values, "inserted")]
        return *named, made.literal(amount), held

    own: tuple[Parameter, ...] = (Option("looked for", places),)
    if inserted:
        own = (*own, Option("inserted", ("one", "zero", "largest", "negative")))
    return Tuple((*source.parameters, *own), make)


def value_as_data() -> Tuple:
    """A Value as Data."""
    source = one.value("value")

    def make(values: Values, rng: random.Random) -> Constants:
        entries = _entries(source.make(values, rng))
        return (made.data(DataMap(tuple((currency, DataMap(tokens)) for currency, tokens in entries))),)

    return Tuple(source.parameters, make)
