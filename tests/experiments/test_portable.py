"""Designs for any evaluator."""

import os

import pytest

from costmodel.experiments import design_cells
from costmodel.experiments.calls import call_cells
from costmodel.experiments.portable import paired, portable_cells, stand_ins_of
from costmodel.experiments.steps import drawn, habits, program
from costmodel.machine import EvaluationStatus, Script, exact_machine
from costmodel.machine.driver import BUDGET
from costmodel.model import Variant
from costmodel.plutus import BUILTIN_BY_NAME, LedgerLanguage
from costmodel.runs.design import Cell

SIGNATURES = ("verifyEd25519Signature", "verifyEcdsaSecp256k1Signature", "verifySchnorrSecp256k1Signature")
NAMES = ("addInteger", "sha2_256", "ifThenElse", "chooseData", "andByteString", "fstPair", *SIGNATURES)


def designed(names: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(cell for name in names for cell in design_cells(["builtins"], name, 0))


@pytest.fixture(scope="module")
def cells() -> tuple[Cell, ...]:
    return portable_cells(designed(NAMES))


def pairs(cells: tuple[Cell, ...]) -> list[tuple[Cell, Cell]]:
    """The two programs of each point, the one with more applications first."""
    points: dict[str, list[Cell]] = {}
    for cell in cells:
        points.setdefault(cell.id.rpartition("/")[0], []).append(cell)
    assert all(len(found) == 2 for found in points.values())
    return [
        (max(found, key=lambda one: one.repeats), min(found, key=lambda one: one.repeats)) for found in points.values()
    ]


def test_nothing_of_the_native_machine_is_left(cells: tuple[Cell, ...]) -> None:
    made = (*cells, *paired(cells, {}))
    assert not any(cell.nops or any(name.startswith("nop") for name in cell.builtins) for cell in made)
    calls = portable_cells(call_cells(0, [drawn(program, habits(), "program", number, 0) for number in range(3)]))
    assert {cell.work for cell in calls} == {"decode", "apply"}


def test_programs_of_steps_know_the_binders_that_they_pass(cells: tuple[Cell, ...]) -> None:
    steps = portable_cells(drawn(program, habits(), "program", number, 0) for number in range(4))
    assert any(cell.features["binders_passed"] > 1.5 * cell.features["frames_walked"] for cell in steps)
    assert all(cell.features["binders_passed"] >= cell.features["frames_walked"] for cell in steps)
    assert not any("binders_passed" in cell.features for cell in cells)


def test_programs_with_cases_on_constants_are_for_protocol_version_11_alone() -> None:
    steps = [drawn(program, habits(), "program", number, 0) for number in range(12)]
    assert any(cell.features["constant_cases"] for cell in steps)
    assert len(portable_cells(steps, 11)) == 12
    older = portable_cells(steps, 10)
    assert older
    assert not any(cell.features["constant_cases"] for cell in older)


def test_a_partner_takes_the_same_steps_and_calls_nothing(cells: tuple[Cell, ...]) -> None:
    made = paired(cells, {})
    assert {cell.id for cell in cells} <= {cell.id for cell in made}
    for many, none in pairs(made):
        if many.operation == "chooseData":  # there is no builtin of more arguments
            continue
        assert none.repeats == 0
        assert none.steps == many.steps
        less = many.builtins.get(many.operation, 0) - none.builtins.get(many.operation, 0)
        assert less == many.repeats
        others = [
            {name: count for name, count in one.builtins.items() if name != many.operation} for one in (many, none)
        ]
        assert others[0] == others[1]


def test_where_nothing_stands_in_the_builtin_itself_does_one_argument_short(cells: tuple[Cell, ...]) -> None:
    for made in (paired(cells, {}, lambda _: False), paired(portable_cells(designed(("chooseData",))), {})):
        for many, none in pairs(made):
            assert none.repeats == 0
            assert many.builtins[many.operation] == many.repeats
            assert none.builtins.get(many.operation, 0) == 0
            assert none.steps["apply"] == many.steps["apply"] - many.repeats


def test_stand_ins_take_more_arguments_and_as_many_forces() -> None:
    for name in ("lengthOfByteString", "addInteger", "ifThenElse", "mkCons", "fstPair"):
        builtin = BUILTIN_BY_NAME[name]
        first, *others = stand_ins_of(builtin, 11)
        assert first.forces == builtin.forces
        assert all(each.arity > builtin.arity for each in (first, *others))
    assert [each.name for each in stand_ins_of(BUILTIN_BY_NAME["andByteString"], 10)] == ["chooseData"]


def test_a_builtin_is_applied_more_often_as_far_as_programs_may_grow() -> None:
    asked = portable_cells(designed(("addInteger", "encodeUtf8")))
    short = {cell.id: cell for cell in asked}
    for many, none in pairs(paired(asked, {cell.id: 5 for cell in asked})):
        before = next(cell for cell in short.values() if (cell.operation, cell.sizes) == (many.operation, many.sizes))
        assert many.repeats % before.repeats == 0
        assert many.builtins[many.operation] == many.repeats
        assert len(many.flat) <= max(131_072, len(before.flat))
        assert none.steps == many.steps
    largest = max(asked, key=lambda cell: len(cell.flat))
    (many, _), *_ = pairs(paired((largest,), {largest.id: 1_000}))
    assert many.repeats < 1_000 * largest.repeats


def test_what_varies_changes_no_count(cells: tuple[Cell, ...]) -> None:
    varied = [cell for cell in cells if cell.operation in SIGNATURES]
    machine = exact_machine(Variant.E)
    for cell in varied:
        assert len(cell.vary) == cell.repeats
        flat = bytearray(cell.flat)
        for place in cell.vary:
            flat[place : place + 4] = os.urandom(4)
        assert flat != cell.flat
        outcome = machine.evaluate(Script.decode(bytes(flat), LedgerLanguage.PLUTUS_V3, 11), BUDGET, result=True)
        assert outcome.status is EvaluationStatus.SUCCESS
        assert outcome.builtins == cell.builtins
        assert outcome.steps == cell.steps
    assert not any(cell.vary for cell in cells if cell.operation not in SIGNATURES)


def test_an_older_protocol_version_leaves_builtins_out() -> None:
    cells = design_cells(["builtins"], "dropList", 0)
    assert portable_cells(cells, 11)
    assert not [cell for cell in portable_cells(cells, 10) if cell.operation == "dropList"]


def test_a_builtin_is_applied_less_often_where_runs_take_long() -> None:
    asked = portable_cells(designed(("addInteger", "ifThenElse", "mkCons", "equalsData")))
    machine = exact_machine(Variant.E)
    for many, none in pairs(paired(asked, {cell.id: 1e-3 for cell in asked})):
        before = next(cell for cell in asked if (cell.operation, cell.sizes) == (many.operation, many.sizes))
        assert many.repeats == min(before.repeats, 16)
        assert many.builtins[many.operation] == many.repeats
        assert none.steps == many.steps
        assert len(many.flat) <= len(before.flat)
        if many.repeats < before.repeats:  # what no application needs is not bound either
            assert sum(many.steps.values()) < 0.7 * sum(before.steps.values())
        outcome = machine.evaluate(Script.decode(many.flat, LedgerLanguage.PLUTUS_V3, 11), BUDGET, result=True)
        assert outcome.status is EvaluationStatus.SUCCESS


def test_programs_that_make_what_they_apply_a_builtin_to_keep_their_length() -> None:
    asked = portable_cells(designed(("bls12_381_G1_neg", "verifyEd25519Signature")))
    made = paired(asked, {cell.id: 1e-3 for cell in asked})
    assert {cell.id for cell in asked} <= {cell.id for cell in made}
