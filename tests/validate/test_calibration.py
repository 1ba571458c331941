from __future__ import annotations

import math

import numpy as np
import pytest

from costmodel.judging.estimate import Estimate
from costmodel.validate.intervals import LEVEL, calibration, family, left_out, miss, scale


@pytest.mark.parametrize(
    ("name", "loop_count", "expected"),
    [("auction_1-1", None, "auction"), ("future-pay-out-2", None, "future"), ("fib-rec", 20, "fib-rec")],
)
def test_families_share_a_name(name: str, loop_count: int | None, expected: str) -> None:
    assert family(name, loop_count) == expected


def test_misses_are_in_half_widths_of_their_side() -> None:
    predicted = Estimate(100, 50, 400)
    assert miss(predicted, 400) == pytest.approx(1)
    assert miss(predicted, 25) == pytest.approx(2)
    assert miss(Estimate(100, 100, 100), 101) == math.inf


def test_too_few_families_have_no_factor() -> None:
    assert scale(list("abcdefgh"), [1.0] * 8) == math.inf
    assert scale(list("abcdefghi"), [1.0] * 9) == 1.0
    assert "too few" in calibration(["a", "b"], [0.5, 2.0])


def test_other_families_are_held_as_often_as_stated() -> None:
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(200):
        sizes = rng.integers(1, 6, 15)
        names = [str(place) for place, size in enumerate(sizes) for _ in range(size)]
        shifts = np.repeat(rng.normal(0, 0.03, 15), sizes)
        misses = np.abs(shifts + rng.normal(0, 0.01, len(names))) / 0.1
        shares.append(left_out(names, misses.tolist()))
    assert LEVEL - 0.02 <= np.mean(shares) <= 0.98
