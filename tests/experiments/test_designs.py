"""What the designs promise: reproducible cells, independent counts, operands that no two applications share."""

from collections import Counter

import numpy as np
import pytest

from costmodel.errors import InputError
from costmodel.experiments import design_cells
from costmodel.experiments.builtins import LIVE_BUILTINS, builtin_cells
from costmodel.experiments.calls import call_cells
from costmodel.experiments.points import shapes_of
from costmodel.experiments.steps import drawn, habits, program
from costmodel.experiments.terms import nop
from costmodel.model import StepKind
from costmodel.plutus import BUILTIN_BY_NAME, Apply, BuiltinTerm, Const, Force, Lam, Term, decode_flat
from costmodel.runs.design import Cell


def _step_matrix(cells: tuple[Cell, ...]) -> np.ndarray:
    return np.array([[1, *(cell.steps.get(kind.name.lower(), 0) for kind in StepKind)] for cell in cells], float)


@pytest.mark.parametrize("builtins", ["*Integer", "bls12_381_G1_*", "*Coin"])
def test_same_seed_gives_the_same_cells(builtins: str) -> None:
    assert design_cells(["builtins"], builtins, 7) == design_cells(["builtins"], builtins, 7)


def test_same_seed_gives_the_same_programs_and_calls() -> None:
    ours, again = ([drawn(program, habits(), "program", number, 7) for number in range(3)] for _ in range(2))
    assert ours == again
    assert [*call_cells(7, ours)] == [*call_cells(7, again)]


def test_another_seed_gives_other_operands() -> None:
    ours, others = (design_cells(["builtins"], "addInteger", seed) for seed in (1, 2))
    assert [cell.id for cell in ours] == [cell.id for cell in others]
    assert all(a.flat != b.flat for a, b in zip(ours, others, strict=True))


def test_ids_are_unique(whole_design: tuple[Cell, ...]) -> None:
    counts = Counter(cell.id for cell in whole_design)
    assert max(counts.values()) == 1


def test_whole_design_is_small_enough_to_keep(whole_design: tuple[Cell, ...]) -> None:
    assert sum(len(cell.flat) for cell in whole_design) < 40e6


def test_step_counts_vary_independently(whole_design: tuple[Cell, ...]) -> None:
    matrix = _step_matrix(tuple(cell for cell in whole_design if cell.experiment == "steps"))
    assert np.linalg.matrix_rank(matrix) == len(StepKind) + 1
    scaled = matrix / matrix.sum(axis=1, keepdims=True)
    scaled /= np.linalg.norm(scaled, axis=0)
    assert np.linalg.cond(scaled) < 150


def test_every_builtin_has_its_no_op_measured_too(whole_design: tuple[Cell, ...]) -> None:
    measured = {cell.operation for cell in whole_design}
    wanted = {nop(BUILTIN_BY_NAME[name].arity, BUILTIN_BY_NAME[name].forces).name for name in LIVE_BUILTINS}
    assert wanted <= measured


def _pairs(name: str, design: tuple[Cell, ...]) -> list[tuple[Cell, Cell]]:
    cells = [cell for cell in design if cell.operation == name]
    return list(zip(cells[::2], cells[1::2], strict=True))


@pytest.mark.parametrize("name", LIVE_BUILTINS)
def test_points_come_as_pairs_of_the_builtin_and_a_no_op(name: str, whole_design: tuple[Cell, ...]) -> None:
    instead = nop(BUILTIN_BY_NAME[name].arity, BUILTIN_BY_NAME[name].forces).name
    for applied, not_applied in _pairs(name, whole_design):
        assert (applied.sizes, applied.steps, not_applied.repeats) == (not_applied.sizes, not_applied.steps, 0)
        around = applied.builtins[name] - applied.repeats  # what else it applies the builtin to, to prepare operands
        assert not_applied.builtins.get(name, 0) == around
        assert not_applied.builtins[instead] == applied.repeats > 1


@pytest.mark.parametrize("name", ["chooseList", "appendByteString", "bls12_381_G1_equal", "insertCoin"])
def test_programs_of_a_pair_differ_in_nothing_but_the_builtin(name: str, whole_design: tuple[Cell, ...]) -> None:
    builtin = BUILTIN_BY_NAME[name]
    tags = [f"0111{tag:07b}" for tag in (builtin.tag, nop(builtin.arity, builtin.forces).tag)]
    for applied, not_applied in _pairs(name, whole_design):
        bits = [f"{int.from_bytes(cell.flat):0{8 * len(cell.flat)}b}" for cell in (applied, not_applied)]
        assert len(bits[0]) == len(bits[1])
        at = found = 0
        while bits[0][at:] != bits[1][at:]:
            at = next(at for at in range(at, len(bits[0])) if [row[at : at + 11] for row in bits] == tags) + 11
            found += 1
        assert found == applied.repeats


