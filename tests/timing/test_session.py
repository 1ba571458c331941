"""Sessions with real workers and real folders."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from costmodel.errors import CheckFailed, EnvironmentFault, Inconclusive, InputError, Interrupted
from costmodel.records import encode
from costmodel.records.run import RunStatus, session_outcome
from costmodel.runs.anomalies import Kind, run_findings
from costmodel.runs.design import FEWEST_BLOCKS, design_of
from costmodel.runs.store import Run, RunWriter, file_fact
from costmodel.timing.backend import LocalBackend
from costmodel.timing.batches import WorkInBatch
from costmodel.timing.clock import Clock
from costmodel.timing.native_evaluator import NativeEvaluator
from costmodel.timing.plan import Plan
from costmodel.timing.protocol import Begin, Block, End, Event, Job, TimedBatch
from costmodel.timing.session import Progress, measure, resume
from costmodel.timing.surroundings import CoreClaim
from costmodel.timing.worker import blocks_of, timed_blocks
from costmodel.timing.yardstick import machine_yardstick
from tests.runs.facts import CLOCK, MACHINE
from tests.timing.programs import ADD, QUICK, by_time

ROOT = Path(__file__).resolve().parents[2]


LATE = Job(
    cells=QUICK.cells,
    yardstick=machine_yardstick(),
    clock="raw",
    core=QUICK.core,
    seed=0,
    process=0,
    blocks=20,
    seconds=0.0,
    target_batch_us=20.0,
)


def changed(plan: Plan, **changes: object) -> Plan:
    return msgspec.structs.replace(plan, **changes)


def messages(run: Run) -> list[str]:
    return [json.loads(line)["kind"] for line in (run.path / "messages.jsonl").read_text().splitlines()]


def test_a_session_measures_every_cell_until_it_is_known(tmp_path: Path) -> None:
    seen: list[Progress] = []
    run = measure(QUICK, tmp_path, "test", command_line=["calibrate", "measure"], observer=seen.append)
    rows = run.samples()
    assert set(rows["cell"]) == {cell.id for cell in QUICK.cells}
    # Later processes give the blocks to the cells that need them; the first one knows of no difference.
    assert rows[rows["process"] == rows["process"].min()].groupby("block")["cell"].nunique().eq(4).all()
    blocks = rows.groupby(["process", "cell"])["block"].nunique()
    assert blocks.ge(FEWEST_BLOCKS).all()
    # What is known well enough after the least number of processes is timed no more.
    assert blocks.groupby("cell").size().ge(QUICK.min_processes).all()
    assert rows.groupby("process")["block"].nunique().between(6, 48).all()
    assert rows["cpu"].isin([QUICK.core]).mean() > 0.9
    assert (rows[["ticks", "ns", "iterations", "yardstick_hash_ns", "yardstick_machine_ns"]] > 0).all().all()
    assert seen[-1].processes == rows["process"].nunique() >= 2


def test_the_manifest_tells_how_it_was_measured(tmp_path: Path) -> None:
    run = measure(QUICK, tmp_path, "test", command_line=["calibrate", "measure"])
    run.verify()
    manifest = Run.open(run.path).manifest
    assert manifest.status is RunStatus.COMPLETE
    assert manifest.command_line == ("calibrate", "measure")
    assert set(manifest.files) == {"design.json", "programs.parquet", "samples.parquet", "messages.jsonl"}
    assert manifest.evaluator["sha256"] == manifest.versions["native"]
    assert manifest.clock.ns_per_tick["0"].last is not None
    assert manifest.messages.counts["timing.session/block"] == messages(run).count("block")
    assert session_outcome(manifest).batches == len(run.samples())


def test_a_missed_target_is_said_for_each_cell(tmp_path: Path) -> None:
    plan = changed(QUICK, target_half_width=1e-7, max_processes=2)
    manifest = measure(plan, tmp_path, "test").manifest
    assert manifest.status_reason == "process limit reached"
    assert set(manifest.uncertain) == {cell.id for cell in plan.cells}
    assert re.fullmatch(
        r"±[\d.]+% after 2 processes, target ±0\.0%: processes differ by [\d.]+%, batches of one by [\d.]+%, "
        "process limit reached",
        manifest.uncertain["add"],
    )


def test_a_time_budget_ends_a_session(tmp_path: Path) -> None:
    plan = changed(QUICK, target_half_width=1e-7, max_processes=10_000, blocks_per_process=10_000)
    manifest = measure(plan, tmp_path, "test", time_budget=4.0).manifest
    assert (manifest.status, manifest.status_reason) == (RunStatus.COMPLETE, "time budget spent")
    assert session_outcome(manifest).processes >= 1


def test_a_process_out_of_time_still_measures_what_is_worth_believing() -> None:
    job = Job(
        cells=QUICK.cells,
        yardstick=machine_yardstick(),
        clock="raw",
        core=QUICK.core,
        seed=0,
        process=9,
        blocks=10_000,
        seconds=0.0,
        target_batch_us=20.0,
    )
    begin, *blocks, end = LocalBackend().run([job], lambda: False)
    assert (type(begin), [type(block) for block in blocks], type(end)) == (Begin, [Block] * FEWEST_BLOCKS, End)


def test_a_driver_out_of_time_takes_again_what_would_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each cell, the first batch of the process is disturbed, so that the fewest blocks are one too few."""
    seen: set[int] = set()

    def disturbed_once(_: object, __: object, cells: object, order: list[int], process: int, block: int) -> Block:
        batches = tuple(TimedBatch(cell, 0, 1, 1, "" if cell in seen else "delayed", 0) for cell in order)
        seen.update(order)
        return Block(process, block, 1.0, 1.0, 0.0, batches)

    monkeypatch.setattr("costmodel.timing.worker.time_block", disturbed_once)
    work = NativeEvaluator(Clock("raw")).prepare(ADD)
    taken = {}
    for evaluator in ("native", "python3 driver.py"):
        seen.clear()
        job = msgspec.structs.replace(LATE, evaluator=evaluator)
        cells = {index: WorkInBatch(work, 500, 5e6) for index in range(len(job.cells))}
        unused: Any = None
        taken[evaluator] = len(list(timed_blocks(job, unused, unused, cells, 0.0)))
    assert taken == {"native": FEWEST_BLOCKS, "python3 driver.py": FEWEST_BLOCKS + 1}


