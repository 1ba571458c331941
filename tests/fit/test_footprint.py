"""What a step costs more in larger programs, where the truth is known."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from costmodel.fit import FittedModel, FlagKind, fit_runs
from costmodel.model import StepKind
from costmodel.runs.design import Cell
from tests.fit.synthetic import STEP_PS, VARIANT, make_run, step_cells

FOOTPRINTS = (64, 256, 512, 1_024, 4_096, 8_192, 16_384)
TYPICAL = 1_024
MORE_PS = 2_000


def cells() -> Iterator[Cell]:
    """Every step cell at every footprint."""
    for footprint in FOOTPRINTS:
        for cell in step_cells():
            yield msgspec.structs.replace(cell, id=f"{cell.id} {footprint}", footprint=footprint)


def fit(folder: Path, more: float, least: float = FOOTPRINTS[0]) -> FittedModel:
    def more_ps(cell: Cell) -> float:
        doublings = float(np.log2(max(cell.footprint, least) / TYPICAL))
        return sum(cell.steps.values()) * doublings * more

    run = make_run(folder, list(cells()), processes=3, blocks=4, more_ps=more_ps)
    return fit_runs([run], variant=VARIANT, replicates=100)


def test_figure_is_recovered_beside_the_prices(tmp_path: Path) -> None:
    model = fit(tmp_path, MORE_PS)
    footprint = model.steps.footprint
    assert footprint is not None
    assert footprint.coefficient.fitted.point == pytest.approx(MORE_PS, rel=1e-6)
    assert footprint.range.typical == TYPICAL
    assert (footprint.range.least, footprint.range.most) == pytest.approx((FOOTPRINTS[0], FOOTPRINTS[-1]))
    prices = {each.name: each.fitted.point for each in model.steps.coefficients}
    assert {kind: prices[kind.json_key] for kind in StepKind} == pytest.approx(STEP_PS, rel=1e-6)


@pytest.mark.parametrize("least", [256, 512])
def test_footprint_that_fits_into_the_caches_is_found(tmp_path: Path, least: int) -> None:
    footprint = fit(tmp_path, MORE_PS, least).steps.footprint
    assert footprint is not None
    assert footprint.range.least == pytest.approx(least)
    assert footprint.coefficient.fitted.point == pytest.approx(MORE_PS, rel=1e-6)


def test_machine_without_caches_has_a_figure_of_nothing(tmp_path: Path) -> None:
    footprint = fit(tmp_path, 0).steps.footprint
    assert footprint is not None
    assert footprint.coefficient.fitted.point == pytest.approx(0, abs=1)


def test_figure_below_nothing_is_flagged_and_left_out(tmp_path: Path) -> None:
    footprint = fit(tmp_path, -500).steps.footprint
    assert footprint is not None
    assert footprint.coefficient.fitted.point == 0
    assert [flag.kind for flag in footprint.coefficient.flags] == [FlagKind.NEGATIVE]


def test_runs_that_do_not_say_have_no_figure(tmp_path: Path) -> None:
    run = make_run(tmp_path, list(step_cells()), processes=3, blocks=4)
    assert fit_runs([run], variant=VARIANT, replicates=100).steps.footprint is None
