"""Figures as text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.rendering import numbers


@pytest.mark.parametrize(
    ("ps", "text"),
    [
        (0.5, "0.5 ps"),
        (1468, "1.468 ns"),
        (2.782e6, "2.782 µs"),
        (-1500, "−1.5 ns"),
        (1.235e14, "123.5 s"),
        (None, "–"),
    ],
)
def test_times_have_the_unit_that_keeps_them_readable(ps: float | None, text: str) -> None:
    assert numbers.time_ps(ps) == text
    assert numbers.time_ns(None if ps is None else ps / 1000) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.02, "+2.00 %"),
        (-0.1, "−10.00 %"),
        (390.0, "×391"),
        (-0.99993, "÷14,300"),
        (1.0, "×2"),
        (-1.0, "−100 %"),
        (-1.5, "?"),
        (math.inf, "?"),
        (None, "–"),
    ],
)
def test_large_changes_are_factors(share: float | None, text: str) -> None:
    assert numbers.change(share) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.987, "0.987"), (391.2, "×391"), (1 / 14_000, "÷14,000"), (0.0, "0.000"), (math.inf, "∞")]
)
def test_ratios_far_from_one_are_factors(value: float, text: str) -> None:
    assert numbers.ratio(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0352, "3.52 %"), (1.28e-16, "0 %"), (615.0, "61,500 %"), (-0.004, "−0.4 %"), (math.inf, "∞ %")],
)
def test_percentages_have_three_digits_and_no_powers_of_ten(share: float, text: str) -> None:
    assert numbers.percent(share) == text


def test_r_squared_below_0_is_no_number_to_read() -> None:
    assert numbers.interval(-5e28, 0.99684, numbers.r_squared) == "< 0 … 0.9968"
    assert numbers.r_squared(None) == numbers.MISSING


def test_bounds_that_are_missing_are_infinite() -> None:
    assert numbers.interval(None, 1.5) == "−∞ … 1.500"
    assert numbers.interval(-0.02, math.inf, numbers.change) == "−2.00 % … ∞"


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_figure_is_one_printable_line(value: float) -> None:
    forms = (numbers.time_ps, numbers.percent, numbers.change, numbers.ratio, numbers.count)
    for text in (form(value) for form in forms):
        assert text and text.isprintable()
        assert "-" not in text.removeprefix("e-") or "e-" in text