def test_long_runs_of_a_driver_are_timed_in_fewer_blocks() -> None:
    """Three batches of a run that is one follow one warm-up, so that two blocks are enough to trim them."""
    native = msgspec.structs.replace(LATE, target_batch_us=5_000.0)
    driver = msgspec.structs.replace(native, evaluator="python3 driver.py")
    work = NativeEvaluator(Clock("raw")).prepare(ADD)
    short, long = WorkInBatch(work, 500, 5e6), WorkInBatch(work, 1, 250e6)
    assert [blocks_of(job, short, 0) for job in (native, driver)] == [20, 20]
    assert [blocks_of(job, long, 0) for job in (native, driver)] == [FEWEST_BLOCKS, 2]


def test_a_core_that_does_not_exist_leaves_no_run(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="core 4095 does not exist"):
        measure(changed(QUICK, core=4095), tmp_path, "test")
    assert list(tmp_path.iterdir()) == []


def test_what_a_worker_finds_wrong_ends_the_session(tmp_path: Path) -> None:
    plan = changed(QUICK, cells=(msgspec.structs.replace(ADD, builtins={}),))
    with pytest.raises(CheckFailed, match="cell 'add' takes the builtins"):
        measure(plan, tmp_path, "test")
    (path,) = tmp_path.iterdir()
    assert Run.open(path).manifest.status is RunStatus.INTERRUPTED


class Disturbed:
    """The local backend on a machine where every batch is preempted."""

    def run(self, jobs: Iterable[Job], halt: Callable[[], bool]) -> Iterator[Event]:
        for event in LocalBackend().run(jobs, halt):
            batches = getattr(event, "batches", ())
            disturbed = tuple(msgspec.structs.replace(batch, disturbance="preempted") for batch in batches)
            yield msgspec.structs.replace(event, batches=disturbed) if batches else event


def test_too_many_discards_end_a_session_as_inconclusive(tmp_path: Path) -> None:
    plan = changed(QUICK, blocks_per_process=300)
    with pytest.raises(Inconclusive, match=f"100% of the batches were disturbed by other work on core {QUICK.core}"):
        measure(plan, tmp_path, "test", backend=Disturbed())
    (path,) = tmp_path.iterdir()
    run = Run.open(path)
    assert run.manifest.status is RunStatus.INTERRUPTED
    assert run.samples()["disturbance"].eq("preempted").all()
    assert session_outcome(run.manifest).discard_rate == 1.0


class Killed:
    """The local backend, whose first worker dies as soon as it has begun."""

    def run(self, jobs: Iterable[Job], halt: Callable[[], bool]) -> Iterator[Event]:
        for event in LocalBackend().run(jobs, halt):
            if isinstance(event, Begin):
                for child in children(os.getpid()):
                    os.kill(child, signal.SIGKILL)
            yield event


def children(parent: int) -> list[int]:
    """Processes that `parent` started and that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z" and b"timing.worker" in command(path.parent):
            found.append(int(path.parent.name))
    return found


def command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_a_worker_that_dies_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="a measuring process was killed by signal 9"):
        measure(changed(QUICK, blocks_per_process=10_000), tmp_path, "test", backend=Killed())


MANAGER = """
import sys
from pathlib import Path
import msgspec
from costmodel.errors import CalibrateError
from costmodel.runs.design import Plan
from costmodel.timing.session import measure
try:
    measure(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan), Path(sys.argv[2]), "test")
