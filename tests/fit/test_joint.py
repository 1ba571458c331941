from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from costmodel.fit.cells import Cell
from costmodel.fit.coefficient import Interval
from costmodel.fit.joint import Joint, adjust, adjusted_builtins, adjusted_steps
from costmodel.fit.resample import Clusters, Replicates, replicate
from costmodel.fit.steps import StepsFit, fit_steps
from costmodel.model import StepKind
from tests.fit.synthetic import STARTUP_PS, STEP_PS, VARIANT

ADD_PS = 80_000.0
CLUSTERS = Clusters(run=np.zeros(5, np.intp), group=np.zeros(5, np.intp), stratum=np.zeros(5, np.intp))


def observed(scatter: float, seed: int = 0, adds: int = 900) -> tuple[list[Cell], Replicates]:
    """Ninety programs of unlike composition, missed by `scatter` for reasons of their own, in five processes."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(100, 4000, size=(90, len(StepKind)))
    applied = rng.integers(0, adds + 1, size=90)
    times = STARTUP_PS + counts @ np.array(list(STEP_PS.values())) + ADD_PS * applied
    times = times * np.exp(scatter * rng.normal(size=90))
    logs = np.log(times / 1000) + 0.0005 * rng.normal(size=(5, 90))
    cells = [
        Cell("steps", "program", (), 1, tuple(map(int, row)), (("addInteger", int(n)),), 0, VARIANT)
        for row, n in zip(counts, applied, strict=True)
    ]
    return cells, replicate(logs, CLUSTERS, count=100, seed=0)


def costs(replicates: Replicates, point: float, sd: float) -> dict[str, np.ndarray]:
    """What addInteger costs in every replicate, when it is known to `sd`, relatively."""
    wobble = np.random.default_rng(1).normal(size=len(replicates.times_ps)) * sd
    wobble[0] = 0
    processes = len(CLUSTERS.run)
    wobble[1 : 1 + processes] /= processes - 1
    return {"addInteger": point * (1 + wobble)}


def off(steps: StepsFit, factors: Sequence[float]) -> StepsFit:
    """The steps, each price off by a factor, and with an interval that holds the truth."""
    return replace(
        steps,
        coefficients=tuple(
            replace(each, fitted=Interval(ps * factor, ps * min(factor, 1) * 0.95, ps * max(factor, 1) * 1.05))
            for each, factor, ps in zip(steps.coefficients, factors, (STARTUP_PS, *STEP_PS.values()), strict=True)
        ),
    )


def test_prices_that_are_off_are_adjusted_and_kept() -> None:
    cells, replicates = observed(0.01)
    known = costs(replicates, ADD_PS, 0.001)
    wrong = off(fit_steps(cells, range(90), replicates, known), (1, 1.2, 0.8, 1.2, 0.8, 1.2, 0.8, 1.2, 0.8, 1.2))
    joint = adjust(cells, range(90), replicates, wrong, known)
    assert joint.kept
    assert joint.after == pytest.approx(0.01, rel=0.4)
    assert joint.before > 2 * joint.after
    charged = {each.name: each.charged_ps for each in adjusted_steps(wrong, joint).coefficients}
    for kind, ps in STEP_PS.items():
        assert charged[kind.json_key] == pytest.approx(ps, rel=0.05)
    assert joint.to_json()["kept"] is True


def test_a_builtin_that_was_measured_too_cheap_is_scaled_within_its_interval() -> None:
    cells, replicates = observed(0.002)
    steps = off(fit_steps(cells, range(90), replicates, costs(replicates, ADD_PS, 0.001)), [1.0] * 10)
    joint = adjust(cells, range(90), replicates, steps, costs(replicates, ADD_PS / 1.25, 0.4))
    assert joint.kept
    assert joint.factors is not None
    assert joint.factors["arithmetic"] == pytest.approx(1.25, rel=0.03)


def test_what_fits_the_programs_as_well_as_can_be_is_left_alone() -> None:
    # Against the truth, whatever the programs that are looked at ask for is their own scatter.
    refused = 0
    for seed in range(10):
        cells, replicates = observed(0.15, seed)
        known = costs(replicates, ADD_PS, 0.001)
        right = off(fit_steps(cells, range(90), replicates, known), [1.0] * 10)
        wide = replace(
            right,
            coefficients=tuple(
                replace(each, fitted=Interval(each.fitted.point, 0.0, each.fitted.point * 3))
                for each in right.coefficients
            ),
        )
        joint = adjust(cells, range(90), replicates, wide, known)
        refused += not joint.kept
        if not joint.kept:
            assert adjusted_steps(wide, joint) is wide
            assert adjusted_builtins((), joint) == ()
            assert "held out" in joint.reason
    assert refused >= 8


def test_prices_stay_within_their_intervals() -> None:
    cells, replicates = observed(0.01)
    known = costs(replicates, ADD_PS, 0.001)
    wrong = off(fit_steps(cells, range(90), replicates, known), [1.2] * 10)
    tight = replace(
        wrong,
        coefficients=tuple(
            replace(each, fitted=Interval(each.fitted.point, each.fitted.point * 0.97, each.fitted.point * 1.03))
            for each in wrong.coefficients
        ),
    )
    joint = adjust(cells, range(90), replicates, tight, known)
    assert joint.kept
    assert joint.steps_ps is not None
    for each in tight.coefficients:
        assert each.fitted.low - 1e-6 <= joint.steps_ps[each.name] <= each.fitted.high + 1e-6


@pytest.mark.parametrize("few", [True, False])
def test_what_cannot_be_decided_is_not_tried(few: bool) -> None:
    cells, replicates = observed(0.01)
    known = costs(replicates, ADD_PS, 0.001)
    steps = fit_steps(cells, range(90), replicates, known if few else {})
    joint = adjust(cells[:14] if few else cells, range(14 if few else 90), replicates, steps, known)
    assert not joint.kept
    assert ("too few" if few else "addInteger") in joint.reason


def test_a_stage_that_was_not_tried_says_so_in_the_model() -> None:
    shown = Joint(reason="why").to_json()
    assert (shown["kept"], shown["reason"], shown["steps_ps"]) == (False, "why", {})
