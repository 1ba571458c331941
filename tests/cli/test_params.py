"""`calibrate params` as its user runs it."""

import json
import re
import subprocess
from pathlib import Path

import cbor2
import pytest

from costmodel.model import Variant, dump, ledger_model, parameter_names, to_array
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
    version = ("--protocol-version", "8")
    refused = one_line(calibrate("params", "emit", "--format", "array", "--model", array, "--language", "V1", *version))
    assert "has 200 parameters of PlutusV1, and before protocol version 9 the ledger takes just 166" in refused
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
    assert "PlutusV2, protocol version 10: 175 parameters" in shown.stdout
    assert shown.stderr == ""


def test_epoch_beyond_what_is_known_is_said() -> None:
    result = calibrate("params", "show", "--epoch", "646", "--json")
    assert "known up to epoch 645; what came later takes --overlay" in result.stderr
    document = json.loads(result.stdout)
    assert document["last_known_change"] == 645
    assert "known up to epoch 645" in document["notes"][0]


@pytest.mark.parametrize(("epoch", "version"), [(642, 10), (645, 11)])
def test_show_of_the_epochs_around_van_rossem(epoch: int, version: int) -> None:
    document = json.loads(calibrate("params", "show", "--epoch", str(epoch), "--json").stdout)
    assert document["protocol_version"] == version
    assert document["limits"]["maxTxExecutionUnits"]["memory"] == 16_500_000
    assert document["limits"]["maxBlockExecutionUnits"]["memory"] == 72_000_000
    assert [len(each) for each in document["cost_models"].values()] == [332, 332, 350]
    assert list(document["cost_models"]["PlutusV3"]) == list(parameter_names(V3))
    assert (document["last_known_change"], document["notes"]) == (645, [])


def test_show_of_blockfrosts_answer(shared_data: Path) -> None:
    path = shared_data / "field/blockfrost-v3/blockfrost-epoch-645.json"
    for form in ((), ("--from", "blockfrost")):
        result = calibrate("params", "show", "--model", path, "--language", "V3", "--json", *form)
        values = json.loads(result.stdout)["cost_models"]["PlutusV3"]
        assert list(values.values()) == to_array(ledger_model(Variant.E), V3, 11)
        assert "cost_models PlutusV3 names other values than cost_models_raw" in result.stderr


@pytest.mark.parametrize("version", [(), *(("--protocol-version", each) for each in ["9", "10", "11"])])
def test_cost_model_file_of_plomin_is_emitted_as_it_is(shared_data: Path, version: tuple[str, ...]) -> None:
    path = shared_data / "field/cost-model-file-pv10/costmodels.json"
    result = calibrate("params", "emit", "--format", "cli", "--model", path, *version)
    assert json.loads(result.stdout)["costModels"] == json.loads(path.read_text())
    assert ("10 is inferred" in result.stderr) == (version == ())


@pytest.mark.parametrize("version", [(), ("--protocol-version", "7")])
def test_alonzo_genesis_with_plutus_v2(shared_data: Path, version: tuple[str, ...]) -> None:
    path = shared_data / "field/alonzo-genesis-with-v2/genesis.alonzo.json"
    models = json.loads(path.read_text())["costModels"]
    for language, count in (("PlutusV1", 166), ("PlutusV2", 175)):
        result = calibrate("params", "emit", "--format", "array", "--language", language, "--model", path, *version)
        array = json.loads(result.stdout)
        assert len(array) == count
        assert sorted(array) == sorted(models[language].values() if language == "PlutusV1" else models[language])


def test_messages_do_not_go_in_circles(tmp_path: Path) -> None:
    """What a message asks for is given, and then it works."""
    arrays = tmp_path / "arrays.json"
    arrays.write_text(json.dumps({"PlutusV1": [1] * 332, "PlutusV2": [1] * 332}))
    emit = ("params", "emit", "--model", arrays, "--format")
    assert "choose it with --language" in one_line(calibrate(*emit, "array", "--protocol-version", "9"))
    assert calibrate(*emit, "array", "--protocol-version", "9", "--language", "V1").returncode == 0
    assert "use --protocol-version 9 or more" in one_line(
        calibrate(*emit, "array", "--language", "V1", "--protocol-version", "7")
    )
    genesis = ("params", "emit", "--format", "alonzo-genesis")
    assert "with --language" in one_line(calibrate(*genesis))
    assert "the ledger's at --protocol-version 5" in one_line(calibrate(*genesis, "--language", "V1"))
    assert calibrate(*genesis, "--language", "V1", "--protocol-version", "5").returncode == 0
    conway = ("params", "emit", "--format", "conway-genesis", "--language", "V3")
    assert "the ledger's at --protocol-version 9" in one_line(calibrate(*conway))
    assert calibrate(*conway, "--protocol-version", "9").returncode == 0
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps([1] * 332))
    show = ("params", "show", "--model", bare)
    assert "name one with --language" in one_line(calibrate(*show, "--language", "V1", "--language", "V2"))
    assert calibrate(*show, "--language", "V1").returncode == 0