except CalibrateError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A session in a process of its own, that would go on for long, and has written its first samples."""
    plan = changed(QUICK, blocks_per_process=400, min_processes=1000, max_processes=1000)
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode(plan))
    arguments = [sys.executable, "-c", MANAGER, str(tmp_path / "plan.json"), str(tmp_path / "runs")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        wait_for(lambda: bool(list(tmp_path.glob("runs/*/parts/[0-9]*.parquet"))))
        yield process
        process.kill()


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("what was waited for did not happen within 30 seconds")


def only_run(tmp_path: Path) -> Run:
    (path,) = (tmp_path / "runs").iterdir()
    return Run.open(path)


def shorten(run: Run) -> None:
    """Let the resumed run end with its next process, as a plan with fewer processes would have."""
    processes = run.samples()["process"].nunique() + 1
    plan = changed(run.plan(), blocks_per_process=6, min_processes=processes, max_processes=processes)
    writer = RunWriter.reopen(run.path)
    writer.finish(RunStatus.INTERRUPTED)
    design, manifest = run.path / "design.json", run.path / "manifest.json"
    design.write_bytes(encode(design_of(plan)[0]))
    document = json.loads(manifest.read_bytes())
    document["design_sha256"] = file_fact(design).sha256
    document["files"]["design.json"] = msgspec.to_builtins(file_fact(design))
    manifest.write_text(json.dumps(document))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_session_can_be_resumed(
    manager: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    workers = children(manager.pid)
    manager.send_signal(number)
    said, _ = manager.communicate(timeout=30)
    assert manager.returncode == Interrupted.exit_code
    assert "is kept in" in said
    wait_for(lambda: not any(command(Path(f"/proc/{worker}")) for worker in workers))
    run = only_run(tmp_path)
    run.verify()
    assert (run.manifest.status, run.manifest.status_reason) == (RunStatus.INTERRUPTED, "stopped by the user")
    check_resume(run)


def test_a_killed_session_leaves_no_worker_and_can_be_resumed(manager: subprocess.Popen[str], tmp_path: Path) -> None:
    workers = children(manager.pid)
    manager.kill()
    manager.wait()
    wait_for(lambda: not any(command(Path(f"/proc/{worker}")) for worker in workers))
    run = only_run(tmp_path)
    assert run.manifest.status is RunStatus.RUNNING
    check_resume(run)


def check_resume(run: Run) -> None:
    before = by_time(run)
    assert len(before) > 0
    shorten(run)
    resumed = resume(run.path)
    after = by_time(resumed)
    assert resumed.manifest.status is RunStatus.COMPLETE
    assert after.head(len(before)).equals(before)
    assert after["process"].nunique() == before["process"].nunique() + 1
    assert not after.duplicated(["process", "block", "order"]).any()
    assert messages(resumed).count("start") == 2


def test_a_run_is_resumed_by_its_own_clock(tmp_path: Path) -> None:
    run = measure(changed(QUICK, max_processes=2), tmp_path, "test", clock="raw")
    assert (run.manifest.clock.name, run.manifest.clock.unit) == ("raw", "ns")
    document = json.loads((run.path / "manifest.json").read_bytes())
    (run.path / "manifest.json").write_text(json.dumps(document | {"status": "interrupted"}))
    with pytest.raises(InputError, match="was begun with the clock raw; resume it with that"):
        resume(run.path, clock="tsc")


def test_a_run_of_another_machine_is_not_resumed(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path, "test", QUICK, machine=MACHINE, clock=CLOCK, versions={}, evaluator={})
    writer.close()
    with pytest.raises(InputError, match="another machine or with another build"):
        resume(writer.path)


def test_two_measurements_on_one_core_are_told_of_each_other() -> None:
    core = 1000 + os.getpid()  # of no machine: other tests measure on the real ones at the same time
    with closing(CoreClaim(core)) as first, closing(CoreClaim(-core)) as elsewhere:
        assert not first.is_shared()
        with closing(CoreClaim(core)) as second:
            assert second.is_shared()
        assert first.is_shared()
        assert not elsewhere.is_shared()
    with closing(CoreClaim(core)) as later:
        assert not later.is_shared()


def test_a_session_on_a_core_that_is_taken_says_so(tmp_path: Path) -> None:
    with closing(CoreClaim(QUICK.core)):
        run = measure(QUICK, tmp_path, "test")
    (warning,) = session_outcome(run.manifest).warnings
    assert f"another measurement ran on core {QUICK.core}" in warning
    assert messages(run).count("shared_core") == 1
    assert Kind.DISTURBED in {finding.kind for finding in run_findings(run.path)}
