"""What comparisons promise, counted over simulated batches. `make compare-study` counts longer."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from costmodel.batches.comparison import judge
from costmodel.batches.difference import MOST, Difference, difference, power, split, units_needed
from costmodel.judging.estimate import Change, holm
from tests.batches.simulated import Truth, observed
from tests.batches.study import SIZES, compared, components, power_at_recommendation, rates


@pytest.mark.parametrize("change", SIZES)
def test_few_tables_have_a_false_verdict(change: float) -> None:
    # 5 % are promised; of 200 tables at exactly 5 % more than 19 would be a chance of 1 in 1000.
    assert rates(1, 200, change, runs=6, rows=5).false_alarms <= 19 / 200


def test_few_tables_have_a_false_verdict_though_one_batch_has_few_runs() -> None:
    # Welch's degrees of freedom alone are wrong in a quarter of such tables.
    assert rates(1, 200, 0.01, runs=3, base_runs=20, rows=20).false_alarms <= 19 / 200


def test_changes_are_found_with_the_runs_that_were_recommended() -> None:
    for change in (0.0, 0.02):
        settled, _ = power_at_recommendation(2, 40, change, pilot_runs=6, rows=1)
        assert settled >= 0.85, change  # of 40; 90 % is promised, and the long study counts it


@pytest.mark.parametrize(("runs", "base_runs", "machines"), [(6, 6, 4), (3, 8, 6)])
def test_components_are_recovered_balanced_or_not(runs: int, base_runs: int, machines: int) -> None:
    for level, (ratio, held) in components(3, 2000, runs=runs, base_runs=base_runs, machines=machines).items():
        assert ratio == pytest.approx(1, abs=0.2), level
        assert held == pytest.approx(0.95, abs=0.03), level


def test_components_are_recovered_from_runs_on_disk() -> None:
    truth = Truth()
    found = compared(3, 0.0, runs=6, operations=80, truth=truth).split
    assert found.within is not None
    assert found.between_runs is not None
    # The last row is all operations together.
    assert found.within.variance[:-1].mean() == pytest.approx(truth.process_sd**2, rel=0.2)
    assert found.between_runs.variance[:-1].mean() == pytest.approx(truth.run_sd**2, rel=0.2)


def test_a_change_of_many_percent_is_a_regression_and_its_reverse_an_improvement() -> None:
    seen = observed(np.random.default_rng(4), Truth(change=0.1), runs=6, rows=3)
    forth, back = judge(seen, ("new", "old"), [(0, 1), (1, 0)], 0.01)
    assert {verdict.status for verdict in forth.verdicts} == {Change.REGRESSED}
    assert {verdict.status for verdict in back.verdicts} == {Change.IMPROVED}


def test_few_runs_are_inconclusive_however_many_processes_they_have() -> None:
    truth = Truth(change=0.02, run_sd=0.02, process_sd=0.001)
    for processes in (5, 500):
        seen = observed(np.random.default_rng(5), truth, runs=4, rows=4, processes=processes)
        (pair,) = judge(seen, ("new", "old"), [(0, 1)], 0.01)
        assert {verdict.status for verdict in pair.verdicts} == {Change.INCONCLUSIVE}
        assert all(verdict.more and verdict.more > 10 for verdict in pair.verdicts)


def test_single_runs_say_nothing_of_how_far_runs_differ() -> None:
    (pair,) = judge(observed(np.random.default_rng(6), Truth(), runs=1, rows=2), ("a", "b"), [(0, 1)], 0.01)
    assert "second run" in pair.caution
    assert [(v.status, v.needed, v.more) for v in pair.verdicts] == [(Change.INCONCLUSIVE, None, None)] * 2
    assert all(np.isinf(v.high) for v in pair.verdicts)


def test_a_batch_of_one_run_is_taken_to_vary_as_the_other() -> None:
    seen = observed(np.random.default_rng(7), Truth(), runs=1, base_runs=6, rows=1)
    found = difference(seen, 0, 1)
    expected = seen.means[1:, 0].var(ddof=1) * (1 + 1 / 6)
    assert found.error[0, 0] == pytest.approx(expected**0.5)
    assert found.df[0, 0] == 5
    assert "a batch of one run" in found.caution


def test_machines_are_the_unit_where_each_batch_has_its_own() -> None:
    seen = observed(np.random.default_rng(8), Truth(machine_sd=0.05), runs=3, rows=1, machines=4)
    found = difference(seen, 0, 1)
    assert (found.unit, found.counts, found.paired) == ("machine", (4, 4), False)


def test_machines_that_timed_both_batches_are_paired() -> None:
    seen = observed(
        np.random.default_rng(9), Truth(machine_sd=0.5, run_sd=1e-4, process_sd=1e-4), runs=3, rows=1, machines=4
    )
    own = seen.machine.copy()
    # The same four machines again: their effects, which are large, are in both batches and cancel.
    twin = seen.means[:12] + 0.02
    both = type(seen)(
        rows=seen.rows,
        cells=seen.cells,
        means=np.vstack([twin, seen.means[:12]]),
        variances=seen.variances,
        processes=seen.processes,
        batch=seen.batch,
        machine=np.concatenate([own[:12], own[:12]]),
        yardsticks_ns=seen.yardsticks_ns,
        left_out=0,
    )
    found = difference(both, 0, 1)
    assert (found.unit, found.paired) == ("machine", True)
    assert found.value[0] == pytest.approx(0.02)
    assert found.error[0, 0] < 1e-12


def test_one_machine_against_several_tells_nothing() -> None:
    seen = observed(np.random.default_rng(10), Truth(), runs=2, rows=1, machines=2)
    lone = type(seen)(
        rows=seen.rows,
        cells=seen.cells,
        means=seen.means,
        variances=seen.variances,
        processes=seen.processes,
        batch=seen.batch,
        machine=np.array(["x"] * 4 + ["y", "y", "z", "z"]),
        yardsticks_ns=seen.yardsticks_ns,
        left_out=0,
    )
    found = difference(lone, 0, 1)
    assert np.isinf(found.error[0, 0])
    assert "single machine" in found.caution


def test_verdicts_are_the_interval_against_the_band() -> None:
    rng = np.random.default_rng(11)
    values, errors = rng.normal(0, 0.02, 300), rng.uniform(0.0005, 0.01, 300)
    df = np.full(300, 7.0)
    found = Difference(values, errors[None], df[None], errors**2, df, "run", (4, 4))
    low, high = found.interval()
    assert ((found.p_within(0.01) < 0.05) == ((low > -0.01) & (high < 0.01))).all()
    assert ((found.p_beyond(0.01) < 0.05) == ((low > 0.01) | (high < -0.01))).all()


def test_intervals_are_the_wider_of_students_and_welchs() -> None:
    seen = observed(np.random.default_rng(14), Truth(change=0.01), runs=3, base_runs=20, rows=200)
    new, old = seen.means[:3], seen.means[3:]
    low, high = difference(seen, 0, 1).interval()
    widths = np.array([_width(stats.ttest_ind(new, old, equal_var=equal)) for equal in (True, False)])
    assert high - low == pytest.approx(widths.max(axis=0))
    assert (widths.argmax(axis=0) == 0).any()
    assert (widths.argmax(axis=0) == 1).any()


def _width(test: Any) -> NDArray[np.float64]:
    interval = test.confidence_interval(0.95)
    width: NDArray[np.float64] = interval.high - interval.low
    return width


def test_counts_without_any_spread_are_compared_exactly() -> None:
    zero = np.zeros(3)
    df = np.full(3, 4.0)
    found = Difference(np.array([0.0, 0.02, -0.02]), zero[None], df[None], zero, df, "run", (3, 3))
    assert found.p_within(0.01).tolist() == [0, 1, 1]
    assert found.p_beyond(0.01).tolist() == [1, 0, 0]


def test_holm_is_that_of_its_definition() -> None:
    # Computed by hand: sorted 0.01 × 4, 0.02 × 3, 0.03 × 2, 0.9 × 1, never falling.
    assert holm(np.array([0.03, 0.01, 0.9, 0.02])).tolist() == pytest.approx([0.06, 0.04, 0.9, 0.06])


def test_power_is_that_of_a_simulation() -> None:
    count, sd, band = 15, 0.01, 0.01
    rng = np.random.default_rng(12)
    seen = observed(rng, Truth(run_sd=sd, process_sd=1e-9), runs=count, rows=4000)
    within = float((difference(seen, 0, 1).p_within(band) < 0.05).mean())
    assert power(count, sd**2, band, 0.05) == pytest.approx(within, abs=0.03)


def test_enough_units_are_the_fewest_that_are() -> None:
    count = units_needed(1e-4, 1e9, 0.01, 0.05)
    assert count is not None
    assert power(count, 1e-4, 0.01, 0.05) >= 0.9 > power(count - 1, 1e-4, 0.01, 0.05)


def test_a_hopeless_comparison_has_no_number() -> None:
    assert units_needed(100.0, 10, 0.001, 0.05) is None


def test_a_number_just_below_the_most_is_given() -> None:
    variance = 9000 * 0.01**2 / (2 * (1.96 + 1.645) ** 2)
    count = units_needed(variance, 1e9, 0.01, 0.05)
    assert count == pytest.approx(9000, rel=0.01)
    assert MOST > 9000


def test_what_was_not_repeated_has_no_component() -> None:
    found = split(observed(np.random.default_rng(13), Truth(), runs=1, rows=1, processes=3))
    assert found.within is not None
    assert (found.between_runs, found.between_machines) == (None, None)
