"""Fleets of real workers, which are killed, disguised and misconfigured."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec
import pytest
from distributed import Client

from costmodel.errors import CheckFailed, EnvironmentFault, InputError, Interrupted
from costmodel.fleet.backend import DaskBackend
from costmodel.fleet.cluster import Worker, by_machine, connected, workers_of
from costmodel.fleet.measure import measure, resume
from costmodel.records.run import Machine, RunStatus, session_outcome
from costmodel.runs.design import Plan
from costmodel.runs.store import Run
from costmodel.timing.protocol import Begin, End, Job
from costmodel.timing.yardstick import machine_yardstick
from tests.fleet.cluster import Fleet, fleet, wait_for, wait_for_workers
from tests.fleet.forked import ROOT
from tests.timing.programs import ADD, QUICK

CORES = sorted(os.sched_getaffinity(0))
pytestmark = pytest.mark.skipif(len(CORES) < 2, reason="a fleet on one machine needs two cores")
FIRST, SECOND = CORES[0], CORES[-1]


def changed(plan: Plan, **changes: object) -> Plan:
    return msgspec.structs.replace(plan, **changes)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(tmp_path / "cluster") as started:
        yield started


def begun_by(run: Run) -> list[str]:
    """The worker of each process, from the trace."""
    lines = map(json.loads, (run.path / "messages.jsonl").read_text().splitlines())
    return [line["fields"]["worker"] for line in lines if line["kind"] == "process_begin"]


def job(process: int, **changes: object) -> Job:
    fields: dict[str, object] = {
        "cells": QUICK.cells,
        "yardstick": machine_yardstick(),
        "clock": "raw",
        "core": 4095,  # of the plan's machine; workers measure on their own
        "seed": 0,
        "process": process,
        "blocks": 6,
        "seconds": 60.0,
        "target_batch_us": 20.0,
    }
    return Job(**(fields | changes))  # type: ignore[arg-type]


def test_machines_are_measured_at_once_and_kept_apart(cluster: Fleet, tmp_path: Path) -> None:
    cluster.worker(FIRST, machine="one")
    cluster.worker(SECOND, machine="other")
    wait_for_workers(cluster, 2)
    runs = measure(cluster.address, QUICK, tmp_path / "runs", "test")
    assert sorted(run.manifest.machine.id for run in runs) == ["one", "other"]
    for run in runs:
        run.verify()
        assert run.manifest.status is RunStatus.COMPLETE
        samples = run.samples()
        assert set(samples["cell"]) == {cell.id for cell in QUICK.cells}
        assert samples["cpu"].mode()[0] == run.design.settings.core
        assert len(set(begun_by(run))) == 1


def test_workers_of_equal_machines_share_one_run(cluster: Fleet, tmp_path: Path) -> None:
    cluster.worker(FIRST, machine="same")
    cluster.worker(SECOND, machine="same")
    wait_for_workers(cluster, 2)
    plan = changed(QUICK, min_processes=6, max_processes=6)
    (run,) = measure(cluster.address, plan, tmp_path / "runs", "test")
    assert run.samples()["process"].nunique() == 6
    assert len(begun_by(run)) == 6
    assert len(set(begun_by(run))) == 2


def test_two_workers_of_this_machine_are_of_one_kind(cluster: Fleet) -> None:
    cluster.worker(FIRST)
    cluster.worker(SECOND)
    wait_for_workers(cluster, 2)
    with connected(cluster.address) as client:
        (kind,) = by_machine(workers_of(client, None)).values()
    assert {worker.facts.core for worker in kind} == {FIRST, SECOND}


def kill_at_work(client: Client, worker: BaseProcess) -> None:
    """Kill a worker once both have a process to measure."""
    wait_for(lambda: sum(bool(tasks) for tasks in client.processing().values()) == 2)
    worker.kill()


def test_the_process_of_a_killed_worker_is_run_again(cluster: Fleet) -> None:
    killed = cluster.worker(FIRST, machine="same")
    cluster.worker(SECOND, machine="same")
    wait_for_workers(cluster, 2)
    long = [job(0, rounds=(1500,) * 4), job(1, rounds=(1500,) * 4), job(2)]
    with connected(cluster.address) as client:
        backend = DaskBackend(client, workers_of(client, "raw"))
        killer = threading.Thread(target=kill_at_work, args=(client, killed))
        killer.start()
        events = list(backend.run(long, lambda: False))
        killer.join()
    killed.join(10)
    assert killed.exitcode
    assert sorted(event.process for event in events if isinstance(event, End)) == [0, 1, 2]
    begins = [event for event in events if isinstance(event, Begin)]
    assert len(begins) == 3
    assert all(begin.worker and begin.start_seconds > 0 for begin in begins)


def test_a_worker_that_comes_later_takes_over(cluster: Fleet) -> None:
    first = cluster.worker(FIRST, machine="same")
    wait_for_workers(cluster, 1)
    events = []
    with connected(cluster.address) as client:
        backend = DaskBackend(client, workers_of(client, "raw"))
        first.kill()
        first.join()
        cluster.worker(SECOND, machine="same")
        events = list(backend.run([job(0)], lambda: False))
    assert [event.process for event in events if isinstance(event, End)] == [0]


def test_jobs_wait_while_no_worker_is_there(cluster: Fleet) -> None:
    """The only worker goes between two processes."""
    first = cluster.worker(FIRST, machine="same")
    wait_for_workers(cluster, 1)
    ended = []
    with connected(cluster.address) as client:
        backend = DaskBackend(client, workers_of(client, "raw"))
        for event in backend.run([job(0), job(1)], lambda: False):
            if isinstance(event, End):
                ended.append(event.process)
                if event.process == 0:
                    first.kill()
                    first.join()
                    wait_for(lambda: not client.nthreads())
                    time.sleep(1.1)  # so that the backend looks who is there before it gives the next job away
                    cluster.worker(SECOND, machine="same")
    assert ended == [0, 1]


def test_a_later_worker_of_another_machine_does_not(cluster: Fleet) -> None:
    first = cluster.worker(FIRST, machine="one")
    wait_for_workers(cluster, 1)
    with connected(cluster.address) as client:
        backend = DaskBackend(client, workers_of(client, "raw"), alone_seconds=4.0)
        first.kill()
        first.join()
        cluster.worker(SECOND, machine="other")
        with pytest.raises(EnvironmentFault, match="every worker of the machine one was lost"):
            list(backend.run([job(0)], lambda: False))


def test_samples_of_a_machine_that_changed_are_refused(cluster: Fleet) -> None:
    cluster.worker(FIRST, machine="one")
    wait_for_workers(cluster, 1)
    with connected(cluster.address) as client:
        (worker,) = workers_of(client, "raw")
        assert worker.facts.place is not None
        place = replace(worker.facts.place, machine=Machine(id="as it was"))
        before = Worker(worker.address, msgspec.structs.replace(worker.facts, place=place))
        with pytest.raises(EnvironmentFault, match="no longer that of the run"):
            list(DaskBackend(client, [before]).run([job(0)], lambda: False))


def test_a_scheduler_that_dies_is_one_line(cluster: Fleet) -> None:
    cluster.worker(SECOND)
    wait_for_workers(cluster, 1)
    with connected(cluster.address) as client:
        backend = DaskBackend(client, workers_of(client, "raw"))
        threading.Timer(1.0, cluster.scheduler.kill).start()
        with pytest.raises(EnvironmentFault, match="the dask scheduler is gone"):
            list(backend.run([job(number, rounds=(400,) * 4) for number in range(50)], lambda: False))


def test_what_a_worker_finds_wrong_ends_the_session(cluster: Fleet, tmp_path: Path) -> None:
    cluster.worker(SECOND)
    wait_for_workers(cluster, 1)
    plan = changed(QUICK, cells=(msgspec.structs.replace(ADD, builtins={}),))
    with pytest.raises(CheckFailed, match=r"worker .*: cell 'add' takes the builtins"):
        measure(cluster.address, plan, tmp_path / "runs", "test")
    (path,) = (tmp_path / "runs").iterdir()
    assert Run.open(path).manifest.status is RunStatus.INTERRUPTED


def test_another_build_is_refused(cluster: Fleet) -> None:
    cluster.foreign(FIRST)
    wait_for_workers(cluster, 1)
    with connected(cluster.address) as client, pytest.raises(EnvironmentFault, match="build differs in sha256"):
        workers_of(client, None)


def test_a_worker_without_calibrate_is_one_line(cluster: Fleet) -> None:
    cluster.ignorant(FIRST)
    wait_for_workers(cluster, 1)
    with connected(cluster.address) as client, pytest.raises(EnvironmentFault, match="is calibrate installed there"):
        workers_of(client, None)


@pytest.mark.parametrize(("resources", "said"), [("", "no worker of the scheduler offers"), ("core=2", "core is 2")])
def test_only_workers_with_one_core_to_offer_are_used(cluster: Fleet, resources: str, said: str) -> None:
    cluster.worker(FIRST, resources=resources)
    wait_for_workers(cluster, 1)
    with connected(cluster.address) as client, pytest.raises(EnvironmentFault, match=said):
        workers_of(client, None)


def test_two_workers_on_one_core_are_refused(cluster: Fleet) -> None:
    cluster.worker(FIRST)
    cluster.worker(FIRST)
    wait_for_workers(cluster, 2)
    with connected(cluster.address) as client, pytest.raises(EnvironmentFault, match="would measure on one core"):
        workers_of(client, None)


def test_a_time_budget_ends_a_fleet_with_what_it_has(cluster: Fleet, tmp_path: Path) -> None:
    cluster.worker(FIRST, machine="same")
    cluster.worker(SECOND, machine="same")
    wait_for_workers(cluster, 2)
    plan = changed(QUICK, blocks_per_process=10_000, min_processes=2, max_processes=10_000, target_half_width=1e-7)
    (run,) = measure(cluster.address, plan, tmp_path / "runs", "test", time_budget=5.0)
    assert (run.manifest.status, run.manifest.status_reason) == (RunStatus.COMPLETE, "time budget spent")
    assert run.samples()["process"].nunique() == session_outcome(run.manifest).processes >= 1


MANAGER = """
import sys
from pathlib import Path
import msgspec
from costmodel.errors import CalibrateError
from costmodel.fleet.measure import measure
from costmodel.runs.design import Plan
try:
    measure(sys.argv[1], msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=Plan), Path(sys.argv[3]), "test")
