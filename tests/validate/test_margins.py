from dataclasses import replace

import numpy as np
import pytest

from costmodel.validate.summary import margins
from costmodel.workloads import WorkloadProgram, secp

ONE = secp([1]).programs[0]


def programs(*named: tuple[str, int | None]) -> list[WorkloadProgram]:
    return [replace(ONE, name=name, loop_count=count) for name, count in named]


def test_what_a_program_costs_once_is_not_in_its_margin() -> None:
    # 50 ns once, which no price predicts, and 11 ns a turn where 10 are predicted.
    found = margins(
        programs(("a", 1), ("a", 5), ("a", 21)),
        np.array([10.0, 50.0, 210.0]),
        np.array([61.0, 105.0, 281.0]),
        np.array([[6.1, 2.1, 281 / 210]]),
    )
    assert found is not None
    (margin,) = found.each
    assert (margin.program, margin.counts) == ("a", (1, 21))
    assert (margin.predicted_ns, margin.observed_ns) == pytest.approx((10, 11))
    assert margin.ratio == pytest.approx((1.1, 1.1, 1.1))
    assert found.median.value == found.p95.value == pytest.approx(0.1)


def test_an_interval_comes_from_the_draws_of_both_programs() -> None:
    predicted, observed = np.array([100.0, 300.0]), np.array([100.0, 300.0])
    drawn = np.column_stack([np.ones(1001), np.linspace(0.9, 1.1, 1001)])
    found = margins(programs(("a", 1), ("a", 2)), predicted, observed, drawn)
    assert found is not None
    assert found.each[0].ratio == pytest.approx((1, 1 - 0.95 * 0.15, 1 + 0.95 * 0.15))


def test_what_comes_once_has_no_margin() -> None:
    ones, draws = np.ones(3), np.ones((1, 3))
    assert margins(programs(("a", 1), ("b", 2), ("c", None)), ones, ones, draws) is None


def test_what_is_not_predicted_to_grow_has_no_margin() -> None:
    assert margins(programs(("a", 1), ("a", 2)), np.ones(2), np.array([1.0, 2.0]), np.ones((1, 2))) is None
