"""Constants with the properties that may make a builtin slow for its price, each made from named parameters.

Sizes are what prices look at. Here are the things that they do not: which bits are set, signs, how Data is nested, what
strings are made of, where two of them differ, what the parts of a Value have in common.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from costmodel.experiments import operands as made
from costmodel.plutus import (
    BYTESTRING,
    DATA,
    INTEGER,
    VALUE,
    Const,
    ConstantType,
    Data,
    DataConstr,
    DataList,
    DataMap,
    list_of,
    pair_of,
)
from costmodel.worst.space import Number, Option, Parameter, Unfit, Values, text, whole

MOST_BYTES: Final = 13_000
"""Of all constants of a witness together: a transaction has 16,384 bytes."""

_WORD: Final = 64
_KEY_BYTES: Final = 32

Maker = Callable[[Values, random.Random], Const]


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument's parameters, their names beginning with its own, and how a constant is made of them."""

    parameters: tuple[Parameter, ...]
    make: Maker


def check_room(count: int, octets: float) -> None:
    """Unfit where so many things of about so many bytes are more than a witness has room for: they are not made then,
    as the largest would take seconds."""
    if count * octets > 1.5 * MOST_BYTES:
        raise Unfit(f"about {count * octets:.0f} bytes of constants are more than a transaction has room for")


def fixed(make: Callable[[random.Random], Const]) -> Argument:
    """An argument without parameters."""
    return Argument((), lambda _, rng: make(rng))


def integer(name: str, most_words: int, *, signed: bool = True) -> Argument:
    """An integer of a number of words with its limbs in a pattern."""
    words, limbs, sign = f"{name} words", f"{name} limbs", f"{name} sign"
    parameters: list[Parameter] = [
        Number(words, 1, most_words, log=True),
        Option(limbs, ("random", "all ones", "one bit", "alternating", "two ends")),
    ]
    if signed:
        parameters.append(Option(sign, ("positive", "negative")))

    def make(values: Values, rng: random.Random) -> Const:
        number = limbs_of(text(values, limbs), whole(values, words), rng)
        return made.literal(-number if signed and values[sign] == "negative" else number)

    return Argument(tuple(parameters), make)


def limbs_of(pattern: str, words: int, rng: random.Random) -> int:
    """A positive integer of so many words."""
    bits = _WORD * words
    match pattern:
        case "all ones":
            return (1 << bits) - 1
        case "one bit":
            return 1 << (bits - 1)
        case "alternating":
            return (1 << bits) // 3 | 1 << (bits - 1)
        case "two ends":
            return 1 << (bits - 1) | 1
    return rng.getrandbits(bits) | 1 << (bits - 2)


def byte_string(name: str, most: int = MOST_BYTES) -> Argument:
    """A byte string of a length and a filling."""
    length, filling = f"{name} bytes", f"{name} filling"
    parameters = (
        Number(length, 1, most, log=True),
        Option(filling, ("random", "zeros", "ones", "first bit", "last bit", "empty")),
    )
    return Argument(
        parameters,
        lambda values, rng: made.byte_string(filled(text(values, filling), whole(values, length), rng)),
    )


def filled(filling: str, length: int, rng: random.Random) -> bytes:
    """So many bytes, or none where they are to be empty."""
    match filling:
        case "zeros":
            return bytes(length)
        case "ones":
            return b"\xff" * length
        case "first bit":
            return b"\x80" + bytes(length - 1)
        case "last bit":
            return bytes(length - 1) + b"\x01"
        case "empty":
            return b""
    return rng.randbytes(length)


_ALPHABETS: Final = {
    "ascii": (0x20, 0x7E),
    "two bytes": (0x80, 0x7FF),
    "three bytes": (0x800, 0xD7FF),
    "four bytes": (0x10000, 0x10FFFF),
}


