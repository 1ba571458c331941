from hypothesis import given
from hypothesis import strategies as st

from costmodel.model import MAX_COST, MIN_COST, ExUnits, ps_to_ns, sat_add, sat_mul, us_to_ps

int64s = st.integers(MIN_COST, MAX_COST)


def test_the_bounds_are_those_of_64_bit_integers() -> None:
    assert (MIN_COST, MAX_COST) == (-9223372036854775808, 9223372036854775807)


@given(int64s, int64s)
def test_results_are_exact_or_the_nearer_bound(a: int, b: int) -> None:
    for exact, result in ((a + b, sat_add(a, b)), (a * b, sat_mul(a, b))):
        assert result == sorted((MIN_COST, exact, MAX_COST))[1]


@given(int64s)
def test_the_greatest_cost_absorbs_what_is_added(a: int) -> None:
    assert sat_add(MAX_COST, abs(a)) == MAX_COST


@given(st.integers(0, MAX_COST), st.integers(0, MAX_COST), st.integers(0, MAX_COST))
def test_addition_of_costs_is_monotone(a: int, b: int, c: int) -> None:
    assert sat_add(a, min(b, c)) <= sat_add(a, max(b, c))


def test_budgets_add_by_component_and_saturate() -> None:
    assert ExUnits(1, MAX_COST) + ExUnits(2, 5) == ExUnits(3, MAX_COST)


def test_microseconds_round_up_to_picoseconds() -> None:
    assert [us_to_ps(x) for x in (0.0, 43.0, 0.0000001, -0.0000015)] == [0, 43_000_000, 1, -1]


def test_nanoseconds_of_excpu() -> None:
    assert ps_to_ns(43_053_543) == 43_053.543
