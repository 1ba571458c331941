"""`calibrate params` as its user runs it."""

import json
import subprocess
from pathlib import Path

import cbor2
import pytest

from costmodel.model import Variant, dump, ledger_model, to_array
from costmodel.plutus.language import LedgerLanguage
from tests.cli.command import ENVIRONMENT, MAIN, calibrate, one_line

V1, V3 = LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V3


@pytest.mark.parametrize(("model", "language", "count"), [("D", "V1", 332), ("D", "V2", 332), ("E", "V3", 350)])
def test_plain_case_writes_the_ledgers_array(model: str, language: str, count: int, tmp_path: Path) -> None:
    out = tmp_path / "array.json"
    version = ("--protocol-version", "11")
    result = calibrate(
        "params", "emit", "--model", model, "--language", language, *version, "--format", "array", "--out", out
    )
    assert result.returncode == 0, result.stderr
    array = json.loads(out.read_text())
    assert len(array) == count
    assert array == to_array(ledger_model(Variant(model)), LedgerLanguage(f"Plutus{language}"), 11)


def test_every_languages_own_model_is_the_default() -> None:
    document = json.loads(calibrate("params", "emit", "--format", "cli").stdout)
    assert {name: len(array) for name, array in document["costModels"].items()} == {
        "PlutusV1": 332,
        "PlutusV2": 332,
        "PlutusV3": 350,
    }


def test_binary_cbor_on_stdout_is_binary() -> None:
    command = [*MAIN, "params", "emit", "--format", "cbor", "--model", "E"]
    raw = subprocess.run(command, capture_output=True, check=True, timeout=60, env=ENVIRONMENT).stdout
    assert cbor2.loads(raw) == {18: {2: to_array(ledger_model(Variant.E), V3, 11)}}


def test_report_says_what_was_written(tmp_path: Path) -> None:
    out = tmp_path / "update.hex"
    result = calibrate("params", "emit", "--epoch", "600", "--format", "cbor-hex", "--out", out, "--json")
    report = json.loads(result.stdout)
    assert report["parameters"] == {"PlutusV1": 166, "PlutusV2": 175, "PlutusV3": 297}
    assert report["protocol_version"] == 10
    assert cbor2.loads(bytes.fromhex(out.read_text()))[18].keys() == {0, 1, 2}


def test_incomplete_model_is_refused_or_completed_aloud(tmp_path: Path) -> None:
    ledger = ledger_model(Variant.E)
    path = tmp_path / "own.json"
    part = {"sha2_256": json.loads(dump(ledger))["sha2_256"]}
    path.write_text(json.dumps(part))
    arguments = ("params", "emit", "--model", path, "--language", "V3", "--format", "array")
    assert "has no cost for addInteger" in one_line(calibrate(*arguments))
    result = calibrate(*arguments, "--complete-from", "E")
    assert json.loads(result.stdout) == to_array(ledger, V3, 11)
    assert "taken from ledger model E: addInteger" in result.stderr
    assert "sha2_256" not in result.stderr


def test_format_is_converted_to_upstreams_layout(tmp_path: Path) -> None:
    array = tmp_path / "array.json"
    array.write_text(json.dumps(to_array(ledger_model(Variant.E), V3, 11)))
    result = calibrate("params", "emit", "--model", array, "--language", "V3", "--format", "upstream")
    assert result.stdout.encode() == dump(ledger_model(Variant.E))


def test_wrong_lengths_and_unknown_formats_are_one_line(tmp_path: Path) -> None:
    array = tmp_path / "array.json"
    array.write_text(json.dumps([1] * 200))
    refused = one_line(calibrate("params", "show", "--model", array, "--language", "V1"))
    assert "would have 200 parameters" in refused
    assert "unknown format" in one_line(calibrate("params", "emit", "--format", "yaml"))
    assert "the first 166" in one_line(
        calibrate("params", "emit", "--format", "alonzo-genesis", "--language", "V1", "--model", "D")
    )
    assert "give --epoch" in one_line(calibrate("params", "show", "--overlay", array))
    assert "two sources" in one_line(calibrate("params", "show", "--epoch", "600", "--model", "E"))
    assert "before Shelley" in one_line(calibrate("params", "show", "--epoch", "100"))


def test_show_has_the_limits_of_an_epoch_with_its_overlays(shared_data: Path) -> None:
    overlay = shared_data / "workbench/overlays/budget/block/steps/double.json"
    result = calibrate("params", "show", "--epoch", "600", "--overlay", overlay, "--json")
    document = json.loads(result.stdout)
    assert document["limits"]["maxBlockExecutionUnits"] == {"memory": 62_000_000, "steps": 40_000_000_000}
    assert len(document["cost_models"]["PlutusV3"]) == 297
    shown = calibrate("params", "show", "--epoch", "600")
    assert "changes are known up to epoch 537; what came later takes --overlay" in shown.stderr
    assert "PlutusV2, protocol version 10: 175 parameters" in shown.stdout
    assert calibrate("params", "show", "--epoch", "537").stderr == ""


def test_show_names_the_parameters_of_a_language() -> None:
    text = calibrate("params", "show", "--model", "E", "--language", "V3").stdout
    assert "expModInteger-cpu-arguments-coefficient12" in text
    assert "53,144" in text


def test_show_takes_a_model_that_is_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(
        '{"iData": {"cpu": {"arguments": 15299, "type": "constant_cost"}, '
        '"memory": {"arguments": 32, "type": "constant_cost"}}}'
    )
    assert "constant_cost: constant 15,299" in calibrate("params", "show", "--model", path).stdout


def test_diff_shows_costs_by_the_greatest_change() -> None:
    result = calibrate("params", "diff", "C", "E")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[2].split()[:5] == ["divideInteger", "cpu", "31×31", "120,320", "515,291"]
    document = json.loads(calibrate("params", "diff", "C", "E", "--json").stdout)
    assert document["changes"][0]["name"] == "divideInteger"


def test_diff_of_epochs() -> None:
    document = json.loads(calibrate("params", "diff", "epoch:450", "epoch:600", "--language", "V1", "--json").stdout)
    steps = {each["name"]: each["costs"][0] for each in document["changes"] if each["name"].startswith("cekVar")}
    assert (steps["cekVarCost"]["before"], steps["cekVarCost"]["after"]) == (23000, 16000)
