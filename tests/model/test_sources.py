"""Sources of cost models: letters, files, epochs, and what they lay out at a protocol version."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.errors import ModelError
from costmodel.model import MAX_COST, StepKind, Variant, dump, ledger_model, to_array
from costmodel.model.files import dump_builtins, dump_machine
from costmodel.model.sources import complete, open_source
from costmodel.plutus.language import LedgerLanguage

V1, V2, V3 = LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V2, LedgerLanguage.PLUTUS_V3


def test_letter_is_for_the_languages_that_use_it() -> None:
    source = open_source(["D"])
    assert source.languages(11) == (V1, V2)
    assert list(source.array(V1, 11)) == to_array(ledger_model(Variant.D), V1, 11)
    with pytest.raises(ModelError, match="no language uses model D at protocol version 10"):
        source.languages(10)


def test_ledger_has_every_language_its_own() -> None:
    source = open_source(["ledger"])
    assert source.languages(11) == (V1, V2, V3)
    assert source.languages(8) == (V1, V2)
    assert [len(source.array(language, 11)) for language in (V1, V2, V3)] == [332, 332, 350]
    assert list(source.array(V3, 10)) == to_array(ledger_model(Variant.C), V3, 10, 297)


@pytest.mark.parametrize("letter", list(Variant))
def test_upstreams_two_files_are_one_model_and_come_out_again(letter: str, shared_data: Path) -> None:
    builtins = shared_data / "official" / f"builtinCostModel{letter}.json"
    machine = shared_data / "official" / f"cekMachineCosts{letter}.json"
    source = open_source([str(builtins), str(machine)])
    assert source.model == ledger_model(Variant(letter))
    assert source.model is not None
    assert dump_builtins(source.model) == builtins.read_bytes()
    assert dump_machine(source.model) == machine.read_bytes()


def test_model_of_another_variant_is_refused() -> None:
    with pytest.raises(ModelError, match="has the shape"):
        open_source(["B"]).array(V3, 11)


def test_incomplete_model_is_refused_or_completed_by_name(tmp_path: Path) -> None:
    ledger = ledger_model(Variant.E)
    own = replace(ledger, builtins={"addInteger": ledger.builtins["addInteger"]}, steps={}, startup=None)
    path = tmp_path / "own.json"
    path.write_bytes(dump(own))
    source = open_source([str(path)])
    with pytest.raises(ModelError, match="choose with --language"):
        source.languages(11)
    with pytest.raises(ModelError, match="has no cost for"):
        source.array(V3, 11)
    whole, taken = complete(source, Variant.E)
    assert list(whole.array(V3, 11)) == to_array(ledger, V3, 11)
    assert "addInteger" not in taken
    assert {"subtractInteger", "cekVarCost", "cekStartupCost"} <= set(taken)


def test_array_of_any_length_is_taken_from_chang_on(tmp_path: Path) -> None:
    path = tmp_path / "array.json"
    path.write_text(json.dumps(to_array(ledger_model(Variant.C), V3, 10, 297)))
    source = open_source([str(path)], language=V3)
    assert (source.protocol_version, source.inferred) == (10, True)
    assert len(source.array(V3, 10)) == len(source.array(V3, 11)) == len(source.array(V3, 9)) == 297
    with pytest.raises(ModelError, match="has no cost model of PlutusV1"):
        source.array(V1, 11)


def test_files_own_protocol_version_vouches_for_its_lengths(shared_data: Path) -> None:
    source = open_source([str(shared_data / "workbench/protocol-parameters-v9.json")])
    assert source.protocol_version == 9
    assert len(source.array(V2, 9)) == 185


def test_array_becomes_the_model_that_it_reaches_to(shared_data: Path) -> None:
    source = open_source([str(shared_data / "workbench/protocol-parameters-v10.json")])
    model, ledger = source.cost_model(V3, 10), ledger_model(Variant.C)
    assert model.builtins["ripemd_160"] == ledger.builtins["ripemd_160"]
    assert "expModInteger" not in model.builtins
    assert StepKind.CASE in model.steps
    assert StepKind.CASE not in source.cost_model(V1, 10).steps


def test_epoch_is_a_source() -> None:
    source = open_source(["epoch:600"])
    assert source.protocol_version == 10
    assert len(source.array(V2, 10)) == 175
    with pytest.raises(ModelError, match="no cost model is in force"):
        open_source(["epoch:250"])


def test_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown format 'yaml'"):
        open_source([str(tmp_path / "x")], "yaml")


def test_array_before_chang_has_the_length_that_the_language_began_with(tmp_path: Path) -> None:
    path = tmp_path / "array.json"
    path.write_text(json.dumps([1] * 332))
    source = open_source([str(path)], language=V1)
    with pytest.raises(
        ModelError, match="before protocol version 9 the ledger takes just 166; use --protocol-version 9"
    ):
        source.array(V1, 8)
    assert len(source.array(V1, 9)) == 332


def test_what_an_array_lacks_costs_the_most_there_is(tmp_path: Path) -> None:
    path = tmp_path / "array.json"
    path.write_text(json.dumps(to_array(ledger_model(Variant.E), V3, 11)[:300]))
    source = open_source([str(path)], language=V3)
    ledger = ledger_model(Variant.E)
    model = source.in_force(V3, 11)
    assert model.builtins["ripemd_160"] == ledger.builtins["ripemd_160"]
    assert model.builtins["scaleValue"].cpu.evaluate((1, 1)) == MAX_COST
    assert "scaleValue" not in source.cost_model(V3, 11).builtins
    assert model.source == str(path)


def test_reason_of_an_unreadable_language_is_given_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    path.write_text(json.dumps({"PlutusV1": [1] * 166, "PlutusV3": [0.5]}))
    source = open_source([str(path)])
    assert source.languages(11) == (V1,)
    with pytest.raises(ModelError, match="PlutusV3, index 0 must be an integer"):
        source.array(V3, 11)
