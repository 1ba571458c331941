"""Whether a model can be used: prices beside what was measured."""

from pathlib import Path

import pytest

from costmodel.errors import CheckFailed, Inconclusive
from costmodel.fit import Fit, fit_runs, refuse_unusable
from costmodel.model import Variant
from costmodel.records.model import ModelVerdict
from tests.cli.command import calibrate
from tests.fit.synthetic import QUIET, Machine, builtin_cells, make_run, step_cells

SIZES = [(1, 1), (4, 4), (31, 31)]
CELLS = [*step_cells(), *builtin_cells({"multiplyInteger": SIZES})]


def fit(folder: Path, machine: Machine = QUIET, **how: object) -> ModelVerdict:
    """A multiplication whose time grows with the product of its sizes, priced by their sum as in variant A."""
    run = make_run(folder, CELLS, processes=3, blocks=4, machine=machine)
    found: Fit = fit_runs([run], variant=Variant.A, replicates=100, **how)  # type: ignore[arg-type]
    assert found.section.verdict is not None
    return found.section.verdict


def test_a_price_below_what_was_measured_by_more_than_the_factor_is_unsafe(tmp_path: Path) -> None:
    verdict = fit(tmp_path, factor=1.05)
    assert verdict.status == "unsafe"
    assert verdict.worst[0].factor == pytest.approx(
        verdict.worst[0].measured_ps / verdict.worst[0].charged_ps, rel=1e-4
    )
    assert "multiplyInteger: measured is" in verdict.reasons[0]
    assert "--builtins multiplyInteger" in verdict.next_commands[0]
    with pytest.raises(CheckFailed, match="no model is written") as caught:
        refuse_unusable(verdict)
    assert "\n" not in str(caught.value)


def test_a_builtin_that_is_named_may_be_unsafe(tmp_path: Path) -> None:
    assert fit(tmp_path, factor=1.05, allowed=("multiply*",)).status == "usable"


def test_noise_that_hides_the_answer_is_too_few_data(tmp_path: Path) -> None:
    # Without noise the worst point is undercharged by 1.28 times.
    verdict = fit(tmp_path, Machine(process_sd=0.2, noise_sd=0.001), factor=1.26)
    assert verdict.status == "too few data"
    with pytest.raises(Inconclusive):
        refuse_unusable(verdict)


def test_prices_near_what_was_measured_are_usable(tmp_path: Path) -> None:
    verdict = fit(tmp_path, factor=10.0)
    assert verdict.status == "usable"
    assert not verdict.reasons
    refuse_unusable(verdict)


def test_the_command_writes_no_unsafe_model_and_says_what_to_run(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", CELLS, processes=3, blocks=4)
    options = ("--language", "V1", "--protocol-version", "6", "--safety-factor", "1.05", "--out", tmp_path / "m.json")
    result = calibrate("fit", run.path, *options)
    assert result.returncode == 1
    assert "next: calibrate measure --extend" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "m.json").exists()
    assert calibrate("fit", run.path, *options, "--allow", "multiplyInteger").returncode == 0
