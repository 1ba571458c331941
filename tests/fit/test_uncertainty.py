import numpy as np
import pytest
from scipy.stats import t as student_t

from costmodel.fit.uncertainty import Clusters, jackknife_variance, replicate, run_inflation, skew_widening


def one_run(processes: int) -> Clusters:
    return Clusters(*np.zeros((3, processes), np.intp))


def several_runs(runs: int, processes: int) -> Clusters:
    return Clusters(np.repeat(np.arange(runs), processes), *np.zeros((2, runs * processes), np.intp))


def test_first_replicate_is_the_geometric_mean_over_processes() -> None:
    logs = np.log(np.array([[1.0, 5.0], [4.0, 5.0]]))
    replicates = replicate(logs, one_run(2), count=10, seed=0)
    assert replicates.times_ps[0] == pytest.approx([2000, 5000])


def test_then_each_process_is_left_out() -> None:
    logs = np.log(np.array([[1.0], [4.0]]))
    replicates = replicate(logs, one_run(2), count=10, seed=0, moderated=False)
    assert replicates.times_ps[1:3, 0] == pytest.approx([4000, 1000])


def test_cells_of_a_process_are_resampled_together() -> None:
    logs = np.random.default_rng(1).normal(size=(6, 1)) + np.array([0.0, 1.0])
    times = replicate(logs, one_run(6), count=50, seed=0).times_ps
    assert times[:, 1] / times[:, 0] == pytest.approx(np.e)


def test_missing_cell_takes_the_processes_that_have_it() -> None:
    logs = np.log(np.array([[2.0], [np.nan], [8.0]]))
    replicates = replicate(logs, one_run(3), count=200, seed=0)
    assert replicates.times_ps[0, 0] == pytest.approx(4000)
    assert not np.isnan(replicates.times_ps).any()


