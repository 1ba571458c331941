import numpy as np
import pytest

from costmodel.judging.estimate import Estimate
from costmodel.predict.fitted import ErrorContribution, Part, Predicted
from costmodel.validate.intervals import draw_ratios

EXACT = Estimate(100.0, 100.0, 100.0)


def predicted(ns: float, error: str = "process 0", half: float = 0.0, lack_ns: float = 0.0) -> Predicted:
    """A predicted time of one part, with one error."""
    return Predicted((Part("cekVarCost", ns),), (ErrorContribution(error, half, half),), lack_ns)


def test_what_is_exact_is_drawn_as_it_is() -> None:
    drawn = draw_ratios([predicted(50.0)], [EXACT], 1.0, 0)
    assert np.all(drawn == 2)


def test_programs_share_the_errors_of_one_process() -> None:
    parts = [predicted(100.0, half=5), predicted(200.0, half=10), predicted(100.0, "process 1", half=5)]
    together = np.asarray(np.corrcoef(draw_ratios(parts, [EXACT] * 3, 1.0, 0), rowvar=False))
    assert together[0, 1] == pytest.approx(1)
    assert together[0, 2] == pytest.approx(0, abs=0.1)


def test_a_process_may_have_made_one_program_dearer_and_another_cheaper() -> None:
    drawn = draw_ratios([predicted(100.0, half=5), predicted(100.0, half=-5)], [EXACT] * 2, 1.0, 0)
    assert np.asarray(np.corrcoef(drawn, rowvar=False))[0, 1] == pytest.approx(-1, abs=0.01)


def test_what_the_ratios_are_to_show_is_not_drawn() -> None:
    assert np.all(draw_ratios([predicted(50.0, lack_ns=20)], [EXACT], 1.0, 0) == 2)


def test_errors_of_observations_are_each_program_s_own_and_as_wide_as_the_interval() -> None:
    observed = [Estimate(100.0, 90.0, 105.0)] * 2
    drawn = draw_ratios([predicted(100.0)] * 2, observed, 1.0, 0)
    assert np.asarray(np.corrcoef(drawn, rowvar=False))[0, 1] == pytest.approx(0, abs=0.1)
    assert np.percentile(drawn[:, 0], [2.5, 97.5]) == pytest.approx([0.9, 1.05], abs=0.006)


def test_the_state_of_the_machine_is_shared_and_reaches_from_the_replay_s_to_the_model_s() -> None:
    drawn = draw_ratios([predicted(100.0)] * 2, [EXACT] * 2, 1.1, 0)
    assert np.all(drawn[:, 0] == drawn[:, 1])
    assert (drawn.min(), drawn.max()) == pytest.approx((1, 1.1), abs=0.001)


def test_however_unsure_a_model_is_a_time_stays_above_nothing() -> None:
    drawn = draw_ratios([predicted(1.0, half=50)], [Estimate(100.0, 0.0, float("inf"))], 1.0, 0)
    assert np.all(np.isfinite(drawn))
    assert np.all(drawn > 0)


def test_the_same_seed_gives_the_same_draws() -> None:
    parts = [predicted(100.0, half=5)]
    first, again, other = (draw_ratios(parts, [EXACT], 1.0, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
