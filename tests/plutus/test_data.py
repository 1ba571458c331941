"""Data in CBOR and JSON."""

import pytest
from hypothesis import given

from costmodel.errors import DecodeError
from costmodel.plutus import (
    Data,
    DataConstr,
    DataList,
    DataMap,
    data_from_json,
    data_to_json,
    decode_data,
    encode_data,
)
from tests.strategies import damaged, data, untimed

# Values and encodings of RFC 8949, appendix A, and of CIP-0042 and the ledger's CDDL (plutus_data).
PUBLISHED = [
    (0, "00"),
    (23, "17"),
    (24, "1818"),
    (1000000, "1a000f4240"),
    (1000000000000, "1b000000e8d4a51000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (18446744073709551616, "c249010000000000000000"),
    (-18446744073709551616, "3bffffffffffffffff"),
    (-18446744073709551617, "c349010000000000000000"),
    (-1, "20"),
    (-1000, "3903e7"),
    (b"", "40"),
    (bytes([1, 2, 3, 4]), "4401020304"),
    (DataList(()), "80"),
    (DataList((1, DataList((2, 3)), DataList((4, 5)))), "9f019f0203ff9f0405ffff"),
    (DataMap(()), "a0"),
    (DataMap(((1, 2), (3, 4))), "a201020304"),
    (DataConstr(0, ()), "d87980"),
    (DataConstr(1, ()), "d87a80"),
    (DataConstr(6, (1,)), "d87f9f01ff"),
    (DataConstr(7, ()), "d9050080"),
    (DataConstr(127, ()), "d9057880"),
    (DataConstr(128, ()), "d86682188080"),
    (b"\xaa" * 64, "5840" + "aa" * 64),
    (b"\xaa" * 65, "5f5840" + "aa" * 64 + "41aaff"),
    (1 << 512, "c25f584001" + "00" * 63 + "4100ff"),
]

# Forms that the ledger accepts and does not write.
ALSO_ACCEPTED = [
    (DataList(()), "9fff"),
    (DataList((1, 2)), "820102"),
    (DataMap(((1, 2),)), "bf0102ff"),
    (DataConstr(0, (1,)), "d8798101"),
    (DataConstr(0, ()), "d9007980"),
    (DataConstr(0, ()), "d866820080"),
    (DataConstr(5, ()), "d8669f059fffff"),
    (bytes([1, 2, 3, 4, 5]), "5f42010243030405ff"),
    (5, "1a00000005"),
    (5, "c24105"),
    (0, "c240"),
    (-6, "c34105"),
]

REFUSED = {
    "nothing": "",
    "text": "6161",
    "float": "f93c00",
    "null": "f6",
    "boolean": "f5",
    "break alone": "ff",
    "unknown tag": "d8788101",
    "tag after the last": "d9057980",
    "bignum tag in two bytes": "d8024105",
    "bytestring over 64 bytes": "5841" + "aa" * 65,
    "chunk over 64 bytes": "5f5841" + "aa" * 65 + "ff",
    "nested indefinite chunks": "5f5f4101ffff",
    "bignum without bytes": "c201",
    "constructor without list": "d87901",
    "general constructor of three": "d8668300809f",
    "general constructor, negative tag": "d866822080",
    "general constructor not closed after two": "d8669f05800100ff",
    "odd map": "bf01ff",
    "reserved length": "1c",
    "indefinite integer": "1f",
    "trailing byte": "0000",
    "list cut short": "8201",
    "length beyond the input": "5b7fffffffffffffff00",
    "huge list": "9b7fffffffffffffff00",
}


@pytest.mark.parametrize(("value", "cbor"), PUBLISHED)
def test_encodes_as_published(value: Data, cbor: str) -> None:
    assert encode_data(value).hex() == cbor


@pytest.mark.parametrize(("value", "cbor"), PUBLISHED + ALSO_ACCEPTED)
def test_decodes_what_the_ledger_accepts(value: Data, cbor: str) -> None:
    assert decode_data(bytes.fromhex(cbor)) == value


@pytest.mark.parametrize("cbor", REFUSED.values(), ids=REFUSED.keys())
def test_refuses_what_the_ledger_refuses(cbor: str) -> None:
    with pytest.raises(DecodeError, match="byte"):
        decode_data(bytes.fromhex(cbor))


@untimed
@given(data())
def test_cbor_round_trip(value: Data) -> None:
    assert decode_data(encode_data(value)) == value


@untimed
@given(data())
def test_json_round_trip(value: Data) -> None:
    assert data_from_json(data_to_json(value)) == value


@untimed
@given(damaged(data().map(encode_data)))
def test_damaged_cbor_decodes_or_is_refused(cbor: bytes) -> None:
    try:
        value = decode_data(cbor)
    except DecodeError:
        return
    assert decode_data(encode_data(value)) == value


@untimed
@given(damaged(data().map(lambda value: data_to_json(value).encode())))
def test_damaged_json_decodes_or_is_refused(text: bytes) -> None:
    try:
        value = data_from_json(text.decode(errors="replace"))
    except DecodeError:
        return
    assert data_from_json(data_to_json(value)) == value


def test_negative_constructor_tag_is_written_but_not_read() -> None:
    cbor = encode_data(DataConstr(-1, ()))
    assert cbor.hex() == "d866822080"
    with pytest.raises(DecodeError, match="unsigned 64-bit"):
        decode_data(cbor)


def test_detailed_schema() -> None:
    text = """
    {"constructor": 3, "fields": [
        {"int": -7}, {"bytes": "00fF"}, {"list": []}, {"map": [{"v": {"int": 1}, "k": {"bytes": ""}}]}]}
    """
    assert data_from_json(text) == DataConstr(3, (-7, b"\x00\xff", DataList(()), DataMap(((b"", 1),))))


def test_json_is_written_in_the_detailed_schema() -> None:
    value = DataConstr(3, (-7, DataMap(((b"\xff", 1), (2, DataList((3, 4)))))))
    assert data_to_json(value) == (
        '{"constructor": 3, "fields": [{"int": -7}, {"map": [{"k": {"bytes": "ff"}, "v": {"int": 1}}, '
        '{"k": {"int": 2}, "v": {"list": [{"int": 3}, {"int": 4}]}}]}]}'
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "[]",
        "{}",
        '{"int": 1.5}',
        '{"int": true}',
        '{"int": "1"}',
        '{"int": 01}',
        '{"int": 1, "bytes": ""}',
        '{"int": 1, "int": 1}',
        '{"bytes": "0"}',
        '{"bytes": "0g"}',
        '{"bytes": "00 11"}',
        '{"list": {}}',
        '{"list": [1]}',
        '{"list": [{"int": 1},]}',
        '{"map": [{"k": {"int": 1}}]}',
        '{"map": [[]]}',
        '{"constructor": 1}',
        '{"constructor": true, "fields": []}',
        '{"int": 1} 2',
        '{"int": 1',
        '{"in\nt": 1}',
        '{"int" 1}',
        "{int: 1}",
        '{"bytes": "',
    ],
)
def test_json_outside_the_schema_is_refused(text: str) -> None:
    with pytest.raises(DecodeError, match="JSON"):
        data_from_json(text)


def test_json_error_says_line_and_column() -> None:
    with pytest.raises(DecodeError, match="2:11: a value is expected"):
        data_from_json('{\n "list": [?]}')


def test_integers_of_any_length_pass_through_json() -> None:
    value = 7**20000
    assert data_from_json(data_to_json(-value)) == -value


def test_integer_list_is_not_confused_with_bytes() -> None:
    assert DataList((1,)) != DataList((b"\x01",))
    assert DataList((1,)) != DataMap(((1, 1),))
