import pytest

from costmodel.fit import FittedModel, fit_runs
from tests.fit.synthetic import VARIANT, Machine, all_cells, make_run


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> FittedModel:
    run = make_run(tmp_path_factory.mktemp("measurements"), all_cells(), machine=Machine(), seed=4)
    return fit_runs([run], variant=VARIANT)


def test_error_of_one_coefficient_is_its_interval(fitted: FittedModel) -> None:
    names = fitted.errors.names
    counts = [float(name == "sha2_256.slope") for name in names]
    sha = next(fit for fit in fitted.builtins if fit.name == "sha2_256")
    slope = sha.priced.coefficients[1].fitted
    assert fitted.errors.half_width(counts) == pytest.approx((slope.high - slope.low) / 2, rel=0.02)


def test_error_of_a_prediction_is_its_interval(fitted: FittedModel) -> None:
    sha = next(fit for fit in fitted.builtins if fit.name == "sha2_256")
    counts = [{"sha2_256.intercept": 1.0, "sha2_256.slope": 400.0}.get(name, 0.0) for name in fitted.errors.names]
    (place,) = [place for place in sha.places if place.sizes == (400,)]
    half = (place.fitted.high - place.fitted.low) / 2
    assert fitted.errors.half_width(counts) == pytest.approx(half, rel=0.02)


def test_errors_that_hang_together_do_not_add_like_independent_ones(fitted: FittedModel) -> None:
    # Intercept and slope of a line are told from the same points: where one is too high, the other is too low.
    names = list(fitted.errors.names)
    intercept, slope = (fitted.errors.parts_ps[:, names.index(f"sha2_256.{part}")] for part in ("intercept", "slope"))
    assert float(intercept @ slope) < 0


def test_lack_of_fit_is_of_the_steps(fitted: FittedModel) -> None:
    lack = fitted.errors.lack
    assert fitted.errors.names[: lack.parts_ps.shape[1]] == tuple(each.name for each in fitted.steps.coefficients)
    shown = fitted.errors.to_json()["lack_of_fit"]
    assert isinstance(shown, dict)
    assert set(shown["parts_ps"]) == {each.name for each in fitted.steps.coefficients}
