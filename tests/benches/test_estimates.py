"""Times, geometric means and ratios from samples."""

import math

import pytest

from benches.estimates import Cell, Estimates, Sample
from costmodel.errors import Inconclusive


def samples(evaluator: str, contract: str, times: list[list[int]], clean: bool = True) -> list[Sample]:
    """Batches of ten iterations; one list of ns a round."""
    cell = Cell(evaluator, "decode", contract)
    return [Sample(cell, number, 10, 10 * ns, clean) for number, batch in enumerate(times) for ns in batch]


def test_time_is_of_one_iteration() -> None:
    estimates = Estimates(samples("a", "x", [[500] * 4, [500] * 4]))
    assert estimates.time("a", "decode", ["x"]).value == pytest.approx(500)


def test_outlier_does_not_move_a_time() -> None:
    estimates = Estimates(samples("a", "x", [[500, 500, 500, 90_000]] * 2))
    assert estimates.time("a", "decode", ["x"]).value == pytest.approx(500)


def test_mean_over_contracts_is_geometric() -> None:
    estimates = Estimates(samples("a", "x", [[100] * 3] * 2) + samples("a", "y", [[400] * 3] * 2))
    assert estimates.time("a", "decode", ["x", "y"]).value == pytest.approx(200)


def test_what_rounds_do_to_both_cancels_in_a_ratio() -> None:
    slow_and_fast = samples("a", "x", [[100] * 3, [300] * 3]), samples("b", "x", [[200] * 3, [600] * 3])
    ratio = Estimates([*slow_and_fast[0], *slow_and_fast[1]]).ratio("b", "a", "decode", ["x"])
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2, 2, 2))


def test_interval_covers_rounds_that_disagree() -> None:
    interval = Estimates(samples("a", "x", [[100] * 3, [120] * 3, [110] * 3])).time("a", "decode", ["x"])
    assert interval.low < 100
    assert interval.high > 120


def test_interval_of_one_round_is_infinite() -> None:
    interval = Estimates(samples("a", "x", [[100] * 3])).time("a", "decode", ["x"])
    assert (interval.low, interval.high) == (0, math.inf)


def test_batches_that_shared_the_core_do_not_count() -> None:
    disturbed = samples("a", "x", [[900] * 9] * 2, clean=False)
    estimates = Estimates(disturbed + samples("a", "x", [[100] * 3] * 2))
    assert estimates.time("a", "decode", ["x"]).value == pytest.approx(100)


def test_contracts_are_those_that_all_evaluators_have_times_of() -> None:
    every = samples("a", "x", [[1] * 3]) + samples("a", "y", [[1] * 3]) + samples("b", "y", [[1] * 3])
    estimates = Estimates(every)
    assert estimates.contracts(["a", "b"], "decode") == ["y"]
    assert estimates.contracts(["a"], "evaluate") == []


def test_round_with_too_few_batches_does_not_count() -> None:
    estimates = Estimates(samples("a", "x", [[100] * 3, [900] * 2]))
    assert estimates.time("a", "decode", ["x"]).value == pytest.approx(100)


def test_nothing_undisturbed_is_inconclusive() -> None:
    with pytest.raises(Inconclusive):
        Estimates(samples("a", "x", [[100] * 3], clean=False))
