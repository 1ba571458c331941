"""`calibrate measure --extend` and `--flagged`, and a measurement that learned nothing."""

from pathlib import Path

from tests.cli.command import calibrate, one_line


def test_one_way_to_choose_what_to_measure(tmp_path: Path) -> None:
    said = one_line(calibrate("measure", "--resume", tmp_path / "a", "--extend", tmp_path / "b"))
    assert "--resume, --extend and --flagged each choose what to measure" in said
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
