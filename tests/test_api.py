"""calibrate from Python."""

from pathlib import Path

import pytest

from costmodel import api
from costmodel.errors import InputError, ModelError
from costmodel.model import Variant, dump, ledger_model

ADDITION = "(program 1.1.0 [(builtin addInteger) (con integer 1) (con integer 2)])"
SUM_OF_ARGUMENT = "(program 1.1.0 (lam d [(builtin addInteger) (con integer 1) [(builtin unIData) d]]))"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.uplc"
    path.write_text(ADDITION)
    return path


@pytest.fixture
def doubled(tmp_path: Path) -> Path:
    """The ledger's model, with a start-up of twice its price."""
    model = ledger_model(Variant.E)
    path = tmp_path / "doubled.json"
    text = dump(model).decode()
    assert '"cekStartupCost"' in text
    path.write_text(text.replace('"exBudgetCPU": 100,', '"exBudgetCPU": 200,', 1))
    return path


def test_a_program_is_evaluated_as_the_ledger_does(program: Path) -> None:
    found = api.evaluate(program)
    assert found.status == "success"
    assert found.result is not None
    assert "(con integer 3)" in found.result
    assert found.ex_units.cpu == api.evaluate(program, cost_model=["E"]).ex_units.cpu
    assert found.builtins == {"addInteger": 1}


def test_arguments_are_data(tmp_path: Path) -> None:
    path = tmp_path / "validator.uplc"
    path.write_text(SUM_OF_ARGUMENT)
    found = api.evaluate(path, ["1829"])
    assert found.result is not None
    assert "(con integer 42)" in found.result


def test_a_program_beyond_its_budget_is_a_result(program: Path) -> None:
    found = api.evaluate(program, budget=(1000, 10))
    assert found.status == "out of budget"
    assert found.result is None


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        api.evaluate(tmp_path / "absent.uplc")
    assert "absent.uplc" in str(raised.value)
    assert "\n" not in str(raised.value)
    with pytest.raises(InputError):
        api.open_run(tmp_path)
    with pytest.raises(ModelError):
        api.load_model(tmp_path / "absent.json")


def test_a_prediction_of_prices_alone_has_no_width(doubled: Path) -> None:
    found = api.predict(api.load_model(doubled), "secp", loop_counts=(1,))
    assert set(found.columns) == {"program", "work", "ns", "low", "high", "cpu", "mem"}
    assert set(found["work"]) == {"evaluate"}
    assert (found["low"] == found["ns"]).all()
    # Predicted is what the model charges; the ledger charges a start-up of 100 ps less.
    assert (found["ns"] * 1000).tolist() == pytest.approx((found["cpu"] + 100).tolist())


def test_impact_says_what_a_start_up_costs(program: Path, doubled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    program.rename(folder / program.name)
    found = api.impact("E", doubled, folder, jobs=1)
    assert found.priced == 1
    assert found.totals_after.units[0] - found.totals_before.units[0] == 100
