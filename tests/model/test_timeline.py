"""The chain's dated changes against the node workbench's own timeline, and its overlays on top."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from costmodel.errors import ModelError
from costmodel.model import ExUnits, Variant, ledger_model, parameter_names, to_array
from costmodel.model.parameters import canonical_name
from costmodel.model.timeline import last_change, merge_trees, parameters_at
from costmodel.plutus.language import LedgerLanguage

V1, V2, V3 = LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V2, LedgerLanguage.PLUTUS_V3
# What the workbench's timeline has beside the parameters that price and bound transactions.
OUTSIDE = {"shelley": {"protocolParams"}, "conway": {"constitution", "committee"}}


@pytest.fixture(scope="module")
def workbench(shared_data: Path) -> Path:
    return shared_data / "workbench"


@pytest.fixture(scope="module")
def timeline(workbench: Path) -> list[dict[str, Any]]:
    entries = json.loads((workbench / "epoch-timeline.json").read_text())
    return sorted(entries.values(), key=lambda entry: int(entry["epoch"]))


def overlay(folder: Path, content: object) -> Path:
    path = folder / "overlay.json"
    path.write_text(json.dumps(content))
    return path


def test_every_epoch_has_the_parameters_of_the_workbenchs_timeline(timeline: list[dict[str, Any]]) -> None:
    theirs: dict[str, Any] = {}
    for entry in timeline:
        theirs = merge_trees(theirs, entry["epoch_params"])
        if entry["epoch"] < 208:
            continue
        ours = parameters_at(entry["epoch"]).tree
        assert ours["shelley"]["protocolParams"] == theirs["shelley"]["protocolParams"]
        assert ours.get("alonzo") == theirs.get("alonzo")
        conway = {key: value for key, value in theirs.get("conway", {}).items() if key not in OUTSIDE["conway"]}
        assert ours.get("conway", {}) == conway
    assert timeline[-1]["epoch"] == 537


def test_every_epoch_has_the_cost_models_of_the_workbenchs_timeline(timeline: list[dict[str, Any]]) -> None:
    theirs: dict[LedgerLanguage, dict[str, int]] = {}
    for entry in timeline:
        for key, values in entry["cost_model"].items():
            named = {canonical_name(name): value for name, value in values.items()}
            theirs.setdefault(LedgerLanguage(key.replace("p", "P", 1)), {}).update(named)
        if entry["epoch"] >= 208:
            ours = parameters_at(entry["epoch"]).cost_models
            named_ours = {
                language: dict(zip(parameter_names(language), array, strict=False)) for language, array in ours.items()
            }
            assert named_ours == theirs


def test_epoch_between_changes_has_the_earlier_ones() -> None:
    assert parameters_at(305).max_tx_execution_units == ExUnits(10**10, 10_000_000)
    assert parameters_at(307).max_tx_execution_units == ExUnits(10**10, 11_250_000)


def test_parameters_of_plomin() -> None:
    plomin = parameters_at(600)
    assert plomin.protocol_version == (10, 0)
    assert plomin.max_block_execution_units == ExUnits(20 * 10**9, 62_000_000)
    assert (plomin.price_memory, plomin.price_steps) == (Fraction(577, 10**4), Fraction(721, 10**7))
    assert plomin.max_block_body_size == 90112
    assert {language: len(array) for language, array in plomin.cost_models.items()} == {V1: 166, V2: 175, V3: 297}


@pytest.mark.parametrize(
    ("epoch", "version", "memory", "counts"),
    [
        (525, 9, (14_000_000, 62_000_000), (166, 175, 251)),
        (526, 9, (14_000_000, 62_000_000), (166, 175, 297)),
        (613, 10, (14_000_000, 62_000_000), (166, 175, 297)),
        (616, 10, (16_500_000, 72_000_000), (166, 175, 297)),
        (641, 10, (16_500_000, 72_000_000), (166, 175, 297)),
        (642, 10, (16_500_000, 72_000_000), (332, 332, 350)),
        (645, 11, (16_500_000, 72_000_000), (332, 332, 350)),
    ],
)
def test_parameters_since_chang(
    epoch: int, version: int, memory: tuple[int, int], counts: tuple[int, int, int]
) -> None:
    found = parameters_at(epoch)
    assert found.major == version
    assert found.max_tx_execution_units == ExUnits(10**10, memory[0])
    assert found.max_block_execution_units == ExUnits(2 * 10**10, memory[1])
    assert tuple(map(len, found.cost_models.values())) == counts
    assert found.notes == ()


def test_epoch_that_is_not_known_yet_is_said() -> None:
    assert last_change() == 645
    assert "known up to epoch 645" in parameters_at(646).notes[0]


def test_document_of_cost_models_is_an_overlay(workbench: Path, tmp_path: Path, shared_data: Path) -> None:
    ledger = to_array(ledger_model(Variant.E), V3, 11)
    files = {
        "cli.json": {"costModels": {"PlutusV3": ledger}, "maxTxSize": 5},
        "file.json": {"PlutusV3": ledger},
        "ogmios.json": {"result": {"plutusCostModels": {"plutus:v3": ledger}}},
    }
    for name, document in files.items():
        path = tmp_path / name
        path.write_text(json.dumps(document))
        found = parameters_at(600, [path])
        assert list(found.cost_models[V3]) == ledger
        assert (len(found.cost_models[V1]), found.max_tx_size) == (166, 16384)
        assert found.notes == (f"{path}: only its cost models are taken",)


def test_cost_model_in_force_is_the_ledgers() -> None:
    array = list(parameters_at(600).cost_models[V3])
    assert array == to_array(ledger_model(Variant.C), V3, 10, 297)
    assert parameters_at(600).cost_model(V3).steps == ledger_model(Variant.C).steps


def test_profile_of_the_workbench_is_an_epoch_and_its_overlays(workbench: Path) -> None:
    genesis = json.loads((workbench / "profile-example.json").read_text())["genesis"]
    parameters = parameters_at(genesis["pparamsEpoch"])
    assert genesis["pparamsOverlays"] == []
    alonzo = dict(genesis["alonzo"])
    named = {canonical_name(name): value for name, value in alonzo.pop("costModels")["PlutusV1"].items()}
    assert parameters.tree["alonzo"] == alonzo
    assert dict(zip(parameter_names(V1), parameters.cost_models[V1], strict=False)) == named
    assert parameters.tree["shelley"]["protocolParams"] == genesis["shelley"]["protocolParams"]


def test_overlays_lie_on_top_in_their_order(workbench: Path) -> None:
    overlays = workbench / "overlays"
    steps = overlays / "budget/block/steps"
    parameters = parameters_at(600, [steps / "double.json", steps / "oneandahalf.json", overlays / "blocksize64k.json"])
    assert parameters.max_block_execution_units == ExUnits(30 * 10**9, 62_000_000)
    assert parameters.max_block_body_size == 65536
    assert parameters.max_tx_size == 16384


def test_overlay_of_van_rossem_completes_every_list(workbench: Path) -> None:
    overlays = workbench / "overlays"
    parameters = parameters_at(600, [overlays / "v10-preview.json", overlays / "v11-preview.json"])
    assert parameters.protocol_version == (11, 0)
    assert {language: len(array) for language, array in parameters.cost_models.items()} == {V1: 332, V2: 332, V3: 350}
    assert parameters.tree["dijkstra"]["maxRefScriptSizePerTx"] == 204800


def test_overlay_that_would_leave_a_gap_is_refused(workbench: Path) -> None:
    with pytest.raises(ModelError, match="PlutusV2 lacks integerToByteString-cpu-arguments-c0"):
        parameters_at(600, [workbench / "overlays" / "v11-preview.json"])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"epoch_param": {}}, "neither an overlay, which has epoch_params and cost_model"),
        ({"epoch_params": []}, "epoch_params must be an object"),
        ({"epoch_params": {"babbage": {}}}, "no section 'babbage'"),
        ({"epoch_params": {"alonzo": {"maxBlockExUnit": {}}}}, "unknown field `maxBlockExUnit`"),
        ({"epoch_params": {"alonzo": {"maxBlockExUnits": {"exUnitsMem": -1}}}}, "`int` >= 0"),
        ({"epoch_params": {"alonzo": {"maxBlockExUnits": {"exUnitsMem": "1"}}}}, "Expected `int`, got `str`"),
        ({"epoch_params": {"alonzo": {"executionPrices": {"prMem": {"denominator": 0}}}}}, "the denominator 0"),
        ({"epoch_params": {"shelley": 1}}, "epoch_params shelley must be an object"),
        ({"cost_model": {"plutusV9": {}}}, "'plutusV9' is no ledger language"),
        ({"cost_model": {"plutusV1": {"frobnicate-cpu-arguments": 1}}}, "PlutusV1 has no parameter 'frobnicate"),
        ({"cost_model": {"plutusV1": {"addInteger-cpu-arguments-slope": 1.5}}}, "must be an integer, not 1.5"),
        ({"cost_model": {"plutusV4": {}}}, "no settled list"),
        ({"cost_model": {"plutusV1": 5}}, "must be a map of parameter names or a list"),
    ],
)
def test_overlay_that_names_no_parameter_is_refused(content: object, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=complaint):
        parameters_at(600, [overlay(tmp_path, content)])


def test_epoch_before_shelley_is_refused() -> None:
    with pytest.raises(ModelError, match="epoch 200 is before Shelley; parameters are known from epoch 208"):
        parameters_at(200)


def test_language_without_a_cost_model_at_the_epoch_is_refused() -> None:
    assert parameters_at(289).cost_models == {}
    assert parameters_at(289).max_tx_execution_units is None
    with pytest.raises(ModelError, match="no cost model of PlutusV3 is in force at protocol version 8"):
        parameters_at(400).cost_model(V3)
