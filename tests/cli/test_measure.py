"""`calibrate measure --extend`, `--flagged` and `--resume`, and a measurement that learned nothing."""

import hashlib
from pathlib import Path

from costmodel.records.run import RunStatus
from costmodel.runs.store import Run
from tests.cli.command import calibrate, one_line
from tests.evaluators.drivers import command
from tests.fit.synthetic import all_cells, make_run


def test_one_way_to_choose_what_to_measure(tmp_path: Path) -> None:
    said = one_line(calibrate("measure", "--resume", tmp_path / "a", "--extend", tmp_path / "b"))
    assert "--resume, --extend, --flagged and --inputs each choose what to measure" in said
    said = one_line(calibrate("measure", "--extend", tmp_path / "b", "--builtins", "addInteger"))
    assert "--experiment and --builtins are for a design of your own" in said


def test_a_model_of_the_ledger_has_no_flags(tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    model.write_text("{}")
    assert calibrate("measure", "--flagged", model).returncode == 2


def test_extending_measures_what_is_known_less_precisely_than_asked(tmp_path: Path) -> None:
    options = ("--experiment", "builtins", "--builtins", "fstPair", "--measurements", tmp_path / "runs")
    result = calibrate("measure", *options, "--precision", "50%", "--time-budget", "40s")
    assert result.returncode == 0, result.stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert "knows all of its cells" in one_line(calibrate("measure", "--extend", run, "--precision", "90%"))


def test_a_run_that_is_resumed_keeps_what_it_was_begun_with(tmp_path: Path) -> None:
    cells = all_cells()[:20]
    run = make_run(tmp_path / "runs", cells, seed=7, processes=2, blocks=2, status=RunStatus.INTERRUPTED).path
    before = contents(run)
    new = {"--seed": "7", "--experiment": "steps", "--builtins": "addInteger", "--precision": "1%", "--core": "0"}
    for option, value in {**new, "--evaluator": "amaru", "--measurements": str(tmp_path)}.items():
        said = one_line(calibrate("measure", "--resume", run, option, value))
        assert f"{option} is for a new run; a run that is resumed keeps what it was begun with" in said
    assert contents(run) == before
    assert Run.open(run).design.settings.seed == 7


def test_an_evaluator_that_collects_garbage_is_measured_to_3_percent(tmp_path: Path) -> None:
    targets = []
    for asked in ((), ("--precision", "2%")):
        root = tmp_path / str(len(asked))
        options = ("--builtins", "fstPair", "--experiment", "builtins", "--time-budget", "5s", "--measurements", root)
        result = calibrate("measure", "--evaluator", command("collects garbage"), *options, *asked)
        assert result.returncode in (0, 3), result.stderr
        (run,) = root.iterdir()
        targets.append(Run.open(run).design.settings.target_half_width)
    assert targets == [0.03, 0.02]


def contents(folder: Path) -> dict[str, str]:
    """Checksums of a folder's files."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}
