from pathlib import Path

import numpy as np
import pytest

from costmodel.errors import InputError
from costmodel.fit import Fit, FlagKind, fit_runs
from costmodel.fit.observations import ObservedCell as FitCell
from costmodel.fit.steps import fit_steps
from costmodel.fit.uncertainty import Clusters, replicate
from costmodel.model import STARTUP_KEY, StepKind
from costmodel.records.model import Coefficient
from costmodel.runs.design import Cell
from tests.fit.synthetic import STARTUP_PS, STEP_PS, VARIANT, builtin_cells, make_run, planned, step_cells

OTHERS = tuple(kind for kind in StepKind if kind is not StepKind.CASE)


def fit(folder: Path, cells: list[Cell]) -> Fit:
    return fit_runs([make_run(folder, cells, processes=3, blocks=4)], variant=VARIANT, replicates=100)


def coefficient(model: Fit, name: str) -> Coefficient:
    return model.section.steps.coefficients[name]


def flags(model: Fit, kind: StepKind) -> set[FlagKind]:
    return {FlagKind(flag.flag) for flag in coefficient(model, kind.json_key).flags}


def test_costs_are_recovered_from_a_machine_without_noise(tmp_path: Path) -> None:
    model = fit(tmp_path, list(step_cells()))
    for kind, ps in STEP_PS.items():
        assert coefficient(model, kind.json_key).charged_ps == pytest.approx(ps, abs=1)
    assert coefficient(model, STARTUP_KEY).charged_ps == pytest.approx(STARTUP_PS, abs=1)
    assert model.section.steps.r2 == pytest.approx(1)
    assert not any(each.flags for each in model.section.steps.coefficients.values())


def test_kind_that_no_cell_has_is_unidentified_at_the_common_price(tmp_path: Path) -> None:
    model = fit(tmp_path, list(step_cells(OTHERS)))
    case = coefficient(model, StepKind.CASE.json_key)
    assert flags(model, StepKind.CASE) == {FlagKind.UNIDENTIFIED}
    assert case.identifiability == 0
    others = [coefficient(model, kind.json_key).ps for kind in OTHERS]
    assert case.ps == pytest.approx(np.mean(others), rel=1e-3)
    assert coefficient(model, StepKind.VAR.json_key).charged_ps == pytest.approx(STEP_PS[StepKind.VAR], abs=1)


def test_kinds_that_always_come_together_are_unidentified_and_share_their_cost(tmp_path: Path) -> None:
    cells = [
        planned(cell.id, experiment="steps", operation="base", steps=cell.steps | {"case": cell.steps["constr"]})
        for cell in step_cells(OTHERS)
    ]
    model = fit(tmp_path, cells)
    assert flags(model, StepKind.CASE) == flags(model, StepKind.CONSTR) == {FlagKind.UNIDENTIFIED}
    both = sum(coefficient(model, kind.json_key).ps for kind in (StepKind.CASE, StepKind.CONSTR))
    assert both == pytest.approx(STEP_PS[StepKind.CASE] + STEP_PS[StepKind.CONSTR], rel=1e-4)
    assert flags(model, StepKind.VAR) == set()


def test_condition_number_tells_designs_apart(tmp_path: Path) -> None:
    cells = list(step_cells())
    nearly = [
        planned(f"near-{n}", experiment="steps", operation="near", steps={"lam": n, "apply": n + n % 2})
        for n in range(10, 90, 7)
    ]
    good, bad = (fit(tmp_path, chosen).section.steps.condition_number for chosen in (cells, [cells[0], *nearly]))
    assert bad > 10 * good


def test_single_price_is_that_of_every_kind_where_all_cost_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in StepKind:
        monkeypatch.setitem(STEP_PS, kind, 16_000)
    single = fit(tmp_path, list(step_cells())).section.steps.single_price
    assert single is not None
    assert single.step.ps == pytest.approx(16_000)
    assert single.startup.ps == pytest.approx(STARTUP_PS)


