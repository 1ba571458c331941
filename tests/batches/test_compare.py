"""Batches on disk: which runs they hold, what is said of them, and the command."""

import hashlib
import json
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

from costmodel.batches import compare, select
from costmodel.batches.select import warnings
from costmodel.errors import InputError
from costmodel.judging.estimate import Change
from costmodel.records.run import RunStatus
from costmodel.runs.store import file_fact
from tests.batches.simulated import CELLS, Truth, write_batch, write_run
from tests.cli.command import calibrate, one_line

QUIET = Truth(run_sd=0.001, process_sd=0.002)
SLOWER = Truth(change=0.05, run_sd=0.001, process_sd=0.002)


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Batches `old`, `new` (5 % slower) and `same` of four runs each."""
    folder = tmp_path_factory.mktemp("batches")
    for seed, (name, truth) in enumerate({"old": QUIET, "new": SLOWER, "same": QUIET}.items()):
        write_batch(folder / name, seed, 4, truth)
    return folder


def names(folder: Path, *parts: str) -> list[str]:
    return [str(folder / part) for part in parts]


def test_folder_pattern_and_single_runs_are_batches(batches: Path) -> None:
    runs = sorted(str(path) for path in (batches / "old").iterdir())
    (folder,), (pattern,), (singles,) = select([str(batches / "old")]), select([f"{batches}/ol?/*"]), select(runs)
    assert [str(run.path) for run in folder.runs] == runs
    assert pattern.runs[0].name == folder.runs[0].name
    assert len(pattern.runs) == len(singles.runs) == 4


def test_a_folder_of_batches_is_told_from_one_of_runs(batches: Path) -> None:
    with pytest.raises(InputError, match=f"but {batches}/new, {batches}/old, {batches}/same below it do"):
        select([str(batches)])


@pytest.mark.parametrize("name", ["nothing", "no*thing", "."])
def test_a_batch_without_runs_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="holds no run"):
        select([str(tmp_path / name)])


def test_an_unfinished_run_is_left_out_and_named(tmp_path: Path) -> None:
    write_batch(tmp_path, 1, 2, QUIET)
    left = write_run(tmp_path, np.random.default_rng(2), QUIET, status=RunStatus.INTERRUPTED)
    (batch,) = select([str(tmp_path)])
    assert (len(batch.runs), batch.left_out) == (2, (left.path,))


def test_an_altered_run_is_refused(tmp_path: Path) -> None:
    write_batch(tmp_path, 1, 1, QUIET)
    (run,) = tmp_path.iterdir()
    with (run / "samples.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="checksum"):
        select([str(tmp_path)])


def test_a_change_of_every_operation_is_found(batches: Path) -> None:
    result = compare(select(names(batches, "new")), select(names(batches, "old")))
    (pair,) = result.pairs
    assert {verdict.row.label for verdict in pair.verdicts} == {"addInteger", "sha2_256", "loop", "all of builtins"}
    assert all(verdict.status is Change.REGRESSED for verdict in pair.verdicts)
    assert all(verdict.change == pytest.approx(np.expm1(0.05), abs=0.01) for verdict in pair.verdicts)
    assert (result.status, result.exit_code, result.warnings) == (Change.REGRESSED, 1, ())


def test_batches_of_one_configuration_are_unchanged(batches: Path) -> None:
    result = compare(select(names(batches, "same")), select(names(batches, "old")))
    assert (result.status, result.exit_code) == (Change.UNCHANGED, 0)


def test_several_batches_stand_side_by_side(batches: Path) -> None:
    result = compare(select(names(batches, "new", "same")), select(names(batches, "old")))
    assert [Path(pair.candidate).name for pair in result.pairs] == ["new", "same"]


def test_a_run_on_both_sides_is_refused(batches: Path) -> None:
    with pytest.raises(InputError, match="both sides"):
        compare(select(names(batches, "old")), select(names(batches, "old")))


def test_cells_that_processes_lack_do_not_bias_the_difference(tmp_path: Path) -> None:
    # Cells take 1 and 10 µs: a plain mean over what there is would differ by hundreds of percent.
    for name, missing in (("all", {}), ("some", {CELLS[1].id: 2, CELLS[2].id: 3})):
        write_batch(tmp_path / name, 3, 3, QUIET, missing=missing)
    result = compare(select([str(tmp_path / "some")]), select([str(tmp_path / "all")]))
    assert all(abs(verdict.change) < 0.01 for verdict in result.pairs[0].verdicts)


def test_cells_of_some_runs_only_are_left_out(tmp_path: Path) -> None:
    write_batch(tmp_path / "a", 3, 2, QUIET)
    write_batch(tmp_path / "b", 4, 2, QUIET, cells=CELLS[:2])
    result = compare(select([str(tmp_path / "a")]), select([str(tmp_path / "b")]))
    assert result.observed.left_out == 4
    shortest = result.batches[1].runs[0].name
    assert f"4 cells that not every run has were left out; {shortest} lacks most of them" in result.warnings


def test_runs_without_a_common_cell_are_named(tmp_path: Path) -> None:
    write_batch(tmp_path / "a", 3, 1, QUIET, cells=CELLS[2:])
    write_batch(tmp_path / "b", 4, 1, QUIET, cells=CELLS[:2])
    (a,), (b,) = (list((tmp_path / name).iterdir()) for name in "ab")
    with pytest.raises(InputError, match=f"{b} has no cell .* that {a} and those after it have too"):
        compare(select([str(a)]), select([str(b)]))


def test_unlike_seeds_are_named(tmp_path: Path) -> None:
    for seed in (0, 7):
        write_run(tmp_path, np.random.default_rng(seed), QUIET, seed=seed)
    (batch,) = select([str(tmp_path)])
    assert any("unlike designs (design, seed)" in warning for warning in warnings([batch]))


@pytest.mark.parametrize(("what", "complaint"), [("machine", "unlike machines"), ("evaluator", "unlike builds")])
def test_unlike_runs_in_a_batch_are_warned_of(tmp_path: Path, batches: Path, what: str, complaint: str) -> None:
    write_batch(tmp_path, 5, 1, QUIET)
    write_batch(tmp_path, 6, 1, QUIET, **{what: "other"})
    result = compare(select([str(tmp_path)]), select(names(batches, "old")))
    assert any("pools" in warning and complaint in warning for warning in result.warnings)


def test_unlike_evaluators_are_not_measured_by_the_yardstick_that_they_run(tmp_path: Path, batches: Path) -> None:
    write_batch(tmp_path, 6, 2, QUIET, evaluator="other")
    assert compare(select([str(tmp_path)]), select(names(batches, "old"))).yardsticks == ("yardstick_hash_ns",)
    assert len(compare(select(names(batches, "same")), select(names(batches, "old"))).yardsticks) == 2


def test_what_is_odd_about_a_run_is_a_warning(tmp_path: Path, batches: Path) -> None:
    write_batch(tmp_path, 6, 2, QUIET)
    log = next(tmp_path.iterdir()) / "messages.jsonl"
    lines = [line for line in log.read_bytes().splitlines(keepends=True) if b"process_end" not in line]
    log.write_bytes(b"".join(lines))
    manifest = log.with_name("manifest.json")
    document = json.loads(manifest.read_bytes())
    document["files"]["messages.jsonl"] = msgspec.to_builtins(file_fact(log))
    manifest.write_text(json.dumps(document))
    said = " ".join(compare(select([str(tmp_path)]), select(names(batches, "old"))).warnings)
    assert "manifest.json: was edited" in said
    assert "no message timing.session/process_end" in said


def test_the_document_says_where_every_run_comes_from(batches: Path) -> None:
    result = calibrate("compare", batches / "new", "--against", batches / "old", "--json")
    document = json.loads(result.stdout)
    assert document["command_line"][1:3] == ["compare", str(batches / "new")]
    origins = [run for batch in document["batches"] for run in batch["inputs"]]
    assert [run["run"] for run in origins] == [name for batch in document["batches"] for name in batch["runs"]]
    for run in origins:
        samples = next(batches.glob(f"*/{run['run']}/samples.parquet")).read_bytes()
        assert run["files"]["samples.parquet"]["sha256"] == hashlib.sha256(samples).hexdigest()
        assert "manifest.json" in run["files"]
        assert run["messages"]["counts"]["timing.session/end"] == 1
        assert run["parameters"]["settings"]["seed"] == 0


def test_the_command_prints_verdicts_and_the_split(batches: Path) -> None:
    result = calibrate("compare", batches / "new", "--against", batches / "old")
    assert result.returncode == 1, result.stderr
    assert "sha2_256" in result.stdout
    assert "regressed" in result.stdout
    assert "Standard deviation between processes, runs and machines" in result.stdout


def test_against_takes_all_names_up_to_the_next_option(batches: Path) -> None:
    old = sorted((batches / "old").iterdir())
    new = sorted((batches / "same").iterdir())
    result = calibrate("compare", *new, "--against", *old, "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["comparisons"][0]["counts"] == [4, 4]
    assert document["status"] == "unchanged"
    assert {row["verdict"] for row in document["comparisons"][0]["rows"]} == {"unchanged"}
    assert document["variance"][0]["between_runs"]["sd"] < 0.01
    assert document["variance"][0]["between_machines"] is None


def test_a_seeming_change_is_told_from_one_that_was_shown(tmp_path: Path) -> None:
    """A change of 1.5 % looks larger or smaller, as runs of one batch differ by 4 %."""
    truth = Truth(change=0.015, run_sd=0.04, process_sd=0.005)
    write_batch(tmp_path / "new", 2, 3, truth)
    write_batch(tmp_path / "old", 1, 3, Truth(run_sd=0.04, process_sd=0.005))
    result = calibrate("compare", tmp_path / "new", "--against", tmp_path / "old")
    assert result.returncode == 3, result.stderr
    assert re.search(r"rows? looks? changed by more than ±1 %", result.stdout)
    assert "but may not have: runs of one batch differ by" in result.stdout
    assert "with 6 each" in result.stdout
    assert re.search(
        r"more runs in each batch would decide half of the undecided rows, [\d,]+ for all rows", result.stdout
    )


@pytest.mark.parametrize("how", [["--against", "OLD"], ["--against=OLD"]])
def test_names_may_follow_an_equals_sign_too(batches: Path, how: list[str]) -> None:
    old, *others = sorted((batches / "old").iterdir())
    given = [argument.replace("OLD", str(old)) for argument in how]
    result = calibrate("compare", batches / "same", *given, *others, "--json")
    assert json.loads(result.stdout)["comparisons"][0]["counts"] == [4, 4]


def test_too_few_runs_end_with_three(batches: Path) -> None:
    one, other = sorted((batches / "same").iterdir())[0], sorted((batches / "old").iterdir())[0]
    assert calibrate("compare", one, "--against", other).returncode == 3


@pytest.mark.parametrize("arguments", [("nothing", "--against", "nothing"), ("nothing",), ("nothing", "--against")])
def test_wrong_usage_is_one_line(arguments: tuple[str, ...]) -> None:
    one_line(calibrate("compare", *arguments))
