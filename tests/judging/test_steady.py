"""When a series of times has come to rest."""

import math
import random

import pytest

from costmodel.judging.steady import change_points, steady_from


def series(*levels: tuple[float, int], noise: float = 0.002, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [math.log(level) + chance.gauss(0, noise) for level, count in levels for _ in range(count)]


def test_one_level_has_no_change() -> None:
    assert change_points(series((100, 60))) == []
    assert steady_from(series((100, 60)), 8) == 0


def test_steps_are_found_where_they_are() -> None:
    found = change_points(series((300, 10), (150, 12), (100, 30)))
    assert len(found) == 2
    assert abs(found[0] - 10) <= 1
    assert abs(found[1] - 22) <= 1


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_change(seed: int) -> None:
    assert change_points(series((100, 100), noise=0.03, seed=seed)) == []


def test_a_step_too_small_to_matter_is_none() -> None:
    assert change_points(series((100, 40), (100.5, 40), noise=0.0005)) == []


def test_what_keeps_falling_is_not_steady() -> None:
    falling = [math.log(1000 * 0.9**at) for at in range(40)]
    assert steady_from(falling, 8) is None


def test_too_short_a_rest_is_not_steady() -> None:
    assert steady_from(series((300, 20), (100, 5)), 8) is None