def test_step_that_seems_free_is_flagged_and_charged_a_picosecond(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STEP_PS, StepKind.DELAY, -500)
    model = fit(tmp_path, list(step_cells()))
    assert flags(model, StepKind.DELAY) == {FlagKind.NEGATIVE, FlagKind.RAISED}
    assert model.cost_model.steps[StepKind.DELAY].cpu == 1


def test_step_cell_may_apply_no_ops(tmp_path: Path) -> None:
    cell = planned("calls", experiment="steps", operation="call", steps={"builtin": 9}, builtins={"nop2_0": 9})
    assert fit(tmp_path, [*step_cells(), cell]).section.steps.worst_relative_residual < 1e-6


def test_unknown_step_kind_is_refused(tmp_path: Path) -> None:
    cell = planned("odd", experiment="steps", operation="odd", steps={"jump": 9})
    with pytest.raises(InputError, match="'odd' counts 9 steps of kind 'jump'"):
        fit(tmp_path, [*step_cells(), cell])


def test_memory_of_steps_is_the_ledgers(tmp_path: Path) -> None:
    model = fit(tmp_path, list(step_cells())).cost_model
    assert {units.mem for units in model.steps.values()} == {100}
    assert model.startup is not None and model.startup.mem == 100


def programs(applied: dict[str, int]) -> list[Cell]:
    """Step cells that apply builtins too."""
    return [
        planned(cell.id, experiment="steps", operation="program", steps=cell.steps, sizes=(1, 1), builtins=applied)
        for cell in step_cells()
    ]


def test_what_measured_builtins_cost_in_step_cells_is_not_laid_on_steps(tmp_path: Path) -> None:
    start = planned("start", experiment="steps", operation="start", steps={"const": 1})
    cells = [start, *programs({"addInteger": 700}), *builtin_cells({"addInteger": [(1, 1), (9, 9)]})]
    model = fit(tmp_path, cells)
    for kind, ps in STEP_PS.items():
        assert coefficient(model, kind.json_key).charged_ps == pytest.approx(ps, rel=1e-3)
    assert model.section.steps.unmeasured_builtins == ()


def test_cost_of_an_unmeasured_builtin_is_found_along_with_the_steps(tmp_path: Path) -> None:
    cells = [
        planned(cell.id, experiment="steps", operation="program", steps=cell.steps, sizes=(1, 1), builtins=applied)
        for number, cell in enumerate(step_cells())
        for applied in [{"addInteger": 50 * (number % 3)} if number % 3 else {}]
    ]
    model = fit(tmp_path, cells)
    assert model.section.steps.unmeasured_builtins == ("addInteger",)
    assert coefficient(model, StepKind.VAR.json_key).charged_ps == pytest.approx(STEP_PS[StepKind.VAR], abs=2)


def test_kinds_are_held_to_the_common_price_where_counts_do_not_explain_the_times() -> None:
    """A hundred programs of like composition, whose times scatter by a tenth for reasons of their own."""
    rng = np.random.default_rng(0)
    counts = rng.integers(1600, 2400, size=(100, len(StepKind)))
    truth_ns = (STARTUP_PS + counts @ np.array(list(STEP_PS.values()))) / 1000 * (1 + 0.1 * rng.normal(size=100))
    logs = np.log(truth_ns) + 0.001 * rng.normal(size=(5, 100))
    clusters = Clusters(run=np.zeros(5, np.intp), group=np.zeros(5, np.intp), stratum=np.zeros(5, np.intp))
    cells = [FitCell("steps", "program", (), 1, tuple(map(int, row)), (), 0, VARIANT) for row in counts]
    steps = fit_steps(cells, range(100), replicate(logs, clusters, count=100, seed=0), {}).record
    assert steps.single_price is not None
    common = steps.single_price.step.ps
    held = np.array([each.ps for each in [*steps.coefficients.values()][1:]]) / common
    alone = np.array([*steps.least_squares_ps.values()][1:]) / common
    assert steps.scatter == pytest.approx(0.1, rel=0.2)
    assert np.abs(held - 1).max() < 0.6 * np.abs(alone - 1).max()
