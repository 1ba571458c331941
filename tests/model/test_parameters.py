import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import ModelError
from costmodel.model import (
    MAX_COST,
    BuiltinCost,
    ExUnits,
    StepKind,
    Variant,
    block_counts,
    canonical_name,
    costing_function,
    from_array,
    genesis_name,
    ledger_model,
    parameter_count,
    parameter_names,
    to_array,
    variant_for,
)
from costmodel.plutus.language import LedgerLanguage

V1, V2, V3 = LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V2, LedgerLanguage.PLUTUS_V3
LENGTHS = {V1: 332, V2: 332, V3: 350}


@pytest.fixture(scope="session")
def mainnet(shared_data: Path) -> dict[LedgerLanguage, tuple[int, list[int]]]:
    """Protocol version and enacted array by language, from captured mainnet evaluations."""
    corpus: dict[str, Any] = json.loads((shared_data / "scripts/mainnet/corpus.json").read_text())
    return {
        LedgerLanguage(case["language"]): (case["protocol_version"]["major"], case["cost_model"]["parameters"])
        for case in corpus["cases"]
    }


@pytest.mark.parametrize("language", LENGTHS)
def test_names_equal_the_official_list(language: LedgerLanguage, shared_data: Path) -> None:
    official = json.loads((shared_data / "official/parameter-names.json").read_text())
    assert tuple(official[language.value]) == parameter_names(language)


@pytest.mark.parametrize("language", LENGTHS)
def test_number_of_parameters_at_protocol_version_11(language: LedgerLanguage) -> None:
    assert len(parameter_names(language)) == LENGTHS[language]


def test_a_language_without_a_settled_list_is_refused() -> None:
    with pytest.raises(ModelError, match="no settled list of cost-model parameters for PlutusV4"):
        parameter_names(LedgerLanguage.PLUTUS_V4)


def test_enacted_arrays_are_the_ledger_models(mainnet: dict[LedgerLanguage, tuple[int, list[int]]]) -> None:
    assert mainnet
    for language, (version, array) in mainnet.items():
        assert from_array(array, language, version) == ledger_model(variant_for(language, version))


def test_ledger_models_are_the_enacted_arrays(mainnet: dict[LedgerLanguage, tuple[int, list[int]]]) -> None:
    for language, (version, array) in mainnet.items():
        assert to_array(ledger_model(variant_for(language, version)), language, version) == array


@pytest.mark.parametrize(("version", "known"), [(8, 166), (9, 166), (10, 166)])
def test_the_arrays_of_earlier_protocol_versions_load(version: int, known: int, shared_data: Path) -> None:
    parameters = json.loads((shared_data / f"workbench/protocol-parameters-v{version}.json").read_text())
    array = parameters["costModels"]["PlutusV1"]
    array = list(array.values()) if isinstance(array, dict) else array
    assert len(array) == known
    model = from_array(array, V1, version)
    assert to_array(model, V1, version) == array + [MAX_COST] * (332 - known)


@given(st.sampled_from([(V1, 8), (V1, 10), (V1, 11), (V2, 8), (V2, 11), (V3, 9), (V3, 11)]), st.data())
def test_arrays_come_back_unchanged(case: tuple[LedgerLanguage, int], data: st.DataObject) -> None:
    language, version = case
    seed = data.draw(st.integers(0, 2**32))
    array = [(seed + i * 7919) % MAX_COST for i in range(LENGTHS[language])]
    assert to_array(from_array(array, language, version), language, version) == array


def test_integers_change_coefficients_and_never_shapes() -> None:
    model, ledger = from_array(range(332), V1, 11), ledger_model(Variant.D)
    for name, cost in model.builtins.items():
        assert cost.cpu.with_values(ledger.builtins[name].cpu.values) == ledger.builtins[name].cpu


def test_missing_trailing_values_are_the_greatest_cost() -> None:
    model = from_array([1] * 166, V1, 11)
    assert model.steps[StepKind.CASE] == ExUnits(MAX_COST, MAX_COST)
    assert set(model.builtins["scaleValue"].cpu.values) == {MAX_COST}
    assert model.steps[StepKind.VAR] == ExUnits(1, 1)


def test_values_beyond_the_known_parameters_are_ignored() -> None:
    assert from_array([*range(332), -1, 2**70], V1, 11) == from_array(range(332), V1, 11)


@pytest.mark.parametrize(
    ("index", "value", "message"),
    [
        (3, 2**63, "PlutusV1 cost-model array, index 3 does not fit in 64 bits"),
        (4, 1.5, "PlutusV1 cost-model array, index 4 must be an integer, not 1.5"),
        (17, -5, "cekApplyCost is negative"),
    ],
)
def test_values_that_are_no_costs_are_refused(index: int, value: Any, message: str) -> None:
    array = [1] * 332
    array[index] = value
    with pytest.raises(ModelError, match=message):
        from_array(array, V1, 11)


def test_a_model_of_another_shape_is_refused_rather_than_misplaced() -> None:
    with pytest.raises(ModelError, match="ledger model B: divideInteger cpu has the shape const_above_diagonal"):
        to_array(ledger_model(Variant.B), V1, 11)


def test_a_model_that_lacks_an_entry_is_refused() -> None:
    ledger = ledger_model(Variant.D)
    partial = replace(ledger, builtins={k: v for k, v in ledger.builtins.items() if k != "trace"})
    with pytest.raises(ModelError, match="has no cost for trace"):
        to_array(partial, V1, 11)


def test_builtins_without_parameters_yet_do_not_stop_an_array() -> None:
    ledger = ledger_model(Variant.D)
    constant = costing_function("constant_cost", {"constant": 1}, None, "f")
    own = replace(ledger, builtins={**ledger.builtins, "policies": BuiltinCost(constant, constant)})
    assert to_array(own, V1, 11) == to_array(ledger, V1, 11)


@pytest.mark.parametrize(
    ("language", "version", "count"),
    [
        (V1, 5, 166),
        (V1, 10, 166),
        (V1, 11, 332),
        (V2, 7, 175),
        (V2, 10, 185),
        (V2, 11, 332),
        (V3, 9, 251),
        (V3, 10, 297),
        (V3, 11, 350),
    ],
)
def test_number_of_parameters_grew_with_the_protocol_version(
    language: LedgerLanguage, version: int, count: int
) -> None:
    assert parameter_count(language, version) == count
    assert count in block_counts(language)
    assert len(to_array(ledger_model(variant_for(language, version)), language, version, count)) == count


def test_names_of_the_alonzo_genesis_are_known(shared_data: Path) -> None:
    genesis = json.loads((shared_data / "workbench/alonzo-genesis.json").read_text())["costModels"]["PlutusV1"]
    assert {canonical_name(name) for name in genesis} == set(parameter_names(V1)[:166])
    assert {genesis_name(canonical_name(name)) for name in genesis} == set(genesis)
