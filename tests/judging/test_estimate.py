import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import InputError
from costmodel.judging.estimate import Estimate, ScoreStatus, checked_tolerance, judge, overall, ratio

positive = st.floats(0.1, 1e9)
width = st.floats(0, 0.5)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    value = draw(positive)
    return Estimate(value, value * (1 - draw(width)), value * (1 + draw(width)))


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [
        (0.96, 1.04, ScoreStatus.PASSED),
        (0.95, 1.05, ScoreStatus.PASSED),
        (1.0, 1.0, ScoreStatus.PASSED),
        (0.80, 0.94, ScoreStatus.FAILED),
        (1.051, 1.2, ScoreStatus.FAILED),
        (0.94, 1.00, ScoreStatus.INCONCLUSIVE),
        (1.00, 1.06, ScoreStatus.INCONCLUSIVE),
        (0.5, 2.0, ScoreStatus.INCONCLUSIVE),
        (0.0, math.inf, ScoreStatus.INCONCLUSIVE),
    ],
)
def test_a_score_passes_or_fails_only_with_its_whole_interval(low: float, high: float, status: ScoreStatus) -> None:
    assert judge(Estimate((low + high) / 2, low, high), 0.05) is status


@pytest.mark.parametrize(
    ("statuses", "whole", "exit_code"),
    [
        (["pass", "pass"], "pass", 0),
        (["pass", "fail", "inconclusive"], "fail", 1),
        (["pass", "inconclusive"], "inconclusive", 3),
    ],
)
def test_the_worst_score_decides(statuses: list[str], whole: str, exit_code: int) -> None:
    status = overall(ScoreStatus(status) for status in statuses)
    assert (status.value, status.exit_code) == (whole, exit_code)


def test_independent_errors_add_in_quadrature() -> None:
    # ln(1.03) and ln(1.04) are the legs, on either side.
    observed = Estimate(200, 200 / 1.03, 200 * 1.03)
    predicted = Estimate(100, 100 / 1.04, 100 * 1.04)
    half_width = math.sqrt(math.log(1.03) ** 2 + math.log(1.04) ** 2)
    assert ratio(observed, predicted) == pytest.approx((2, 2 * math.exp(-half_width), 2 * math.exp(half_width)))


def test_an_exact_observation_leaves_the_prediction_s_error() -> None:
    assert ratio(Estimate(100, 100, 100), Estimate(100, 80, 125)) == pytest.approx((1, 0.8, 1.25))


def test_an_estimate_that_may_be_zero_bounds_nothing() -> None:
    assert ratio(Estimate(1, 0, 1), Estimate(1, 1, 1)).low == 0
    assert ratio(Estimate(1, 1, 1), Estimate(1, 0, 1)).high == math.inf


@given(estimates(), estimates())
def test_the_ratio_lies_in_its_interval_which_is_as_wide_as_either_error(
    observed: Estimate, predicted: Estimate
) -> None:
    result = ratio(observed, predicted)
    assert result.low <= result.value <= result.high
    slack = 1 + 1e-9
    assert result.high / result.value * slack >= max(observed.high / observed.value, predicted.value / predicted.low)


@pytest.mark.parametrize("tolerance", [0, -0.1, 1, 5, math.nan])
def test_an_impossible_tolerance_is_refused(tolerance: float) -> None:
    with pytest.raises(InputError, match="tolerance"):
        checked_tolerance(tolerance)
