"""What a step costs more in larger programs, where the truth is known."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from costmodel.fit import fit_runs
from costmodel.model import StepKind
from costmodel.records.model import PredictionPrices
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


def fit(folder: Path, more: float, least: float = FOOTPRINTS[0]) -> PredictionPrices:
    def more_ps(cell: Cell) -> float:
        doublings = float(np.log2(max(cell.footprint, least) / TYPICAL))
        return sum(cell.steps.values()) * doublings * more

    run = make_run(folder, list(cells()), processes=3, blocks=4, more_ps=more_ps)
    return fit_runs([run], variant=VARIANT, replicates=100).section.steps.prediction


def test_figure_is_recovered_beside_the_prices(tmp_path: Path) -> None:
    found = fit(tmp_path, MORE_PS)
    assert found.footprint is not None
    assert found.coefficients["footprint"].ps == pytest.approx(MORE_PS, rel=1e-4)
    assert found.footprint.typical == TYPICAL
    assert (found.footprint.least, found.footprint.most) == pytest.approx((FOOTPRINTS[0], FOOTPRINTS[-1]))
    prices = {kind: found.coefficients[kind.json_key].ps for kind in StepKind}
    assert prices == pytest.approx(STEP_PS, rel=1e-3)


@pytest.mark.parametrize("least", [256, 512])
def test_footprint_that_fits_into_the_caches_is_found(tmp_path: Path, least: int) -> None:
    found = fit(tmp_path, MORE_PS, least)
    assert found.footprint is not None
    assert found.footprint.least == pytest.approx(least)
    assert found.coefficients["footprint"].ps == pytest.approx(MORE_PS, rel=1e-4)


def test_machine_without_caches_is_not_given_a_footprint(tmp_path: Path) -> None:
    found = fit(tmp_path, 0)
    assert found.footprint is None
    assert "footprint" not in found.coefficients


def test_runs_that_do_not_say_have_no_figure(tmp_path: Path) -> None:
    run = make_run(tmp_path, list(step_cells()), processes=3, blocks=4)
    assert fit_runs([run], variant=VARIANT, replicates=100).section.steps.prediction.footprint is None
