"""Change points: none that chance explains, all that it does not."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.judging.change_points import FEWEST, exact_changes, joint_changes, noisy_changes


def series(
    *levels: tuple[float, int], spread: float = 0.01, seed: int = 1
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    chance = np.random.default_rng(seed)
    return np.concatenate([chance.normal(level, spread, count) for level, count in levels])


@pytest.mark.parametrize("count", [FEWEST, 30])
def test_noise_is_rarely_called_a_change(count: int) -> None:
    alarms = sum(bool(noisy_changes(series((0.0, count), seed=seed), 0.05)) for seed in range(40))
    assert alarms <= 7  # 2 are expected of the 5 %; more than 7 come by chance in 0.1 % of such trials


def test_heavy_tails_are_no_changes() -> None:
    alarms = 0
    for seed in range(40):
        values = 0.01 * np.random.default_rng(seed).standard_t(2, 30)
        alarms += bool(noisy_changes(values, 0.05))
    assert alarms <= 7


def test_steps_of_five_deviations_are_found_where_they_are() -> None:
    for seed in range(8):
        values = series((0.0, 15), (0.05, 12), (0.0, 9), seed=seed)
        found = noisy_changes(values, 0.01)
        assert len(found) == 2
        assert abs(found[0] - 15) <= 2
        assert abs(found[1] - 27) <= 2


def test_series_without_noise_has_its_steps() -> None:
    values = np.array([1.0] * 10 + [2.0] * 10)
    assert noisy_changes(values, 0.01) == [10]
    assert noisy_changes(np.ones(30), 0.01) == []


def test_short_series_tell_nothing() -> None:
    assert noisy_changes(np.array([0.0, 0, 0, 9, 9, 9]), 0.05) == []
    assert exact_changes(np.array([]), 0.1) == []


@pytest.mark.parametrize("size", [0.0, 0.06])
def test_alarms_are_false_in_one_table_of_twenty(size: float) -> None:
    rng = np.random.default_rng(7)
    tables = 100
    alarms = found = 0
    for number in range(tables):
        runs = rng.normal(0, 0.005, 12)  # what a whole run is off by, in all rows alike
        values = runs + rng.normal(0, 0.005, (20, 12))
        values[0, 6:] += size
        changed, *same = joint_changes(values, 0.05, seed=number)
        alarms += any(same)
        found += 6 in changed
    assert alarms <= 13  # 5 are expected; more than 13 come by chance in one of a thousand such trials
    assert found >= 0.9 * tables if size else True


def test_a_table_has_its_steps_row_by_row() -> None:
    values = np.zeros((3, 12))
    values[1, 3:8] = 1
    values[2, 7:] = 1
    assert joint_changes(values, 0.05) == [[], [3, 8], [7]]
    assert joint_changes(np.zeros((0, 12)), 0.05) == []
    assert joint_changes(np.zeros((2, 0)), 0.05) == [[], []]


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), max_size=30), st.floats(0, 0.5))
def test_within_an_exact_segment_nothing_is_beyond_the_band(values: list[float], band: float) -> None:
    found = exact_changes(np.array(values), band)
    edges = [0, *found, len(values)]
    for first, end in pairwise(edges):
        assert all(abs(value - values[first]) <= band for value in values[first:end])
    assert all(abs(values[place] - values[before]) > band for before, place in zip(edges, found, strict=False))
