from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from costmodel.fit import FlagKind
from costmodel.fit.costing import PricedFunction, fit_function
from costmodel.fit.regression import Rounding, whole_ps
from costmodel.fit.uncertainty import Clusters, replicate
from costmodel.model import CostingFunction, Variant, ledger_model
from tests.fit.published import official_fit


def fit(
    function: CostingFunction, sizes: Sequence[tuple[int, ...]], costs_ps: Sequence[float], **how: Any
) -> PricedFunction:
    """Fit `function` to points without noise."""
    times = np.tile(np.log(np.array(costs_ps) / 1000 + 1e6), (2, 1))
    replicates = replicate(times, Clusters(*np.zeros((3, 2), np.intp)), count=100, seed=0)
    costs = replicates.times_ps - 1e9
    return fit_function(function, sizes, costs, np.abs(costs[0]) + 1, replicates, **how)


def shape(builtin: str, variant: Variant = Variant.E) -> CostingFunction:
    return ledger_model(variant).builtins[builtin].cpu


def flags(priced: PricedFunction, name: str) -> set[FlagKind]:
    return {FlagKind(flag.flag) for flag in priced.coefficients[name].flags}


def values(priced: PricedFunction) -> dict[str, int]:
    return dict(zip(priced.function.names, priced.function.values, strict=True))


@pytest.mark.parametrize(
    "builtin",
    [
        "verifyEcdsaSecp256k1Signature",  # constant_cost
        "sha2_256",  # linear_in_x
        "verifySchnorrSecp256k1Signature",  # linear_in_y
        "sliceByteString",  # linear_in_z
        "insertCoin",  # linear_in_u
        "andByteString",  # linear_in_y_and_z
        "addInteger",  # max_size
        "lessThanInteger",  # min_size
        "multiplyInteger",  # multiplied_sizes
        "multiIndexArray",  # quadratic_in_y
        "expModInteger",  # exp_mod_cost
    ],
)
def test_official_times_give_the_published_coefficients(shared_data: Path, builtin: str) -> None:
    assert official_fit(shared_data, builtin).function == shape(builtin)


def test_what_the_published_prices_overcharge_by_more_than_twice_is_charged_less(shared_data: Path) -> None:
    priced = official_fit(shared_data, "valueContains")
    published = shape("valueContains")
    assert [whole_ps(each.ps) for each in priced.coefficients.values()] == list(published.values)
    assert {FlagKind.LOWERED} <= {kind for name in priced.coefficients for kind in flags(priced, name)}


def test_quadratic_and_linear_slopes_of_a_fan_of_sizes(shared_data: Path) -> None:
    # Upstream subtracts no overhead from this builtin's times, so only its intercept is another.
    assert (
        official_fit(shared_data, "byteStringToInteger").function.values[1:] == shape("byteStringToInteger").values[1:]
    )


def test_published_negative_intercept_is_flagged_and_raised(shared_data: Path) -> None:
    # Upstream's documentation: a negative intercept becomes 1000 ps; listToArray is published with one.
    priced = official_fit(shared_data, "listToArray")
    assert flags(priced, "intercept") == {FlagKind.NEGATIVE, FlagKind.RAISED}
    assert values(priced)["intercept"] == 1000 == shape("listToArray").values[0]


@pytest.mark.parametrize("builtin", ["divideInteger", "modInteger"])
def test_quadratic_of_a_division_keeps_negative_coefficients(builtin: str) -> None:
    function = shape(builtin, Variant.C)
    sizes = [(x, y) for x in (1, 5, 9, 14, 20, 31) for y in (1, 4, 10, 18, 31)]
    priced = fit(function, sizes, [function.evaluate(point) for point in sizes])
    fitted = {name: each.ps for name, each in priced.coefficients.items()}
    assert fitted["model.c02"] < 0
    assert FlagKind.NEGATIVE not in flags(priced, "model.c02")


def test_constant_beside_a_quadratic_is_kept_from_being_negative() -> None:
    function = shape("divideInteger", Variant.C)
    inside = [(x, y) for x in (12, 16, 20, 25, 31) for y in (1, 3, 5, 8, 11)]
    costs = [function.evaluate(point) for point in inside]
    priced = fit(function, [*inside, (3, 9)], [*costs, -2000])
    assert flags(priced, "constant") == {FlagKind.NEGATIVE, FlagKind.RAISED}


