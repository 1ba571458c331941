"""The conformance cases, the contracts and the mainnet scripts through every codec."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from costmodel.errors import DecodeError
from costmodel.plutus import (
    data_from_json,
    data_to_json,
    decode_data,
    decode_flat,
    encode_data,
    encode_flat,
    parse_program,
    print_program,
)

PARSE_ERROR = "parse/decode error"
NO_PROGRAM = (PARSE_ERROR, "evaluation failure")

# Cases that the official parser refuses for a point that is not on the curve or not in the group: deciding that
# takes curve arithmetic, so it is left to the evaluator.
BAD_POINTS = {
    "bls12-381/G1/bad-zero-01",
    "bls12-381/G1/out-of-group",
    "bls12-381/G2/bad-zero-01",
    "bls12-381/G2/bad-zero-02",
    "bls12-381/G2/off-curve",
    "bls12-381/G2/out-of-group",
}


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> list[Path]:
    """The text of every case; its other files have the same name with other suffixes."""
    return sorted((shared_data / "conformance").rglob("*.uplc"))


def expected_result(case: Path) -> str:
    return case.with_name(f"{case.name}.expected").read_text()


def texts(cases: list[Path]) -> Iterator[tuple[Path, str]]:
    """Every program in the tree: each case's and, where there is one, its result."""
    for case in cases:
        if expected_result(case) != PARSE_ERROR:
            yield case, case.read_text()
        if expected_result(case) not in NO_PROGRAM:
            yield case.with_name(f"{case.name}.expected"), expected_result(case)


def flats(cases: list[Path]) -> Iterator[tuple[Path, bytes]]:
    """Every legal flat program in the tree, named after the text that it is the encoding of."""
    for case in cases:
        flat = case.with_suffix(".flat")
        if flat.exists() and expected_result(case) != PARSE_ERROR:
            yield case, flat.read_bytes()
            result = flat.with_name(f"{flat.name}.expected").read_bytes()
            if result not in [word.encode() for word in NO_PROGRAM]:
                yield case.with_name(f"{case.name}.expected"), result


def test_refused_texts_are_those_that_must_be(cases: list[Path]) -> None:
    def refused(case: Path) -> bool:
        try:
            parse_program(case.read_text())
        except DecodeError:
            return True
        return False

    must_be = {case for case in cases if expected_result(case) == PARSE_ERROR}
    left_to_the_evaluator = {case for case in must_be if str(case.parent).endswith(tuple(BAD_POINTS))}
    assert {case for case in cases if refused(case)} == must_be - left_to_the_evaluator


def test_flat_files_that_must_be_refused_are(cases: list[Path]) -> None:
    illegal = [case.with_suffix(".flat") for case in cases if expected_result(case) == PARSE_ERROR]
    existing = [flat for flat in illegal if flat.exists()]
    assert existing
    for flat in existing:
        with pytest.raises(DecodeError):
            decode_flat(flat.read_bytes())


def test_text_to_flat_gives_the_bundled_bytes(cases: list[Path]) -> None:
    encoded = {path: encode_flat(parse_program(path.read_text())) for path, _ in flats(cases)}
    assert encoded == dict(flats(cases))


def test_flat_to_text_to_flat_is_the_identity(cases: list[Path]) -> None:
    through_text = {path: encode_flat(parse_program(print_program(decode_flat(flat)))) for path, flat in flats(cases)}
    assert through_text == dict(flats(cases))


def test_parse_and_print_agree(cases: list[Path]) -> None:
    disagreeing = []
    for path, text in texts(cases):
        program = parse_program(text)
        if parse_program(print_program(program)) != program:
            disagreeing.append(path)
    assert disagreeing == []


def test_group_elements_pass_between_text_and_the_evaluator(cases: list[Path]) -> None:
    programs = [parse_program(text) for _, text in texts(cases) if "0x" in text]
    assert programs
    for program in programs:
        flat = encode_flat(program, allow_group_elements=True)
        assert decode_flat(flat, allow_group_elements=True) == program


def test_contracts_are_reproduced_to_the_bit(shared_data: Path) -> None:
    contracts = sorted((shared_data / "scripts" / "validation").glob("*.flat"))
    assert contracts
    assert [encode_flat(decode_flat(path.read_bytes())) for path in contracts] == [
        path.read_bytes() for path in contracts
    ]


def test_mainnet_scripts_and_arguments(shared_data: Path) -> None:
    for case in json.loads((shared_data / "scripts" / "mainnet" / "corpus.json").read_text())["cases"]:
        flat = bytes.fromhex(case["flat_program_hex"])
        assert encode_flat(decode_flat(flat)) == flat
        for argument in case["arguments_cbor_hex"]:
            value = decode_data(bytes.fromhex(argument))
            # The ledger built these arguments itself, so they are in its own encoding.
            assert encode_data(value).hex() == argument
            assert data_from_json(data_to_json(value)) == value
