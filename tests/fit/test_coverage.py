"""Intervals hold the truth as often as they say, and predictions are near it.

`make statistics` prints the figures of many runs of the roughest machine.
`CALIBRATE_COVERAGE_SEEDS=400 scripts/test tests/fit/test_coverage.py` counts over many simulated measurements; the few
of an ordinary run of the suite show no more than that nothing is badly off.
"""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fit.coverage import KINDS, corner_errors, covered, measured, official_errors, pooled, true_values
from tests.fit.study import BLOCKS, PROCESSES, ROUGH, STEADY
from tests.fit.synthetic import Machine

SEEDS = int(os.environ.get("CALIBRATE_COVERAGE_SEEDS", "25"))
# Coefficients of one measurement share their errors, so few measurements leave the count uncertain.
LEAST, MOST = (0.93, 0.97) if SEEDS >= 200 else (0.90, 0.99)


@pytest.mark.parametrize(
    ("machine", "runs", "processes"),
    [
        pytest.param(replace(Machine(), run_sd=0.0017, level_sd=0.0034), 1, 8, id="one run"),
        pytest.param(replace(Machine(), run_sd=0.0017, level_sd=0.0034), 1, 4, id="few processes"),
        pytest.param(replace(Machine(), run_sd=0.004), 2, 4, id="two runs that differ"),
        pytest.param(ROUGH, 1, 8, id="contaminated and uneven"),
    ],
)
def test_95_percent_intervals_hold_the_truth(tmp_path: Path, machine: Machine, runs: int, processes: int) -> None:
    hits = covered(tmp_path, range(SEEDS), machine, runs=runs, processes=processes)
    assert LEAST <= sum(hits.values()) / SEEDS / len(true_values()) <= MOST


def test_intervals_hold_where_programs_differ_processes_are_skewed_and_a_yardstick_drifts(tmp_path: Path) -> None:
    held, count = Counter[str](), Counter[str]()
    for seed in range(max(SEEDS // 5, 5)):
        for kind, (mine, total) in pooled(tmp_path, seed).items():
            held[kind] += mine
            count[kind] += total
    shares = {kind: held[kind] / count[kind] for kind in KINDS}
    least, most = (0.93, 0.97) if SEEDS >= 200 else (0.87, 1.0)
    assert all(least <= share <= most for share in shares.values()), shares


def test_predictions_at_the_corners_of_the_domain_are_within_2_percent(tmp_path: Path) -> None:
    own, official = [], []
    for seed in range(4):
        (run,), model = measured(tmp_path, seed, STEADY, processes=PROCESSES, blocks=BLOCKS)
        own.append([*corner_errors(model).values()])
        official.append([*official_errors(run, tmp_path).values()])
    assert np.abs(np.mean(own, axis=0)).max() <= 0.02
    assert np.median(np.abs(own)) < 0.1 * np.median(np.abs(official))
