from collections import Counter
from statistics import median

import pytest

from costmodel.machine import NativeMachine, Outcome, Status
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.workloads import WorkloadProgram, find_workload
from costmodel.workloads.random_programs import random_programs

A_TRANSACTION = ExUnits(10**10, 14 * 10**6)


def evaluate(program: WorkloadProgram) -> Outcome:
    return NativeMachine(ledger_model(Variant.E), Variant.E).evaluate(program.script(), A_TRANSACTION)


@pytest.mark.parametrize("seed", range(20))
def test_every_program_succeeds_within_a_transaction_s_budget(seed: int) -> None:
    for program in random_programs(seed).programs:
        outcome = evaluate(program)
        assert outcome.status is Status.SUCCESS, (program.name, outcome.error)


def test_a_program_is_dominated_by_its_own_builtin() -> None:
    counts = {program.name: Counter(evaluate(program).builtins) for program in random_programs(0).programs}
    for name in counts.keys() - {"let", "call", "case"}:
        others = [each[name] for program, each in counts.items() if program != name]
        assert counts[name][name] > 2 * median(others), name


def test_the_programs_of_binders_bind_more_than_others() -> None:
    steps = {program.name: evaluate(program).steps for program in random_programs(0).programs}
    lams = {name: counts["lam"] / sum(counts.values()) for name, counts in steps.items()}
    assert min(lams["let"], lams["call"]) > max(lams["addInteger"], lams["sha2_256"])
    assert steps["case"]["case"] == max(counts.get("case", 0) for counts in steps.values())


def test_the_seed_decides() -> None:
    assert random_programs(1) == random_programs(1)
    assert random_programs(1) != random_programs(2)
    assert find_workload("random", seed=1) == random_programs(1)
