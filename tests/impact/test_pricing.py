"""Repriced usages equal evaluation."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import ModelError
from costmodel.impact.pricing import price_list, total
from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.machine.usage import Usage, UsageRecorder
from costmodel.model import MAX_COST, CostModel, ExUnits, Variant, ledger_model, variant_for
from costmodel.model.sources import ModelSource, open_source
from costmodel.plutus import LedgerLanguage, encode_flat, parse_program
from costmodel.workloads import find_workload
from costmodel.workloads.corpus import load_corpus
from costmodel.workloads.workload import WorkloadProgram

NO_LIMIT = ExUnits(MAX_COST, MAX_COST)


def usage_of(program: WorkloadProgram) -> tuple[Script, Usage]:
    variant = variant_for(program.language, program.protocol_version)
    script = program.script()
    return script, UsageRecorder(NativeMachine(ledger_model(variant), variant)).record(script, NO_LIMIT)


def everything(shared_data: Path) -> list[WorkloadProgram]:
    folders = (shared_data / "scripts" / "validation", shared_data / "workbench" / "scripts")
    programs = [program for folder in folders for program in find_workload(str(folder)).programs]
    corpus = load_corpus(shared_data / "scripts" / "mainnet" / "corpus.json")
    return programs + [each.program("corpus") for each in corpus]


@pytest.mark.parametrize("prices", ["A", "B", "C", "D", "E", "epoch:500"])
def test_repriced_usages_of_all_published_scripts_equal_evaluation(prices: str, shared_data: Path) -> None:
    source = open_source([prices])
    listed = price_list(source)
    for program in everything(shared_data):
        if source.arrays is not None and program.language not in source.arrays:
            continue
        variant = variant_for(program.language, program.protocol_version)
        script, usage = usage_of(program)
        try:
            parts = listed.pricing(program.language, program.protocol_version).parts(usage)
        except ModelError:  # an old model has no price for a new builtin
            continue
        model = source.cost_model(program.language, program.protocol_version)
        spent = NativeMachine(model, variant).evaluate(script, NO_LIMIT).spent
        assert total(parts) == spent, program.label


@given(st.integers(-(2**200), 2**200), st.integers(1, 60))
def test_calls_are_recorded_with_their_sizes(number: int, times: int) -> None:
    term = f"(con integer {number})"
    for _ in range(times):
        term = f"[(builtin addInteger) {term} (con integer 0)]"
    script = Script.decode(encode_flat(parse_program(f"(program 1.1.0 {term})")), LedgerLanguage.PLUTUS_V3, 11)
    usage = UsageRecorder(NativeMachine(ledger_model(Variant.E), Variant.E)).record(script, NO_LIMIT)
    words = max(1, (abs(number).bit_length() + 63) // 64)
    assert usage.calls == {("addInteger", (words, 1)): times}


def test_steps_that_a_failure_left_unpaid_are_not_charged() -> None:
    script = Script.decode(
        encode_flat(parse_program("(program 1.1.0 [(lam x (error)) (con unit ())])")), LedgerLanguage.PLUTUS_V3, 11
    )
    usage = UsageRecorder(NativeMachine(ledger_model(Variant.E), Variant.E)).record(script, NO_LIMIT)
    assert sum(usage.steps.values()) == 0
    assert usage.spent == ExUnits(100, 100)  # the start-up


def test_a_model_without_a_price_is_named() -> None:
    ledger = ledger_model(Variant.E)
    partial = CostModel({"addInteger": ledger.builtins["addInteger"]}, ledger.steps, ledger.startup, source="mine.json")
    pricing = price_list(ModelSource("mine.json", partial)).pricing(LedgerLanguage.PLUTUS_V3, 11)
    with pytest.raises(ModelError, match=r"mine\.json has no cost for headList"):
        pricing.parts(Usage(EvaluationStatus.SUCCESS, ExUnits(0, 0), {}, {("headList", (1,)): 1}))
