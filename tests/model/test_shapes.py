import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.model import MAX_COST, MIN_COST, SHAPE_IDS, SHAPES, CostingFunction, ShapeId, costing_function, saturate
from tests.model.formulas import PLAIN_FORMULAS, costing_functions, unbounded_cost

int64s = st.integers(MIN_COST, MAX_COST)
naturals = st.integers(0, 2**20) | st.integers(0, MAX_COST)
small = st.integers(0, 1000)
four_sizes = st.tuples(naturals, naturals, naturals, naturals) | st.tuples(small, small).map(lambda s: (*s, *s))


def plain(tag: str, **coefficients: int) -> CostingFunction:
    return costing_function(tag, coefficients, None, tag)


def diagonal(tag: str, model: CostingFunction, constant: int) -> CostingFunction:
    return costing_function(tag, {"constant": constant}, model, tag)


QUADRATIC = {"c00": 123203, "c01": 7305, "c02": -900, "c10": 1716, "c11": 960, "c20": 57, "minimum": 85848}
LINEAR = {"intercept": 100, "slope": 7}
PRODUCT = plain("multiplied_sizes", intercept=228465, slope=122)

# Every value worked out by hand from the published formula.
BY_HAND = [
    (plain("constant_cost", constant=42), (9,), 42),
    (plain("linear_in_x", **LINEAR), (3,), 121),
    (plain("linear_in_y", **LINEAR), (99, 3), 121),
    (plain("linear_in_z", **LINEAR), (99, 98, 3), 121),
    (plain("linear_in_u", **LINEAR), (99, 98, 97, 3), 121),
    (plain("quadratic_in_x", c0=5, c1=3, c2=2), (10,), 235),
    (plain("quadratic_in_y", c0=5, c1=3, c2=2), (1, 10), 235),
    (plain("quadratic_in_z", c0=5, c1=3, c2=2), (1, 2, 10), 235),
    (plain("linear_in_x_and_y", intercept=1, slope1=10, slope2=100), (2, 3), 321),
    (plain("linear_in_y_and_z", intercept=1, slope1=10, slope2=100), (9, 2, 3), 321),
    (plain("added_sizes", **LINEAR), (2, 3), 135),
    (plain("multiplied_sizes", **LINEAR), (2, 3), 142),
    (plain("min_size", **LINEAR), (5, 3), 121),
    (plain("max_size", **LINEAR), (5, 3), 135),
    (plain("subtracted_sizes", intercept=0, slope=2, minimum=1), (5, 3), 4),
    (plain("subtracted_sizes", intercept=0, slope=2, minimum=1), (3, 5), 2),
    (plain("linear_in_y2", intercept=0, slope=1, minimum=50), (9, 4), 4),
    (plain("linear_on_diagonal", constant=30623, intercept=28755, slope=75), (4, 4), 29055),
    (plain("linear_on_diagonal", constant=30623, intercept=28755, slope=75), (4, 5), 30623),
    # The ledger charges 187016 for division at sizes (1, 16): the quadratic at (16, 1).
    (plain("quadratic_in_x_and_y", **QUADRATIC), (16, 1), 187016),
    (plain("quadratic_in_x_and_y", **QUADRATIC), (1, 16), 85848),
    (plain("quadratic_in_y_and_z", **QUADRATIC), (3, 16, 1), 187016),
    (plain("with_interaction_in_x_and_y", c00=1, c10=10, c01=100, c11=1000), (2, 3), 6321),
    (plain("linear_in_max_yz", **LINEAR), (9, 2, 3), 121),
    (plain("literal_in_y_or_linear_in_z", **LINEAR), (1, 0, 3), 121),
    (plain("literal_in_y_or_linear_in_z", **LINEAR), (1, 6, 3), 6),
    (plain("exp_mod_cost", coefficient00=1, coefficient11=10, coefficient12=100), (3, 2, 3), 1861),
    (plain("exp_mod_cost", coefficient00=1, coefficient11=10, coefficient12=100), (4, 2, 3), 2791),
    (diagonal("const_off_diagonal", plain("linear_in_x", **LINEAR), constant=5), (3, 3), 121),
    (diagonal("const_off_diagonal", plain("linear_in_x", **LINEAR), constant=5), (3, 4), 5),
    (diagonal("const_above_diagonal", PRODUCT, constant=85848), (2, 3), 85848),
    (diagonal("const_above_diagonal", PRODUCT, constant=85848), (3, 2), 229197),
    (diagonal("const_above_diagonal", PRODUCT, constant=85848), (2, 2), 228953),
    (diagonal("const_below_diagonal", PRODUCT, constant=85848), (3, 2), 85848),
    (diagonal("const_below_diagonal", PRODUCT, constant=85848), (2, 3), 229197),
    (diagonal("const_below_diagonal", PRODUCT, constant=85848), (2, 2), 228953),
    (diagonal("above_and_below_diagonal", plain("quadratic_in_x_and_y", **QUADRATIC), constant=1), (1, 16), 187016),
    (diagonal("above_and_below_diagonal", plain("quadratic_in_x_and_y", **QUADRATIC), constant=1), (16, 1), 187016),
]

