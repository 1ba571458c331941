import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from costmodel.fit.regression import independent_columns, reml_spread, solve, weighted_r2

HELD = np.zeros(3, np.bool_)
ALL = np.ones(3, np.bool_)


@given(st.integers(0, 2**32 - 1), st.lists(st.booleans(), min_size=3, max_size=3))
def test_constrained_solution_is_that_of_a_bounded_solver(seed: int, free: list[bool]) -> None:
    rng = np.random.default_rng(seed)
    matrix, targets = rng.random((6, 3)), rng.normal(size=(4, 6))
    solution = solve(matrix, targets, np.array(free), ALL)
    bounds = np.where(free, -np.inf, 0.0), np.full(3, np.inf)
    for target, found in zip(targets, solution.constrained, strict=True):
        expected = lsq_linear(matrix, target, bounds=bounds, method="bvls", tol=1e-14).x
        assert found == pytest.approx(expected, abs=1e-7)


def test_unconstrained_solution_may_be_negative() -> None:
    matrix = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    solution = solve(matrix, np.array([[3.0, -2.0, 1.0]]), HELD, ALL)
    assert solution.unconstrained[0] == pytest.approx([3, -2, 1])
    assert solution.constrained[0] == pytest.approx([3, 0, 1])


def test_column_left_out_is_zero_and_has_no_share() -> None:
    solution = solve(np.eye(3), np.array([[1.0, 2.0, 3.0]]), HELD, np.array([True, False, True]))
    assert solution.constrained[0] == pytest.approx([1, 0, 3])
    assert solution.share == pytest.approx([1, 0, 1])


def test_share_is_what_the_other_columns_do_not_explain() -> None:
    angle = 0.3
    matrix = np.array([[1.0, np.cos(angle), 0.0], [0.0, np.sin(angle), 0.0], [0.0, 0.0, 7.0]])
    solution = solve(matrix, np.ones((1, 3)), HELD, ALL)
    assert solution.share == pytest.approx([np.sin(angle), np.sin(angle), 1])


def test_scale_of_columns_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    matrix = rng.random((8, 3)) * [1e-6, 1.0, 1e9]
    truth = np.array([4e6, 3.0, 2e-9])
    solution = solve(matrix, (matrix @ truth)[None], HELD, ALL)
    assert solution.constrained[0] == pytest.approx(truth)


def test_first_of_dependent_columns_is_kept() -> None:
    x = np.array([1.0, 2.0, 3.0, 5.0])
    matrix = np.column_stack([np.ones(4), x, 2 * x + 3, np.zeros(4), x**2])
    assert independent_columns(matrix).tolist() == [True, True, False, False, True]


def test_no_column_at_all() -> None:
    solution = solve(np.zeros((2, 3)), np.ones((1, 2)), HELD, HELD)
    assert solution.constrained.tolist() == [[0, 0, 0]]


def test_r2_is_one_for_an_exact_fit_and_none_for_a_constant() -> None:
    observed = np.array([1.0, 2.0, 4.0])
    assert weighted_r2(observed, observed, np.ones(3)) == 1
    assert weighted_r2(np.full(3, 0.1), np.full(3, 0.1), np.array([1.0, 2.0, 3.0])) is None


def test_r2_is_zero_for_the_weighted_mean() -> None:
    scales = np.array([1.0, 0.5, 1.0])
    mean = np.average([1.0, 2.0, 4.0], weights=scales**-2.0)
    assert weighted_r2(np.array([1.0, 2.0, 4.0]), np.full(3, mean), scales) == pytest.approx(0)


def spreads(columns: int, residual: float, seeds: range) -> list[float]:
    """What is found where `columns` spread by 0.4 about a common 1 and rows are missed by `residual`."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        shares = rng.dirichlet(np.full(columns, 20.0), size=60)  # much together, and a little by themselves
        target = shares @ (1 + 0.4 * rng.normal(size=columns)) + residual * rng.normal(size=60)
        found.append(reml_spread(target, shares.sum(axis=1, keepdims=True), shares).random)
    return found


def test_a_spread_of_few_columns_is_never_nothing() -> None:
    found = spreads(5, 0.1, range(60))
    assert min(found) > 0.1
    assert np.median(found) == pytest.approx(0.4, rel=0.3)


def test_a_spread_that_rows_tell_is_found() -> None:
    assert np.median(spreads(30, 0.005, range(20))) == pytest.approx(0.4, rel=0.1)
