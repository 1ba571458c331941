"""The one table of what is tried on every builtin: a space of operands, and how a program gets hold of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from costmodel._native import lib
from costmodel.experiments import group_operands as groups
from costmodel.experiments import operands as made
from costmodel.experiments.group_operands import Prepared
from costmodel.experiments.terms import Application, Bound, Item, Operand, Operands
from costmodel.plutus import BUILTIN_BY_NAME, Const
from costmodel.worst import constants as one
from costmodel.worst import pairs
from costmodel.worst.constants import Argument
from costmodel.worst.pairs import Tuple
from costmodel.worst.space import Number, Option, Parameter, Values, text, whole

_HALF: Final = one.MOST_BYTES // 2
_MOST_SETS: Final = 8
_SETS: Final = "operand sets"


@dataclass(frozen=True, slots=True)
class OperandSpace:
    """Parameters, and what they make: what a program binds first, and the operands of each of several applications."""

    parameters: tuple[Parameter, ...]
    prepare: Callable[[Values, int, random.Random], Prepared]
    sets: str = ""
    """The parameter that says how many sets of operands take turns; without it every application has its own."""


def _of(tried: Tuple, built: int | None = None) -> OperandSpace:
    """Constants, a set after another. The argument `built` may be put together by the program, from a shorter one."""
    parameters = (*tried.parameters, Number(_SETS, 1, _MOST_SETS, log=True))
    if built is not None:
        parameters = (*parameters, Number("doublings", 0, 3))

    def prepare(values: Values, count: int, rng: random.Random) -> Prepared:
        items: list[Item] = []
        operands: list[Operands] = []
        for _ in range(count):
            constants = tried.make(values, rng)
            bound: dict[int, Operand] = {}
            for constant in constants:  # one object twice stays one object
                if id(constant) not in bound:
                    items.append(constant)
                    bound[id(constant)] = Bound(len(items) - 1)
            mine = [bound[id(constant)] for constant in constants]
            for _ in range(whole(values, "doublings") if built is not None else 0):
                twice = mine[built or 0]
                items.append(Application(BUILTIN_BY_NAME["appendByteString"], (twice, twice)))
                mine[built or 0] = Bound(len(items) - 1)
            operands.append(tuple(mine))
        return items, operands

    return OperandSpace(parameters, prepare, sets=_SETS)


def _apart(*arguments: Argument, built: int | None = None) -> OperandSpace:
    return _of(pairs.apart(*arguments), built)


_POINTS: Final = ("sums", "uncompressed", "identity", "all one point")


def _points(group: str, values: Values, count: int, rng: random.Random) -> tuple[list[Item], list[Bound]]:
    """Elements of a group, each bound: sums of others, fresh from their encodings, the identity, or all one object."""
    items: list[Item] = []
    match text(values, f"{group} points"):
        case "uncompressed":
            fresh = groups.compressed(group)
            return items, [_uncompressed(items, group, fresh((0,), rng)[0]) for _ in range(count)]
        case "identity":
            length = {"G1": 48, "G2": 96}[group]
            zero = made.byte_string(b"\xc0" + bytes(length - 1))
            return items, [_uncompressed(items, group, zero) for _ in range(count)]
        case "all one point":
            point = _uncompressed(items, group, groups.compressed(group)((0,), rng)[0])
            return items, [point] * count
    prepared, operands = groups.one_point(group)((0,), count, rng)
    return prepared, [bound for each in operands for bound in each if isinstance(bound, Bound)]


def _uncompressed(items: list[Item], group: str, encoded: Const) -> Bound:
    items.append(Application(BUILTIN_BY_NAME[f"bls12_381_{group}_uncompress"], (encoded,)))
    return Bound(len(items) - 1)


def _of_points(group: str, number: int, *, scaled: bool = False) -> OperandSpace:
    """A number of points, after a scalar where they are `scaled`."""
    scalar = one.integer("scalar", 64)
    parameters: tuple[Parameter, ...] = (Option(f"{group} points", _POINTS),)
    if scaled:
        parameters = (*scalar.parameters, *parameters)

    def prepare(values: Values, count: int, rng: random.Random) -> Prepared:
        items, points = _points(group, values, count + number - 1, rng)
        each: list[Operands] = [tuple(points[at : at + number]) for at in range(count)]
        return items, [(scalar.make(values, rng), *mine) for mine in each] if scaled else each

    return OperandSpace(parameters, prepare)


def _many_multiples(group: str) -> OperandSpace:
    """Lists of scalars and of points."""
    scalar = one.integer("scalar", 64)
    parameters = (*scalar.parameters, Number("terms", 1, 60, log=True), Option("scalars", ("apart", "all one")))

    def prepare(values: Values, count: int, rng: random.Random) -> Prepared:
        terms = whole(values, "terms")
        items, applications = groups.sum_of_multiples(group)((terms, terms), min(count, 1), rng)
        same = scalar.make(values, rng).constant.value
        scalars = [
            same if values["scalars"] == "all one" else scalar.make(values, rng).constant.value for _ in range(terms)
        ]
        listed = made.const(applications[0][0].constant.type, tuple(scalars))  # type: ignore[union-attr]
        items.append(listed)
        return items, [(Bound(len(items) - 1), applications[0][1])] * count

    return OperandSpace(parameters, prepare)


def _miller() -> OperandSpace:
    parameters = (Option("G1 points", _POINTS), Option("G2 points", _POINTS))

    def prepare(values: Values, count: int, rng: random.Random) -> Prepared:
        items, ones = _points("G1", values, count, rng)
        more, twos = _points("G2", values, count, rng)
        shifted: list[Item] = [_moved(item, len(items)) for item in more]
        moved = [Bound(bound.item + len(items)) for bound in twos]
        return [*items, *shifted], list(zip(ones, moved, strict=True))

    return OperandSpace(parameters, prepare)


def _moved(item: Item, by: int) -> Item:
    """An item that refers to items which stand so many places later."""
    if not isinstance(item, Application):
        return item
    operands = tuple(Bound(each.item + by) if isinstance(each, Bound) else each for each in item.operands)
    return Application(item.builtin, operands)


def _pairings() -> OperandSpace:
    return OperandSpace((), lambda _, count, rng: groups.two_pairings((72, 72), count, rng))


def _encoded(group: str) -> OperandSpace:
    """A point in its encoding: random ones, or the identity."""

    def prepare(values: Values, count: int, rng: random.Random) -> Prepared:
        length = {"G1": 48, "G2": 96}[group]
        zero = made.byte_string(b"\xc0" + bytes(length - 1))
        fresh = groups.compressed(group)
        items: list[Item] = [zero if values["point"] == "identity" else fresh((0,), rng)[0] for _ in range(count)]
        return items, [(Bound(at),) for at in range(count)]

    parameters = (Option("point", ("random", "identity")), Number(_SETS, 1, _MOST_SETS, log=True))
    return OperandSpace(parameters, prepare, sets=_SETS)


def _group(group: str) -> dict[str, OperandSpace]:
    tag = one.byte_string("tag", 255)
    tried = {
        "add": _of_points(group, 2),
        "neg": _of_points(group, 1),
        "scalarMul": _of_points(group, 1, scaled=True),
        "equal": _of_points(group, 2),
        "compress": _of_points(group, 1),
        "uncompress": _encoded(group),
        "hashToGroup": _apart(one.byte_string("message", 12_000), tag, built=0),
        "multiScalarMul": _many_multiples(group),
    }
    return {f"bls12_381_{group}_{name}": space for name, space in tried.items()}


_ANY: Final = one.fixed(made.anything)
_INTEGERS: Final = _of(pairs.two_integers(780))
_DIVIDED: Final = _of(pairs.two_integers(400))
_EQUAL_INTEGERS: Final = _of(pairs.compared(one.integer("integers", 780), pairs.other_integer))
_COMPARED: Final = _of(pairs.compared(one.byte_string("strings", _HALF), pairs.other_bytes))
_BYTES: Final = _apart(one.byte_string("string"), built=0)
_MASKS: Final = _of(pairs.masks())
_LIST: Final = _apart(one.sequence("list"))
_FULL_LIST: Final = _apart(one.sequence("list", fewest=1))
_DATA: Final = one.data("data")
_PAIR: Final = _apart(one.fixed(made.pair))
_SHIFTED: Final = (Option("shifted", pairs.SHIFTS), Option("direction", ("left", "right")))

SPACES: Final[dict[str, OperandSpace]] = {
    "addInteger": _INTEGERS,
    "subtractInteger": _INTEGERS,
    "multiplyInteger": _INTEGERS,
    "divideInteger": _DIVIDED,
    "quotientInteger": _DIVIDED,
    "remainderInteger": _DIVIDED,
    "modInteger": _DIVIDED,
    "equalsInteger": _EQUAL_INTEGERS,
    "lessThanInteger": _EQUAL_INTEGERS,
    "lessThanEqualsInteger": _EQUAL_INTEGERS,
    "expModInteger": _of(pairs.modular()),
    "appendByteString": _apart(one.byte_string("first", _HALF), one.byte_string("second", _HALF)),
    "consByteString": _apart(one.fixed(lambda rng: made.literal(rng.getrandbits(8))), one.byte_string("string")),
    "sliceByteString": _of(pairs.slice_of()),
    "lengthOfByteString": _BYTES,
    "indexByteString": _of(pairs.in_bytes("string", pairs.percent_of(1), pairs.PLACE)),
    "equalsByteString": _COMPARED,
    "lessThanByteString": _COMPARED,
    "lessThanEqualsByteString": _COMPARED,
    **dict.fromkeys(("sha2_256", "sha3_256", "blake2b_256", "blake2b_224", "keccak_256", "ripemd_160"), _BYTES),
    "verifyEd25519Signature": _of(pairs.signed(lib.cal_sign_ed25519, 32, hashed=False)),
    "verifyEcdsaSecp256k1Signature": _of(pairs.signed(lib.cal_sign_ecdsa, 33, hashed=True)),
    "verifySchnorrSecp256k1Signature": _of(pairs.signed(lib.cal_sign_schnorr, 32, hashed=False)),
    "appendString": _apart(one.string("first", _HALF), one.string("second", _HALF)),
    "equalsString": _of(pairs.compared(one.string("strings", _HALF), pairs.other_text)),
    "encodeUtf8": _apart(one.string("string")),
    "decodeUtf8": _apart(
        Argument(
            one.string("text").parameters,
            lambda values, rng: made.byte_string(one.string("text").make(values, rng).constant.value.encode()),
        )
    ),
    "ifThenElse": _apart(pairs.flag("condition"), _ANY, _ANY),
    "chooseUnit": _apart(one.fixed(lambda _: made.unit()), _ANY),
    "trace": _apart(one.string("message", 6_000), one.fixed(lambda _: made.unit())),
    "fstPair": _PAIR,
    "sndPair": _PAIR,
    "chooseList": _apart(one.sequence("list"), _ANY, _ANY),
    "mkCons": _apart(one.fixed(lambda rng: made.data(made.small(rng))), one.list_of_data("list")),
    "headList": _FULL_LIST,
    "tailList": _FULL_LIST,
    "nullList": _LIST,
    "chooseData": _apart(_DATA, *(_ANY for _ in range(5))),
    "constrData": _apart(one.integer("tag", 1, signed=False), one.list_of_data("list")),
    "mapData": _apart(one.list_of_data("list", pairs=True)),
    "listData": _apart(one.list_of_data("list")),
    "iData": _apart(one.integer("integer", 780)),
    "bData": _BYTES,
    "unConstrData": _apart(one.one_node("data", "constructor")),
    "unMapData": _apart(one.one_node("data", "map")),
    "unListData": _apart(one.one_node("data", "list")),
    "unIData": _apart(
        Argument(
            one.integer("integer", 780).parameters,
            lambda values, rng: made.data(one.integer("integer", 780).make(values, rng).constant.value),
        )
    ),
    "unBData": _apart(
        Argument(
            one.byte_string("bytes").parameters,
            lambda values, rng: made.data(one.byte_string("bytes").make(values, rng).constant.value),
        )
    ),
    "equalsData": _of(pairs.compared(one.data("data", 1_500), pairs.other_data)),
    "mkPairData": _apart(one.data("first", 800), one.data("second", 800)),
    "mkNilData": _apart(one.fixed(lambda _: made.unit())),
    "mkNilPairData": _apart(one.fixed(lambda _: made.unit())),
    "serialiseData": _apart(_DATA),
    **_group("G1"),
    **_group("G2"),
    "bls12_381_millerLoop": _miller(),
    "bls12_381_mulMlResult": _pairings(),
    "bls12_381_finalVerify": _pairings(),
    "integerToByteString": _of(pairs.to_bytes()),
    "byteStringToInteger": _apart(pairs.flag("big endian"), one.byte_string("string")),
    "andByteString": _MASKS,
    "orByteString": _MASKS,
    "xorByteString": _MASKS,
    "complementByteString": _BYTES,
    "readBit": _of(pairs.in_bytes("string", pairs.percent_of(8), pairs.PLACE)),
    "writeBits": _of(pairs.updates()),
    "replicateByte": _apart(
        Argument((Number("count", 1, 8_192, log=True),), lambda values, _: made.literal(whole(values, "count"))),
        one.fixed(lambda rng: made.literal(rng.getrandbits(8))),
    ),
    "shiftByteString": _of(pairs.in_bytes("string", pairs.shift, _SHIFTED)),
    "rotateByteString": _of(pairs.in_bytes("string", pairs.shift, _SHIFTED)),
    "countSetBits": _BYTES,
    "findFirstSetBit": _BYTES,
    "dropList": _of(pairs.dropped()),
    "lengthOfArray": _apart(one.sequence("array", pairs.made_array)),
    "listToArray": _LIST,
    "indexArray": _of(pairs.indexed()),
    "insertCoin": _of(pairs.coin(inserted=True)),
    "lookupCoin": _of(pairs.coin(inserted=False)),
    "unionValue": _of(pairs.two_values()),
    "valueContains": _of(pairs.two_values()),
    "valueData": _apart(one.value("value")),
    "unValueData": _of(pairs.value_as_data()),
    "scaleValue": _of(pairs.scaled()),
}
"""A space for each builtin that the chain prices and runs."""
