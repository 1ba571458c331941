import numpy as np
import pytest

from costmodel.fit.regression import VISIBLE, Rounding, deviation, whole_prices

SIZES = np.array([1.0, 3, 10, 30, 100, 300, 1024])
QUADRATIC = np.column_stack([np.ones_like(SIZES), SIZES, SIZES**2])
NOTHING = np.zeros(3)


def price(values: list[float], rounding: Rounding) -> tuple[list[int], float]:
    """Whole coefficients of a quadratic, and the largest share of the cost by which they miss it."""
    offset, floor = np.zeros(len(SIZES)), np.full(len(SIZES), -np.inf)
    prices = whole_prices(np.array(values), NOTHING, QUADRATIC, offset, floor, rounding)
    return prices, float(deviation(prices, np.array(values), QUADRATIC, offset, floor).max())


def test_ceiling_serves_where_it_does_not_show() -> None:
    assert price([100_000.2, 2_000.5, 700.1], Rounding.JOINT)[0] == [100_001, 2_001, 701]


def test_neighbours_make_up_for_a_coefficient_of_a_few_picoseconds() -> None:
    values = [5_000_000.0, 12_304.4, 2.04]
    assert price(values, Rounding.CEILING)[1] > 0.03
    prices, worst = price(values, Rounding.JOINT)
    assert worst < VISIBLE
    assert prices[2] == 2


def test_joint_rounding_is_never_worse_than_the_ceiling() -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        values = (10 ** rng.uniform([3, 0, -1], [6, 4, 2])).tolist()
        assert price(values, Rounding.JOINT)[1] <= max(VISIBLE, price(values, Rounding.CEILING)[1])


def test_no_integer_is_below_its_least() -> None:
    offset, floor = np.zeros(len(SIZES)), np.full(len(SIZES), -np.inf)
    least = np.array([1000.0, 0, 0])
    prices = whole_prices(np.array([1000.0, 0.4, 0.4]), least, QUADRATIC, offset, floor, Rounding.JOINT)
    assert all(np.array(prices) >= least)


def test_negative_coefficient_stays_near_its_value() -> None:
    x, y = (axis.ravel() for axis in np.meshgrid([10.0, 20, 31], [1.0, 5, 10]))
    matrix = np.column_stack([np.ones_like(x), y, y**2, x, x * y, x**2])
    values = np.array([85_848.0, 7_305.3, -900.5, 1_716.2, 960.1, 57.4])
    free, zero, floor = np.full(6, -np.inf), np.zeros(len(x)), np.full(len(x), 1000.0)
    prices = whole_prices(values, free, matrix, zero, floor, Rounding.JOINT)
    assert deviation(prices, values, matrix, zero, floor).max() < VISIBLE
    assert prices[2] in (-901, -900)


@pytest.mark.parametrize("rounding", list(Rounding))
def test_whole_values_stay(rounding: Rounding) -> None:
    assert price([1_000.0, 10.0, 3.0], rounding)[0] == [1_000, 10, 3]
