"""Variances of many cells moderated by one another."""

import numpy as np
import pytest

from costmodel.judging.moderation import common_freedom_cap, prior_of


def test_the_prior_that_variances_were_drawn_from_is_found() -> None:
    rng = np.random.default_rng(0)
    true = 4e-4 * 6 / rng.chisquare(6, 4000)
    prior = prior_of(true * rng.chisquare(4, 4000) / 4, np.full(4000, 4.0))
    assert prior.variance == pytest.approx(4e-4, rel=0.1)
    assert prior.freedom == pytest.approx(6, rel=0.2)


def test_equal_variances_are_pooled() -> None:
    rng = np.random.default_rng(1)
    variances = rng.chisquare(4, 4000) / 4
    prior = prior_of(variances, np.full(4000, 4.0))
    assert prior.freedom > 100
    assert prior.moderated(variances, np.full(4000, 4.0)) == pytest.approx(np.ones(4000), rel=0.25)


def test_moderated_variances_hold_the_truth_where_cells_stop_at_good_news() -> None:
    rng = np.random.default_rng(2)
    true = 4e-4 * 4 / rng.chisquare(4, 3000)
    seen = true * rng.chisquare(4, 3000) / 4
    moderated = prior_of(seen, np.full(3000, 4.0)).moderated(seen, np.full(3000, 4.0))
    lucky = seen < np.quantile(seen, 0.2)
    assert (seen[lucky] / true[lucky]).mean() < 0.6
    assert (moderated[lucky] / true[lucky]).mean() > 0.85


def test_a_cell_of_one_process_has_the_variance_of_the_prior() -> None:
    variances, freedom = np.append(np.linspace(0.5, 2, 50), 0.0), np.append(np.full(50, 4.0), 0.0)
    prior = prior_of(variances, freedom)
    assert prior.moderated(variances, freedom)[-1] == pytest.approx(prior.variance)


def test_cells_that_go_along_say_no_more_than_one() -> None:
    shared = np.random.default_rng(3).normal(size=(5, 1)) * np.ones((1, 500))
    assert common_freedom_cap(shared, np.full(500, 4.0)) == pytest.approx(4)
    apart = np.random.default_rng(3).normal(size=(5, 500))
    assert common_freedom_cap(apart, np.full(500, 4.0)) > 100