except CalibrateError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def test_a_stopped_fleet_keeps_what_it_has_and_can_be_resumed(cluster: Fleet, tmp_path: Path) -> None:
    cluster.worker(SECOND)
    wait_for_workers(cluster, 1)
    plan = changed(QUICK, blocks_per_process=50, min_processes=6, max_processes=6)
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode(plan))
    arguments = [sys.executable, "-c", MANAGER, cluster.address, str(tmp_path / "plan.json"), str(tmp_path / "runs")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) as manager:
        wait_for(lambda: bool(list(tmp_path.glob("runs/*/parts/[0-9]*.parquet"))))
        manager.send_signal(signal.SIGINT)
        said, _ = manager.communicate(timeout=30)
    assert manager.returncode == Interrupted.exit_code
    assert "is kept in" in said
    (path,) = (tmp_path / "runs").iterdir()
    before = Run.open(path).samples()
    assert 0 < before["process"].nunique() < 6
    (run,) = resume(cluster.address, path)
    assert run.manifest.status is RunStatus.COMPLETE
    after = run.samples()
    assert after["process"].nunique() >= 6
    assert after.head(len(before)).equals(before)


def test_a_run_whose_only_worker_was_killed_is_interrupted_and_can_be_resumed(
    cluster: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its time is over: nobody measured in it, so it is not complete."""
    plan = changed(QUICK, min_processes=10_000, max_processes=10_000)
    ended = 0

    def kill_once_it_has_measured(worker: BaseProcess) -> None:
        wait_for(lambda: processes_ended(tmp_path) > ended)
        worker.kill()

    def interrupted(session: Callable[[], object]) -> Run:
        worker = cluster.worker(SECOND, machine="same")
        wait_for_workers(cluster, 1)
        killer = threading.Thread(target=kill_once_it_has_measured, args=(worker,))
        killer.start()
        with pytest.raises(EnvironmentFault, match="every worker of the machine same was lost; start one, then resume"):
            session()
        killer.join()
        (path,) = (tmp_path / "runs").iterdir()
        run = Run.open(path)
        assert run.manifest.status is RunStatus.INTERRUPTED
        assert "every worker of the machine same was lost" in (run.manifest.status_reason or "")
        return run

    monkeypatch.setattr("costmodel.fleet.measure.DaskBackend", partial(DaskBackend, alone_seconds=1.0))
    waited = interrupted(lambda: measure(cluster.address, plan, tmp_path / "runs", "test"))
    before = waited.samples()
    monkeypatch.undo()
    ended = processes_ended(tmp_path)
    after = interrupted(lambda: resume(cluster.address, waited.path, time_budget=5.0)).samples()
    assert before["process"].nunique() < after["process"].nunique()
    assert after.head(len(before)).equals(before)


def processes_ended(folder: Path) -> int:
    """How many processes have ended, by the messages of the run in a folder."""
    return sum(path.read_text("utf-8").count('"process_end"') for path in folder.glob("runs/*/messages.jsonl"))


def test_a_run_of_another_machine_is_not_resumed(cluster: Fleet, tmp_path: Path) -> None:
    worker = cluster.worker(SECOND, machine="one")
    wait_for_workers(cluster, 1)
    (run,) = measure(cluster.address, QUICK, tmp_path / "runs", "test")
    worker.kill()
    wait_for_workers(cluster, 0)
    cluster.worker(SECOND, machine="other")
    wait_for_workers(cluster, 1)
    with pytest.raises(InputError, match="begun on another machine than those of the scheduler's workers"):
        resume(cluster.address, run.path)
