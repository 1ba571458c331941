"""Whose picoseconds a model holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from costmodel.errors import CheckFailed, InputError
from costmodel.fit import fit_runs
from costmodel.model import CostModel, ExUnits, StepKind, Variant, dump, ledger_model, load
from costmodel.model.basis import are_unlike, basis_of, basis_of_model, doubts_of, refuse_doubts
from costmodel.model.sources import ModelSource, open_source
from costmodel.records.model import FittedModel, parse_section
from costmodel.records.run import FileFact, ImportParameters
from tests.cli.command import calibrate
from tests.fit.synthetic import VARIANT, all_cells, make_run

PUBLISHED = "94315873fbaa471fede640f7e8a90b8c17866e661d08603e656f2ee65d5f159f"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> CostModel:
    run = make_run(tmp_path_factory.mktemp("measurements"), all_cells())
    return fit_runs([run], variant=VARIANT, replicates=100).cost_model


def objections(model: CostModel) -> set[str]:
    return {each.objection for each in doubts_of(ModelSource("model", model))}


def of_ledger(model: CostModel, **changes: object) -> CostModel:
    """The model as if it were from imported benchmarks of the ledger's evaluator."""
    section = parse_section(model.extras, "model")
    assert isinstance(section, FittedModel)
    inputs = tuple(
        msgspec.structs.replace(
            each,
            clock="imported",
            parameters=ImportParameters(cells=1, formats=("Criterion CSV",), programs=("x",)),
            inputs={"benching.csv": FileFact(bytes=1, sha256=str(changes.get("sha256", "0" * 64)))},
        )
        for each in section.inputs
    )
    whose = msgspec.structs.replace(section.picoseconds_of, evaluator=str(changes.get("evaluator", "plutus-core")))
    machine = msgspec.structs.replace(section.machine, name=str(changes.get("machine", "not stated")))
    changed = msgspec.structs.replace(section, inputs=inputs, picoseconds_of=whose, machine=machine)
    return replace(model, extras=msgspec.to_builtins(changed))


def test_the_ledgers_models_are_the_reference() -> None:
    for spec in ("ledger", "E", "epoch:645"):
        assert basis_of(open_source([spec])).reference
        assert doubts_of(open_source([spec])) == ()


def test_a_copy_of_the_ledgers_model_is_known_by_its_entries(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(dump(ledger_model(Variant.C)))
    assert "ledger model C" in basis_of(open_source([str(path)])).reason


def test_a_file_that_names_nobody_is_unknown() -> None:
    ledger = ledger_model(Variant.E)
    changed = replace(ledger, steps=dict(ledger.steps) | {StepKind.VAR: ExUnits(1, 1)})
    assert objections(changed) == {"unknown"}


def test_a_fit_of_another_machine_is_not_the_reference(fitted: CostModel) -> None:
    assert not basis_of_model(fitted).reference
    assert {"evaluator", "machine"} <= objections(fitted)


def test_imported_benchmarks_of_the_ledger_are_the_reference(fitted: CostModel) -> None:
    assert basis_of_model(of_ledger(fitted, machine="Intel Xeon E3-1240 v5 @ 3.5 GHz")).reference
    assert basis_of_model(of_ledger(fitted, sha256=PUBLISHED)).reference
    assert "machine" in objections(of_ledger(fitted, machine="a laptop"))
    assert "evaluator" in objections(of_ledger(fitted, evaluator="plutigo", machine="Xeon E3-1240 v5"))


def test_an_edited_price_is_noticed(fitted: CostModel) -> None:
    assert "edited" not in objections(fitted)
    steps = dict(fitted.steps) | {StepKind.LAM: fitted.steps[StepKind.LAM] + ExUnits(1, 0)}
    doubt = next(
        each for each in doubts_of(ModelSource("m", replace(fitted, steps=steps))) if each.objection == "edited"
    )
    assert doubt.names == ("cekLamCost",)


def test_only_named_reasons_are_overruled(fitted: CostModel) -> None:
    doubts = doubts_of(ModelSource("m", fitted))
    codes = {each.objection for each in doubts}
    with pytest.raises(CheckFailed, match="--allow evaluator"):
        refuse_doubts(doubts, codes - {"evaluator"}, "an array")
    assert set(refuse_doubts(doubts, codes, "an array")) == codes
    with pytest.raises(InputError, match="unknown reason 'everything'"):
        refuse_doubts(doubts, ["everything"], "an array")


def test_emitting_refuses_and_names_beside_the_array(fitted: CostModel, tmp_path: Path) -> None:
    path, out = tmp_path / "model.json", tmp_path / "array.json"
    path.write_bytes(dump(fitted))
    command = ("params", "emit", "--model", path, "--language", "V3", "--format", "array", "--complete-from", "E")
    refused = calibrate(*command, "--out", out)
    assert refused.returncode == 1
    assert "is not written: measured were" in refused.stderr
    assert not out.exists()
    codes = ",".join(sorted(objections(load([path]))))
    written = calibrate(*command, "--out", out, "--allow", codes)
    assert written.returncode == 0, written.stderr
    origin = msgspec.json.decode((tmp_path / "array.json.origin.json").read_bytes())
    assert origin["basis"]["machine"]
    assert origin["completed_from"] == "ledger model E"
    assert set(origin["allowed"]) == set(codes.split(","))


def test_picoseconds_of_two_evaluators_are_unlike(fitted: CostModel) -> None:
    mine, ledgers, array = basis_of_model(fitted), basis_of(open_source(["E"])), basis_of(open_source(["epoch:645"]))
    assert are_unlike(mine, ledgers)
    assert not are_unlike(mine, mine)
    assert not are_unlike(ledgers, basis_of_model(of_ledger(fitted, sha256=PUBLISHED)))
    assert not are_unlike(mine, array)
