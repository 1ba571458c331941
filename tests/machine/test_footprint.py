"""The footprint of a run: how many different nodes of the decoded program it computes."""

from costmodel.machine import NativeMachine, Script
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.plutus import LedgerLanguage, encode_flat, parse_program

PLENTY = ExUnits(10**12, 10**9)
MACHINE = NativeMachine(ledger_model(Variant.E), Variant.E)


def script_of(text: str) -> Script:
    return Script.decode(encode_flat(parse_program(f"(program 1.1.0 {text})")), LedgerLanguage.PLUTUS_V3, 11)


def footprint(text: str) -> int:
    return MACHINE.footprint(script_of(text), PLENTY)


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
    assert 0 < MACHINE.footprint(script, ExUnits(10**8, 10**9)) == footprint(COUNT_DOWN % 3)


def test_noting_needs_memory_within_the_cap() -> None:
    tight = NativeMachine(ledger_model(Variant.E), Variant.E, memory_cap=64)
    assert tight.footprint(script_of(COUNT_DOWN % 3), PLENTY) == 0
