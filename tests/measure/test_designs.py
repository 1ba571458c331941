"""What the designs promise: reproducible cells, independent counts, operands that no two applications share."""

from collections import Counter

import numpy as np
import pytest

from costmodel.errors import InputError
from costmodel.measure import DESIGNED_BUILTINS, EXPERIMENTS, design_cells
from costmodel.measure.terms import nop
from costmodel.model import StepKind
from costmodel.plutus import BUILTIN_BY_NAME, Apply, Const, Force, Lam, decode_flat
from costmodel.plutus.term import children
from costmodel.runs.design import Cell


def _step_matrix(cells: tuple[Cell, ...]) -> np.ndarray:
    return np.array([[1, *(cell.steps.get(kind.name.lower(), 0) for kind in StepKind)] for cell in cells], float)


def test_same_seed_gives_the_same_cells() -> None:
    assert design_cells(EXPERIMENTS, "*", 7) == design_cells(EXPERIMENTS, "*", 7)


def test_another_seed_gives_other_operands() -> None:
    ours, others = (design_cells(["builtins"], "addInteger", seed) for seed in (1, 2))
    assert [cell.id for cell in ours] == [cell.id for cell in others]
    assert all(a.flat != b.flat for a, b in zip(ours, others, strict=True))


def test_ids_are_unique() -> None:
    counts = Counter(cell.id for cell in design_cells(EXPERIMENTS, "*", 0))
    assert max(counts.values()) == 1


def test_step_counts_vary_independently() -> None:
    matrix = _step_matrix(design_cells(["steps"], "*", 0))
    assert np.linalg.matrix_rank(matrix) == len(StepKind) + 1
    scaled = matrix / matrix.sum(axis=1, keepdims=True)
    scaled /= np.linalg.norm(scaled, axis=0)
    assert np.linalg.cond(scaled) < 100


def test_every_builtin_has_its_no_op_measured_too() -> None:
    cells = design_cells(["builtins"], "*", 0)
    measured = {cell.operation for cell in cells}
    wanted = {nop(BUILTIN_BY_NAME[name].arity, BUILTIN_BY_NAME[name].forces).name for name in DESIGNED_BUILTINS}
    assert wanted <= measured


@pytest.mark.parametrize("name", DESIGNED_BUILTINS)
def test_points_come_as_pairs_of_k_and_2k_applications(name: str) -> None:
    cells = [cell for cell in design_cells(["builtins"], name, 0) if cell.operation == name]
    for few, many in zip(cells[::2], cells[1::2], strict=True):
        assert (few.sizes, 2 * few.repeats) == (many.sizes, many.repeats)
        assert (few.builtins[name], many.builtins[name]) == (few.repeats, many.repeats)


@pytest.mark.parametrize("name", ["equalsInteger", "verifyEcdsaSecp256k1Signature", "unBData"])
def test_no_two_applications_share_their_operands(name: str) -> None:
    for cell in design_cells(["builtins"], name, 0):
        if cell.operation != name:
            continue
        seen = []
        stack = [decode_flat(cell.flat).term]
        while stack:
            term = stack.pop()
            stack.extend(children(term))
            operands = []
            while isinstance(term, Apply) and isinstance(term.argument, Const):
                operands.append(repr(term.argument.constant.value))
                term = term.function
            if operands and not isinstance(term, Lam | Force):
                seen.append(tuple(operands))
        applications = [operands for operands in seen if len(operands) == BUILTIN_BY_NAME[name].arity]
        assert len(applications) == len(set(applications)) >= cell.repeats


def test_pattern_selects_builtins() -> None:
    operations = {cell.operation for cell in design_cells(["builtins"], "verify*", 0)}
    assert {name for name in operations if not name.startswith("nop")} == {
        "verifyEcdsaSecp256k1Signature",
        "verifyEd25519Signature",
        "verifySchnorrSecp256k1Signature",
    }


def test_pattern_without_a_match_is_refused() -> None:
    with pytest.raises(InputError, match="no builtin with a design matches 'nothing'"):
        design_cells(["builtins"], "nothing", 0)


def test_unknown_experiment_is_refused() -> None:
    with pytest.raises(InputError, match="unknown experiment 'walks'"):
        design_cells(["walks"], "*", 0)
