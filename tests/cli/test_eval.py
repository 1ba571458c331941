"""`calibrate eval` as its user meets it: real processes, files, exit codes."""

import json
from pathlib import Path

import pytest

from costmodel.model import Variant, ledger_model, to_array
from costmodel.plutus import LedgerLanguage
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
    assert result.stdout.startswith("success: the result is too large to print")
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


def test_a_folder_is_refused_with_what_takes_one(program: Path) -> None:
    assert "calibrate impact ledger MODEL --corpus" in one_line(calibrate("eval", program.parent))


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
    assert "invalid --budget" in one_line(calibrate("eval", program, f"--budget={budget}"))


FIELD: list[tuple[str, tuple[str, ...], int, str]] = [
    ("pv11-constr-1025-fields/constr-1024.flat", (), 0, "(con unit ())"),
    ("pv11-constr-1025-fields/constr-1025.flat", (), 2, "more fields than this protocol version allows"),
    ("pv11-constr-1025-fields/constr-1025.flat", ("--protocol-version", "10"), 0, "(con unit ())"),
    ("pv11-type-size-33/list-15-deep.flat", (), 0, "(program"),
    ("pv11-type-size-33/list-16-deep.flat", (), 2, "a larger type than this protocol version allows"),
    ("pv11-type-size-33/list-16-deep.flat", ("--protocol-version", "10"), 0, "(program"),
    ("data-wide-bignum-tag/wide-tag.flat", (), 2, "a tag that Data does not have"),
    ("indefinite-script-bytes/indefinite.plutus", (), 2, "a CBOR byte string of indefinite length"),
    (
        "constrdata-out-of-range-result/neg.uplc",
        ("--protocol-version", "10"),
        0,
        "success: the result cannot be encoded",
    ),
    ("constrdata-out-of-range-result/neg.uplc", (), 1, "a constructor beyond 64 bits"),
    (
        "constrdata-out-of-range-result/big.uplc",
        ("--language", "PlutusV2", "--protocol-version", "10"),
        0,
        "success: the result cannot be encoded",
    ),
    ("serialise-big-constr-tag/bigtag.uplc", ("--language", "PlutusV2", "--protocol-version", "10"), 0, "#d86682c258"),
]


@pytest.mark.parametrize(("file", "options", "code", "said"), FIELD)
def test_inputs_of_the_field(shared_data: Path, file: str, options: tuple[str, ...], code: int, said: str) -> None:
    result = calibrate("eval", shared_data / "field" / file, *options)
    assert result.returncode == code, result.stderr
    if code == 2:
        assert said in one_line(result)
    else:
        assert said in result.stdout
        assert "CPU" in result.stdout


def test_bounds_hold_for_text_as_for_flat(tmp_path: Path) -> None:
    path = tmp_path / "constr.uplc"
    path.write_text(f"(program 1.1.0 (case (constr 0 {'(con unit ())' * 1025}) (error)))")
    assert "more fields" in one_line(calibrate("eval", path))
    assert calibrate("eval", path, "--protocol-version", "10").returncode == 1


def test_validator_of_a_blueprint_is_evaluated(tmp_path: Path) -> None:
    path = tmp_path / "plutus.json"
    validators = [
        {"title": "a.spend", "compiledCode": "450101002499"},
        {"title": "b.mint", "compiledCode": "4401010061"},
    ]
    path.write_text(json.dumps({"preamble": {"plutusVersion": "v3"}, "validators": validators}))
    assert "2 scripts; choose one with `calibrate eval --script NAME`: a.spend, b.mint" in one_line(
        calibrate("eval", path)
    )
    assert "there are a.spend, b.mint" in one_line(calibrate("eval", path, "--script", "c"))
    result = calibrate("eval", path, "00", "--script", "a.spend", "--json")
    assert (result.returncode, json.loads(result.stdout)["language"]) == (0, "PlutusV3")
    assert calibrate("eval", path, "--script", "b.mint").returncode == 1


def test_bytes_behind_the_wrapper_go_by_the_language(tmp_path: Path) -> None:
    path = tmp_path / "script.hex"
    path.write_text("4d01000033222220051200120011" + "ff")
    assert calibrate("eval", path, "00", "00", "00", "--language", "PlutusV2").returncode == 0
    assert "bytes follow" in one_line(calibrate("eval", path, "--language", "PlutusV3"))
    assert "bytes follow" in one_line(calibrate("eval", path))


def test_unusual_wrapping_is_said(tmp_path: Path) -> None:
    path = tmp_path / "script.plutus"
    path.write_text(json.dumps({"type": "PlutusScriptV3", "description": "", "cborHex": "450101002499"}))
    result = calibrate("eval", path, "00")
    assert result.returncode == 0
    assert "cborHex: CBOR wrappers around flat: 1 instead of 2" in result.stderr


@pytest.mark.parametrize("name", ["cli", "blockfrost", "letter", "epoch", "array"])
def test_cost_model_comes_in_every_form(program: Path, tmp_path: Path, shared_data: Path, name: str) -> None:
    array = to_array(ledger_model(Variant.E), LedgerLanguage.PLUTUS_V3, 11)
    path = tmp_path / "model.json"
    if name == "cli":
        path.write_text(json.dumps({"costModels": {"PlutusV3": array}}))
    elif name == "array":
        path.write_text(json.dumps(array))
    field = shared_data / "field/blockfrost-v3/blockfrost-epoch-645.json"
    specs: dict[str, str | Path] = {"letter": "E", "epoch": "epoch:645", "blockfrost": field}
    spec = specs.get(name, path)
    own = json.loads(calibrate("eval", program, "--json").stdout)
    other = json.loads(calibrate("eval", program, "--cost-model", spec, "--json").stdout)
    assert other["ex_units"] == own["ex_units"]
    assert other["cost_model"] != own["cost_model"] or name == "letter"


def test_what_an_array_lacks_is_beyond_any_budget(tmp_path: Path) -> None:
    program, model = tmp_path / "p.uplc", tmp_path / "model.json"
    program.write_text("(program 1.1.0 [(force (builtin lengthOfArray)) (con (array unit) [])])")
    model.write_text(json.dumps({"PlutusV3": to_array(ledger_model(Variant.C), LedgerLanguage.PLUTUS_V3, 10, 297)}))
    result = calibrate("eval", program, "--cost-model", model)
    assert (result.returncode, "out of budget" in result.stdout) == (1, True)
