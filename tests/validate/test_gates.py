from collections.abc import Sequence

import pytest

from costmodel.errors import InputError
from costmodel.judging.estimate import Estimate, ScoreStatus
from costmodel.validate.summary import Extreme, Summary
from costmodel.validate.verdict import GateResult, Gates, pass_gates, whole
from costmodel.workloads import secp
from costmodel.workloads.random_programs import random_programs


def near(value: float, half_width: float = 0.01) -> Estimate:
    return Estimate(value, value - half_width, value + half_width)


def results(gates: Gates, ratios: Sequence[Estimate] = (), **changes: Estimate | None) -> list[GateResult]:
    found: dict[str, Estimate | None] = {"median": near(0.05), "p95": near(0.15), "r2": near(0.99, 0.001)}
    found |= changes
    median, p95 = found["median"], found["p95"]
    assert median is not None
    assert p95 is not None
    end = Extreme("a", 1.0)
    summary = Summary("evaluate", 4, median, p95, 0.1, end, end, 1.0, found["r2"])
    return list(pass_gates(gates, summary, ratios or [near(1)]))


@pytest.mark.parametrize(
    ("gates", "status"),
    [
        (Gates(median=0.07), "pass"),
        (Gates(median=0.05), "inconclusive"),
        (Gates(median=0.03), "fail"),
        (Gates(p95=0.17), "pass"),
        (Gates(p95=0.10), "fail"),
        (Gates(r2=0.98), "pass"),
        (Gates(r2=0.99), "inconclusive"),
        (Gates(r2=0.995), "fail"),
    ],
)
def test_a_summary_passes_or_fails_only_with_its_whole_interval(gates: Gates, status: str) -> None:
    (result,) = results(gates)
    assert result.status == status


def test_a_line_that_nobody_can_draw_passes_no_gate() -> None:
    (result,) = results(Gates(r2=0.9), r2=None)
    assert result.status is ScoreStatus.INCONCLUSIVE


@pytest.mark.parametrize(
    ("ratios", "tolerance", "undercharge"),
    [
        ([1.0, 1.02], "pass", "pass"),
        ([1.0, 0.5], "fail", "pass"),
        ([1.0, 1.5], "fail", "fail"),
        ([1.0, 1.055], "inconclusive", "inconclusive"),
    ],
)
def test_only_undercharging_fails_the_gate_on_undercharging(
    ratios: list[float], tolerance: str, undercharge: str
) -> None:
    found = results(Gates(tolerance=0.05, max_undercharge=0.05), [near(ratio) for ratio in ratios])
    assert [(result.gate, result.status.value) for result in found] == [
        ("tolerance", tolerance),
        ("max-undercharge", undercharge),
    ]
    assert [result.found for result in found] == [near(ratios[1])] * 2 if ratios[1] > 1 else [near(0.5), near(1.0)]


def test_one_gate_that_fails_fails_the_whole() -> None:
    assert whole(results(Gates(median=0.03, p95=0.17))) is ScoreStatus.FAILED
    assert whole(results(Gates(median=0.05, p95=0.17))) is ScoreStatus.INCONCLUSIVE


def test_loops_are_held_one_by_one_and_other_programs_together() -> None:
    assert Gates.of(secp([1])) == Gates(tolerance=0.05)
    assert Gates.of(random_programs(0)) == Gates(median=0.06, p95=0.18, r2=0.98)


@pytest.mark.parametrize("limits", [{}, {"median": 0.0}, {"p95": 1.0}, {"tolerance": -0.1}, {"max_undercharge": 2.0}])
def test_impossible_gates_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Gates(**limits)
