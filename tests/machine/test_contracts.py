"""Published contracts: ExUnits as the ledger's own evaluator gives them."""

import json
from pathlib import Path
from typing import Any

import pytest

from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.model import ExUnits, Variant, ledger_model, variant_for
from costmodel.plutus import LedgerLanguage

PLENTY = ExUnits(10**15, 10**15)


def test_validation_scripts_cost_what_upstream_says(shared_data: Path) -> None:
    folder = shared_data / "scripts/validation"
    published: dict[str, dict[str, int]] = json.loads((folder / "budgets.json").read_text())
    machine = NativeMachine(ledger_model(Variant.E), Variant.E)
    spent = {}
    for name in published:
        script = Script.decode((folder / f"{name}.flat").read_bytes(), LedgerLanguage.PLUTUS_V3, 11)
        outcome = machine.evaluate(script, PLENTY)
        assert outcome.status is EvaluationStatus.SUCCESS, name
        spent[name] = {"cpu": outcome.spent.cpu, "mem": outcome.spent.mem}
    assert spent == published


@pytest.mark.parametrize("index", range(2))
def test_mainnet_transactions_cost_what_the_chain_charged(shared_data: Path, index: int) -> None:
    corpus: dict[str, Any] = json.loads((shared_data / "scripts/mainnet/corpus.json").read_text())
    case = corpus["cases"][index]
    language, version = LedgerLanguage(case["language"]), case["protocol_version"]["major"]
    variant = variant_for(language, version)
    script = Script.decode(bytes.fromhex(case["flat_program_hex"]), language, version)
    for argument in case["arguments_cbor_hex"]:
        script.apply_data(bytes.fromhex(argument))
    limit = ExUnits(case["budget_limit"]["steps"], case["budget_limit"]["memory"])
    outcome = NativeMachine(ledger_model(variant), variant).evaluate(script, limit)
    expected = case["expected"]["ex_units"]
    assert outcome.status is EvaluationStatus.SUCCESS
    assert outcome.spent == ExUnits(expected["steps"], expected["memory"])
