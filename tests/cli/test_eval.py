"""`calibrate eval` as its user meets it: real processes, files, exit codes."""

import json
from pathlib import Path

import pytest

from tests.cli.command import calibrate, one_line


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "add.uplc"
    path.write_text("(program 1.0.0 (lam x [(builtin addInteger) [(builtin unIData) x] (con integer 1)]))")
    return path


def test_prints_result_and_ex_units(program: Path) -> None:
    result = calibrate("eval", program, "182a")
    assert result.returncode == 0
    assert result.stdout.startswith("(program 1.0.0 (con integer 43))")
    assert "ps" in result.stdout


def test_json_is_one_document(program: Path) -> None:
    document = json.loads(calibrate("eval", "--json", program, "182a").stdout)
    # Priced by hand from the ledger's model E: start-up, ten steps, unIData, addInteger at size 1.
    assert document["steps"] == {"apply": 4, "builtin": 2, "const": 2, "lam": 1, "var": 1}
    assert document["ex_units"]["cpu"] == 100 + 10 * 16_000 + 20_744 + 100_788 + 420
    assert document["builtins"] == {"addInteger": 1, "unIData": 1}
    assert document["status"] == "success"


def test_arguments_may_be_files_of_detailed_schema_json(program: Path, tmp_path: Path) -> None:
    argument = tmp_path / "argument.json"
    argument.write_text('{"int": 42}')
    assert calibrate("eval", program, argument).stdout.startswith("(program 1.0.0 (con integer 43))")


def test_a_failing_program_ends_with_1(program: Path) -> None:
    result = calibrate("eval", program, "40")
    assert result.returncode == 1
    assert result.stdout.startswith("evaluation failure: builtin unIData")


def test_a_result_too_large_to_write_is_a_success_with_ex_units(tmp_path: Path) -> None:
    path = tmp_path / "shared.uplc"
    term = "(constr 0 x40 x40)"
    for depth in range(40, 0, -1):
        term = f"[(lam x{depth} {term}) (constr 0 x{depth - 1} x{depth - 1})]"
    path.write_text(f"(program 1.1.0 [(lam x0 {term}) (con integer 1)])")
    result = calibrate("eval", path)
    assert result.returncode == 0
    assert result.stdout.startswith("success: the result is too large to be written out")
    document = json.loads(calibrate("eval", path, "--json").stdout)
    assert document["ex_units"]["cpu"] == 100 + 16_000 * sum(document["steps"].values())
    assert document["result"] is None


def test_budget_stops_a_program(program: Path) -> None:
    result = calibrate("eval", program, "182a", "--budget", "1000,1000")
    assert result.returncode == 1
    assert result.stdout.startswith("out of budget")


def test_language_decides_what_is_available(tmp_path: Path) -> None:
    path = tmp_path / "blake.uplc"
    path.write_text("(program 1.0.0 [(builtin blake2b_224) (con bytestring #)])")
    assert calibrate("eval", path, "--language", "PlutusV3").returncode == 0
    refused = one_line(calibrate("eval", path, "--language", "PlutusV2", "--protocol-version", "10"))
    assert "blake2b_224 is not available" in refused


def test_language_must_exist_at_the_protocol_version(program: Path) -> None:
    assert "PlutusV3 does not exist at protocol version 8" in one_line(
        calibrate("eval", program, "00", "--protocol-version", "8")
    )


def test_cost_model_replaces_the_ledgers(program: Path, shared_data: Path) -> None:
    official = shared_data / "official"
    builtins, steps = official / "builtinCostModelA.json", official / "cekMachineCostsA.json"
    result = calibrate("eval", "--json", program, "182a", "--cost-model", builtins, "--cost-model", steps)
    document = json.loads(result.stdout)
    # The same by hand from model A.
    assert document["ex_units"]["cpu"] == 100 + 10 * 23_000 + 43_357 + 205_665 + 812


def test_cost_model_without_a_needed_entry_is_refused(program: Path, tmp_path: Path, shared_data: Path) -> None:
    content = json.loads((shared_data / "official" / "builtinCostModelE.json").read_text())
    del content["addInteger"]
    model = tmp_path / "model.json"
    model.write_text(json.dumps(content))
    steps = shared_data / "official" / "cekMachineCostsE.json"
    result = calibrate("eval", program, "182a", "--cost-model", model, "--cost-model", steps)
    assert "no entry for builtin addInteger" in one_line(result)


def test_cost_model_without_a_needed_step_is_refused(program: Path, tmp_path: Path, shared_data: Path) -> None:
    content = json.loads((shared_data / "official" / "cekMachineCostsE.json").read_text())
    del content["cekVarCost"]
    steps = tmp_path / "steps.json"
    steps.write_text(json.dumps(content))
    builtins = shared_data / "official" / "builtinCostModelE.json"
    result = calibrate("eval", program, "182a", "--cost-model", builtins, "--cost-model", steps)
    assert "no entry for cekVarCost" in one_line(result)


def test_truncated_flat_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.flat"
    path.write_bytes(bytes.fromhex("01000033"))
    assert "cut.flat: flat: " in one_line(calibrate("eval", path))


def test_wrong_cbor_is_refused(program: Path) -> None:
    assert "argument 1: " in one_line(calibrate("eval", program, "9f01"))


def test_an_argument_longer_than_a_file_name_is_data(program: Path) -> None:
    # A byte string of 300 bytes in chunks, as contexts have them: far more hexadecimal than a file name may have.
    chunks = 4 * ("5840" + "00" * 64) + "582c" + "00" * 44
    result = calibrate("eval", program, f"5f{chunks}ff")
    assert result.returncode == 1
    assert result.stdout.startswith("evaluation failure: builtin unIData")


def test_a_trace_cannot_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "trace.uplc"
    path.write_text(r'(program 1.0.0 [(force (builtin trace)) (con string "a\x1b[2J\nb") (con unit ())])')
    assert "trace: a\\x1b[2J\\nb\n" in calibrate("eval", path).stdout


def test_unknown_builtin_tag_is_refused(tmp_path: Path) -> None:
    # Version 1.0.0, then the term tag of a builtin and 127, then padding.
    path = tmp_path / "unknown.flat"
    path.write_bytes(bytes([1, 0, 0, 0b01111111, 0b11110001]))
    assert "unknown builtin tag" in one_line(calibrate("eval", path))


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert "nowhere.flat" in one_line(calibrate("eval", tmp_path / "nowhere.flat"))


def test_wrong_option_is_refused(program: Path) -> None:
    assert "--bugdet" in one_line(calibrate("eval", program, "--bugdet", "1,1"))


@pytest.mark.parametrize("budget", ["1", "a,b", "-1,5", "1,2,3"])
def test_wrong_budget_is_refused(program: Path, budget: str) -> None:
    assert "is no budget" in one_line(calibrate("eval", program, f"--budget={budget}"))
