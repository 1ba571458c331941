"""Programs in flat."""

import pytest
from hypothesis import given

from costmodel.errors import DecodeError, InputError
from costmodel.plutus import (
    BYTESTRING,
    G1_ELEMENT,
    INTEGER,
    ML_RESULT,
    UPLC_1_0_0,
    UPLC_1_1_0,
    VALUE,
    Const,
    Constant,
    Program,
    array_of,
    decode_flat,
    encode_flat,
    list_of,
    parse_program,
    print_program,
)
from tests.strategies import damaged, programs, untimed

# The examples of the specification and of the notes on serialisation, and the shortest script that succeeds.
PUBLISHED = [
    (
        "(program 5.0.2 [[(builtin indexByteString) (con bytestring #1a5f783625ee8c)] (con integer 54321)])",
        "0500023371c911071a5f783625ee8c004838b40181",
    ),
    ("(program 11.22.33 (con integer 11))", "0b1621480581"),
    ("(program 1.1.0 (lam x (con unit ())))", "0101002499"),
]


def bits(*groups: str) -> bytes:
    """Bytes of version 1.1.0, the bits given and padding."""
    digits = "".join(groups).replace(" ", "")
    digits += "0" * (7 - len(digits) % 8) + "1"
    return bytes([1, 1, 0]) + int(digits, 2).to_bytes(len(digits) // 8, "big")


REFUSED = {
    "nothing": (b"", "ends too early"),
    "version only": (bytes([1, 1, 0]), "ends too early"),
    "cut short": (bytes.fromhex(PUBLISHED[0][1])[:-1], "ends too early"),
    "no padding": (bytes.fromhex("0101002498"), "ends too early"),
    "bytes after the end": (bytes.fromhex("010100249901"), "bytes follow"),
    "free variable": (bits("0000 00000001"), "variable 1 is free: 0 binders"),
    "variable 0": (bits("0010 0000 00000000"), "variable 0 is free"),
    "variable beyond the binders": (bits("0010 0000 00000010"), "variable 2 is free: 1 binders"),
    "variable after its binder": (bits("0011 0010 0000 00000001 0000 00000001"), "variable 1 is free: 0 binders"),
    "term tag 10": (bits("1010"), "term tag 10 is unknown"),
    "builtin tag 106": (bits("0111 1101010"), "builtin tag 106 is unknown"),
}


@pytest.mark.parametrize(("text", "flat"), PUBLISHED)
def test_encodes_as_published(text: str, flat: str) -> None:
    assert encode_flat(parse_program(text)).hex() == flat


@pytest.mark.parametrize(("text", "flat"), PUBLISHED)
def test_decodes_as_published(text: str, flat: str) -> None:
    assert decode_flat(bytes.fromhex(flat)) == parse_program(text)


@pytest.mark.parametrize(("flat", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(flat: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=f"flat, bit .*{message}"):
        decode_flat(flat)


@untimed
@given(programs(group_elements=False))
def test_round_trip(program: Program) -> None:
    assert decode_flat(encode_flat(program)) == program


@untimed
@given(programs())
def test_round_trip_with_group_elements(program: Program) -> None:
    flat = encode_flat(program, allow_group_elements=True)
    assert decode_flat(flat, allow_group_elements=True) == program


@untimed
@given(damaged(programs(group_elements=False).map(encode_flat)))
def test_damaged_flat_decodes_or_is_refused(flat: bytes) -> None:
    try:
        program = decode_flat(flat)
    except DecodeError:
        return
    assert decode_flat(encode_flat(program)) == program
    assert parse_program(print_program(program)) == program


# A constant is tag 0100, then its type: tags of four bits, each after a 1, ended by a 0.
BAD_CONSTANTS = {
    "no type": ("0100 0", "type is incomplete"),
    "unknown type 14": ("0100 1 1110 0", "type tag 14 is unknown"),
    "list without element type": ("0100 1 0101 0", "list takes 1"),
    "application of integer": ("0100 1 0111 1 0000 1 0000 0", "integer takes 0"),
    "application of a full list": ("0100 1 0111 1 0111 1 0101 1 0000 1 0000 0", "list takes 1"),
    "list of the type list": ("0100 1 0111 1 0101 1 0101 0", "list lacks arguments"),
    "application without argument": ("0100 1 0111 1 0101 0", "type is incomplete"),
    "two types": ("0100 1 0000 1 0000 0", "follow a whole type"),
    "element of G1": ("0100 1 1001 0", "bls12_381_G1_element has no flat"),
    "result of a Miller loop": ("0100 1 1011 0", "bls12_381_mlresult has no flat"),
    "string that is not UTF-8": ("0100 1 0010 0 000001 00000001 11111111 00000000", "not valid UTF-8"),
    "Data that is not CBOR": ("0100 1 1000 0 000001 00000001 11111111 00000000", "begins no Data"),
    "bytestring off a byte boundary": ("0100 1 0001 0 1 00000000 00000000", "byte boundary"),
    "bytestring cut short": ("0100 1 0001 0 000001 00000101 11111111", "ends within a bytestring"),
}


@pytest.mark.parametrize(("constant", "message"), BAD_CONSTANTS.values(), ids=BAD_CONSTANTS.keys())
def test_refuses_constant(constant: str, message: str) -> None:
    with pytest.raises(DecodeError, match=f"flat, bit .*{message}"):
        decode_flat(bits(constant))


def test_array_is_encoded_like_a_list() -> None:
    elements = "1 00000010 1 00000100 0"
    expected = Constant(array_of(INTEGER), (1, 2))
    assert decode_flat(bits("0100 1 0111 1 1100 1 0000 0", elements)).term == Const(expected)


@pytest.mark.parametrize(
    "entries",
    [
        ((b"", ()),),
        ((b"", ((b"", 0),)),),
        ((b"", ((b"", 1), (b"", 1))),),
        ((b"b", ((b"", 1),)), (b"a", ((b"", 1),))),
        ((b"", ((b"", 2**127),)),),
        ((bytes(33), ((b"", 1),)),),
    ],
    ids=["no tokens", "zero", "token twice", "currencies unordered", "beyond 128 bits", "key of 33 bytes"],
)
def test_refuses_value_that_is_not_canonical(entries: object) -> None:
    flat = encode_flat(Program(UPLC_1_0_0, Const(Constant(VALUE, entries))))
    with pytest.raises(DecodeError, match="value: "):
        decode_flat(flat)


def test_integer_with_superfluous_groups_is_accepted() -> None:
    assert decode_flat(bits("0100 1 0000 0 10000010 10000000 00000000")).term == Const(Constant(INTEGER, 1))


def test_integer_of_many_groups() -> None:
    program = Program(UPLC_1_0_0, Const(Constant(list_of(INTEGER), (3**50_000, -(3**50_000)))))
    assert decode_flat(encode_flat(program)) == program


def test_constr_tag_beyond_64_bits_is_refused() -> None:
    with pytest.raises(DecodeError, match="64 bits"):
        decode_flat(bits("1000", "10000000" * 9, "00000010", "0"))


@pytest.mark.parametrize("term", ["1000 00000000 0", "1001 0110 0"])
def test_sums_of_products_need_version_1_1_0(term: str) -> None:
    flat = bytearray(bits(term))
    assert decode_flat(bytes(flat)).version == UPLC_1_1_0
    flat[1] = 0
    with pytest.raises(DecodeError, match=r"not part of UPLC 1\.0\.0"):
        decode_flat(bytes(flat))


def test_group_element_has_no_flat_form_on_the_chain() -> None:
    program = Program(UPLC_1_0_0, Const(Constant(G1_ELEMENT, bytes(48))))
    with pytest.raises(InputError, match="bls12_381_G1_element has no flat"):
        encode_flat(program)


def test_miller_loop_result_has_no_flat_form_at_all() -> None:
    program = Program(UPLC_1_0_0, Const(Constant(list_of(ML_RESULT), (None,))))
    with pytest.raises(InputError, match="bls12_381_mlresult has no flat"):
        encode_flat(program, allow_group_elements=True)


def test_group_element_of_the_wrong_size_is_refused() -> None:
    program = Program(UPLC_1_0_0, Const(Constant(G1_ELEMENT, bytes(47))))
    with pytest.raises(DecodeError, match="48 bytes, not 47"):
        decode_flat(encode_flat(program, allow_group_elements=True), allow_group_elements=True)


@pytest.mark.parametrize("length", [0, 1, 254, 255, 256, 510])
def test_bytestring_chunks(length: int) -> None:
    flat = encode_flat(Program(UPLC_1_0_0, Const(Constant(BYTESTRING, b"\x07" * length))))
    chunks = b"".join(bytes([min(255, length - at)]) + b"\x07" * min(255, length - at) for at in range(0, length, 255))
    # Version, constant of type bytestring, padding; chunks; the empty chunk; padding.
    assert flat == bytes.fromhex("0100004881") + chunks + b"\x00\x01"


def test_always_succeeds_of_the_ledger_examples_is_reproduced() -> None:
    flat = bytes.fromhex("01000033222220051200120011")
    assert encode_flat(decode_flat(flat)) == flat
