"""Conversions, bits and modular exponentiation against Python's own integers."""

from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from costmodel.model import Variant
from costmodel.plutus import INTEGER, Constant, list_of
from tests.machine.calls import call, short
from tests.strategies import untimed

# Long ones for the loops that take words and blocks of words, ones with few bits for those that search.
strings = (
    st.binary(max_size=40)
    | st.binary(min_size=60, max_size=300)
    | st.builds(lambda before, byte, after: bytes(before) + bytes([byte]) + bytes(after), *[st.integers(0, 255)] * 3)
)
amounts = st.one_of(st.integers(-3000, 3000), st.integers(-400, 400), st.sampled_from([2**63 - 1, -(2**63)]))


def order_of(big_endian: bool) -> Literal["big", "little"]:
    return "big" if big_endian else "little"


def indices(*numbers: int) -> Constant:
    return Constant(list_of(INTEGER), numbers)


@given(st.booleans(), strings)
@untimed
def test_bytes_to_integer(big_endian: bool, content: bytes) -> None:
    assert call("byteStringToInteger", big_endian, content) == int.from_bytes(content, order_of(big_endian))


@given(st.booleans(), st.integers(0, 45), st.integers(0, 2**330))
@untimed
def test_integer_to_bytes(big_endian: bool, length: int, number: int) -> None:
    needed = (number.bit_length() + 7) // 8
    expected = None if 0 < length < needed else number.to_bytes(length or needed, order_of(big_endian))
    assert call("integerToByteString", big_endian, length, number) == expected


@pytest.mark.parametrize("variant", [Variant.C, Variant.E])
@pytest.mark.parametrize(
    ("length", "number"),
    [(-1, 0), (8193, 0), (2**64, 0), (-(2**64), 0), (0, -1), (0, -(2**70)), (0, 2**65536), (8192, 2**65536)],
    ids=short,
)
def test_integer_to_bytes_fails(length: int, number: int, variant: Variant) -> None:
    assert call("integerToByteString", True, length, number, variant=variant) is None


@pytest.mark.parametrize("length", [0, 8192])
def test_longest_integer_to_bytes(length: int) -> None:
    assert call("integerToByteString", True, length, 2**65536 - 1) == b"\xff" * 8192


@given(st.sampled_from(["and", "or", "xor"]), st.booleans(), strings, strings)
@untimed
def test_logical_operations(name: str, padding: bool, left: bytes, right: bytes) -> None:
    operation = {"and": int.__and__, "or": int.__or__, "xor": int.__xor__}[name]
    common = bytes(map(operation, left, right))
    tail = max(left, right, key=len)[len(common) :] if padding else b""
    assert call(f"{name}ByteString", padding, left, right) == common + tail


@given(strings)
@untimed
def test_complement(content: bytes) -> None:
    assert call("complementByteString", content) == bytes(255 - byte for byte in content)


@given(strings, st.integers(-3, 330))
@untimed
def test_reading_a_bit(content: bytes, index: int) -> None:
    inside = 0 <= index < 8 * len(content)
    assert call("readBit", content, index) == ((int.from_bytes(content) >> index) % 2 == 1 if inside else None)


@given(strings, st.lists(st.integers(-1, 330), max_size=4), st.booleans())
@untimed
def test_writing_bits(content: bytes, numbers: list[int], bit: bool) -> None:
    number = int.from_bytes(content)
    for index in numbers:
        number = number | 1 << index if bit and index >= 0 else number & ~(1 << max(index, 0))
    inside = all(0 <= index < 8 * len(content) for index in numbers)
    expected = number.to_bytes(len(content)) if inside else None
    assert call("writeBits", content, indices(*numbers), bit) == expected


@pytest.mark.parametrize("index", [2**63, 2**64, -(2**64)])
def test_bits_beyond_machine_integers_are_out_of_bounds(index: int) -> None:
    assert call("readBit", b"\x01", index) is None
    assert call("writeBits", b"\x01", indices(index), True) is None


@given(strings, amounts)
@untimed
def test_shifting(content: bytes, amount: int) -> None:
    bits = 8 * len(content)
    number = int.from_bytes(content)
    moved = number << min(amount, bits) if amount >= 0 else number >> min(-amount, bits)
    assert call("shiftByteString", content, amount) == (moved % (1 << bits)).to_bytes(len(content))


@given(strings, amounts)
@untimed
def test_rotating(content: bytes, amount: int) -> None:
    bits = 8 * len(content)
    digits = format(int.from_bytes(content), f"0{bits}b") if bits else ""
    at = amount % bits if bits else 0
    rotated = int(digits[at:] + digits[:at] or "0", 2)
    assert call("rotateByteString", content, amount) == rotated.to_bytes(len(content))