def test_division_is_recovered_where_its_floor_is_not_reached() -> None:
    function = shape("divideInteger", Variant.C)
    sizes = [(x, y) for x in (12, 16, 20, 25, 31) for y in (1, 3, 5, 8, 11)] + [(3, 9), (2, 30)]
    priced = fit(function, sizes, [function.evaluate(point) for point in sizes])
    expected = dict(zip(function.names, function.values, strict=True))
    for name, each in priced.coefficients.items():
        if name != "model.minimum":
            assert each.ps == pytest.approx(expected[name], rel=1e-3, abs=0.5)


def test_minimum_is_the_lowest_cost_where_it_applies() -> None:
    function = shape("divideInteger", Variant.C)
    sizes = [(x, y) for x in (12, 16, 20, 25, 31) for y in (1, 3, 5, 8, 11)] + [(3, 9)]
    priced = fit(function, sizes, [function.evaluate(point) for point in sizes])
    lowest = min(function.evaluate(point) for point in sizes if point[0] >= point[1])
    assert values(priced)["model.minimum"] == pytest.approx(lowest, rel=1e-3)


def test_constant_without_a_part_is_that_of_the_minimum() -> None:
    function = shape("divideInteger")
    sizes = [(x, y) for x in (12, 16, 20, 25, 31) for y in (1, 3, 5, 8, 11)]
    priced = fit(function, sizes, [function.evaluate(point) for point in sizes])
    assert values(priced)["constant"] == values(priced)["model.minimum"]


def test_slope_at_one_size_is_unidentified_and_zero() -> None:
    priced = fit(shape("sha2_256"), [(10,), (10,)], [50_000, 50_000])
    assert flags(priced, "slope") == {FlagKind.UNIDENTIFIED}
    assert values(priced) == {"intercept": 50_000, "slope": 0}


def test_unmeasured_side_of_a_diagonal_is_unidentified_and_raised() -> None:
    priced = fit(shape("equalsByteString"), [(10, 10), (100, 100)], [30_000, 40_000])
    assert flags(priced, "constant") == {FlagKind.UNIDENTIFIED, FlagKind.RAISED}
    assert values(priced)["constant"] == 1000


def test_negative_slope_is_flagged_and_held_at_zero() -> None:
    priced = fit(shape("sha2_256"), [(1,), (10,), (20,)], [60_000, 50_000, 40_000])
    assert flags(priced, "slope") == {FlagKind.NEGATIVE}
    assert values(priced)["slope"] == 0


def test_whole_picoseconds_are_the_ceiling() -> None:
    priced = fit(shape("sha2_256"), [(1,), (1001,)], [10_000.4, 19_500.4], rounding=Rounding.CEILING)
    assert values(priced) == {"intercept": 9991, "slope": 10}


def test_rounding_that_overcharges_is_flagged() -> None:
    priced = fit(
        shape("unValueData"),
        [(n,) for n in (1, 100, 1000, 10_000)],
        [5000 + 10 * n + 0.1 * n * n for n in (1, 100, 1000, 10_000)],
    )
    assert FlagKind.ROUNDED in flags(priced, "c2")
    assert flags(priced, "c1") == set()


def test_worst_residual_is_named() -> None:
    priced = fit(shape("sha2_256"), [(1,), (2,), (3,), (4,)], [10_000, 10_000, 11_000, 10_000])
    assert priced.worst_at == 2
    assert priced.worst_relative_residual == pytest.approx(0.075, abs=0.02)


def test_division_does_not_fall_as_the_dividend_grows() -> None:
    function = shape("divideInteger")
    sizes = [(x, y) for x in (12, 16, 20, 25, 31) for y in (1, 3, 5, 8, 11)]
    # Times of an imaginary divider that is quicker for the longest dividends.
    priced = fit(function, sizes, [2_000_000 + 20_000 * y - 1_500 * x * x for x, y in sizes])
    assert FlagKind.FALLING in flags(priced, "model.c20")
    design = priced.function.design(np.array([(x, y) for y in (1, 5, 11) for x in range(12, 32)], np.float64))
    costs = (design.matrix @ priced.values[0]).reshape(3, -1)
    assert (np.diff(costs) > -1e-6 * np.abs(costs[:, 1:])).all()


