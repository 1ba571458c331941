"""The machine's costing functions are the model room's, over the whole domain."""

from costmodel._native import ffi, lib
from hypothesis import given
from hypothesis import strategies as st

from costmodel.model import (
    MAX_COST,
    MIN_COST,
    PACK_LENGTH,
    PACK_WIDTH,
    SHAPE_IDS,
    SHAPES,
    BuiltinCost,
    CostingFunction,
    CostModel,
    pack,
)
from tests.model.formulas import costing_functions
from tests.strategies import untimed

# Sizes and coefficients as they occur, and ones at which products and sums saturate.
SIZES = st.one_of(st.integers(0, 100), st.integers(0, MAX_COST), st.sampled_from([2**31, 2**32, 2**62, MAX_COST]))
COEFFICIENTS = st.one_of(
    st.integers(-1000, 10**6), st.integers(MIN_COST, MAX_COST), st.sampled_from([MIN_COST, MIN_COST + 1, -1, MAX_COST])
)


def cost_in_c(costing: CostingFunction, sizes: tuple[int, ...]) -> int:
    packed = pack(CostModel({"addInteger": BuiltinCost(costing, costing)}, {}, None))
    row = ffi.new("int64_t[]", packed[:PACK_WIDTH].tolist())
    return int(lib.cal_cost(row, ffi.new("int64_t[6]", sizes)))


@given(costing_functions(COEFFICIENTS), st.tuples(SIZES, SIZES, SIZES, SIZES))
@untimed
def test_both_sides_agree_everywhere(costing: CostingFunction, sizes: tuple[int, int, int, int]) -> None:
    assert cost_in_c(costing, sizes) == costing.evaluate(sizes)


@given(costing_functions(COEFFICIENTS), SIZES)
@untimed
def test_both_sides_agree_on_the_diagonal(costing: CostingFunction, size: int) -> None:
    assert cost_in_c(costing, (size,) * 4) == costing.evaluate((size,) * 4)


def test_shapes_have_the_same_numbers() -> None:
    assert {tag: getattr(lib, f"CAL_SHAPE_{tag.upper()}") for tag in SHAPE_IDS} == SHAPE_IDS
    assert len(SHAPES) + 1 == len(SHAPE_IDS) == lib.CAL_SHAPES


def test_packed_models_have_the_length_that_the_machine_expects() -> None:
    assert lib.CAL_PACK_LENGTH == PACK_LENGTH
