"""Program and Data files."""

import json
from pathlib import Path

import pytest

from costmodel.errors import DecodeError, InputError
from costmodel.plutus import (
    DataConstr,
    LedgerLanguage,
    decode_flat,
    load_data,
    load_program,
    parse_program,
    unwrap_script,
    wrap_script,
)

# The script that always succeeds, as published in cardano-cli's tests.
FLAT = bytes.fromhex("0101002499")
TEXT = "-- always succeeds\n(program 1.1.0 (lam x (con unit ())))"
DOUBLE_WRAPPED = "46450101002499"


def envelope(cbor_hex: object = DOUBLE_WRAPPED, kind: object = "PlutusScriptV3") -> bytes:
    return json.dumps({"type": kind, "description": "", "cborHex": cbor_hex}).encode()


@pytest.mark.parametrize("name", ["script.flat", "script.plutus", "script.uplc", "script"])
@pytest.mark.parametrize("content", [FLAT, envelope(), TEXT.encode()], ids=["flat", "envelope", "text"])
def test_format_is_told_by_suffix_or_content(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    right_suffix = {FLAT: ".flat", envelope(): ".plutus", TEXT.encode(): ".uplc"}[content]
    if path.suffix not in ("", right_suffix):
        if path.suffix == ".flat":
            assert load_program(path) == (content, None)
        else:
            with pytest.raises(DecodeError, match=str(path)):
                load_program(path)
    else:
        assert load_program(path) == (FLAT, LedgerLanguage.PLUTUS_V3 if content == envelope() else None)


@pytest.mark.parametrize("cbor_hex", ["450101002499", DOUBLE_WRAPPED, "5806450101002499"])
def test_single_and_double_wrap(tmp_path: Path, cbor_hex: str) -> None:
    path = tmp_path / "script.plutus"
    path.write_bytes(envelope(cbor_hex))
    assert load_program(path) == (FLAT, LedgerLanguage.PLUTUS_V3)


def test_wrap_is_that_of_cardano_cli() -> None:
    assert wrap_script(FLAT).hex() == DOUBLE_WRAPPED
    assert unwrap_script(wrap_script(FLAT)) == FLAT


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_ledger_language_of_an_envelope(tmp_path: Path, number: int) -> None:
    path = tmp_path / "script.plutus"
    path.write_bytes(envelope(kind=f"PlutusScriptV{number}"))
    assert load_program(path)[1] == LedgerLanguage(f"PlutusV{number}")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        envelope(kind="SimpleScript"),
        envelope(kind=3),
        envelope(cbor_hex=None),
        envelope(cbor_hex="4"),
        envelope(cbor_hex="zz"),
        envelope(cbor_hex=""),
        envelope(cbor_hex="81450101002499"),
        envelope(cbor_hex="4601010024"),
        envelope(cbor_hex="45010100249900"),
        envelope(cbor_hex="4646010100249900"),
        envelope(cbor_hex="5bffffffffffffffff00"),
        envelope(cbor_hex="5f5f5f5f"),
        b'{"a":' * 100_000,
    ],
)
def test_bad_envelope_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "script.plutus"
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=str(path)):
        load_program(path)


def test_group_elements_of_text_survive(tmp_path: Path) -> None:
    text = f"(program 1.0.0 (con bls12_381_G1_element 0xc0{'00' * 47}))"
    path = tmp_path / "point.uplc"
    path.write_text(text)
    assert decode_flat(load_program(path)[0], allow_group_elements=True) == parse_program(text)


@pytest.mark.parametrize("load", [load_program, load_data])
def test_missing_file(tmp_path: Path, load: object) -> None:
    path = tmp_path / "absent.flat"
    assert callable(load)
    with pytest.raises(InputError, match=f"{path}: cannot be read"):
        load(path)


@pytest.mark.parametrize("content", ['{"constructor": 0, "fields": [{"int": 5}]}', " d8799f05ff\n", "D8798105"])
def test_data_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "redeemer"
    path.write_text(content)
    assert load_data(path) == DataConstr(0, (5,))


@pytest.mark.parametrize("content", ["", "{", "d8799f05", "xyz", "[]", '{"int": 1.0}'])
def test_bad_data_file_names_the_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "redeemer"
    path.write_text(content)
    with pytest.raises(DecodeError, match=str(path)):
        load_data(path)


def test_workbench_scripts_and_redeemers_load(shared_data: Path) -> None:
    folder = shared_data / "workbench" / "scripts"
    languages = {path.stem: load_program(path)[1] for path in folder.glob("*.plutus")}
    assert languages == {
        "EcdsaSecp256k1Loop": LedgerLanguage.PLUTUS_V2,
        "SchnorrSecp256k1Loop": LedgerLanguage.PLUTUS_V2,
        "Loop": LedgerLanguage.PLUTUS_V1,
        "LoopV3": LedgerLanguage.PLUTUS_V3,
    }
    assert load_data(folder / "Loop.redeemer.json") == 1_000_000


def test_a_device_is_not_read() -> None:
    with pytest.raises(InputError, match="is a device"):
        load_program(Path("/dev/zero"))
