from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from costmodel.model import (
    MAX_COST,
    MIN_COST,
    PACK_LENGTH,
    PACK_WIDTH,
    SHAPE_IDS,
    BuiltinCost,
    CostingFunction,
    CostModel,
    ExUnits,
    StepKind,
    Variant,
    ledger_model,
    pack,
)
from tests.model.formulas import costing_functions


def row(packed: list[int], tag: int, memory: int) -> list[int]:
    start = (2 * tag + memory) * PACK_WIDTH
    return packed[start : start + PACK_WIDTH]


def test_a_packed_model_has_rows_for_all_builtins_and_the_machine() -> None:
    assert PACK_LENGTH == 106 * 2 * 12 + 2 + 9 * 2
    assert len(pack(ledger_model(Variant.E))) == PACK_LENGTH
    assert pack(ledger_model(Variant.E)).itemsize == 8


def test_a_plain_row() -> None:
    packed = pack(ledger_model(Variant.E)).tolist()
    assert row(packed, 0, 0) == [SHAPE_IDS["max_size"], 0, 100788, 420, *[0] * 8]
    assert row(packed, 0, 1) == [SHAPE_IDS["max_size"], 0, 1, 1, *[0] * 8]


def test_a_diagonal_row_has_the_constant_and_then_the_models_coefficients() -> None:
    packed = pack(ledger_model(Variant.E)).tolist()
    outer, inner = SHAPE_IDS["above_and_below_diagonal"], SHAPE_IDS["quadratic_in_x_and_y"]
    # divideInteger: constant, then c00 c01 c02 c10 c11 c20 minimum.
    assert row(packed, 3, 0) == [outer, inner, 85848, 123203, 7305, -900, 1716, 960, 57, 85848, 0, 0]


def test_uncosted_builtins_are_a_prohibitive_constant() -> None:
    packed = pack(CostModel({}, {}, None)).tolist()
    for tag in (102, 103, 104, 105):
        assert row(packed, tag, 0) == row(packed, tag, 1) == [SHAPE_IDS["constant_cost"], 0, 10**11, *[0] * 9]


def test_missing_entries_are_marked() -> None:
    packed = pack(CostModel({}, {StepKind.VAR: ExUnits(7, 8)}, None)).tolist()
    assert row(packed, 0, 0) == [SHAPE_IDS["absent"], *[0] * 11]
    assert packed[-20:] == [-1] * 4 + [7, 8] + [-1] * 14


def test_step_costs_follow_start_up_in_the_order_of_step_kinds() -> None:
    steps = {kind: ExUnits(10 * kind, 10 * kind + 1) for kind in StepKind}
    packed = pack(replace(ledger_model(Variant.E), steps=steps)).tolist()
    assert packed[-20:-18] == [100, 100]
    assert packed[-18:] == [part for kind in range(9) for part in (10 * kind, 10 * kind + 1)]


@given(costing_functions(st.integers(MIN_COST, MAX_COST)))
def test_every_costing_function_fits_its_row(costing: CostingFunction) -> None:
    packed = pack(CostModel({"addInteger": BuiltinCost(costing, costing)}, {}, None)).tolist()
    inner = costing.model.shape.id.tag if costing.model else "absent"
    padding = [0] * (PACK_WIDTH - 2 - len(costing.values))
    assert row(packed, 0, 0) == [SHAPE_IDS[costing.shape.id.tag], SHAPE_IDS[inner], *costing.values, *padding]
    assert len(packed) == PACK_LENGTH
