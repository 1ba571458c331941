"""What variants D and E bound: arguments of some builtins, scalars, constructors; A to C bound nothing.

Source: PlutusCore.Default.Builtins of plutus v1.68, which takes bounded arguments as CInteger and CByteString.
"""

from typing import Any, Final

import pytest

from costmodel.model import Variant
from costmodel.plutus import DATA, DataConstr, Term
from costmodel.plutus.universe import INTEGER, STRING, Constant, list_of
from tests.machine.calls import application, call, short, value_of

MOST: Final = 2**262143 - 1
LEAST: Final = -(2**262143)
LONGEST: Final = 65536
NO_DATA: Final = Constant(list_of(DATA), ())

BOUNDED_INTEGERS: Final = [
    "addInteger",
    "subtractInteger",
    "multiplyInteger",
    "divideInteger",
    "quotientInteger",
    "remainderInteger",
    "modInteger",
    "lessThanInteger",
    "lessThanEqualsInteger",
]


@pytest.mark.parametrize("name", BOUNDED_INTEGERS)
@pytest.mark.parametrize("number", [MOST, LEAST], ids=short)
def test_integers_at_the_bound_are_accepted(name: str, number: int) -> None:
    assert call(name, number, 1) is not None
    assert call(name, 1, number) is not None


@pytest.mark.parametrize("name", BOUNDED_INTEGERS)
@pytest.mark.parametrize("number", [MOST + 1, LEAST - 1], ids=short)
def test_integers_beyond_the_bound_make_d_and_e_fail(name: str, number: int) -> None:
    for variant in (Variant.D, Variant.E):
        assert call(name, number, 1, variant=variant) is None
        assert call(name, 1, number, variant=variant) is None
    assert call(name, number, 1, variant=Variant.C) is not None


def test_equality_of_integers_is_not_bounded() -> None:
    assert call("equalsInteger", MOST + 1, MOST + 1) is True


@pytest.mark.parametrize("name", ["addInteger", "multiplyInteger"])
def test_results_are_not_bounded(name: str) -> None:
    assert call(name, MOST, MOST) == {"addInteger": 2 * MOST, "multiplyInteger": MOST * MOST}[name]


def long_argument(name: str, length: int) -> Term:
    """The builtin with its bounded byte string of that length, and what else it takes."""
    text = b"a" * length
    others: dict[str, tuple[Any, ...]] = {
        "appendByteString": (b"", text),
        "consByteString": (7, text),
        "sliceByteString": (0, 1, text),
        "indexByteString": (text, 0),
        "equalsByteString": (text, b""),
        "lessThanByteString": (b"", text),
        "lessThanEqualsByteString": (text, b""),
        "verifyEd25519Signature": (bytes(32), text, bytes(64)),
        "bls12_381_G1_hashToGroup": (text, b"tag"),
        "bls12_381_G2_hashToGroup": (text, b"tag"),
        "byteStringToInteger": (True, text),
        "andByteString": (True, text, b""),
        "orByteString": (True, b"", text),
        "xorByteString": (False, text, b""),
        "readBit": (text, 0),
    }
    return application(name, *others.get(name, (text,)))


@pytest.mark.parametrize(
    "name",
    [
        "appendByteString",
        "consByteString",
        "sliceByteString",
        "indexByteString",
        "equalsByteString",
        "lessThanByteString",
        "lessThanEqualsByteString",
        "sha2_256",
        "sha3_256",
        "blake2b_256",
        "keccak_256",
        "blake2b_224",
        "ripemd_160",
        "verifyEd25519Signature",
        "decodeUtf8",
        "bls12_381_G1_hashToGroup",
        "bls12_381_G2_hashToGroup",
        "byteStringToInteger",
        "andByteString",
        "orByteString",
        "xorByteString",
        "complementByteString",
        "readBit",
        "countSetBits",
        "findFirstSetBit",
    ],
)
def test_byte_strings_are_bounded_in_d_and_e(name: str) -> None:
    assert value_of(long_argument(name, LONGEST)) is not None
    assert value_of(long_argument(name, LONGEST + 1)) is None
    assert value_of(long_argument(name, LONGEST + 1), Variant.D) is None
    assert value_of(long_argument(name, LONGEST + 1), Variant.C) is not None


def test_byte_strings_are_not_bounded_elsewhere() -> None:
    long = b"a" * (LONGEST + 1)
    assert call("lengthOfByteString", long) == LONGEST + 1
    assert call("appendByteString", b"a" * LONGEST, b"a") == long
    assert call("encodeUtf8", Constant(STRING, "a" * (LONGEST + 1))) == long
    assert call("shiftByteString", long, 0) == long
    assert call("rotateByteString", long, 0) == long


@pytest.mark.parametrize("tag", [-1, 2**64, -(2**64), 2**80])
def test_constructors_beyond_64_bits_exist_before_d(tag: int) -> None:
    assert value_of(application("unConstrData", application("constrData", tag, NO_DATA)), Variant.C) == (tag, ())
    assert call("constrData", tag, NO_DATA, variant=Variant.D) is None
    assert call("constrData", tag, NO_DATA, variant=Variant.E) is None


@pytest.mark.parametrize("tag", [0, 2**63, 2**64 - 1])
def test_constructors_of_64_bits_exist_everywhere(tag: int) -> None:
    assert call("constrData", tag, NO_DATA) == DataConstr(tag, ())


@pytest.mark.parametrize(("variant", "result"), [(Variant.D, b"\x01a"), (Variant.E, None)])
def test_byte_to_cons_wraps_or_fails(variant: Variant, result: bytes | None) -> None:
    assert call("consByteString", 257, b"a", variant=variant) == result


def test_byte_to_cons_is_a_bounded_integer_in_d() -> None:
    assert call("consByteString", LEAST, b"", variant=Variant.D) == b"\x00"
    assert call("consByteString", LEAST - 1, b"", variant=Variant.D) is None
    assert call("consByteString", LEAST - 1, b"", variant=Variant.B) == b"\xff"


@pytest.mark.parametrize("group", ["G1", "G2"])
@pytest.mark.parametrize(
    ("scalar", "bounded"),
    [(2**4095 - 1, True), (2**4095, False), (-(2**4095), True), (-(2**4095) - 1, False)],
    ids=short,
)
def test_scalars_are_bounded_in_d_and_e(group: str, scalar: int, bounded: bool) -> None:
    point = application(f"bls12_381_{group}_hashToGroup", b"", b"tag")
    product = application(f"bls12_381_{group}_scalarMul", scalar, point)
    assert (value_of(product) is not None) is bounded
    assert value_of(product, Variant.C) is not None


@pytest.mark.parametrize("amount", [2**63, -(2**63) - 1, 2**200])
@pytest.mark.parametrize("name", ["shiftByteString", "rotateByteString"])
def test_amounts_beyond_64_bits_make_d_and_e_fail(name: str, amount: int) -> None:
    assert call(name, b"\x0f\x01", amount) is None
    assert call(name, b"\x0f\x01", amount, variant=Variant.C) is not None


def test_writing_bits_is_bounded_in_d_and_e() -> None:
    none = Constant(list_of(INTEGER), ())
    assert call("writeBits", bytes(4096), none, True) == bytes(4096)
    assert call("writeBits", bytes(4097), none, True) is None
    assert call("writeBits", bytes(4097), none, True, variant=Variant.C) == bytes(4097)
