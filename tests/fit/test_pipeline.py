"""Whole fits: what is written, and what is refused."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace as replaced
from threadpoolctl import threadpool_info, threadpool_limits

from costmodel.errors import EnvironmentFault, InputError
from costmodel.fit import Fit, fit_runs, pipeline
from costmodel.fit.observations import Observations, observe
from costmodel.model import EXTRAS_KEY, load
from costmodel.records.model import parse_section
from costmodel.records.run import ClockRecord, RunStatus
from costmodel.records.run import Machine as Fingerprint
from costmodel.runs.store import Run
from tests.fit.coverage import fitted_values, true_values
from tests.fit.synthetic import QUIET, VARIANT, Machine, all_cells, make_run, step_cells

CELLS = all_cells()
NOISY = Machine()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("measurements"), CELLS, machine=NOISY, seed=11)


@pytest.fixture(scope="module")
def fitted(run: Run) -> Fit:
    return fit_runs([run], variant=VARIANT, seed=3)


@pytest.fixture
def written(fitted: Fit, tmp_path: Path) -> dict[str, Any]:
    fitted.write(tmp_path / "model.json")
    document: dict[str, Any] = json.loads((tmp_path / "model.json").read_bytes())
    return document


def test_coefficients_are_recovered_through_noise_and_regimes(fitted: Fit) -> None:
    truth = true_values()
    for name, interval in fitted_values(fitted.section).items():
        assert interval.point == pytest.approx(truth[name], rel=0.1), name


def test_file_is_a_cost_model(fitted: Fit, tmp_path: Path) -> None:
    fitted.write(tmp_path / "model.json")
    loaded = load([tmp_path / "model.json"])
    assert loaded.builtins == fitted.cost_model.builtins
    assert loaded.steps == fitted.cost_model.steps
    assert loaded.startup == fitted.cost_model.startup


def test_figures_do_not_depend_on_the_number_of_cores(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums over several threads come in another order, and a search for prices takes another way from there."""
    threads: set[int] = set()

    def observed(runs: list[Run]) -> Observations:
        threads.update(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas")
        return observe(runs)

    monkeypatch.setattr(pipeline, "observe", observed)
    with threadpool_limits(limits=2, user_api="blas"):
        fit_runs([run], variant=VARIANT, replicates=100)
    assert threads == {1}


def test_same_runs_and_seed_give_the_same_bytes(run: Run, fitted: Fit, tmp_path: Path) -> None:
    fitted.write(tmp_path / "a.json")
    fit_runs([Run.open(run.path)], variant=VARIANT, seed=3).write(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_seed_moves_intervals_only(run: Run, fitted: Fit) -> None:
    other = fit_runs([run], variant=VARIANT, seed=4)
    assert other.cost_model.builtins == fitted.cost_model.builtins
    assert other.section.steps.coefficients != fitted.section.steps.coefficients


def test_provenance_names_run_hashes_and_machine(run: Run, written: dict[str, Any]) -> None:
    extras = written[EXTRAS_KEY]
    (made_from,) = extras["inputs"]
    assert made_from["run"] == run.name
    for name in ("manifest.json", "samples.parquet", "design.json"):
        content = (run.path / name).read_bytes()
        assert made_from["files"][name] == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert made_from["messages"].keys() == {"counts", "first", "last", "gaps", "jumps", "unlisted"}
    assert made_from["parameters"]["settings"]["seed"] == run.manifest.seed
    assert extras["warnings"] == [f"{run.name}/messages.jsonl: is not there: the run has no log"]
    assert msgspec.convert(extras["machine"], Fingerprint) == NOISY.fingerprint
    assert extras["variant"] == "D"
    assert extras["method"]["seed"] == 3
    assert "not measured" in extras["method"]["memory"]


def test_intervals_hold_their_points(written: dict[str, Any]) -> None:
    extras = written[EXTRAS_KEY]
    parts = [extras["steps"], *extras["builtins"].values(), *extras["calls"].values()]
    figures = [figure for part in parts for figure in part["coefficients"].values()]
    assert len(figures) == len(true_values())
    for figure in figures:
        low, high = figure["interval_ps"]
        assert low < figure["ps"] < high


def test_builtins_have_shape_centre_and_quality(fitted: Fit) -> None:
    builtins = fitted.section.builtins
    assert [*builtins] == sorted(builtins)
    ecdsa = builtins["verifyEcdsaSecp256k1Signature"]
    assert (ecdsa.shape, ecdsa.cost_at_centre.sizes, ecdsa.r2) == ("constant_cost", (5, 4, 8), None)
    sha = builtins["sha2_256"]
    assert sha.r2 is not None and sha.r2 > 0.999
    assert sha.worst_relative_residual < 0.05


def test_the_model_says_whose_picoseconds_it_holds(written: dict[str, Any]) -> None:
    whose = written[EXTRAS_KEY]["picoseconds_of"]
    assert whose["evaluator"] == "imaginary"
    assert whose["machine"]


def test_what_is_written_is_read_by_the_one_parser(fitted: Fit, tmp_path: Path) -> None:
    fitted.write(tmp_path / "model.json")
    assert parse_section(load([tmp_path / "model.json"]).extras, "model.json") == fitted.section


def test_fit_of_more_runs_is_narrower(run: Run, fitted: Fit, tmp_path: Path) -> None:
    more = [make_run(tmp_path, CELLS, machine=NOISY, seed=seed) for seed in (21, 22, 23)]
    together = fit_runs([run, *more], variant=VARIANT)
    one, four = (
        sum(row.cost_at_centre.relative_half_width or 0 for row in fit.section.builtins.values())
        for fit in (fitted, together)
    )
    assert four < 0.7 * one


def test_steps_and_builtins_may_come_from_different_runs(tmp_path: Path) -> None:
    steps = list(step_cells())
    apart = [make_run(tmp_path, cells) for cells in (steps, CELLS[len(steps) :])]
    for name, interval in fitted_values(fit_runs(apart, variant=VARIANT).section).items():
        assert interval.point == pytest.approx(true_values()[name], rel=1e-6), name


def test_folder_of_the_model_is_made(fitted: Fit, tmp_path: Path) -> None:
    fitted.write(tmp_path / "models" / "new" / "model.json")
    assert load([tmp_path / "models" / "new" / "model.json"]).builtins


@pytest.mark.parametrize("place", [".", "file/model.json", "file/folder/model.json", f"{'x' * 300}.json"])
def test_unwritable_target_is_one_clear_line(fitted: Fit, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match="cannot write") as caught:
        fitted.write(tmp_path / place)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


def test_failed_write_leaves_the_old_model(fitted: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "model.json"
    target.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentFault, match="No space left"):
        fitted.write(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def refuse(runs: list[Run], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        fit_runs(runs, variant=VARIANT)
    assert "\n" not in str(caught.value)


def test_no_run_is_refused() -> None:
    refuse([], "name at least one run folder")


@pytest.mark.parametrize("status", [RunStatus.INTERRUPTED, RunStatus.RUNNING])
def test_incomplete_run_is_refused(tmp_path: Path, status: RunStatus) -> None:
    run = make_run(tmp_path, list(step_cells()), status=status)
    refuse([run], rf"is not complete \({status}\); finish it")


def test_altered_run_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, list(step_cells()))
    with (run.path / "samples.parquet").open("ab") as file:
        file.write(b"x")
    refuse([run], "checksum differs")


def test_run_given_twice_is_refused(run: Run) -> None:
    refuse([run, Run.open(run.path)], "are the same run")


def test_unlike_machines_are_refused(run: Run, tmp_path: Path) -> None:
    other = make_run(tmp_path, CELLS, machine=replace(QUIET, fingerprint=Fingerprint(id="other", cores=4)))
    refuse([run, other], r"are of unlike machines \(cores differs\)")


def test_unlike_clocks_are_refused(run: Run, tmp_path: Path) -> None:
    other = make_run(tmp_path, CELLS, machine=NOISY)
    other.manifest = replaced(other.manifest, clock=ClockRecord(name="icount", unit="instructions"))
    refuse([run, other], r"are of unlike clocks \(icount, tsc\)")


def test_counts_are_fitted_and_named_as_such(tmp_path: Path) -> None:
    counted = make_run(tmp_path, CELLS, machine=QUIET)
    counted.manifest = replaced(counted.manifest, clock=ClockRecord(name="icount", unit="instructions"))
    fit_runs([counted], variant=VARIANT).write(tmp_path / "model.json")
    assert json.loads((tmp_path / "model.json").read_bytes())[EXTRAS_KEY]["clock_unit"] == "instructions"


def test_unlike_evaluators_are_refused(run: Run, tmp_path: Path) -> None:
    other = make_run(tmp_path, CELLS)
    other.manifest.evaluator["sha256"] = "1"
    refuse([run, other], r"timed unlike evaluators \(sha256 differs\)")


def test_too_few_replicates_are_refused(run: Run) -> None:
    with pytest.raises(InputError, match="20 replicates are too few"):
        fit_runs([run], variant=VARIANT, replicates=20)
