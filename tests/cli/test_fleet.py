"""`calibrate measure --backend` as its user runs it."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.command import calibrate, one_line
from tests.fleet.cluster import fleet, wait_for_workers


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="a fleet on one machine needs two cores")
def test_every_kind_of_machine_gets_a_run_and_fit_keeps_them_apart(tmp_path: Path) -> None:
    first, *_, last = sorted(os.sched_getaffinity(0))
    with fleet(tmp_path / "cluster") as cluster:
        cluster.worker(first, machine="one")
        cluster.worker(last, machine="other")
        wait_for_workers(cluster, 2)
        options = ("--experiment", "builtins", "--builtins", "ifThenElse", "--precision", "50%", "--time-budget", "40s")
        place = ("--backend", f"dask:{cluster.address}", "--measurements", str(tmp_path / "runs"))
        result = calibrate("measure", *options, *place, "--json")
    assert result.returncode == 0, result.stderr
    documents = json.loads(result.stdout)["runs"]
    assert sorted(document["machine"] for document in documents) == ["one", "other"]
    runs = [document["run"] for document in documents]
    assert "machine" in one_line(calibrate("fit", *runs, "--out", tmp_path / "model.json"))


@pytest.mark.parametrize("backend", ["dusk:host", "dask:", "remote"])
def test_an_unknown_backend_is_one_line(backend: str) -> None:
    assert f"unknown backend '{backend}'" in one_line(calibrate("measure", "--backend", backend))


@pytest.mark.parametrize(("option", "value"), [("--core", "0"), ("--evaluator", "amaru")])
def test_validate_leaves_to_workers_what_is_theirs(option: str, value: str) -> None:
    assert f"{option} is for the local backend" in one_line(
        calibrate("validate", "m", "--backend", "dask:h", option, value)
    )


def test_a_core_is_for_the_local_backend() -> None:
    assert "--core is for the local backend" in one_line(calibrate("measure", "--backend", "dask:h", "--core", "0"))


def test_a_scheduler_that_is_not_there_is_one_line() -> None:
    said = one_line(calibrate("measure", "--experiment", "calls", "--backend", "dask:tcp://127.0.0.1:9"))
    assert "no dask scheduler answers at tcp://127.0.0.1:9" in said