def test_seed_decides() -> None:
    logs = np.random.default_rng(1).normal(size=(5, 3))
    first, again, other = (replicate(logs, one_run(5), count=50, seed=seed).times_ps for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_jackknife_of_a_mean_is_the_textbook_variance() -> None:
    values = np.array([3.0, 5.0, 4.0, 9.0])
    left_out = np.array([np.delete(values, i).mean() for i in range(4)])
    variance, freedom = jackknife_variance(values.mean() - left_out, one_run(4), 1.0)
    assert variance == pytest.approx(values.var(ddof=1) / 4)
    assert freedom == pytest.approx(3)


def test_processes_without_the_cell_tell_nothing_about_it() -> None:
    logs = np.full((10, 1), np.nan)
    logs[[2, 7], 0] = [1.0, 3.0]
    replicates = replicate(logs, one_run(10), count=10, seed=0)
    influences = np.log(replicates.times_ps[0, 0] / replicates.times_ps[1:11, 0])
    variance, freedom = jackknife_variance(influences, one_run(10), 1.0)
    assert variance >= 1.0  # that of the mean of 1 and 3
    assert freedom == pytest.approx(1)


def test_an_error_of_many_cells_knows_what_the_usual_cell_knows() -> None:
    logs = np.random.default_rng(5).normal(size=(40, 9))
    logs[5:, :7] = np.nan
    assert replicate(logs, one_run(40), count=10, seed=0).freedom == 4
    logs[1:, 0] = np.nan
    assert replicate(logs, one_run(40), count=10, seed=0).freedom == 4


def test_the_smallest_group_has_the_fewest_degrees_of_freedom() -> None:
    apart = Clusters(np.repeat([0, 1], [6, 3]), np.repeat([0, 1], [6, 3]), np.zeros(9, np.intp))
    logs = np.random.default_rng(5).normal(size=(9, 4))
    logs[6:, :2] = logs[:6, 2:] = np.nan
    assert replicate(logs, apart, count=10, seed=0).freedom == 2


def test_interval_of_a_mean_is_as_wide_as_students() -> None:
    values = np.random.default_rng(3).normal(100, 1, size=6)
    replicates = replicate(np.log(values)[:, None], one_run(6), count=20_000, seed=0, moderated=False)
    times = replicates.times_ps[:, 0] / 1000
    low, high = replicates.interval(times, times, nonnegative=True)
    expected = 2 * student_t.ppf(0.975, 5) * values.std(ddof=1) / 6**0.5
    assert high - low == pytest.approx(expected, rel=0.02)


def test_a_single_run_is_as_sure_as_runs_agree() -> None:
    logs = np.random.default_rng(6).normal(0, 0.02, size=(20, 400))
    known = replicate(logs, one_run(20), count=10, seed=0)
    errors = np.linalg.norm(known.errors(known.times_ps / 1000), axis=0)
    assert np.median(errors) == pytest.approx((0.02**2 / 20 + 1.25 * 0.006**2) ** 0.5, rel=0.1)


def test_runs_that_share_cells_say_themselves_what_they_differ_by() -> None:
    """Those of two seeds share the cells of builtins, but no group."""
    apart = Clusters(np.repeat([0, 1], 6), np.repeat([0, 1], 6), np.zeros(12, np.intp))
    logs = np.random.default_rng(6).normal(0, 0.02, size=(12, 60))
    logs[:6, 40:50] = logs[6:, 50:] = np.nan
    assert replicate(logs, apart, count=10, seed=0).between == 0
    logs[:6, :40] = np.nan
    assert replicate(logs, apart, count=10, seed=0).between == 0.006


def test_runs_do_not_differ_by_more_than_what_varies_in_them() -> None:
    logs = np.random.default_rng(6).normal(0, 1e-5, size=(5, 400))
    known = replicate(logs, one_run(5), count=10, seed=0)
    errors = np.linalg.norm(known.errors(known.times_ps / 1000), axis=0)
    assert np.median(errors) < 1e-5 * 1.5


def test_interval_of_what_cannot_be_negative_stops_at_zero() -> None:
    logs = np.log([[1.0], [1.5], [1.0]])
    replicates = replicate(logs, one_run(3), count=500, seed=0)
    smooth = replicates.times_ps[:, 0] - 1100
    values = np.maximum(smooth, 0)
    assert replicates.interval(values, smooth, nonnegative=True)[0] == 0


def test_runs_that_differ_no_more_than_processes_inflate_little() -> None:
    logs = np.random.default_rng(2).normal(size=(10, 300))
    assert run_inflation(logs, several_runs(2, 5)) < 1.2


def test_runs_that_differ_inflate_by_the_ratio_of_variances() -> None:
    rng = np.random.default_rng(2)
    logs = rng.normal(size=(15, 1000)) + np.repeat(rng.normal(size=(3, 1000)), 5, axis=0)
    # Between runs the mean square is the processes' variance and five times that of the runs.
    assert run_inflation(logs, several_runs(3, 5)) == pytest.approx(6, rel=0.1)


def test_runs_are_compared_in_the_cells_that_they_share() -> None:
    logs = np.random.default_rng(2).normal(size=(4, 2)) + np.array([[0.0, 0.0]] * 2 + [[50.0, 0.0]] * 2)
    logs[2:, 0] = np.nan
    logs[:2, 1] = np.nan
    apart = Clusters(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), np.zeros(4, np.intp))
    assert run_inflation(logs, apart) == 1


def test_groups_add_their_variances() -> None:
    apart = Clusters(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), np.zeros(4, np.intp))
    influences = np.array([1.0, -1.0, 2.0, -2.0])
    variance, freedom = jackknife_variance(influences, apart, 1.0)
    assert variance == pytest.approx(1 + 4)
    assert freedom == pytest.approx(25 / 17)


@pytest.mark.parametrize("processes", [1, 4])
def test_every_resample_draws_whole_runs(processes: int) -> None:
    rng = np.random.default_rng(4)
    logs = np.repeat(rng.normal(size=(3, 1)), processes, axis=0)
    times = np.log(replicate(logs, several_runs(3, processes), count=300, seed=0).times_ps[:, 0] / 1000)
    first = 1 + 3 * processes
    # Processes of a run are equal here, so a resample is the mean of three of the runs' values.
    possible = {
        round(float(logs[[a * processes, b * processes, c * processes]].mean()), 9)
        for a in range(3)
        for b in range(3)
        for c in range(3)
    }
    assert {round(float(value), 9) for value in times[first:]} <= possible


def test_intervals_are_longer_where_processes_scatter_to_one_side() -> None:
    rng = np.random.default_rng(8)
    assert skew_widening(rng.normal(size=(8, 2000))) == pytest.approx(1, abs=0.01)
    assert 1.1 < skew_widening(rng.exponential(size=(8, 2000))) < 1.5
    assert skew_widening(rng.exponential(size=(3, 2000))) == 1
