"""Where contracts come from."""

import json
from pathlib import Path

import pytest

from benches.contracts import from_folder, own
from costmodel.errors import DecodeError, InputError
from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.plutus import LedgerLanguage


def test_folder_gives_files_by_name_with_their_budgets(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.flat").write_bytes(b"")
    (tmp_path / "budgets.json").write_text(json.dumps({"a": {"cpu": 5, "mem": 7}}))
    found = [(contract.name, contract.expected) for contract in from_folder(tmp_path)]
    assert found == [("a", ExUnits(5, 7)), ("b", None)]


def test_folder_without_programs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \*\.flat file"):
        from_folder(tmp_path)


@pytest.mark.parametrize("text", ["[", "[]", '{"a": 1}', '{"a": {"cpu": 1}}'])
def test_malformed_budgets_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.flat").write_bytes(b"")
    (tmp_path / "budgets.json").write_text(text)
    with pytest.raises(DecodeError, match=r"budgets\.json"):
        from_folder(tmp_path)


def test_own_contracts_need_no_arguments(tmp_path: Path) -> None:
    machine = NativeMachine(ledger_model(Variant.E), Variant.E)
    contracts = own(tmp_path)
    assert len(contracts) > 1
    for contract in contracts:
        script = Script.decode(contract.path.read_bytes(), LedgerLanguage.PLUTUS_V3, 11)
        assert machine.evaluate(script, ExUnits(10**12, 10**10)).status is EvaluationStatus.SUCCESS
