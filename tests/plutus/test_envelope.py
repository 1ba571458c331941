"""Program and Data files."""

import json
from pathlib import Path

import pytest

from costmodel.errors import DecodeError, InputError
from costmodel.plutus import (
    DataConstr,
    LedgerLanguage,
    ProgramFile,
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
V2 = LedgerLanguage.PLUTUS_V2


def envelope(cbor_hex: object = DOUBLE_WRAPPED, kind: object = "PlutusScriptV3") -> bytes:
    return json.dumps({"type": kind, "description": "", "cborHex": cbor_hex}).encode()


BLUEPRINT = {
    "preamble": {"title": "t", "plutusVersion": "v2"},
    "validators": [
        {"title": "one.spend", "compiledCode": "450101002499", "hash": "00"},
        {"title": "two.mint", "compiledCode": "4746010000220011"},
        {"title": "no code"},
    ],
}
OUTPUT = {"address": "addr1", "referenceScript": {"script": json.loads(envelope()), "scriptLanguage": "PlutusScriptV3"}}

# Content, language and whether it is textual.
FORMS: dict[str, tuple[bytes, LedgerLanguage | None, bool]] = {
    "flat": (FLAT, None, False),
    "text": (TEXT.encode(), None, True),
    "text with a byte order mark": (b"\xef\xbb\xbf" + TEXT.encode(), None, True),
    "wrapped once": (bytes.fromhex("450101002499"), None, False),
    "wrapped twice": (bytes.fromhex(DOUBLE_WRAPPED), None, False),
    "long heads": (bytes.fromhex("5a0000000a5b00000000000000050101002499".replace("0a5b", "0e5b")), None, False),
    "hexadecimal of flat": (b"0101002499\n", None, False),
    "hexadecimal, wrapped": (b" 0x450101002499", None, False),
    "hexadecimal in lines": (DOUBLE_WRAPPED[:6].upper().encode() + b"\n" + DOUBLE_WRAPPED[6:].encode(), None, False),
    "JSON text": (b'"450101002499"', None, False),
    "reference script": (bytes.fromhex("d8184882034501010024" + "99"), LedgerLanguage.PLUTUS_V3, False),
    "language and script": (bytes.fromhex("8201450101002499"), LedgerLanguage.PLUTUS_V1, False),
    "envelope": (envelope(), LedgerLanguage.PLUTUS_V3, False),
    "UTxO": (json.dumps({"aa#0": OUTPUT, "bb#1": {"referenceScript": None}}).encode(), LedgerLanguage.PLUTUS_V3, False),
    "transaction": (json.dumps({"outputs": [OUTPUT, OUTPUT]}).encode(), LedgerLanguage.PLUTUS_V3, False),
    "blueprint": (json.dumps(BLUEPRINT | {"validators": BLUEPRINT["validators"][:1]}).encode(), V2, False),  # type: ignore[index]
    "Ogmios": (b'{"result": [{"script": {"language": "plutus:v2", "cbor": "450101002499"}}]}', V2, False),
    "Kupo": (b'{"language": "plutus:v2", "script": "450101002499"}', V2, False),
    "Koios": (b'[{"script_hash": "00", "type": "plutusV2", "bytes": "450101002499"}]', V2, False),
    "Blockfrost": (b'{"cbor": "450101002499"}', None, False),
}


@pytest.mark.parametrize("name", ["script.flat", "script.plutus", "script.uplc", "script.txt", "plutus.json", "script"])
@pytest.mark.parametrize("form", FORMS)
def test_form_is_told_by_content_whatever_the_name(tmp_path: Path, name: str, form: str) -> None:
    content, language, textual = FORMS[form]
    path = tmp_path / name
    path.write_bytes(content)
    assert load_program(path) == ProgramFile(FLAT, language, textual)


def test_validator_of_a_blueprint_is_chosen_by_its_title(tmp_path: Path) -> None:
    path = tmp_path / "plutus.json"
    path.write_text(json.dumps(BLUEPRINT))
    assert load_program(path, name="one.spend") == ProgramFile(FLAT, V2)
    deep = load_program(path, name="two.mint")
    assert (deep.flat, deep.note) == (
        bytes.fromhex("010000220011"),
        "two.mint compiledCode: CBOR wrappers around flat: 2 instead of 1",
    )
    with pytest.raises(InputError, match=f"{path}: no script is named 'three'; there are one.spend, two.mint$"):
        load_program(path, name="three")
    with pytest.raises(
        InputError, match=r"2 scripts; choose one with `calibrate eval --script NAME`: one.spend, two.mint$"
    ):
        load_program(path)


def test_output_of_a_utxo_is_chosen_by_its_reference(tmp_path: Path) -> None:
    other = {"script": json.loads(envelope("46450101002498", "PlutusScriptV1"))}
    path = tmp_path / "utxo.json"
    path.write_text(json.dumps({"aa#0": OUTPUT, "bb#1": {"referenceScript": other}}))
    assert load_program(path, name="bb#1").language is LedgerLanguage.PLUTUS_V1
    with pytest.raises(InputError, match=r"aa#0, bb#1$"):
        load_program(path)


def test_a_single_program_has_no_name(tmp_path: Path) -> None:
    path = tmp_path / "script.flat"
    path.write_bytes(FLAT)
    with pytest.raises(InputError, match="none that is named 'x'"):
        load_program(path, name="x")


@pytest.mark.parametrize("language", LedgerLanguage)
def test_bytes_behind_the_wrapper_are_ignored_in_the_first_two_languages(
    tmp_path: Path, language: LedgerLanguage
) -> None:
    number = language.value[-1]
    forms = {
        "bare": (bytes.fromhex("45010100249900"), language),
        "double": (bytes.fromhex("4745010100249900"), language),
        "hexadecimal": (b"450101002499ff", language),
        "envelope": (envelope("4745010100249900", f"PlutusScriptV{number}"), None),
        "reference": (bytes.fromhex(f"820{number}45010100249900"), None),
    }
    for name, (content, wanted) in forms.items():
        path = tmp_path / name
        path.write_bytes(content)
        if language in (LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V2):
            assert load_program(path, language=wanted).flat == FLAT
            assert load_program(path, default=language).flat == FLAT
        else:
            with pytest.raises(DecodeError, match="bytes follow the CBOR byte string around the flat program"):
                load_program(path, language=wanted)
    # The outer byte string is the envelope's own, whatever the language.
    path.write_bytes(envelope("4645010100249900", f"PlutusScriptV{number}"))
    with pytest.raises(DecodeError, match="bytes follow the outer CBOR byte string"):
        load_program(path)


@pytest.mark.parametrize(
    ("cbor", "complaint"),
    [
        ("4847460101002499".replace("4847", "4746"), "one level too deep"),
        ("5f450101002499ff", "indefinite length"),
        ("475f450101002499ff".replace("475f", "485f"), "indefinite length"),
        ("5c0101002499", "malformed or cut short"),
        ("59", "malformed or cut short"),
        ("5901", "malformed or cut short"),
        ("4601010024", "cut short"),
    ],
)
def test_wrappers_that_the_node_does_not_take(tmp_path: Path, cbor: str, complaint: str) -> None:
    for content in (bytes.fromhex(cbor), cbor.encode(), envelope(cbor), json.dumps({"cbor": cbor}).encode()):
        path = tmp_path / "script"
        path.write_bytes(content)
        with pytest.raises(DecodeError, match=f"{path}: .*{complaint}"):
            load_program(path)


@pytest.mark.parametrize("document", [envelope("0101002499"), b'{"cbor": "0101002499"}'])
def test_missing_wrapper_is_said(tmp_path: Path, document: bytes) -> None:
    path = tmp_path / "script.plutus"
    path.write_bytes(document)
    with pytest.raises(DecodeError, match="the CBOR byte string around the flat program is missing; flat alone begins"):
        load_program(path)


@pytest.mark.parametrize("cbor_hex", ["450101002499", DOUBLE_WRAPPED, "5806450101002499"])
def test_single_and_double_wrap(tmp_path: Path, cbor_hex: str) -> None:
    path = tmp_path / "script.plutus"
    path.write_bytes(envelope(cbor_hex))
    program = load_program(path)
    assert (program.flat, program.language) == (FLAT, LedgerLanguage.PLUTUS_V3)
    assert bool(program.note) == (cbor_hex == "450101002499")


def test_wrap_is_that_of_cardano_cli() -> None:
    assert wrap_script(FLAT).hex() == DOUBLE_WRAPPED
    assert unwrap_script(wrap_script(FLAT)) == (FLAT, 2)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_ledger_language_of_an_envelope(tmp_path: Path, number: int) -> None:
    path = tmp_path / "script.plutus"
    path.write_bytes(envelope(kind=f"PlutusScriptV{number}"))
    assert load_program(path)[1] == LedgerLanguage(f"PlutusV{number}")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"[]",
        b"{}",
        b"4",
        b'"x"',
        b'{"type": "PlutusScriptV1"}',
        b'{"validators": []}',
        b'{"aa#0": {"referenceScript": null}}',
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