def test_costs_that_depend_on_sizes_have_nine_points(whole_design: tuple[Cell, ...]) -> None:
    for name in LIVE_BUILTINS:
        if any(len(function.names) > 1 for function in shapes_of(name)):
            assert len({applied.sizes for applied, _ in _pairs(name, whole_design)}) >= 9, name


def _operands(term: Term) -> tuple[Term, ...]:
    """What a term applies its function to."""
    operands: list[Term] = []
    while isinstance(term, Apply):
        operands.append(term.argument)
        term = term.function
    return tuple(reversed(operands)) if isinstance(term, BuiltinTerm | Force) else ()


def _applications(cell: Cell) -> list[tuple[Term, ...]]:
    """The operands of every saturated builtin of a row, and of nothing else."""
    return [operands for term in _bindings(decode_flat(cell.flat).term) if (operands := _operands(term))]


def _bindings(term: Term) -> list[Term]:
    """What a row evaluates, one after another."""
    found = []
    while isinstance(term, Apply) and isinstance(term.function, Lam):
        found.append(term.argument)
        term = term.function.body
    return found


def test_few_signatures_are_checked_by_each_of_several_programs() -> None:
    """With more in a program, the branch predictor holds less of each; with fewer in all, they are not typical."""
    cells = [cell for cell in builtin_cells(["verifyEcdsaSecp256k1Signature"], 0) if cell.repeats == 4]
    signatures = [
        {operands[2].constant.value for operands in _applications(cell) if isinstance(operands[2], Const)}
        for cell in cells
    ]
    assert [len(each) for each in signatures] == [4, 4, 4, 4]
    assert len(set.union(*signatures)) == 16


@pytest.mark.parametrize("name", ["equalsInteger", "integerToByteString", "unBData"])
def test_no_two_applications_share_their_operands(name: str) -> None:
    cell = next(cell for cell in design_cells(["builtins"], name, 0) if cell.operation == name)
    values = [tuple(repr(one.constant.value) for one in many if isinstance(one, Const)) for many in _applications(cell)]
    assert all(len(many) == BUILTIN_BY_NAME[name].arity for many in values)
    assert len(values) == len(set(values)) == cell.repeats


def test_operands_too_long_for_the_cache_come_in_turn() -> None:
    cell = next(cell for cell in design_cells(["builtins"], "appendByteString", 0) if cell.sizes == (4096, 4096))
    bound = [term for term in _bindings(decode_flat(cell.flat).term) if isinstance(term, Const)]
    assert len({term.constant.value for term in bound}) == len(bound) == 4
    assert len(_applications(cell)) == cell.repeats > 2


@pytest.mark.parametrize("operation", ["decode", "warm"])
def test_what_a_first_run_is_told_from_has_the_same_script(operation: str, whole_design: tuple[Cell, ...]) -> None:
    scripts = {cell.flat for cell in whole_design if cell.operation == operation}
    first = [cell for cell in whole_design if cell.operation == "first"]
    assert first
    assert {cell.flat for cell in first} <= scripts


def test_pattern_selects_builtins() -> None:
    operations = {cell.operation for cell in design_cells(["builtins"], "verify*", 0)}
    assert {name for name in operations if not name.startswith("nop")} == {
        "verifyEcdsaSecp256k1Signature",
        "verifyEd25519Signature",
        "verifySchnorrSecp256k1Signature",
    }


def test_pattern_without_a_match_is_refused() -> None:
    with pytest.raises(InputError, match="no builtin matches 'nothing'; known are addInteger, "):
        design_cells(["builtins"], "nothing", 0)


def test_unknown_experiment_is_refused() -> None:
    with pytest.raises(InputError, match="unknown experiment 'walks'"):
        design_cells(["walks"], "*", 0)


def test_decoding_is_timed_of_the_programs_of_steps(whole_design: tuple[Cell, ...]) -> None:
    programs = {cell.flat for cell in whole_design if cell.operation in ("program", "loop")}
    decoded = {cell.flat: cell for cell in whole_design if cell.operation == "decode"}
    assert programs <= decoded.keys()
    for cell in decoded.values():
        assert [cell.features[name] for name in ("bytes", "nodes", "values")] == list(cell.sizes)


@pytest.mark.parametrize("kind", ["integer", "bytestring", "string", "bool", "unit", "data", "list", "pair"])
def test_constants_of_each_type_are_decoded_in_several_numbers(kind: str, whole_design: tuple[Cell, ...]) -> None:
    decoded = [cell for cell in whole_design if cell.operation == "decode"]
    assert len({cell.features.get(f"constants_{kind}", 0) for cell in decoded}) > 2
