from collections import Counter

import pytest

from costmodel.machine import EvaluationStatus, NativeMachine, Outcome
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.workloads import WorkloadProgram, find_workload
from costmodel.workloads.random_programs import COUNTS, random_programs

BINDERS = {"let", "call", "case"}
A_TRANSACTION = ExUnits(10**10, 14 * 10**6)


def evaluate(program: WorkloadProgram) -> Outcome:
    return NativeMachine(ledger_model(Variant.E), Variant.E).evaluate(program.script(), A_TRANSACTION)


@pytest.mark.parametrize("seed", range(20))
def test_every_program_succeeds_within_a_transaction_s_budget(seed: int) -> None:
    for program in random_programs(seed).programs:
        outcome = evaluate(program)
        assert outcome.status is EvaluationStatus.SUCCESS, (program.name, outcome.error)


def pairs(seed: int) -> list[tuple[str, Outcome, Outcome]]:
    """Each operation's name, and its programs at the lower and at the higher count evaluated."""
    programs = random_programs(seed).programs
    assert [program.loop_count for program in programs] == list(COUNTS) * (len(programs) // 2)
    return [(low.name, evaluate(low), evaluate(high)) for low, high in zip(programs[::2], programs[1::2], strict=True)]


@pytest.mark.parametrize("seed", range(5))
def test_programs_of_one_operation_differ_by_that_operation_alone(seed: int) -> None:
    low, high = COUNTS
    for name, few, many in pairs(seed):
        margin = Counter(many.builtins) - Counter(few.builtins)
        assert margin == ({} if name in BINDERS else {name: high - low}), name


def test_a_program_is_dominated_by_its_own_builtin() -> None:
    for name, _, many in pairs(0):
        if name not in BINDERS:
            assert many.builtins[name] > 0.85 * sum(many.builtins.values()), name


def test_programs_of_binders_bind_as_often_as_their_counts_say() -> None:
    low, high = COUNTS
    found = {name: Counter(many.steps) - Counter(few.steps) for name, few, many in pairs(0)}
    dropped = {name: found[name]["lam"] - (high - low) * lams for name, lams in (("let", 1), ("call", 2), ("case", 1))}
    assert all(0 < terms <= high - low for terms in dropped.values()), dropped  # a lambda drops each term of the row
    assert found["case"]["case"] == high - low


def test_operands_are_of_many_operations() -> None:
    others = {builtin for name, few, _ in pairs(0) for builtin in few.builtins if builtin != name}
    assert len(others) > 15


def test_the_seed_decides() -> None:
    assert random_programs(1) == random_programs(1)
    assert random_programs(1) != random_programs(2)
    assert find_workload("random", seed=1) == random_programs(1)
