import math

import numpy as np
import pytest

from costmodel.validate.summary import Floats, Summary, summarise

PREDICTED = np.array([10.0, 20.0, 40.0, 80.0])
LABELS = list("abcd")


def summary(observed: Floats, drawn: Floats | None = None) -> Summary:
    return summarise(
        "evaluate", LABELS, PREDICTED, observed, (observed / PREDICTED)[None, :] if drawn is None else drawn
    )


def test_a_perfect_model_has_nothing_off() -> None:
    found = summary(PREDICTED)
    assert (found.median.value, found.p95.value, found.spread) == (0, 0, 0)
    assert found.slope == pytest.approx(1)
    assert found.r2 == pytest.approx((1, 1, 1))


def test_deviations_are_counted_whatever_their_side() -> None:
    found = summary(PREDICTED * np.array([0.9, 1.2, 1.0, 1.04]))
    assert found.median.value == pytest.approx(0.07)
    # Of 0, 0.04, 0.1 and 0.2 the 95th percentile lies 0.85 of the way from the third to the fourth.
    assert found.p95.value == pytest.approx(0.185)
    assert (found.undercharged.program, found.overcharged.program) == ("b", "a")
    assert (found.undercharged.ratio, found.overcharged.ratio) == pytest.approx((1.2, 0.9))


def test_a_constant_factor_counts_against_r2_and_leaves_the_slope() -> None:
    found = summary(3 * PREDICTED)
    # Logs of the observed times lie ±0.5 and ±1.5 times ln 2 about their mean.
    variance = 5 * math.log(2) ** 2
    assert found.slope == pytest.approx(1)
    assert found.r2 is not None
    assert found.r2.value == pytest.approx(1 - 4 * math.log(3) ** 2 / variance)
    assert found.spread == pytest.approx(0)


def test_the_slope_is_that_of_observed_on_predicted() -> None:
    assert summary(PREDICTED**0.8).slope == pytest.approx(0.8)


def test_intervals_come_from_the_draws() -> None:
    drawn = np.linspace(1.0, 1.1, 101)[:, None] * np.ones(4)
    found = summary(PREDICTED * 1.05, drawn)
    assert found.median == pytest.approx((0.05, 0.0025, 0.0975))


def test_too_few_programs_define_no_line() -> None:
    found = summarise("call", ["a", "b"], PREDICTED[:2], PREDICTED[:2], np.ones((1, 2)))
    assert (found.slope, found.r2) == (None, None)
    assert summarise("call", LABELS, np.ones(4), np.ones(4), np.ones((1, 4))).r2 is None


def test_the_choice_of_families_widens_intervals() -> None:
    rng = np.random.default_rng(3)
    families = [name for name in "abcdefghijkl" for _ in range(4)]
    ratios = np.repeat(rng.normal(1.0, 0.05, 12), 4)
    predicted = np.geomspace(10, 1000, 48)
    drawn = np.ones((500, 1)) * ratios
    alone = summarise("evaluate", families, predicted, predicted * ratios, drawn)
    sampled = summarise("evaluate", families, predicted, predicted * ratios, drawn, families)
    assert alone.median.low == pytest.approx(alone.median.high)
    assert sampled.median.low < alone.median.value < sampled.median.high
    assert sampled.r2 is not None
    assert alone.r2 is not None
    assert sampled.r2.low < alone.r2.value < sampled.r2.high


def test_medians_of_other_contracts_lie_within_the_interval() -> None:
    """Of workloads that are drawn from one population of contracts."""
    rng = np.random.default_rng(7)
    true = float(np.median(np.abs(rng.normal(0, 0.05, 200_000))))
    held = []
    for trial in range(150):
        sizes = rng.integers(1, 5, 20)
        families = [str(place) for place, size in enumerate(sizes) for _ in range(size)]
        ratios = 1 + np.repeat(rng.normal(0, 0.05, 20), sizes)
        predicted = np.full(len(families), 10.0)
        found = summarise(
            "evaluate", families, predicted, predicted * ratios, np.ones((300, 1)) * ratios, families, trial
        )
        held.append(found.median.low <= true <= found.median.high)
    assert 0.85 <= np.mean(held) <= 1


def test_a_single_family_is_taken_as_it_is() -> None:
    drawn = np.ones((50, 4)) * 1.1
    found = summarise("evaluate", LABELS, PREDICTED, PREDICTED * 1.1, drawn, ["one"] * 4)
    assert found.median == pytest.approx((0.1, 0.1, 0.1))
