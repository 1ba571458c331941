from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from costmodel.errors import Inconclusive, InputError
from costmodel.fit.observations import Observations, observe
from costmodel.runs.design import Cell
from costmodel.runs.store import Run
from tests.fit.synthetic import (
    HASH_NS,
    QUIET,
    YARDSTICK_NS,
    Machine,
    call_cells,
    make_run,
    planned,
    step_cells,
    truth_ps,
)

CELLS = list(step_cells())


def times_ns(observed: Observations) -> np.ndarray:
    return np.exp(observed.logs)


def true_times_ns(observed: Observations, cells: list[Cell]) -> list[float]:
    """True times in the order of the observed cells, which is told by the step counts."""
    by_counts = {(*sorted(cell.steps.values()), cell.operation): truth_ps(cell) / 1000 for cell in cells}
    return [by_counts[(*sorted(cell.steps), cell.operation)] for cell in observed.cells]


def test_time_is_of_one_evaluation(tmp_path: Path) -> None:
    observed = observe([make_run(tmp_path, CELLS)])
    assert observed.logs.shape == (8, len(CELLS))
    assert times_ns(observed)[0] == pytest.approx(true_times_ns(observed, CELLS))


def test_regimes_that_the_yardstick_feels_cancel(tmp_path: Path) -> None:
    machine = replace(QUIET, regimes=(1.0, 1.4, 2.2))
    observed = observe([make_run(tmp_path, CELLS, machine=machine)])
    scale = observed.reference_yardstick_ns / YARDSTICK_NS
    assert scale in (pytest.approx(1.0), pytest.approx(1.4), pytest.approx(2.2))
    assert times_ns(observed)[3] == pytest.approx([scale * time for time in true_times_ns(observed, CELLS)])


def test_runs_in_different_states_share_one_reference(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, CELLS, machine=replace(QUIET, regimes=(regime,))) for regime in (1.0, 1.5)]
    observed = observe(runs)
    assert times_ns(observed)[0] == pytest.approx(times_ns(observed)[-1])


def test_gated_batches_do_not_count(tmp_path: Path) -> None:
    observed = observe([make_run(tmp_path, CELLS, machine=replace(QUIET, disturbed=0.4))])
    assert times_ns(observed)[0] == pytest.approx(true_times_ns(observed, CELLS))
    assert observed.disturbed_batches + observed.clean_batches == 8 * 12 * len(CELLS)
    assert observed.disturbed_batches > 0


def test_outliers_are_trimmed(tmp_path: Path) -> None:
    observed = observe([make_run(tmp_path, CELLS, machine=replace(QUIET, noise_sd=0.01), blocks=40)])
    assert times_ns(observed)[0] == pytest.approx(true_times_ns(observed, CELLS), rel=0.02)


def test_batches_that_were_disturbed_unseen_do_not_move_the_time(tmp_path: Path) -> None:
    machine = replace(QUIET, noise_sd=0.003, contaminated=0.1)
    observed = observe([make_run(tmp_path, CELLS, machine=machine, blocks=60)])
    errors = np.log(times_ns(observed) / true_times_ns(observed, CELLS))
    assert abs(errors.mean()) < 1e-4


def test_one_yardstick_serves_where_the_other_is_missing(tmp_path: Path) -> None:
    machine = replace(QUIET, regimes=(1.0, 1.4), has_machine_yardstick=False)
    observed = observe([make_run(tmp_path, CELLS, machine=machine)])
    assert observed.yardsticks == ("yardstick_hash_ns",)
    assert observed.reference_yardstick_ns in (
        pytest.approx(HASH_NS),
        pytest.approx(1.2 * HASH_NS),
        pytest.approx(1.4 * HASH_NS),
    )


def test_all_times_are_measured_by_the_same_yardstick(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, CELLS, machine=replace(QUIET, has_machine_yardstick=has)) for has in (True, False)]
    assert observe(runs).yardsticks == ("yardstick_hash_ns",)


def test_cells_of_equal_designs_are_the_same_whatever_their_constants(tmp_path: Path) -> None:
    other = [
        planned(f"other-{cell.id}", experiment="steps", operation=cell.operation, steps=cell.steps) for cell in CELLS
    ]
    observed = observe([make_run(tmp_path, cells) for cells in (CELLS, other)])
    assert len(observed.cells) == len(CELLS)
    assert set(observed.clusters.group) == {0}


def test_cells_that_agree_within_a_design_stay_apart(tmp_path: Path) -> None:
    twins = [planned(name, experiment="steps", operation="twin", steps={"var": 30}) for name in ("a", "b")]
    assert len(observe([make_run(tmp_path, [*CELLS, *twins])]).cells) == len(CELLS) + 2


def test_runs_of_different_cells_are_groups_of_their_own(tmp_path: Path) -> None:
    calls = list(call_cells())
    observed = observe([make_run(tmp_path, cells, processes=2) for cells in (CELLS, calls)])
    assert observed.clusters.group.tolist() == [0, 0, 1, 1]
    assert np.isnan(observed.logs).sum() == 2 * len(CELLS) + 2 * len(calls)


def test_replayed_cells_are_ignored(tmp_path: Path) -> None:
    replay = planned("replay", experiment="replay", operation="loop")
    assert len(observe([make_run(tmp_path, [*CELLS, replay])]).cells) == len(CELLS)


def refuse(run: Run, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        observe([run])
    assert "\n" not in str(caught.value)


def test_run_without_step_cells_is_refused(tmp_path: Path) -> None:
    refuse(make_run(tmp_path, list(call_cells())), "no run has step cells")


def test_run_of_one_process_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Inconclusive, match="has one process"):
        observe([make_run(tmp_path, CELLS, processes=1)])


def test_run_without_clean_batches_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Inconclusive, match="has no clean batches"):
        observe([make_run(tmp_path, CELLS, machine=replace(QUIET, disturbed=1.0))])


def test_too_few_clean_batches_of_every_step_cell_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Inconclusive, match="too few clean batches of every step cell"):
        observe([make_run(tmp_path, CELLS, blocks=3)])


def test_run_without_yardstick_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fit.synthetic.HASH_NS", float("nan"))
    refuse(make_run(tmp_path, CELLS, machine=Machine(has_machine_yardstick=False)), "no yardstick in common")
