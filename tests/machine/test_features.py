"""What a counting run sees beside steps: footprint, frames walked, calls, continuations, mispredicted dispatches."""

import random

import pytest

from costmodel.machine import NativeMachine, Script
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.plutus import LedgerLanguage, encode_flat, parse_program

PLENTY = ExUnits(10**12, 10**9)
MACHINE = NativeMachine(ledger_model(Variant.E), Variant.E)


def script_of(text: str) -> Script:
    return Script.decode(encode_flat(parse_program(f"(program 1.1.0 {text})")), LedgerLanguage.PLUTUS_V3, 11)


def footprint(text: str) -> int:
    return MACHINE.features(script_of(text), PLENTY).footprint


def counts(text: str) -> dict[str, float]:
    return MACHINE.features(script_of(text), PLENTY).counts


COUNT_DOWN = """[(lam f [[f f] (con integer %d)])
    (lam f (lam n (force [(force (builtin ifThenElse)) [(builtin equalsInteger) n (con integer 0)]
        (delay n) (delay [[f f] [(builtin subtractInteger) n (con integer 1)]])])))]"""


def test_constant_lies_in_no_node() -> None:
    assert footprint("(con integer 1)") == 0


def test_nodes_that_are_computed_again_count_once() -> None:
    assert footprint(COUNT_DOWN % 3) == footprint(COUNT_DOWN % 300)


def test_branch_that_is_not_taken_does_not_count() -> None:
    chosen = (
        "(force [(force (builtin ifThenElse)) (con bool %s) (delay [(lam x [x x]) (lam y y)]) (delay (con unit ()))])"
    )
    assert footprint(chosen % "True") > footprint(chosen % "False")


def test_run_that_is_stopped_counts_what_it_computed() -> None:
    script = script_of(COUNT_DOWN % 10**6)
    assert 0 < MACHINE.features(script, ExUnits(10**8, 10**9)).footprint == footprint(COUNT_DOWN % 3)


def under(binders: int, term: str) -> str:
    """A term in as many frames, each opened by a forced delay, as the machine makes no let of it."""
    for number in range(binders):
        term = f"[(force (delay (lam v{number} {term}))) (con integer {number})]"
    return term


def test_frames_on_the_way_to_a_variable_are_walked() -> None:
    assert [counts(f"[(lam x {under(n, 'x')}) (con unit ())]")["frames_walked"] for n in (0, 1, 2, 7)] == [0, 1, 2, 7]


def test_far_variables_are_reached_by_short_cuts() -> None:
    walked = counts(f"[(lam x {under(1_000, 'x')}) (con unit ())]")["frames_walked"]
    assert 4 < walked <= 6 * 5  # at most six moves for each of the five digits of a depth in base four


def test_lets_and_forced_delays_are_told_from_functions_and_delays_that_are_built() -> None:
    found = counts(f"[(lam f [f (con unit ())]) (lam x {under(3, 'x')})]")
    assert (found["lets"], found["forced_delays"]) == (1, 3)
    found = counts("[(lam d (force d)) (delay (con unit ()))]")
    assert (found["lets"], found["forced_delays"]) == (1, 0)


def test_cases_on_constants_are_told_from_those_on_constructors() -> None:
    assert counts("(case (constr 0) (con unit ()))")["constant_cases"] == 0
    assert counts("(case (con bool True) (error) (case (con integer 1) (error) (con unit ())))")["constant_cases"] == 2


def test_each_field_that_a_case_applies_its_branch_to_counts() -> None:
    assert counts("(case (constr 0 (con integer 1) (con integer 2)) (lam x (lam y x)))")["fields_applied"] == 2
    assert counts("(case (constr 0) (con unit ()))")["fields_applied"] == 0
    assert counts("(constr 0 (con integer 1) (con integer 2))")["fields_applied"] == 0


def test_what_a_run_builds_is_allocated_in_every_run() -> None:
    none, little, more = (
        counts(text)["bytes_allocated"] for text in ("(con unit ())", COUNT_DOWN % 3, COUNT_DOWN % 300)
    )
    assert none == 0
    assert 50 * little < more < 100 * little


def test_bytes_allocated_do_not_depend_on_what_ran_before() -> None:
    long, machine = script_of(COUNT_DOWN % 20_000), NativeMachine(ledger_model(Variant.E), Variant.E)
    first = machine.features(long, PLENTY).counts["bytes_allocated"]
    assert first > 1_000_000  # more than the first chunks of an arena
    MACHINE.evaluate(script_of(COUNT_DOWN % 300_000), PLENTY)
    assert MACHINE.features(long, PLENTY).counts["bytes_allocated"] == first


