"""The programs that steps are measured with: as large as contracts, of small builtins, in both encodings."""

import random

import numpy as np
import pytest

from costmodel.experiments.steps import habits, mixture, program, style
from costmodel.experiments.terms import LANGUAGE, PROTOCOL_VERSION
from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.plutus import UPLC_1_1_0, Program, Term, encode_flat
from costmodel.runs.design import Cell


@pytest.fixture(scope="module")
def cells(whole_design: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(cell for cell in whole_design if cell.operation in ("program", "loop"))


def evaluated(term: Term) -> EvaluationStatus:
    script = Script.decode(encode_flat(Program(UPLC_1_1_0, term)), LANGUAGE, PROTOCOL_VERSION)
    machine = NativeMachine(ledger_model(Variant.E), Variant.E)
    return machine.evaluate(script, ExUnits(10**10, 10**9)).status


def test_programs_are_as_large_as_contracts(cells: tuple[Cell, ...]) -> None:
    steps = [sum(cell.steps.values()) for cell in cells]
    assert min(steps) >= 4_000
    assert max(steps) < 60_000
    assert 8_000 < np.median(steps) < 30_000


def test_programs_apply_cheap_builtins_as_contracts_do(cells: tuple[Cell, ...]) -> None:
    shares = [sum(cell.builtins.values()) / sum(cell.steps.values()) for cell in cells]
    assert 0.03 < np.median(shares) < 0.12
    assert {"unConstrData", "headList", "tailList", "ifThenElse", "equalsInteger"} <= set().union(
        *(cell.builtins for cell in cells)
    )


def test_some_programs_build_values_as_functions_and_some_by_constr(cells: tuple[Cell, ...]) -> None:
    with_constr = sum("constr" in cell.steps for cell in cells)
    assert 0.25 < with_constr / len(cells) < 0.75


def test_some_programs_take_values_of_builtin_types_apart_by_case(cells: tuple[Cell, ...]) -> None:
    shares = [cell.features["constant_cases"] / sum(cell.steps.values()) for cell in cells]
    assert 0.2 < sum(share > 0 for share in shares) / len(cells) < 0.7
    assert sum(share > 0.01 for share in shares) / len(cells) > 0.05


def test_no_program_is_larger_than_a_processor_learns_in_a_few_runs(cells: tuple[Cell, ...]) -> None:
    assert max(cell.footprint for cell in cells) <= 8_000


@pytest.mark.parametrize("seed", range(8))
def test_what_is_written_is_well_typed(seed: int) -> None:
    """An ill-typed program would fail; one that is only too long runs out of budget, and is drawn anew."""
    rng = random.Random(seed)
    assert evaluated(program(style(rng, 5_000, habits()), rng)) in (
        EvaluationStatus.SUCCESS,
        EvaluationStatus.OVER_BUDGET,
    )


def test_every_evaluator_runs_a_mixture() -> None:
    for seed in range(20):
        flat = encode_flat(Program(UPLC_1_1_0, mixture(60, random.Random(seed))))
        script = Script.decode(flat, LANGUAGE, 10)
        outcome = NativeMachine(ledger_model(Variant.C), Variant.C).evaluate(script, ExUnits(10**10, 10**9))
        assert outcome.status is EvaluationStatus.SUCCESS


def test_mixture_has_as_many_terms_as_asked_for() -> None:
    lengths = [len(encode_flat(Program(UPLC_1_1_0, mixture(count, random.Random(1))))) for count in (10, 100, 1000)]
    assert lengths[0] < lengths[1] < lengths[2]
    assert 5 < (lengths[2] - lengths[1]) / (lengths[1] - lengths[0]) < 20
