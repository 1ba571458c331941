"""The one table of what every builtin is measured on: its domain, as a grid of candidate points, and its operands.

The chain's bounds limit a domain – byte strings to 65536 bytes, scalars to 64 words, lists as far as a budget goes –
or the sizes that a shape can follow, as for multiplication and division: beyond 32 words they gain on the product of
sizes that they are charged by, so a model errs on the dear side there. Where a shape reads sizes that only a part of
the plane makes dear, the domain is that part: integers are compared with their equals, strings are combined bit by bit
with others of at most twice their length, as what is over is only copied, and a dividend is no shorter than a divisor
whose price is the same with both exchanged.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from costmodel._native import lib
from costmodel.experiments import group_operands as groups
from costmodel.experiments import operands as made
from costmodel.experiments import value_operands as values
from costmodel.experiments.group_operands import Prepared, Preparer
from costmodel.experiments.operands import Constants, Maker
from costmodel.plutus import Const, Data

Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Domain:
    """Candidate points, each the sizes of all arguments in the builtin's own measures, and how to apply it there.

    An `explored` builtin is one whose price is open, size measures and shape included: all of its candidates are
    measured, and they are the numbers that operands are made from, such as policies and tokens of each. The sizes are
    then taken from the operands, by every measure that an argument's type has. Candidates are spread log-uniformly, and
    several have the same size by one measure and different ones by another.

    `fewest` applications are needed where the time depends on the very operands, as several show the typical one, and
    where the program has much to prepare beside them; `programs` of them, on operands of their own, where one program
    cannot hold enough. A unit of size takes about `density` words of memory.
    """

    candidates: tuple[Sizes, ...]
    prepare: Preparer
    fewest: int = 1
    density: int = 1
    programs: int = 1
    explored: bool = False


def _each(maker: Maker) -> Preparer:
    """Every application has constants of its own, and nothing is bound before."""

    def prepare(sizes: Sizes, count: int, rng: random.Random) -> Prepared:
        return [], [maker(sizes, rng) for _ in range(count)]

    return prepare


def _steps(first: int, last: int, count: int) -> tuple[int, ...]:
    """Whole numbers from first to last, about `count` of them, in proportion."""
    ratio = (last / first) ** (1 / (count - 1))
    return tuple(sorted({round(first * ratio**step) for step in range(count)}))


def _powers(base: int, count: int) -> tuple[int, ...]:
    """The first powers of a number, from 1 on."""
    return tuple(base**exponent for exponent in range(count))


def _line(numbers: Sequence[int], point: Callable[[int], Sizes] = lambda x: (x,)) -> tuple[Sizes, ...]:
    return tuple(point(x) for x in numbers)


def _plane(
    numbers: Sequence[int],
    point: Callable[[int, int], Sizes] = lambda x, y: (x, y),
    where: Callable[[int, int], bool] = lambda x, y: True,
) -> tuple[Sizes, ...]:
    return tuple(point(x, y) for x, y in product(numbers, numbers) if where(x, y))


_WORDS: Final = _steps(1, 8_192, 14)  # up to 65536 bytes
_HALF_WORDS: Final = _steps(1, 4_096, 9)  # two of which are no longer than that together
_INTEGER_WORDS: Final = _steps(1, 1_024, 9)
_FACTOR_WORDS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_SHORT: Final = (1, 8, 64)
_LENGTHS: Final = (1, 10, 100)
_DATA_ITEMS: Final = (0, 3, 30)
_NESTED: Final = (5, 8, *(4 + 19 * constructors for constructors in _steps(1, 2_000, 10)))  # words of Data


def _bytes(numbers: Sequence[int] = _WORDS) -> Domain:
    """One byte string."""
    return Domain(_line(numbers), _each(lambda s, rng: (made.random_bytes(s[0], rng),)))


def _of_data(make: Callable[[int, random.Random], Data], node: int, item: int) -> Domain:
    """Data of one form, `node` words without items and `item` words for each."""
    return Domain(
        _line([node + item * items for items in _DATA_ITEMS]),
        _each(lambda s, rng: (made.data(make((s[0] - node) // item, rng)),)),
    )


def _listed(make: Callable[[int, random.Random], Const], lengths: Sequence[int] = _LENGTHS) -> Domain:
    return Domain(_line(lengths), _each(lambda s, rng: (make(s[0], rng),)))


def _compared_bytes(sizes: Sizes, rng: random.Random) -> Constants:
    return made.same_prefix((sizes[0], sizes[1]), rng)


def _masked(sizes: Sizes, rng: random.Random) -> Constants:
    return made.boolean(True), made.random_bytes(sizes[1], rng), made.random_bytes(sizes[2], rng)


def _strings(sizes: Sizes, rng: random.Random) -> Constants:
    longest = made.text(max(sizes), rng)
    return tuple(made.string(longest[:length]) for length in sizes)


def _different_strings(sizes: Sizes, rng: random.Random) -> Constants:
    return tuple(made.string(made.text(length, rng)) for length in sizes)


_two_integers: Final = _each(lambda s, rng: tuple(made.whole(words, rng) for words in s))
_SUMS: Final = Domain(_plane(_INTEGER_WORDS), _two_integers)
_EQUAL_INTEGERS: Final = Domain(_line(_INTEGER_WORDS, lambda x: (x, x)), _each(made.equal(made.whole)))
_COMPARED: Final = Domain(_plane(_HALF_WORDS), _each(_compared_bytes))
_MASKED: Final = Domain(
    _plane(_steps(1, 4_096, 13), lambda y, z: (1, y, z), lambda y, z: max(y, z) <= 2 * min(y, z)), _each(_masked)
)
_SHIFTED: Final = Domain(
    _line(_WORDS, lambda x: (x, 1)), _each(lambda s, rng: (made.random_bytes(s[0], rng), made.literal(1)))
)
_divided: Final = _each(made.dividend_and_divisor)
_FLOORED: Final = Domain(_plane(_FACTOR_WORDS, where=lambda x, y: x >= y), _divided)
_TRUNCATED: Final = Domain(_plane(_FACTOR_WORDS), _divided)
_CHOICE: Final = Domain(((1, 1, 1),), _each(lambda _, rng: (made.boolean(rng.random() < 0.5), *_two_of(rng))))

# Policies and tokens of each. Where both are powers of one number, many values have as many entries and not as many
# policies. Beyond 14,000 policies no script can build a value within the limits of a transaction.
_VALUES: Final = Domain(
    tuple((x, y) for x, y in product(_powers(4, 8), repeat=2) if x * y <= 1_024 or min(x, y) == 1),
    _each(values.wide),
    density=8,
    explored=True,
)
# Listed policies, policies of the value, tokens of each; no value may have more policies than the most.
_FILTERED: Final = Domain(
    (
        *product(_powers(8, 5), _powers(8, 4), (1,)),
        *product(_powers(8, 4), _powers(8, 4), (8,)),
        *product((1, 64, 4_096), (8_191,), (1,)),
    ),
    _each(values.filtered),
    density=8,
    explored=True,
)
_PAIR: Final = Domain(((1,),), _each(lambda _, rng: (made.pair(rng),)))
_SIGNED_MESSAGES: Final = _line(_steps(4, 8_192, 9), lambda y: (4, y, 8))

# A check of a signature takes thousands of branches that depend on it. The time of one that was checked before, as in a
# loop, differs from signature to signature by 2.7 % (sd over 64), so a price needs many; but of more than four the
# branch predictor, like a cache, forgets some: checks of sixteen in turn take 2 % more than each by itself. So a
# program checks four, and where no other sizes give other signatures there are several programs.
_CHECK_DENSITY: Final = 7
_CHECKED: Final = 4
_CHECK_PROGRAMS: Final = 4


def _checked(candidates: tuple[Sizes, ...], sign: Callable[..., int], key_bytes: int) -> Domain:
    programs = _CHECK_PROGRAMS if len(candidates) == 1 else 1
    prepare = _each(made.signed(sign, key_bytes))
    return Domain(candidates, prepare, fewest=_CHECKED, density=_CHECK_DENSITY, programs=programs)


def _two_of(rng: random.Random) -> Constants:
    return made.anything(rng), made.anything(rng)


def _group(group: str) -> dict[str, Domain]:
    """The builtins of G1 or G2."""
    words, size = {"G1": (6, 18), "G2": (12, 36)}[group]
    one, two = ((size,),), ((size, size),)
    domains = {
        "add": Domain(two, groups.two_points(group), fewest=100),
        "neg": Domain(one, groups.one_point(group), fewest=1_000),
        "scalarMul": Domain(_line(_steps(1, 64, 10), lambda x: (x, size)), groups.multiple(group)),
        "equal": Domain(two, groups.equal_points(group), fewest=300),
        "compress": Domain(one, groups.one_point(group), fewest=40),
        "uncompress": Domain(((words,),), _each(groups.compressed(group))),
        "hashToGroup": Domain(_line(_steps(1, 8_192, 9), lambda x: (x, 32)), _each(groups.hashed)),
        "multiScalarMul": Domain(_line(_steps(1, 100, 9), lambda x: (x, x)), groups.sum_of_multiples(group)),
    }
    return {f"bls12_381_{group}_{name}": domain for name, domain in domains.items()}


DOMAINS: Final[dict[str, Domain]] = {
    "addInteger": _SUMS,
    "subtractInteger": _SUMS,
    "multiplyInteger": Domain(_plane(_FACTOR_WORDS), _two_integers),
    "divideInteger": _FLOORED,
    "quotientInteger": _TRUNCATED,
    "remainderInteger": _TRUNCATED,
    "modInteger": _FLOORED,
    "equalsInteger": _EQUAL_INTEGERS,
    "lessThanInteger": _EQUAL_INTEGERS,
    "lessThanEqualsInteger": _EQUAL_INTEGERS,
    "expModInteger": Domain(tuple(product((1, 4, 16, 48), repeat=3)), _each(made.modular)),
    "appendByteString": Domain(
        _plane(_HALF_WORDS), _each(lambda s, rng: tuple(made.random_bytes(words, rng) for words in s))
    ),
    "consByteString": Domain(
        _line(_WORDS[:-1], lambda y: (1, y)),
        _each(lambda s, rng: (made.literal(rng.getrandbits(8)), made.random_bytes(s[1], rng))),
    ),
    "sliceByteString": Domain(
        _line(_WORDS, lambda z: (1, 1, z)),
        _each(lambda s, rng: (made.literal(1), made.literal(8 * s[2] - 1), made.random_bytes(s[2], rng))),
    ),
    "lengthOfByteString": _bytes(_SHORT),
    "indexByteString": Domain(
        _line(_SHORT, lambda x: (x, 1)),
        _each(lambda s, rng: (made.random_bytes(s[0], rng), made.literal(rng.randrange(8 * s[0])))),
    ),
    "equalsByteString": _COMPARED,
    "lessThanByteString": _COMPARED,
    "lessThanEqualsByteString": _COMPARED,
    "sha2_256": _bytes(),
    "sha3_256": _bytes(),
    "blake2b_256": _bytes(),
    "blake2b_224": _bytes(),
    "keccak_256": _bytes(),
    "ripemd_160": _bytes(),
    "verifyEd25519Signature": _checked(_SIGNED_MESSAGES, lib.cal_sign_ed25519, 32),
    "verifyEcdsaSecp256k1Signature": _checked(((5, 4, 8),), lib.cal_sign_ecdsa, 33),
    "verifySchnorrSecp256k1Signature": _checked(_SIGNED_MESSAGES, lib.cal_sign_schnorr, 32),
    "appendString": Domain(_plane(_HALF_WORDS), _each(_different_strings)),
    "equalsString": Domain(_plane(_WORDS[::2]), _each(_strings)),
    "encodeUtf8": Domain(_line(_WORDS), _each(lambda s, rng: (made.string(made.text(s[0], rng)),))),
    "decodeUtf8": Domain(_line(_WORDS), _each(lambda s, rng: (made.byte_string(made.text(2 * s[0], rng).encode()),))),
    "ifThenElse": _CHOICE,
    "chooseUnit": Domain(((1, 1),), _each(lambda _, rng: (made.unit(), made.anything(rng)))),
    "trace": Domain(
        _line(_SHORT, lambda x: (2 * x, 1)),
        _each(lambda s, rng: (made.string(f"{rng.getrandbits(4 * s[0]):0{s[0]}x}"), made.unit())),
    ),
    "fstPair": _PAIR,
    "sndPair": _PAIR,
    "chooseList": Domain(
        _line((0, *_LENGTHS), lambda x: (x, 1, 1)), _each(lambda s, rng: (made.data_list(s[0], rng), *_two_of(rng)))
    ),
    "mkCons": Domain(
        _line((0, *_LENGTHS), lambda y: (5, y)),
        _each(lambda s, rng: (made.data(made.small(rng)), made.data_list(s[1], rng))),
    ),
    "headList": _listed(made.data_list),
    "tailList": _listed(made.data_list),
    "nullList": _listed(made.data_list, (0, *_LENGTHS)),
    "chooseData": Domain(((15, 1, 1, 1, 1, 1),), _each(made.choice_of_data)),
    "constrData": Domain(
        _line((0, *_LENGTHS), lambda y: (1, y)),
        _each(lambda s, rng: (made.literal(rng.randrange(7)), made.data_list(s[1], rng))),
    ),
    "mapData": _listed(made.pair_list, (0, *_LENGTHS)),
    "listData": _listed(made.data_list, (0, *_LENGTHS)),
    "iData": Domain(_line(_SHORT), _each(lambda s, rng: (made.whole(s[0], rng),))),
    "bData": _bytes(_SHORT),
    "unConstrData": _of_data(made.constr_data, 4, 5),
    "unMapData": _of_data(made.map_data, 4, 13),
    "unListData": _of_data(made.list_data, 4, 5),
    "unIData": Domain(
        _line(_SHORT, lambda x: (4 + x,)), _each(lambda s, rng: (made.data(made.number(s[0] - 4, rng)),))
    ),
    "unBData": Domain(
        _line(_SHORT, lambda x: (4 + x,)), _each(lambda s, rng: (made.data(rng.randbytes(8 * (s[0] - 4))),))
    ),
    "equalsData": Domain(
        _line(_NESTED, lambda x: (x, x)),
        _each(made.equal(lambda words, rng: made.data(made.nested_data(words, rng)))),
    ),
    "mkPairData": Domain(
        _line(_SHORT, lambda x: (4 + x, 5)),
        _each(lambda s, rng: (made.data(rng.randbytes(8 * (s[0] - 4))), made.data(made.small(rng)))),
    ),
    "mkNilData": Domain(((1,),), _each(lambda *_: (made.unit(),))),
    "mkNilPairData": Domain(((1,),), _each(lambda *_: (made.unit(),))),
    "serialiseData": Domain(
        _line(_NESTED),
        _each(lambda s, rng: (made.data(made.nested_data(s[0], rng)),)),
    ),
    **_group("G1"),
    **_group("G2"),
    "bls12_381_millerLoop": Domain(((18, 36),), groups.miller_loops),
    "bls12_381_mulMlResult": Domain(((72, 72),), groups.two_pairings, fewest=100),
    "bls12_381_finalVerify": Domain(((72, 72),), groups.two_pairings),
    "integerToByteString": Domain(
        _line(_steps(1, 1_024, 10), lambda z: (1, 0, z)),
        _each(lambda s, rng: (made.boolean(True), made.literal(0), made.whole(s[2], rng))),
    ),
    "byteStringToInteger": Domain(
        _line(_steps(1, 4_095, 12), lambda y: (1, y)),
        _each(lambda s, _: (made.boolean(True), made.byte_string(b"\xff" * (8 * s[1] - 1)))),
    ),
    "andByteString": _MASKED,
    "orByteString": _MASKED,
    "xorByteString": _MASKED,
    "complementByteString": _bytes(),
    "readBit": Domain(
        _line(_SHORT, lambda x: (x, 1)),
        _each(lambda s, rng: (made.random_bytes(s[0], rng), made.literal(rng.randrange(64 * s[0])))),
    ),
    "writeBits": Domain(_line(_steps(1, 1_500, 9), lambda y: (512, y, 1)), _each(made.updates)),
    "replicateByte": Domain(
        _line(_steps(1, 1_024, 9), lambda x: (x, 1)),
        _each(lambda s, rng: (made.literal(8 * s[0]), made.literal(rng.getrandbits(8)))),
    ),
    "shiftByteString": _SHIFTED,
    "rotateByteString": _SHIFTED,
    "countSetBits": Domain(_line(_WORDS), _each(lambda s, _: (made.byte_string(b"\xff" * (8 * s[0])),))),
    "findFirstSetBit": Domain(_line(_WORDS), _each(lambda s, _: (made.byte_string(b"\x80" + bytes(8 * s[0] - 1)),))),
    "dropList": Domain(
        _line(_steps(1, 5_000, 9), lambda x: (x, x)),
        _each(lambda s, rng: (made.literal(s[0]), made.integers(s[1], rng))),
    ),
    "lengthOfArray": _listed(made.array),
    "listToArray": _listed(made.integers, _steps(1, 5_000, 9)),
    "indexArray": Domain(
        _line(_LENGTHS, lambda x: (x, 1)),
        _each(lambda s, rng: (made.array(s[0], rng), made.literal(rng.randrange(s[0])))),
    ),
    "insertCoin": Domain(_line(range(2, 21, 2), lambda u: (4, 4, 1, u)), values.inserted),
    "lookupCoin": Domain(_line(range(2, 21, 2), lambda z: (4, 4, z)), values.looked_up),
    "unionValue": Domain(_plane(_steps(1, 1_000, 7)), _each(values.overlapping), density=8),
    "valueContains": Domain(_plane(_steps(1, 1_500, 7)), _each(values.contained), density=8),
    "valueData": Domain(_line(_steps(1, 4_000, 9)), _each(lambda s, rng: (values.value_of(s[0], rng),)), density=8),
    "unValueData": Domain(_line(_steps(1, 4_000, 9), lambda n: (1 + 4 * n,)), _each(values.as_data), density=2),
    "scaleValue": Domain(_line(_steps(1, 4_000, 9), lambda y: (1, y)), _each(values.scaled), density=8),
    "multiIndexArray": Domain(tuple(product(_powers(8, 6), _powers(4, 6))), _each(made.indexed), explored=True),
    "policies": _VALUES,
    "assetCount": _VALUES,
    "keepPolicies": _FILTERED,
    "dropPolicies": _FILTERED,
}
"""Every builtin that has a price or a proposed one."""
