"""Drift over time: what a folder of runs says, machine by machine."""

from pathlib import Path

import numpy as np
import pytest

from costmodel.report.assemble import assemble
from costmodel.report.history import find_steps
from costmodel.report.page_model import Page
from tests.batches.simulated import CELLS, Truth, write_run
from tests.report.test_assemble import cells

LITTLE = Truth(run_sd=0.001, process_sd=0.001)


def write(folder: Path, count: int, *, change: float = 0.0, machine: str = "m", seed: int = 0) -> None:
    """Runs of one machine, times of which are changed by `change` from the second half on."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        truth = Truth(change=change * (number >= count // 2), run_sd=0.001, process_sd=0.001)
        run = write_run(folder, rng, truth, machine=machine)
        manifest = run.path / "manifest.json"
        created = f"2026-01-{number + 1:02d}T00:00:00Z"
        manifest.write_text(manifest.read_text().replace(run.manifest.created, created))


def test_a_step_is_found_where_it_is(tmp_path: Path) -> None:
    write(tmp_path, 10, change=0.05)
    page = assemble([tmp_path])
    steps = {flag.where: flag.text for flag in page.flagged if flag.kind == "step over time"}
    assert set(steps) == {"addInteger", "sha2_256", "loop"}
    assert all("+5." in text or "+4.9" in text for text in steps.values())
    step = cells(page, "Change of each operation on machine m")["addInteger"][3]
    assert step.text.endswith("from run 6 on")


def test_nothing_is_flagged_where_nothing_changed(tmp_path: Path) -> None:
    write(tmp_path, 10)
    assert kinds(assemble([tmp_path])) == set()


def test_each_machine_is_a_series_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, 5, machine="old")
    write(tmp_path, 5, machine="new", seed=1)
    page = assemble([tmp_path])
    assert [plot.name for plot in page.plots() if plot.name.startswith("drift")] == ["drift-1", "drift-2"]
    for machine in ("old", "new"):
        row = cells(page, f"Change of each operation on machine {machine}")["sha2_256"]
        assert row[1].text == "5"
        assert abs(row[2].sort or 1) < 0.01


def test_a_machine_with_one_run_has_no_series(tmp_path: Path) -> None:
    write(tmp_path, 2)
    write(tmp_path, 1, machine="other", seed=1)
    page = assemble([tmp_path])
    assert [plot.name for plot in page.plots() if plot.name.startswith("drift")] == ["drift"]
    assert len(cells(page, "Runs, oldest first")) == 3


def test_runs_with_nothing_in_common_say_so(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for half in (CELLS[:2], CELLS[2:]):
        write_run(tmp_path, rng, LITTLE, cells=half)
    assert "nothing in common" in kinds(assemble([tmp_path]))


@pytest.mark.parametrize("size", [0.0, 0.02])
def test_alarms_are_false_in_one_table_of_twenty(size: float) -> None:
    rng = np.random.default_rng(7)
    tables = 200
    alarms = found = 0
    for number in range(tables):
        runs = rng.normal(0, 0.005, 12)  # what a whole run is off by, in all rows alike
        values = runs + rng.normal(0, 0.005, (30, 12))
        values[0, 6:] += size * 3
        steps = find_steps(values, seed=number)
        alarms += any(step is not None for step in steps[1:])
        found += steps[0] is not None and steps[0].first == 6
    assert alarms <= 0.09 * tables
    assert found >= 0.9 * tables if size else True


def test_a_step_has_its_place_and_size() -> None:
    values = np.zeros((1, 10))
    values[0, 7:] = np.log(1.1)
    (step,) = find_steps(values)
    assert step is not None
    assert step.first == 7
    assert step.change == pytest.approx(0.1)


def test_few_runs_and_constant_ones_have_no_step() -> None:
    assert find_steps(np.array([[0.0, 0, 0, 1, 1, 1]])) == (None,)
    assert find_steps(np.zeros((2, 20))) == (None, None)
    assert find_steps(np.zeros((0, 20))) == ()


def kinds(page: Page) -> set[str]:
    return {flag.kind for flag in page.flagged if flag.kind in ("step over time", "nothing in common")}
