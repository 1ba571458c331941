"""Evaluators behind drivers: their ExUnits and times, by commits, by folders and against stored figures."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from costmodel.drift.check import DriftCheck, check_drift, check_revisions, renew
from costmodel.drift.limits import NO_LIMITS, with_defaults
from costmodel.drift.verdict import DriftVerdict
from costmodel.errors import EnvironmentFault, InputError
from costmodel.judging.estimate import Change
from costmodel.machine.driver_process import DriverProcess
from costmodel.records import encode, read
from costmodel.records.drift import EvaluatorFigures
from costmodel.workloads import find_workload
from tests.docs.sample_repository import SAMPLE, sample_repository
from tests.evaluators.drivers import command

WORKLOAD = find_workload(str(SAMPLE / "contracts"))
EXACT = DriftCheck(evaluator="python3 driver.py", workload=WORKLOAD, metrics=("cpu", "memory"))


@pytest.fixture(scope="module")
def slower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_repository(tmp_path_factory.mktemp("slower") / "sample")


def found(verdict: DriftVerdict) -> dict[tuple[str, str], str]:
    """What changed, by operation and metric."""
    changed = [drift for drift in verdict.drifts if drift.status is not Change.UNCHANGED]
    return {(drift.operation, drift.metric): drift.status.value for drift in changed}


REGRESSED = {("closures", "cpu"): "regressed", ("factorial", "cpu"): "regressed"}


def test_two_commits_are_built_and_compared(slower: Path) -> None:
    verdict = check_revisions(replace(EXACT, build="git --version"), slower, "before", "HEAD")
    assert found(verdict) == REGRESSED
    assert len(verdict.drifts) == 6
    assert (verdict.mode, verdict.evaluator, verdict.baseline) == ("deterministic", "sample 1.0", "before..HEAD")


def test_build_is_run_in_each_checkout(slower: Path) -> None:
    # The build undoes what was planted, in whichever commit has it.
    undo = (
        f"{sys.executable} -c \"p='driver.py'; s=open(p).read(); open(p,'w').write(s.replace('self.ticks += 1\\n     "
    )
    undo += "       kept', 'kept'))\""
    verdict = check_revisions(replace(EXACT, build=undo), slower, "before", "HEAD")
    assert found(verdict) == {}


@pytest.mark.parametrize(
    ("build", "error", "told"),
    [
        ("false", EnvironmentFault, "cannot build before"),
        ("no-such-command x", InputError, "there is no command 'no-such-command'"),
        ("'", InputError, "is no command"),
    ],
)
def test_build_that_fails_is_one_line(slower: Path, build: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        check_revisions(replace(EXACT, build=build), slower, "before", "HEAD")


def test_driver_that_a_commit_does_not_have_is_named(slower: Path) -> None:
    with pytest.raises(InputError, match=r"unknown evaluator '\./driver'"):
        check_revisions(replace(EXACT, evaluator="./driver"), slower, "before", "HEAD")


def test_checkouts_are_compared_in_their_folders(slower: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = sample_repository(tmp_path / "base", slower=False)
    monkeypatch.chdir(slower)
    assert found(check_drift(EXACT, base)) == REGRESSED
    monkeypatch.chdir(base)
    assert set(found(check_drift(EXACT, slower)).values()) == {"improved"}


def test_named_baseline_holds_and_tells_what_it_cannot(
    slower: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = sample_repository(tmp_path / "base", slower=False)
    monkeypatch.chdir(base)
    stored = tmp_path / "main.json"
    renew(EXACT, stored)
    assert found(check_drift(EXACT, stored)) == {}
    monkeypatch.chdir(slower)
    assert found(check_drift(EXACT, stored)) == REGRESSED
    loose = replace(EXACT, limits=with_defaults(NO_LIMITS, "cpu=80%", "cpu=1%"))
    assert check_drift(loose, stored).counts.warned == 2
    part = check_drift(replace(EXACT, operations="answer"), stored)
    assert (part.status, part.notes) == (Change.UNCHANGED, ())

    figures = read(stored, EvaluatorFigures)
    other = dict(figures.figures)
    other["answer"] = msgspec.structs.replace(other["answer"], program="0" * 64)
    del other["closures"]
    other["gone"] = other["factorial"]
    stored.write_bytes(encode(msgspec.structs.replace(figures, figures=other)))
    verdict = check_drift(EXACT, stored)
    notes = {drift.operation: drift.note for drift in verdict.drifts if drift.status is Change.INCONCLUSIVE}
    assert notes == {
        "answer": "the baseline is of another program; renew it",
        "closures": "not in the baseline",
    }
    assert verdict.notes == ("not run any more: gone",)


def test_renewal_overwrites_no_other_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLE)
    path = tmp_path / "model.json"
    path.write_text('{"kind": "fitted model"}')
    with pytest.raises(InputError, match="is not a file of evaluator figures"):
        renew(EXACT, path)
    assert path.read_text() == '{"kind": "fitted model"}'


def test_program_that_no_longer_runs_is_worse_than_slower(tmp_path: Path) -> None:
    stored = tmp_path / "main.json"
    # Its ExUnits are those of the native machine.
    good = replace(EXACT, evaluator=command())
    renew(good, stored)
    for fault, told in (("failure", "evaluation failure"), ("wrong digest", "its result is another")):
        verdict = check_drift(replace(good, evaluator=command(fault)), stored)
        (broken,) = [drift for drift in verdict.drifts if drift.operation == "answer"]
        assert broken.status is Change.REGRESSED
        assert broken.note.startswith(f"no longer runs: {told}")
        assert verdict.exit_code == 1


def test_evaluator_needs_programs_and_its_own_metrics(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--workload"):
        check_drift(replace(EXACT, workload=None), SAMPLE)
    with pytest.raises(InputError, match="has no instructions"):
        check_drift(replace(EXACT, metrics=("instructions",)), SAMPLE)
    with pytest.raises(InputError, match="this check compares the metric time"):
        check_revisions(DriftCheck(metrics=("cpu",)), tmp_path, "a", "b")


@pytest.fixture
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks whether others ran beside the driver: its made-up clock does not care."""
    monkeypatch.setattr(DriverProcess, "ran_ns", lambda _: 0)
    monkeypatch.setattr("costmodel.drift.evaluators._ROUNDS", 2)
    monkeypatch.setattr("costmodel.drift.evaluators._STORED_PROCESSES", 2)


