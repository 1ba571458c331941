import json
from pathlib import Path
from typing import Any

import pytest

from costmodel.errors import ModelError
from costmodel.model import (
    BuiltinCost,
    CostModel,
    ExUnits,
    StepKind,
    Variant,
    costing_function,
    dump,
    ledger_model,
    load,
)

CONSTANT = {"arguments": 1, "type": "constant_cost"}
STEP = {"exBudgetCPU": 16000, "exBudgetMemory": 100}


def written(folder: Path, content: object, name: str = "model.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def entry(cpu: object, memory: object = CONSTANT) -> dict[str, object]:
    return {"addInteger": {"cpu": cpu, "memory": memory}}


def test_a_dumped_model_loads_as_the_same_model(tmp_path: Path) -> None:
    extras: dict[str, Any] = {"schema": 1, "intervals": {"addInteger": [0.5, 1.5]}, "flags": ["few cells"]}
    ledger = ledger_model(Variant.E)
    model = CostModel(ledger.builtins, ledger.steps, ledger.startup, extras)
    assert load([written(tmp_path, dump(model))]) == model


@pytest.mark.parametrize("variant", Variant)
def test_official_builtin_files_come_back_byte_for_byte(variant: Variant, shared_data: Path) -> None:
    path = shared_data / "official" / f"builtinCostModel{variant}.json"
    assert dump(load([path])) == path.read_bytes()


def test_the_same_model_gives_the_same_bytes_whatever_its_order() -> None:
    constant = costing_function("constant_cost", {"constant": 1}, None, "f")
    names, units = ["trace", "addInteger", "assetCount"], ExUnits(1, 2)
    models = [
        CostModel(
            {name: BuiltinCost(constant, constant) for name in order},
            dict.fromkeys(kinds, units),
            units,
            extras,
        )
        for order, kinds, extras in (
            (names, list(StepKind), {"a": {"c": 1, "b": 2}, "d": 3}),
            (names[::-1], list(StepKind)[::-1], {"d": 3, "a": {"b": 2, "c": 1}}),
        )
    ]
    assert dump(models[0]) == dump(models[1])


def test_missing_entries_stay_missing(tmp_path: Path) -> None:
    model = load([written(tmp_path, entry(CONSTANT) | {"cekVarCost": STEP})])
    assert list(model.builtins) == ["addInteger"]
    assert model.steps == {StepKind.VAR: ExUnits(16000, 100)}
    assert model.startup is None


def test_what_is_required_and_missing_is_named_with_the_file(tmp_path: Path) -> None:
    model = load([written(tmp_path, entry(CONSTANT) | {"cekVarCost": STEP})])
    with pytest.raises(ModelError) as caught:
        model.require(["addInteger", "trace", "bData"], [StepKind.VAR, StepKind.CASE])
    message = (
        f"{tmp_path / 'model.json'} has no cost for bData, trace, cekCaseCost, cekStartupCost; use a model that has, "
        "or one with the ledger's added: calibrate params emit --complete-from E"
    )
    assert str(caught.value) == message


def test_of_many_missing_prices_the_first_are_named(tmp_path: Path) -> None:
    model = load([written(tmp_path, entry(CONSTANT) | {"cekVarCost": STEP})])
    with pytest.raises(ModelError) as caught:
        model.require(["trace", "bData", "iData", "mkCons", "headList", "tailList"], [])
    assert "has no cost for bData, headList, iData, mkCons, tailList and 2 more; use" in str(caught.value)


def test_uncosted_builtins_cost_more_than_any_budget_allows() -> None:
    cost = ledger_model(Variant.E).cost_of("policies")
    assert cost is not None
    assert (cost.cpu.evaluate((1,)), cost.memory.evaluate((1,))) == (100_000_000_000, 100_000_000_000)


def test_a_builtin_given_by_two_files_is_refused(tmp_path: Path) -> None:
    paths = [written(tmp_path, entry(CONSTANT), name) for name in ("a.json", "b.json")]
    with pytest.raises(ModelError, match=r"b\.json: addInteger is already given by .*a\.json"):
        load(paths)


LINEAR_IN_Z = {"arguments": {"intercept": 1, "slope": 1}, "type": "linear_in_z"}
ABOVE = {"arguments": {"constant": 1, "model": CONSTANT}, "type": "const_above_diagonal"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a JSON file"),
        (b'{"addInteger": ', "not a JSON file"),
        (b"\xff\xfe\x00\x01", "not a JSON file"),
        (b'{"a": 1, "a": 2}', "the key 'a' occurs twice"),
        (b'{"calibrate": {"r": NaN}}', "NaN is not a JSON number"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"calibrate": ' + b"1" * 5000 + b"}", "not a JSON file"),
        ([1, 2], "a cost model is a JSON object"),
        ({"calibrate": 7}, "calibrate must be an object"),
        ({"addIntegers": 1}, "'addIntegers' is neither a builtin nor a machine step"),
        ({"addInteger": {"cpu": CONSTANT}}, "addInteger must be an object with exactly the fields 'cpu' and 'memory'"),
        (entry(LINEAR_IN_Z), "addInteger cpu: linear_in_z needs the sizes of 3 arguments, and the builtin takes 2"),
        (entry(CONSTANT, LINEAR_IN_Z), "addInteger memory: linear_in_z needs the sizes of 3 arguments"),
        ({"bData": entry(ABOVE)["addInteger"]}, "const_above_diagonal needs the sizes of 2 arguments"),
        ({"cekVarCost": 1}, "cekVarCost must be an object"),
        ({"cekVarCost": STEP | {"exBudgetCPU": None}}, "cekVarCost exBudgetCPU must be an integer, not None"),
        ({"cekVarCost": STEP | {"exBudgetCPU": -1}}, "cekVarCost is negative: -1 ps, 100 words"),
    ],
)
def test_bad_files_are_refused_in_one_line_that_names_them(content: object, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ModelError, match=message) as caught:
        load([path])
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.json: cannot read the cost model: No such file"):
        load([tmp_path / "absent.json"])


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ModelError, match="more than 16 MiB"):
        load([tmp_path / "huge.json"])


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_extras_that_json_cannot_express_are_refused(value: object) -> None:
    with pytest.raises(ModelError, match="'calibrate' holds what JSON cannot express"):
        dump(CostModel({}, {}, None, {"r": value}))
