"""Drift over time: what a folder of runs says, machine by machine."""

import re
from pathlib import Path

import numpy as np

from costmodel.report.assemble import assemble
from costmodel.report.page_model import Page
from tests.batches.simulated import CELLS, Truth, write_run
from tests.report.test_assemble import cells

LITTLE = Truth(run_sd=0.001, process_sd=0.001)


def write(folder: Path, count: int, *, change: float = 0.0, until: int = 0, machine: str = "m", seed: int = 0) -> None:
    """Runs of one machine, times of which are changed by `change` from the second half on, or in the runs between."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        truth = Truth(change=change * (count // 2 <= number < (until or count)), run_sd=0.001, process_sd=0.001)
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


def test_a_change_that_is_taken_back_is_two_steps(tmp_path: Path) -> None:
    write(tmp_path, 18, change=0.05, until=14)
    page = assemble([tmp_path])
    told = cells(page, "Change of each operation on machine m")["addInteger"][3].text
    assert re.fullmatch(r"\+[45]\.\d+ % from run 10 on, -4\.\d+ % from run 15 on", told.replace("\u2212", "-")), told


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


def kinds(page: Page) -> set[str]:
    return {flag.kind for flag in page.flagged if flag.kind in ("step over time", "nothing in common")}