def letters(kind: str, octets: int, rng: random.Random) -> str:
    """Text of about so many bytes in UTF-8, of characters of one width or of all in turn."""
    kinds = list(_ALPHABETS) if kind == "mixed" else [kind]
    widths = [1 + list(_ALPHABETS).index(each) for each in kinds]
    count = max(octets * len(kinds) // sum(widths), 1)
    return "".join(chr(rng.randint(*_ALPHABETS[kinds[at % len(kinds)]])) for at in range(count))


def string(name: str, most: int = MOST_BYTES) -> Argument:
    """Text by its length in bytes and the width of its characters."""
    length, width = f"{name} bytes", f"{name} characters"
    parameters = (Number(length, 1, most, log=True), Option(width, (*_ALPHABETS, "mixed")))
    return Argument(
        parameters, lambda values, rng: made.string(letters(text(values, width), whole(values, length), rng))
    )


# Data


_FORMS: Final[dict[str, Callable[[tuple[Data, ...]], Data]]] = {
    "list": DataList,
    "constructor": lambda parts: DataConstr(0, parts),
    "high tag": lambda parts: DataConstr(2**63, parts),
    "map": lambda parts: DataMap(tuple((part, 0) for part in parts)),
}
_LEAVES: Final[dict[str, Callable[[random.Random], Data]]] = {
    "small integer": lambda rng: rng.getrandbits(4),
    "word": made.small,
    "large integer": lambda rng: rng.getrandbits(500),
    "negative integer": lambda rng: -rng.getrandbits(80) - 1,
    "empty bytes": lambda _: b"",
    "bytes": lambda rng: rng.randbytes(28),
    "long bytes": lambda rng: rng.randbytes(100),
    "empty list": lambda _: DataList(()),
}
_LEAF_BYTES: Final = dict(zip(_LEAVES, (1, 9, 65, 12, 1, 30, 104, 1), strict=True))
SHAPES: Final = ("flat", "balanced", "nested right", "nested left", "value", "value without first tokens")


def nested(shape: str, form: str, leaf: str, nodes: int, rng: random.Random) -> Data:
    """Data of about so many nodes in a shape."""
    node, end = _FORMS[form], _LEAVES[leaf]
    check_room(nodes, 12 if shape.startswith("value") else (_LEAF_BYTES[leaf] + 1) / (1 if shape == "flat" else 2))
    if shape.startswith("value"):
        first: Data = DataMap(()) if shape != "value" else DataMap(((rng.randbytes(4), 1),))
        entries = sorted(rng.randbytes(28) for _ in range(max(nodes // 4, 1)))
        rest = [(name, DataMap(((rng.randbytes(4), made.small(rng)),))) for name in entries[1:]]
        return DataMap(((entries[0], first), *rest))
    if shape == "flat":
        return node(tuple(end(rng) for _ in range(max(nodes - 1, 0))))
    if shape == "balanced":
        level: list[Data] = [end(rng) for _ in range(max((nodes + 1) // 2, 1))]
        while len(level) > 1:
            level = [node(tuple(level[at : at + 2])) for at in range(0, len(level), 2)]
        return level[0]
    inner: Data = end(rng)
    for _ in range(max((nodes - 1) // 2, 0)):
        inner = node((inner, end(rng)) if shape == "nested left" else (end(rng), inner))
    return inner


def data(name: str, most_nodes: int = 3_000, forms: Sequence[str] = tuple(_FORMS)) -> Argument:
    """Data by its nodes, how they are nested, what they are and what they end in."""
    nodes, shape, form, leaf = (f"{name} {what}" for what in ("nodes", "shape", "node", "leaf"))
    parameters = (
        Number(nodes, 1, most_nodes, log=True),
        Option(shape, SHAPES),
        Option(form, tuple(forms)),
        Option(leaf, tuple(_LEAVES)),
    )

    def make(values: Values, rng: random.Random) -> Const:
        what = text(values, shape), text(values, form), text(values, leaf)
        return made.data(nested(*what, whole(values, nodes), rng))

    return Argument(parameters, make)


def one_node(name: str, form: str) -> Argument:
    """Data that is one node of a form, with leaves of a kind below it."""
    nodes, leaf = f"{name} nodes", f"{name} leaf"
    parameters = (Number(nodes, 1, 1_000, log=True), Option(leaf, tuple(_LEAVES)))
    return Argument(
        parameters,
        lambda values, rng: made.data(nested("flat", form, text(values, leaf), whole(values, nodes), rng)),
    )


# Lists


_ELEMENTS: Final[dict[str, tuple[ConstantType, Callable[[random.Random], object]]]] = {
    "integer": (INTEGER, lambda rng: rng.getrandbits(6)),
    "large integer": (INTEGER, lambda rng: rng.getrandbits(400)),
    "bytes": (BYTESTRING, lambda rng: rng.randbytes(16)),
    "data": (DATA, made.small),
    "list": (list_of(INTEGER), lambda rng: (rng.getrandbits(6),)),
    "pair": (pair_of(INTEGER, INTEGER), lambda rng: (rng.getrandbits(6), 1)),
}
_ELEMENT_BYTES: Final = dict(zip(_ELEMENTS, (1.1, 60, 18, 10, 2, 2), strict=True))


def sequence(
    name: str, wrap: Callable[[ConstantType], ConstantType] = list_of, *, fewest: int = 0, most: int = 4_000
) -> Argument:
    """A list, or what else `wrap` makes of a type, by its length and elements."""
    length, element = f"{name} length", f"{name} elements"
    # Proportional draws begin at one; a parameter of its own says that nothing is in it.
    parameters: list[Parameter] = [Number(length, 1, most, log=True), Option(element, tuple(_ELEMENTS))]
    empty = f"{name} empty"
    if not fewest:
        parameters.append(Option(empty, ("no", "yes")))

    def make(values: Values, rng: random.Random) -> Const:
        kind, one = _ELEMENTS[text(values, element)]
        count = 0 if values.get(empty) == "yes" else whole(values, length)
        check_room(count, _ELEMENT_BYTES[text(values, element)])
        return made.const(wrap(kind), tuple(one(rng) for _ in range(count)))

    return Argument(tuple(parameters), make)


def list_of_data(name: str, *, pairs: bool = False) -> Argument:
    """A list of Data, or of pairs of it."""
    length, leaf, empty = f"{name} length", f"{name} leaf", f"{name} empty"
    parameters = (Number(length, 1, 2_000, log=True), Option(leaf, tuple(_LEAVES)), Option(empty, ("no", "yes")))

    def make(values: Values, rng: random.Random) -> Const:
        end = _LEAVES[text(values, leaf)]
        count = 0 if values[empty] == "yes" else whole(values, length)
        check_room(count, (2 if pairs else 1) * (_LEAF_BYTES[text(values, leaf)] + 3))
        if pairs:
            return made.const(list_of(pair_of(DATA, DATA)), tuple((end(rng), end(rng)) for _ in range(count)))
        return made.const(list_of(DATA), tuple(end(rng) for _ in range(count)))

    return Argument(parameters, make)


# Values


Entries = tuple[tuple[bytes, tuple[tuple[bytes, int], ...]], ...]
AMOUNTS: Final = ("small", "negative", "word", "largest", "smallest", "alternating")


def amount_of(kind: str, at: int, rng: random.Random) -> int:
    """A quantity that is not zero."""
    match kind:
        case "negative":
            return -rng.randint(1, 100)
        case "word":
            return made.small(rng)
        case "largest":
            return 2**127 - 1
        case "smallest":
            return -(2**127)
        case "alternating":
            return rng.randint(1, 100) * (-1 if at % 2 else 1)
    return rng.randint(1, 100)


def keys(count: int, prefix: int, length: int, rng: random.Random) -> list[bytes]:
    """So many different identifiers in ascending order, the first bytes of all alike."""
    common = rng.randbytes(min(prefix, length))
    rest = max(length - len(common), 0)
    # As many bytes as tell them apart come last; those between are random.
    told = max((count.bit_length() + 7) // 8, 1)
    middle = max(rest - told, 0)
    made_keys = {common[: length - told] + rng.randbytes(middle) + at.to_bytes(told, "big") for at in range(count)}
    return sorted(made_keys)


def value_entries(name: str, values: Values, rng: random.Random) -> Entries:
    """What a Value is made of, by the parameters of `value`."""
    tokens, prefix = whole(values, f"{name} tokens"), whole(values, f"{name} shared prefix")
    length, currencies = whole(values, f"{name} key bytes"), whole(values, f"{name} currencies")
    check_room(currencies, (length + 2) + tokens * (length + 2))
    kind = text(values, f"{name} amounts")
    return tuple(
        (
            currency,
            tuple((token, amount_of(kind, at, rng)) for at, token in enumerate(keys(tokens, prefix, length, rng))),
        )
        for currency in keys(currencies, prefix, length, rng)
    )


def value_parameters(name: str) -> tuple[Parameter, ...]:
    """How many of what a Value has, what its identifiers share, and which amounts."""
    return (
        Number(f"{name} currencies", 1, 300, log=True),
        Number(f"{name} tokens", 1, 300, log=True),
        Number(f"{name} key bytes", 3, _KEY_BYTES, at=_KEY_BYTES),
        Number(f"{name} shared prefix", 0, _KEY_BYTES - 1),
        Option(f"{name} amounts", AMOUNTS),
    )


def value(name: str) -> Argument:
    """A Value."""
    return Argument(value_parameters(name), lambda values, rng: made.const(VALUE, value_entries(name, values, rng)))