def passed(text: str) -> int:
    flat = encode_flat(parse_program(f"(program 1.1.0 {text})"))
    script = Script.decode(flat, LedgerLanguage.PLUTUS_V3, 11, own_frames=True)
    return MACHINE.binders_passed(script, PLENTY)


@pytest.mark.parametrize("binders", [0, 1, 2, 7, 40, 1_000])
def test_binders_passed_are_indices_less_one_for_lets_and_functions_alike(binders: int) -> None:
    lets = "x"
    for number in range(binders):
        lets = f"[(lam v{number} {lets}) (con integer {number})]"
    assert passed(f"[(lam x {lets}) (con unit ())]") == binders
    assert passed(f"[(lam x {under(binders, 'x')}) (con unit ())]") == binders


def test_binders_are_passed_each_time_that_a_variable_is_looked_up() -> None:
    # Of its variables, f (index 1) is looked up twice at first, then in each round n three times at 1 and f twice at 2;
    # in the last round, in which n is also the result, n is looked up twice and f not at all.
    assert passed(COUNT_DOWN % 3) == 2 * 3
    assert passed(COUNT_DOWN % 30) == 2 * 30


def test_saturated_calls_count_by_arity_and_forces() -> None:
    found = counts("[(builtin addInteger) [(force (builtin headList)) (con (list integer) [1])] (con integer 2)]")
    assert {name: count for name, count in found.items() if name.startswith("calls_")} == {
        "calls_1_1": 1,
        "calls_2_0": 1,
    }
    assert found["partial_calls"] == 0


def test_calls_of_what_was_bound_complete_a_partial_application() -> None:
    found = counts("[(lam f [f (con integer 1) (con integer 2)]) (builtin addInteger)]")
    assert (found["partial_calls"], "calls_2_0" in found) == (1, False)
    alone = counts("[(lam f [f (con integer 1)]) (builtin addInteger)]")
    assert alone["partial_calls"] == 0


def test_operands_that_are_computed_wait_on_continuations() -> None:
    nested = "[(builtin addInteger) %s (con integer 1)]"
    assert counts(nested % "(con integer 0)")["continuations_pushed"] == 0
    assert counts(nested % (nested % (nested % "(con integer 0)")))["continuations_pushed"] == 2


def test_what_recurs_is_foreseen_and_what_is_random_is_not() -> None:
    """Branches on 0 or 1 from a list: as a pattern that repeats, and without one."""
    loop = """[(lam f [[f f] (con (list integer) [%s])]) (lam f (lam l (force [(force (force (builtin chooseList))) l
        (delay (con unit ())) (delay (force [(force (builtin ifThenElse))
            [(builtin equalsInteger) [(force (builtin headList)) l] (con integer 0)]
            (delay [[f f] [(force (builtin tailList)) l]])
            (delay [(lam x [[f x] [(force (builtin tailList)) l]]) f])]))])))]"""
    chance = random.Random(1)
    regular, irregular = [0, 1] * 2_000, [chance.randrange(2) for _ in range(4_000)]
    missed = [counts(loop % ", ".join(map(str, bits)))["mispredictions"] for bits in (regular, irregular)]
    assert missed[0] < 40 < 400 < missed[1] < 8_000


def test_the_way_to_operands_is_foreseen_where_it_recurs() -> None:
    """A row of calls on a constant or on a variable: in turn, and as chance has it."""

    def row(bound: list[int]) -> str:
        operands = [f"[(builtin iData) {'x' if one else '(con integer 1)'}]" for one in bound]
        term = "(con unit ())"
        for operand in operands:
            term = f"[(lam y {term}) {operand}]"
        return f"[(lam x {term}) (con integer 0)]"

    chance = random.Random(1)
    regular, irregular = [0, 1] * 150, [chance.randrange(2) for _ in range(300)]
    missed = [counts(row(bound))["mispredicted_operands"] for bound in (regular, irregular)]
    assert missed[0] < 75 < 120 < missed[1]
    # Jumps are the same.
    assert counts(row(regular))["mispredictions"] == counts(row(irregular))["mispredictions"]


def test_bytes_are_uncached_beyond_16_kib() -> None:
    for text in (COUNT_DOWN % 3, COUNT_DOWN % 3_000):
        found = counts(text)
        assert found["bytes_uncached"] == max(found["bytes_allocated"] - 16 * 1024, 0)
    assert counts(COUNT_DOWN % 3_000)["bytes_uncached"] > 0


def test_counting_does_not_change_what_a_run_spends() -> None:
    script = script_of(COUNT_DOWN % 100)
    before = MACHINE.evaluate(script, PLENTY)
    assert MACHINE.features(script, PLENTY) == MACHINE.features(script, PLENTY)
    assert MACHINE.evaluate(script, PLENTY) == before