# Non-negative coefficients make each of these grow with every size. exp_mod_cost falls by a third where the modulus
# becomes as long as the base.
MONOTONE = sorted(
    PLAIN_FORMULAS.keys() - {"subtracted_sizes", "linear_on_diagonal", "literal_in_y_or_linear_in_z", "exp_mod_cost"}
)


def with_fields(tag: str, values: tuple[int, ...]) -> CostingFunction:
    return CostingFunction(SHAPES[tag], values[: len(SHAPES[tag].fields)])


@pytest.mark.parametrize(("costing", "sizes", "cost"), BY_HAND)
def test_costs_worked_out_by_hand(costing: CostingFunction, sizes: tuple[int, ...], cost: int) -> None:
    assert cost == costing.evaluate(sizes)


def test_every_shape_has_a_cost_worked_out_by_hand() -> None:
    assert {costing.shape.id.tag for costing, _, _ in BY_HAND} == SHAPES.keys()


@given(costing_functions(naturals), four_sizes)
def test_non_negative_coefficients_saturate_at_the_upper_bound_only(
    costing: CostingFunction, sizes: tuple[int, int, int, int]
) -> None:
    assert costing.evaluate(sizes) == min(unbounded_cost(costing, sizes), MAX_COST)


@given(costing_functions(int64s), four_sizes)
def test_every_cost_fits_in_64_bits(costing: CostingFunction, sizes: tuple[int, int, int, int]) -> None:
    assert costing.evaluate(sizes) == saturate(costing.evaluate(sizes))


@given(costing_functions(st.integers(-(10**6), 10**6)), st.tuples(small, small, small, small))
def test_costs_far_from_the_bounds_are_exact(costing: CostingFunction, sizes: tuple[int, int, int, int]) -> None:
    assert costing.evaluate(sizes) == unbounded_cost(costing, sizes)


@pytest.mark.parametrize("tag", MONOTONE)
@given(values=st.tuples(*[naturals] * 7), sizes=four_sizes, argument=st.integers(0, 3), growth=naturals)
def test_costs_grow_with_every_size(
    tag: str, values: tuple[int, ...], sizes: tuple[int, ...], argument: int, growth: int
) -> None:
    costing = with_fields(tag, values)
    larger = [min(size + growth * (i == argument), MAX_COST) for i, size in enumerate(sizes)]
    assert costing.evaluate(larger) >= costing.evaluate(sizes)


@given(values=st.tuples(*[naturals] * 3), sizes=four_sizes, argument=st.integers(0, 2), growth=naturals)
def test_exp_mod_grows_but_where_the_base_no_longer_exceeds_the_modulus(
    values: tuple[int, ...], sizes: tuple[int, ...], argument: int, growth: int
) -> None:
    costing = with_fields("exp_mod_cost", values)
    larger = [min(size + growth * (i == argument), MAX_COST) for i, size in enumerate(sizes)]
    falls = sizes[0] > sizes[2] and larger[0] <= larger[2]
    assert falls or costing.evaluate(larger) >= costing.evaluate(sizes)


def test_products_associate_to_the_left_before_they_saturate() -> None:
    # (−1 · 2^40) · 2^40 reaches the lower bound; −1 · (2^40 · 2^40) would stop one short of it.
    assert plain("quadratic_in_x", c0=0, c1=0, c2=-1).evaluate((2**40,)) == MIN_COST


def test_products_of_two_sizes_associate_to_the_left_too() -> None:
    zeros = dict.fromkeys(("c00", "c01", "c02", "c10", "c11", "c20"), 0)
    for coefficient in ("c20", "c11", "c02"):
        quadratic = plain("quadratic_in_x_and_y", minimum=MIN_COST, **(zeros | {coefficient: -1}))
        assert quadratic.evaluate((2**40, 2**40)) == MIN_COST


def test_the_interaction_multiplies_its_sizes_first() -> None:
    interaction = plain("with_interaction_in_x_and_y", c00=0, c10=0, c01=0, c11=-1)
    assert interaction.evaluate((2**40, 2**40)) == -MAX_COST


def test_shape_ids_are_numbered_without_gaps_from_absent() -> None:
    assert list(SHAPE_IDS.values()) == list(range(28))
    assert SHAPE_IDS["absent"] == 0
    assert SHAPES.keys() == SHAPE_IDS.keys() - {"absent"}


def test_shapes_stand_under_their_own_tags() -> None:
    assert all(shape.id is ShapeId[tag.upper()] for tag, shape in SHAPES.items())