TIMED = replace(EXACT, metrics=("time",), operations="closures", core=min(os.sched_getaffinity(0)), seconds=500)


@pytest.mark.usefixtures("undisturbed")
def test_times_are_compared_side_by_side(slower: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = sample_repository(tmp_path / "base", slower=False)
    monkeypatch.chdir(slower)
    verdict = check_drift(TIMED, base)
    assert found(verdict) == {("closures", "time"): "regressed"}
    (exact,) = check_drift(replace(EXACT, operations="closures", metrics=("cpu",)), base).drifts
    assert verdict.drifts[0].ratio.value == pytest.approx(exact.ratio.value)
    assert verdict.drifts[0].baseline == pytest.approx(exact.baseline / 1000)


@pytest.mark.usefixtures("undisturbed")
def test_stored_times_hold_on_their_machine_only(slower: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = sample_repository(tmp_path / "base", slower=False)
    stored = tmp_path / "main.json"
    monkeypatch.chdir(base)
    renew(TIMED, stored)
    assert found(check_drift(TIMED, stored)) == {}
    monkeypatch.chdir(slower)
    assert found(check_drift(TIMED, stored)) == {("closures", "time"): "regressed"}
    figures = read(stored, EvaluatorFigures)
    assert figures.machine is not None
    elsewhere = msgspec.structs.replace(figures.machine, id="another")
    for machine, told in ((elsewhere, "another machine"), (None, "no times")):
        stored.write_bytes(encode(msgspec.structs.replace(figures, machine=machine)))
        (drift,) = check_drift(TIMED, stored).drifts
        assert drift.status is Change.INCONCLUSIVE
        assert told in drift.note
