import numpy as np
import pytest

from costmodel.fit import fit_runs
from costmodel.records.model import FittedModel
from tests.fit.synthetic import VARIANT, Machine, all_cells, make_run


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> FittedModel:
    run = make_run(tmp_path_factory.mktemp("measurements"), all_cells(), machine=Machine(), seed=4)
    return fit_runs([run], variant=VARIANT).section


def half_width(fitted: FittedModel, counts: dict[str, float]) -> float:
    parts = sum(np.array(fitted.errors.parts_ps[name]) * count for name, count in counts.items())
    return fitted.errors.t * float(np.linalg.norm(parts))


def width(interval: tuple[float, float] | None) -> float:
    assert interval is not None
    return interval[1] - interval[0]


def test_error_of_one_coefficient_is_its_interval(fitted: FittedModel) -> None:
    slope = fitted.builtins["sha2_256"].coefficients["slope"]
    assert half_width(fitted, {"sha2_256.slope": 1.0}) == pytest.approx(width(slope.interval_ps) / 2, rel=0.05)


def test_error_of_a_prediction_is_its_interval(fitted: FittedModel) -> None:
    (place,) = [place for place in fitted.builtins["sha2_256"].points if place.sizes == (400,)]
    counts = {"sha2_256.intercept": 1.0, "sha2_256.slope": 400.0}
    assert half_width(fitted, counts) == pytest.approx(width(place.fitted.interval_ps) / 2, rel=0.05)


def test_lack_of_fit_is_of_what_steps_are_predicted_from(fitted: FittedModel) -> None:
    assert fitted.errors.lack_of_fit.parts_ps.keys() == fitted.steps.prediction.coefficients.keys()