def test_monotone_division_is_not_flagged() -> None:
    function = shape("divideInteger")
    sizes = [(x, y) for x in (12, 16, 20, 25, 31) for y in (1, 3, 5, 8, 11)]
    priced = fit(function, sizes, [function.evaluate(point) for point in sizes])
    assert FlagKind.FALLING not in flags(priced, "model.c20")


def test_charged_coefficients_replace_the_fitted_ones() -> None:
    priced = fit(shape("sha2_256"), [(1,), (101,)], [10_000, 20_000], charged=np.array([12_000.0, 110.0]))
    assert values(priced) == {"intercept": 12_000, "slope": 110}
    assert [each.ps for each in priced.coefficients.values()] == pytest.approx([9_900, 100])


def raised(priced: PricedFunction) -> bool:
    return any("raised so that" in each.reason for c in priced.coefficients.values() for each in c.flags)


def test_prices_are_raised_where_the_shape_allows_to_make_them_safe() -> None:
    """More than twice as dear at the smallest size as at all others."""
    sizes = [(n, n) for n in range(1, 9)]
    costs = np.array([60_000.0, *[22_000.0] * 7])
    priced = fit(shape("appendByteString"), sizes, list(costs))
    charged = np.array([priced.function.evaluate(at) for at in sizes])
    assert raised(priced)
    assert (costs / charged).max() < 2
    assert (charged / costs).max() < 2


@pytest.mark.parametrize(
    "costs", [(30, 30, 30, 30, 20, 30, 30, 80), (15, 50, 20, 20, 20, 40, 40, 40), (10, 15, 20, 20, 30, 15, 60, 20)]
)
def test_prices_are_raised_by_no_more_than_overcharges_nothing(costs: tuple[int, ...]) -> None:
    """The least squares that undercharge nothing overcharge a point by more than twice; others do not."""
    sizes = [(n, n) for n in range(1, 9)]
    priced = fit(shape("appendByteString"), sizes, [1_000.0 * cost for cost in costs])
    ratios = np.array([priced.function.evaluate(at) for at in sizes]) / (1_000 * np.array(costs))
    assert raised(priced)
    assert ratios.min() > 0.5
    assert ratios.max() < 2


def test_prices_are_lowered_where_they_overcharge_a_point_by_more_than_twice() -> None:
    """One of 31 takes less than half of what the others do, and hardly moves the least squares."""
    sizes = [(n, n) for n in range(1, 32)]
    costs = np.where(np.arange(31) == 15, 8_000.0, 20_000.0)
    priced = fit(shape("appendByteString"), sizes, list(costs))
    ratios = np.array([priced.function.evaluate(at) for at in sizes]) / costs
    assert priced.fitted_ps[0].max() / 8_000 > 2
    assert FlagKind.LOWERED in flags(priced, "intercept")
    assert 1 / 1.8 < ratios.min() < ratios.max() < 2


def test_a_point_that_noise_made_cheap_lowers_no_price() -> None:
    """As above, but every fifth replicate of the one takes longer."""
    sizes = [(n, n) for n in range(1, 32)]
    costs = np.where(np.arange(31) == 15, 8_000.0, 20_000.0)
    replicates = replicate(np.tile(np.log(costs), (3, 1)), Clusters(*np.zeros((3, 3), np.intp)), count=100, seed=0)
    drawn = np.tile(costs, (len(replicates.times_ps), 1))
    drawn[1::5, 15] = 12_000.0
    priced = fit_function(shape("appendByteString"), sizes, drawn, costs, replicates)
    assert priced.fitted_ps[0].max() / 8_000 > 2
    assert FlagKind.LOWERED not in flags(priced, "intercept")


def test_prices_that_cannot_be_safe_without_overcharging_stay_as_fitted() -> None:
    costs = [10_000.0, 10_000.0, 1e6, 11_000.0, 11_000.0, 11_000.0]
    assert not raised(fit(shape("appendByteString"), [(1, 1)] * 3 + [(2, 2)] * 3, costs))
