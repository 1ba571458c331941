"""Estimates on data of known truth."""

import numpy as np
import pandas as pd
import pytest

from costmodel.runs.means import process_means
from costmodel.timing.estimate import estimate, reference_yardstick

TRUTH_NS = 50.0
YARDSTICK_NS = 200.0


def simulate(seed: int, processes: int = 8, cells: int = 40, batches: int = 12) -> pd.DataFrame:
    """Batches of cells that take 50 ns at a yardstick of 200 ns: processes differ by 2 %, batches have a heavy tail,
    the machine changes its regime from block to block, and one batch in ten is disturbed and absurd."""
    rng = np.random.default_rng(seed)
    shape = (cells, processes, batches)
    regime = rng.choice([1.0, 1.4], size=(1, processes, batches))
    process = rng.normal(0, 0.02, size=(cells, processes, 1))
    noise = 0.01 * rng.standard_t(3, size=shape)
    disturbed = rng.random(shape) < 0.1
    ns = 100 * TRUTH_NS * regime * np.exp(process + noise) * np.where(disturbed, 50.0, 1.0)
    index = np.indices(shape).reshape(3, -1)
    yardstick = np.broadcast_to(regime, shape).ravel()
    return pd.DataFrame(
        {
            "cell": [f"cell{number}" for number in index[0]],
            "process": index[1],
            "block": index[2],
            "iterations": 100,
            "ns": ns.ravel(),
            "disturbance": np.where(disturbed.ravel(), "preempted", ""),
            "yardstick_hash_ns": yardstick * YARDSTICK_NS / 2,
            "yardstick_machine_ns": yardstick * YARDSTICK_NS * 2,
        }
    )


def estimate_at_rest(samples: pd.DataFrame) -> pd.DataFrame:
    return estimate(process_means(samples), scale_ns=YARDSTICK_NS, seed=1, replicates=500)


def test_values_are_found_through_regimes_tails_and_disturbances() -> None:
    values = estimate_at_rest(simulate(0))["value_ns"]
    assert values.to_numpy() == pytest.approx(TRUTH_NS, rel=0.04)
    assert values.mean() == pytest.approx(TRUTH_NS, rel=0.005)


@pytest.mark.parametrize("processes", [3, 5, 12])
def test_intervals_cover_the_truth_as_often_as_they_say(processes: int) -> None:
    tables = [estimate_at_rest(simulate(seed, processes)) for seed in range(10)]
    table = pd.concat(tables)
    covered = ((table["low_ns"] <= TRUTH_NS) & (table["high_ns"] >= TRUTH_NS)).mean()
    assert 0.91 <= covered <= 0.985  # 400 intervals: the standard error is 1.1 %
    widths = (table["high_ns"] - table["low_ns"]) / 2 / table["value_ns"]
    assert widths.to_numpy() == pytest.approx(table["half_width"].to_numpy())


def test_means_that_are_not_normalised_keep_the_regimes() -> None:
    samples = simulate(0)
    raw = estimate(process_means(samples, yardsticks=()), scale_ns=1.0, seed=1, replicates=500)
    assert raw["value_ns"].mean() > 1.1 * TRUTH_NS
    assert raw["half_width"].median() > 3 * estimate_at_rest(samples)["half_width"].median()


def test_the_trimmed_mean_leaves_a_quarter_out_at_each_end() -> None:
    samples = simulate(0, processes=1, cells=1, batches=8)
    samples["disturbance"], samples["iterations"] = "", 1
    samples["yardstick_hash_ns"] = samples["yardstick_machine_ns"] = 1.0
    samples["ns"] = np.exp([3.0, -100.0, 1.0, 300.0, 2.0, 4.0, -90.0, 90.0])
    assert process_means(samples).to_numpy().tolist() == [[pytest.approx(2.5)]]


def test_the_reference_yardstick_is_the_median_over_clean_blocks() -> None:
    samples = simulate(0, processes=1, cells=2, batches=3)
    samples["disturbance"] = ["", "", "", "", "", "gap"]
    samples["yardstick_hash_ns"] = [1.0, 4.0, 9.0, 1.0, 4.0, 9.0]
    samples["yardstick_machine_ns"] = 1.0
    assert reference_yardstick(samples) == pytest.approx(2.0)


def test_one_process_gives_no_interval() -> None:
    table = estimate_at_rest(simulate(0, processes=1))
    assert np.isinf(table["half_width"]).all()
    assert (table["processes"] == 1).all()


def test_a_process_with_hardly_a_clean_batch_is_not_counted() -> None:
    samples = simulate(0, processes=4, cells=2)
    starved = (samples["cell"] == "cell1") & (samples["process"] == 3) & (samples["block"] > 1)
    samples.loc[starved, "disturbance"] = "delayed"
    assert estimate_at_rest(samples)["processes"].to_dict() == {"cell0": 4, "cell1": 3}


def test_the_same_seed_gives_the_same_intervals() -> None:
    samples = simulate(0)
    pd.testing.assert_frame_equal(estimate_at_rest(samples), estimate_at_rest(samples.sample(frac=1, random_state=3)))


def test_no_samples_give_no_estimates() -> None:
    assert estimate_at_rest(simulate(0).head(0)).empty
