"""What the native decoder takes: the bounds of a protocol version, padding, and Data, by the same rules as Python's."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import DecodeError
from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.model import Variant, ledger_model, variant_for
from costmodel.plutus import (
    BYTESTRING,
    DATA,
    INTEGER,
    UNIT,
    UPLC_1_1_0,
    Case,
    Const,
    Constant,
    ConstantType,
    Constr,
    DataConstr,
    LedgerLanguage,
    Program,
    Term,
    array_of,
    decode_data,
    decode_flat,
    encode_data,
    encode_flat,
    list_of,
    pair_of,
    parse_program,
    print_program,
)
from costmodel.plutus.flat_bits import BitReader, BitWriter
from costmodel.workloads.evaluation import PLENTY
from tests.strategies import constant_types, damaged, data, programs, untimed

V3 = LedgerLanguage.PLUTUS_V3
UNIT_TERM = Const(Constant(UNIT, None))
PLAIN = parse_program("(program 1.1.0 (lam x x))")


def accepted(flat: bytes, language: LedgerLanguage | None = V3, protocol_version: int = 11) -> bool:
    try:
        Script.decode(flat, language, protocol_version)
    except DecodeError:
        return False
    return True


def flat_of(term: Term) -> bytes:
    return encode_flat(Program(UPLC_1_1_0, term))


@pytest.mark.parametrize("fields", [0, 1, 1023, 1024, 1025, 1026, 5000])
@pytest.mark.parametrize(
    ("language", "protocol_version", "bounded"),
    [
        (V3, 9, False),
        (V3, 10, False),
        (V3, 11, True),
        (V3, 12, True),
        (LedgerLanguage.PLUTUS_V1, 11, True),
        (LedgerLanguage.PLUTUS_V2, 11, True),
        (LedgerLanguage.PLUTUS_V4, 12, True),
        (None, 0, False),
    ],
)
def test_constructors_have_at_most_1024_fields(
    fields: int, language: LedgerLanguage | None, protocol_version: int, bounded: bool
) -> None:
    constructor = Constr(0, (UNIT_TERM,) * fields)
    for term in (constructor, Constr(0, (constructor,)), Case(constructor, (UNIT_TERM,))):
        assert accepted(flat_of(term), language, protocol_version) == (fields <= 1024 or not bounded)
    # Branches of a case have no bound.
    assert accepted(flat_of(Case(Constr(0, ()), (UNIT_TERM,) * max(1, fields))), language, protocol_version)


def size(type_: ConstantType) -> int:
    """One for each node of a type, applications included."""
    return 1 + sum(1 + size(arg) for arg in type_.args)


def nested(depth: int, inner: ConstantType) -> ConstantType:
    for _ in range(depth):
        inner = list_of(inner)
    return inner


@pytest.mark.parametrize(
    "type_",
    [nested(depth, INTEGER) for depth in (0, 1, 14, 15, 16, 17, 40)]
    + [nested(depth, pair_of(INTEGER, BYTESTRING)) for depth in (12, 13, 14)]
    + [array_of(nested(depth, DATA)) for depth in (13, 14, 15)]
    + [pair_of(nested(6, INTEGER), nested(depth, UNIT)) for depth in (6, 7, 8)],
    ids=size,
)
def test_types_have_at_most_size_32(type_: ConstantType) -> None:
    value: object = ()
    if type_.head == "pair":
        value = ((), ())
    elif not type_.args:
        value = 0
    flat = flat_of(Const(Constant(type_, value)))
    assert accepted(flat, V3, 11) == (size(type_) <= 32)
    assert accepted(flat, V3, 10)
    assert accepted(flat, None)


@untimed
@given(type_=constant_types(group_elements=False))
def test_size_of_a_type_is_its_number_of_tags(type_: ConstantType) -> None:
    flat = flat_of(Const(Constant(list_of(type_), ())))
    reader = BitReader(flat)
    reader.position = 24 + 4
    tags = 0
    while reader.bits(1):
        reader.bits(4)
        tags += 1
    assert tags == size(list_of(type_))
    assert accepted(flat, V3, 11) == (tags <= 32)


@pytest.mark.parametrize("file", ["pv11-constr-1025-fields/constr-1025", "pv11-type-size-33/list-16-deep"])
def test_bounds_of_the_field(shared_data: Path, file: str) -> None:
    folder = shared_data / "field"
    flat = (folder / f"{file}.flat").read_bytes()
    assert [accepted(flat, V3, version) for version in (9, 10, 11, 12)] == [True, True, False, False]
    case, name = file.split("/")
    within = name.replace("1025", "1024").replace("16", "15")
    assert accepted((folder / case / f"{within}.flat").read_bytes())


@pytest.mark.parametrize("extra", [0, 1, 2, 7, 8, 100])
def test_padding_of_any_length_is_read(extra: int) -> None:
    end = b"\x00" * extra + b"\x01"
    program = encode_flat(PLAIN)
    longer = program[:-1] + bytes([program[-1] & 0xFE]) + end
    assert accepted(longer)
    assert decode_flat(longer) == PLAIN
    inner = b"\x01\x00\x00\x48\x80" + end + b"\x02ab\x00" + b"\x01"
    assert decoded(inner) == parse_program("(program 1.0.0 (con bytestring #6162))")
    assert accepted(inner)


def decoded(flat: bytes) -> Program | None:
    try:
        return decode_flat(flat)
    except DecodeError:
        return None


@pytest.mark.parametrize("end", [b"\x00", b"\x00\x00", b"\x00\x02", b"\x00\x80", b"\x00\x01\x00", b"\x00\x01\x01"])
def test_padding_that_is_wrong_is_refused(end: bytes) -> None:
    program = encode_flat(PLAIN)
    wrong = program[:-1] + bytes([program[-1] & 0xFE]) + end
    assert not accepted(wrong)
    assert decoded(wrong) is None


@pytest.mark.parametrize("version", ["010100", "81008100" + "00", "8180808080808080808080808000" + "0100"])
def test_numbers_of_a_version_may_be_long(version: str) -> None:
    head = bytes.fromhex(version)
    flat = head + encode_flat(PLAIN)[3:]
    assert accepted(flat)
    assert decoded(flat) is not None


def constant_of(cbor: bytes) -> bytes:
    """A flat program that is a Data constant with this CBOR."""
    writer = BitWriter()
    for number in (1, 1, 0):
        writer.natural(number)
    writer.bits(4, 4)
    writer.bits(0b1_1000_0, 6)
    writer.bytestring(cbor)
    return writer.finish()


def verdicts(cbor: bytes) -> tuple[bool, bool, bool, bool]:
    """Whether Data is taken: as argument and as constant, natively and in Python."""
    script = Script.decode(encode_flat(PLAIN), V3, 11)
    try:
        script.apply_data(cbor)
        argument = True
    except DecodeError:
        argument = False
    try:
        decode_data(cbor)
        argument_python = True
    except DecodeError:
        argument_python = False
    return argument, argument_python, accepted(constant_of(cbor)), decoded(constant_of(cbor)) is not None


# CBOR, whether it is Data, and whether it is where more follows.
DATA_CASES: dict[str, tuple[str, bool]] = {
    "bignum": ("c24105", True),
    "negative bignum": ("c34105", True),
    "empty bignum": ("c240", True),
    "bignum with zeros": ("c2420005", True),
    "bignum in pieces": ("c25f41054105ff", True),
    "bignum of 64 bytes": ("c25840" + "01" * 64, True),
    "bignum of 65 bytes in one piece": ("c25841" + "01" * 65, False),
    "bignum tag in two bytes": ("d8024105", False),
    "negative bignum tag in two bytes": ("d8034105", False),
    "bignum tag in three bytes": ("d900024105", False),
    "bignum tag in nine bytes": ("db00000000000000024105", False),
    "bignum of an integer": ("c205", False),
    "bignum in a list": ("81d8024105", False),
    "integer in nine bytes": ("1b0000000000000005", True),
    "largest integer": ("1bffffffffffffffff", True),
    "least integer": ("3bffffffffffffffff", True),
    "bytes in pieces": ("5f4101420203ff", True),
    "bytes in pieces within pieces": ("5f5f4101ffff", False),
    "bytes of 65 in one piece": ("5841" + "00" * 65, False),
    "constructor": ("d87980", True),
    "constructor in three bytes": ("d9007980", True),
    "constructor in nine bytes": ("db000000000000007980", True),
    "constructor of pieces": ("d8799fff", True),
    "constructor 7": ("d9050080", True),
    "constructor 127": ("d9057880", True),
    "constructor 128 by its own tag": ("d9057980", False),
    "general constructor": ("d866820580", True),
    "general constructor of indefinite length": ("d8669f0580ff", True),
    "general constructor of one": ("d8668105", False),
    "general constructor of three": ("d86683058000", False),
    "general constructor of a bignum": ("d86682c2410580", False),
    "general constructor of a negative": ("d866822080", False),
    "general constructor of 64 bits": ("d866821bffffffffffffffff80", True),
    "constructor of no list": ("d87905", False),
    "tag 128": ("d88080", False),
    "map": ("a10102", True),
    "map of indefinite length": ("bf0102ff", True),
    "half of a map": ("bf01ff", False),
    "text": ("6161", False),
    "null": ("f6", False),
    "boolean": ("f5", False),
    "float": ("f90000", False),
    "break": ("ff", False),
    "reserved": ("1c", False),
    "nothing": ("", False),
    "cut short": ("8201", False),
}


@pytest.mark.parametrize("name", DATA_CASES)
def test_data_is_read_by_one_set_of_rules(name: str) -> None:
    digits, legal = DATA_CASES[name]
    cbor = bytes.fromhex(digits)
    assert verdicts(cbor) == (legal,) * 4
    # The node ignores what follows the item in a constant of a script; an argument is all of it.
    if legal:
        assert verdicts(cbor + b"\x00\xff") == (False, False, True, True)


@untimed
@given(cbor=damaged(data().map(encode_data)))
def test_damaged_data_is_read_by_one_set_of_rules(cbor: bytes) -> None:
    argument, argument_python, constant, constant_python = verdicts(cbor)
    assert argument == argument_python
    assert constant == constant_python
    assert constant or not argument


@untimed
@given(cbor=st.binary(max_size=12))
def test_random_bytes_are_read_by_one_set_of_rules(cbor: bytes) -> None:
    argument, argument_python, constant, constant_python = verdicts(cbor)
    assert argument == argument_python
    assert constant == constant_python


@untimed
@given(flat=damaged(programs(group_elements=False).map(encode_flat)))
def test_damaged_programs_are_taken_by_both_decoders_or_by_none(flat: bytes) -> None:
    program = decoded(flat)
    known = program is not None and tuple(program.version) in ((1, 0, 0), (1, 1, 0))
    assert accepted(flat, None) == known


def evaluated(
    text: str, language: LedgerLanguage, protocol_version: int
) -> tuple[EvaluationStatus, str | None, str | None]:
    script = Script.decode(encode_flat(parse_program(text)), language, protocol_version)
    variant = variant_for(language, protocol_version)
    outcome = NativeMachine(ledger_model(variant), variant).evaluate(script, PLENTY, result=True)
    result = None if outcome.result is None else print_program(decode_flat(outcome.result))
    return outcome.status, result, outcome.unwritten


TAGS = [-1, -(2**64), -(2**200), 2**64 - 1, 2**64, 2**64 + 1, 2**511, 2**512, 2**600, 0, 7, 127, 128]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize(("language", "protocol_version"), [("PlutusV1", 8), ("PlutusV2", 10), ("PlutusV3", 10)])
def test_constr_data_takes_any_integer_before_van_rossem(tag: int, language: str, protocol_version: int) -> None:
    text = f"(program 1.0.0 [[(builtin constrData) (con integer {tag})] (con (list data) [])])"
    status, result, unwritten = evaluated(text, LedgerLanguage(language), protocol_version)
    assert status is EvaluationStatus.SUCCESS
    if 0 <= tag < 2**64:
        assert result == f"(program 1.0.0 (con data (Constr {tag} [])))"
    else:
        assert (result, unwritten) == (None, "the result cannot be encoded: a constructor of Data beyond 64 bits")
    after = evaluated(text, LedgerLanguage(language), 11)
    assert after[0] is (EvaluationStatus.SUCCESS if 0 <= tag < 2**64 else EvaluationStatus.FAILURE)


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("variant", [Variant.B, Variant.C])
def test_serialise_data_writes_a_big_constructor_in_one_piece(tag: int, variant: Variant) -> None:
    language = LedgerLanguage.PLUTUS_V2 if variant is Variant.B else V3
    text = (
        f"(program 1.0.0 [(builtin serialiseData) [[(builtin constrData) (con integer {tag})] "
        "(con (list data) [I 1])]])"
    )
    status, result, _ = evaluated(text, language, 10)
    assert status is EvaluationStatus.SUCCESS
    assert result is not None
    cbor = bytes.fromhex(result.split("#")[1].rstrip(")"))
    assert cbor == encode_data(DataConstr(tag, (1,)))
    magnitude = tag if tag >= 0 else -1 - tag
    if magnitude >= 2**64:
        digits = magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "big")
        assert cbor[4:].endswith(digits + b"\x9f\x01\xff")


def test_result_with_an_unwritable_constructor_deep_inside() -> None:
    text = (
        "(program 1.0.0 [(lam x (lam y [[(builtin mkPairData) x] y])) "
        "[[(builtin constrData) (con integer -1)] (con (list data) [])]])"
    )
    status, result, unwritten = evaluated(text, V3, 10)
    assert (status, result) == (EvaluationStatus.SUCCESS, None)
    assert unwritten is not None
    assert "cannot be encoded" in unwritten