@given(strings.filter(bool), st.integers(2**63, 2**200), st.sampled_from([1, -1]))
@untimed
def test_huge_amounts_in_variant_c(content: bytes, amount: int, sign: int) -> None:
    bits = 8 * len(content)
    assert call("shiftByteString", content, sign * amount, variant=Variant.C) == bytes(len(content))
    rotated = call("rotateByteString", content, sign * amount, variant=Variant.C)
    assert rotated == call("rotateByteString", content, sign * amount % bits)


@given(strings)
@untimed
def test_counting_and_finding_bits(content: bytes) -> None:
    number = int.from_bytes(content)
    assert call("countSetBits", content) == number.bit_count()
    assert call("findFirstSetBit", content) == (number & -number).bit_length() - 1


@pytest.mark.parametrize(
    ("length", "byte", "expected"),
    [
        (0, 255, b""),
        (3, 1, b"\x01\x01\x01"),
        (8192, 0, bytes(8192)),
        (8193, 0, None),
        (-1, 0, None),
        (2**70, 0, None),
        (1, 256, None),
        (1, -1, None),
        (0, 2**70, None),
    ],
)
def test_replicating_a_byte(length: int, byte: int, expected: bytes | None) -> None:
    assert call("replicateByte", length, byte) == expected


def power(base: int, exponent: int, modulus: int) -> int | None:
    try:
        return pow(base, exponent, modulus)
    except ValueError:
        return None


@given(st.integers(), st.integers(-(2**80), 2**80), st.integers(1, 2**100))
@untimed
def test_modular_exponentiation(base: int, exponent: int, modulus: int) -> None:
    # Python finds an inverse of 0 modulo 1, as the ledger does.
    assert call("expModInteger", base, exponent, modulus) == power(base, exponent, modulus)


@given(st.integers(-(2**8191), 2**8191 - 1), st.integers(-(2**90), -1), st.integers(2, 2**300))
@untimed
def test_inverses_in_modular_exponentiation(base: int, exponent: int, modulus: int) -> None:
    assume(base % modulus)
    assert call("expModInteger", base, exponent, modulus) == power(base, exponent, modulus)


@pytest.mark.parametrize(
    ("base", "exponent", "modulus", "expected"),
    [
        (2, 3, 0, None),
        (2, 3, -5, None),
        (2, 3, -(2**70), None),
        (0, 0, 1, 0),
        (0, -1, 1, 0),
        (0, 0, 7, 1),
        (0, -1, 7, None),
        (2, -1, 4, None),
        (2**8191, 2**8191, 1, 0),
        (2**8191 - 1, 1, 7, (2**8191 - 1) % 7),
        (-(2**8191), 1, 7, -(2**8191) % 7),
        (2**8191, 1, 7, None),
        (-(2**8191) - 1, 1, 7, None),
        (2, 2**8191, 7, None),
        (2, 1, 2**8191 - 1, 2),
        (2, 1, 2**8191, None),
    ],
    ids=short,
)
def test_limits_of_modular_exponentiation(base: int, exponent: int, modulus: int, expected: int | None) -> None:
    assert call("expModInteger", base, exponent, modulus) == expected


def test_empty_results_need_no_memory() -> None:
    assert call("appendByteString", b"", b"") == b""
    assert call("integerToByteString", True, 0, 0) == b""


texts = st.text(st.characters(max_codepoint=0x7F)) | st.text()


@given(st.lists(texts, max_size=6).map("".join), st.integers(0, 10**6), st.sampled_from(range(256)))
@untimed
def test_decoding_utf8_as_python_does(text: str, at: int, byte: int) -> None:
    content = text.encode()
    assert call("decodeUtf8", content) == text
    damaged = bytearray(content)
    if damaged:
        damaged[at % len(damaged)] = byte
    expected = damaged.decode("utf-8", "replace") if _is_utf8(bytes(damaged)) else None
    assert call("decodeUtf8", bytes(damaged)) == expected


# The edges of table 3-7 of the Unicode standard, in the middle of longer text.
@pytest.mark.parametrize("before", [0, 1, 14, 15, 16, 61, 62, 63, 64, 130])
@pytest.mark.parametrize("after", [0, 1, 15, 70])
def test_edges_of_utf8(before: int, after: int) -> None:
    leads = (0x7F, 0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF)
    for lead in leads:
        for second in (0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0):
            for rest in (b"", b"\x80", b"\x80\xbf", b"\xbf\xbf\xbf", b"\xc2\x80"):
                content = b"a" * before + bytes([lead, second]) + rest + b"z" * after
                assert _decodes(content) == _is_utf8(content)


def _decodes(content: bytes) -> bool:
    return call("decodeUtf8", content) is not None


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
