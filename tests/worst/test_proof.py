"""The scale that ratios of a search are divided by."""

from typing import cast

import numpy as np
import pytest

from costmodel.worst import proof
from costmodel.worst.proof import ProofPlan, Timing

LEVELS = {f"builtin {number}": 0.04 * 1.5**number for number in range(9)}


class Ratios:
    """Time over charge of the panel, by process."""

    def __init__(self, levels: dict[str, float], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.found = {name: level * np.exp(0.01 * rng.normal(size=6)) for name, level in levels.items()}

    def of(self, timing: Timing) -> np.ndarray | None:
        return self.found.get(timing.name)


def pace(ratios: Ratios) -> float:
    panel = tuple(Timing(name, (), 1, 1.0) for name in LEVELS)
    plan = ProofPlan((), {}, panel)
    return float(np.median(proof._pace(plan, cast("proof._ProcessRatios", ratios))))


def test_a_slower_machine_has_a_larger_scale_though_one_builtin_is_as_fast() -> None:
    middle = sorted(LEVELS, key=LEVELS.__getitem__)[4]
    slower = {name: level * (1 if name == middle else 1.04) for name, level in LEVELS.items()}
    assert pace(Ratios(slower, 1)) / pace(Ratios(LEVELS, 0)) == pytest.approx(1.033, abs=0.01)


def test_one_builtin_that_is_far_slower_changes_little() -> None:
    name = max(LEVELS, key=LEVELS.__getitem__)
    assert pace(Ratios(LEVELS | {name: 100.0}, 0)) == pytest.approx(pace(Ratios(LEVELS, 0)), rel=0.001)


def test_what_a_process_did_not_time_moves_nothing() -> None:
    ratios = Ratios(LEVELS, 0)
    ratios.found[min(LEVELS, key=LEVELS.__getitem__)][2] = np.nan
    assert pace(ratios) == pytest.approx(pace(Ratios(LEVELS, 0)), rel=0.01)