def test_one_bad_language_is_left_out_aloud(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    path.write_text(json.dumps({"PlutusV1": [1] * 332, "PlutusV3": {"nothing": 1}}))
    result = calibrate("params", "show", "--model", path, "--json")
    assert list(json.loads(result.stdout)["cost_models"]) == ["PlutusV1"]
    assert "left out" in result.stderr
    asked = one_line(calibrate("params", "emit", "--format", "array", "--language", "V3", "--model", path))
    assert "no parameter 'nothing'" in asked


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


def test_diff_sorts_by_factor_both_ways_and_has_what_was_removed_last(tmp_path: Path) -> None:
    ledger = json.loads(dump(ledger_model(Variant.E)))
    other = json.loads(dump(ledger_model(Variant.E)))
    for name, factor in (("iData", 3), ("bData", 1 / 4), ("unIData", 1.5), ("unBData", 1 / 1.6)):
        other[name]["cpu"]["arguments"] = round(ledger[name]["cpu"]["arguments"] * factor)
    del other["headList"], ledger["tailList"]
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file, model in zip(files, (ledger, other), strict=True):
        file.write_text(json.dumps(model))
    changes = json.loads(calibrate("params", "diff", *files, "--json").stdout)["changes"]
    names = [(each["name"], each["resource"]) for each in changes]
    ranked = [(name, "cpu") for name in ("bData", "iData", "unBData", "unIData")]
    assert names == [*ranked, ("tailList", "cpu"), ("tailList", "memory"), ("headList", "cpu"), ("headList", "memory")]
    assert [round(each["costs"][0]["factor"], 2) for each in changes[:4]] == [0.25, 3, 0.63, 1.5]
    shown = calibrate("params", "diff", *files).stdout
    assert "÷4" in shown
    assert f"{files[1]} has no price for 1 of the entries of {files[0]}: headList" in shown


def test_a_model_of_few_builtins_is_compared_by_these_and_the_others_are_counted(tmp_path: Path) -> None:
    ledger = json.loads(dump(ledger_model(Variant.E)))
    file = tmp_path / "few.json"
    file.write_text(json.dumps({"addInteger": ledger["subtractInteger"] | {"cpu": ledger["iData"]["cpu"]}}))
    lines = calibrate("params", "diff", "E", file).stdout.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("addInteger ")] == [["addInteger", "cpu"]]
    assert not [line for line in lines if "removed" in line]
    assert "1 entry changes cost at typical sizes" in lines
    lacks = re.compile(r".* has no price for 111 of the entries of .*: andByteString, .* and 106 more")
    assert len([line for line in lines if lacks.fullmatch(line)]) == 1


def test_diff_of_epochs() -> None:
    document = json.loads(calibrate("params", "diff", "epoch:450", "epoch:600", "--language", "V1", "--json").stdout)
    steps = {each["name"]: each["costs"][0] for each in document["changes"] if each["name"].startswith("cekVar")}
    assert (steps["cekVarCost"]["before"], steps["cekVarCost"]["after"]) == (23000, 16000)


def test_whose_picoseconds_are_shown_is_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(dump(ledger_model(Variant.E)).replace(b"16000", b"16001"))
    shown = calibrate("params", "show", "--model", "E")
    assert "picoseconds of plutus-core on the machine of the ledger's benchmarks" in shown.stdout
    assert (
        "it is not the ledger's, and says neither which evaluator"
        in calibrate("params", "show", "--model", path).stdout
    )
    compared = calibrate("params", "diff", "E", path)
    assert "A: picoseconds of plutus-core" in compared.stdout
    assert "B: it is not the ledger's" in compared.stdout
    document = json.loads(calibrate("params", "diff", "E", path, "--json").stdout)
    assert (document["before_of"]["reference"], document["after_of"]["reference"]) == (True, False)
