"""The run folder, whole and damaged."""

import errno
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costmodel.errors import EnvironmentFault, InputError
from costmodel.records.run import RunStatus, SessionParameters
from costmodel.runs.design import Cell, Plan
from costmodel.runs.store import Run, RunWriter, file_fact, open_runs
from costmodel.runs.tables import Sample
from costmodel.trace import LogSummary
from tests.runs.facts import CLOCK, MACHINE

PLAN = Plan(
    cells=tuple(
        Cell(
            id=name,
            experiment="builtins",
            operation="addInteger",
            sizes=(1, size),
            repeats=size,
            flat=b"\x01",
            language="PlutusV3",
            protocol_version=10,
        )
        for name, size in (("small", 3), ("large", 7))
    ),
    core=1,
    seed=11,
)


def sample(order: int, cell: str = "small", disturbance: str = "") -> Sample:
    return Sample(
        cell=cell,
        process=0,
        block=0,
        order=order,
        iterations=10,
        ticks=1000 + order,
        ns=400.5,
        disturbance=disturbance,
        yardstick_hash_ns=10.0,
        yardstick_machine_ns=20.0,
        cpu=1,
    )


OPEN: list[RunWriter] = []


@pytest.fixture(autouse=True)
def close_runs() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def create(root: Path) -> RunWriter:
    writer = RunWriter.create(
        root, "builtins", PLAN, machine=MACHINE, clock=CLOCK, versions={"calibrate": "0"}, evaluator={}
    )
    OPEN.append(writer)
    return writer


def orders(run: Run) -> list[int]:
    return [int(order) for order in run.samples(columns=["order"])["order"]]


def test_a_finished_run_reads_back(tmp_path: Path) -> None:
    writer = create(tmp_path)
    writer.append([sample(0), sample(1, "large", disturbance="preempted")])
    writer.finish(RunStatus.COMPLETE, "done", LogSummary(counts={"a/b": 2}, first=5, last=6))
    run = Run.open(writer.path)
    assert (run.manifest.status, run.manifest.status_reason, run.plan()) == (RunStatus.COMPLETE, "done", PLAN)
    assert run.manifest.messages == LogSummary(counts={"a/b": 2}, first=5, last=6)
    rows = run.samples()
    assert rows["operation"].tolist() == ["addInteger", "addInteger"]
    assert rows["cell"].tolist() == sorted(rows["cell"])
    by_order = rows.sort_values("order")
    assert [list(sizes) for sizes in by_order["sizes"]] == [[1, 3], [1, 7]]
    assert by_order["repeats"].tolist() == [3, 7]
    assert by_order["disturbance"].tolist() == ["", "preempted"]
    assert by_order["ticks"].tolist() == [1000, 1001]


@pytest.mark.parametrize("gathered", [False, True], ids=["parts", "gathered"])
def test_samples_of_version_0_read_as_those_of_today(tmp_path: Path, gathered: bool) -> None:
    writer = create(tmp_path)
    writer.append([sample(0), sample(1, "large", disturbance="preempted")])
    if gathered:
        writer.finish(RunStatus.COMPLETE)
    path = next(writer.path.glob("samples.parquet" if gathered else "parts/*.parquet"))
    expected = Run.open(writer.path).samples()
    table = pq.read_table(path)
    names = ["gate" if name == "disturbance" else name for name in table.column_names]
    pq.write_table(table.rename_columns(names).replace_schema_metadata(None), path)
    run = Run.open(writer.path)
    assert run.samples().equals(expected)
    assert run.samples(columns=["order"], filters=pc.field("disturbance") == "")["order"].tolist() == [0]
    assert open_runs([writer.path]).to_table(columns=["run", "order"]).num_rows == 2


def test_samples_of_a_later_version_are_refused(tmp_path: Path) -> None:
    writer = create(tmp_path)
    writer.append([sample(0)])
    path = next((writer.path / "parts").glob("*.parquet"))
    pq.write_table(pq.read_table(path).replace_schema_metadata({"schema_version": "2"}), path)
    with pytest.raises(InputError, match=r"later version of calibrate; update it"):
        Run.open(writer.path).samples()


def test_the_name_has_time_and_experiment(tmp_path: Path) -> None:
    name = create(tmp_path).finish(RunStatus.COMPLETE).name
    assert re.fullmatch(r"\d{8}T\d{6}Z-builtins-[0-9a-f]{6}", name)


def test_a_run_that_nobody_finished_reads_back(tmp_path: Path) -> None:
    writer = create(tmp_path)
    assert orders(Run.open(writer.path)) == []
    writer.append([sample(0)])
    writer.append([sample(1)])
    run = Run.open(writer.path)
    assert (run.manifest.status, orders(run)) == (RunStatus.RUNNING, [0, 1])


def test_a_copy_beside_the_parts_is_no_part(tmp_path: Path) -> None:
    writer = create(tmp_path)
    writer.append([sample(0)])
    part = writer.path / "parts" / "000000.parquet"
    part.with_name("000000 (copy).parquet").write_bytes(part.read_bytes())
    assert orders(Run.open(writer.path)) == [0]


def test_a_part_left_behind_by_a_kill_is_not_counted_twice(tmp_path: Path) -> None:
    writer = create(tmp_path)
    writer.append([sample(0)])
    part = writer.path / "parts" / "000000.parquet"
    content = part.read_bytes()
    run = writer.finish(RunStatus.INTERRUPTED)
    part.parent.mkdir()
    part.write_bytes(content)
    assert orders(run) == [0]
    again = RunWriter.reopen(run.path)
    again.append([sample(1)])
    assert orders(Run.open(run.path)) == [0, 1]
    assert orders(again.finish(RunStatus.COMPLETE)) == [0, 1]


def test_a_half_written_file_is_ignored_and_removed(tmp_path: Path) -> None:
    writer = create(tmp_path)
    writer.append([sample(0)])
    for folder in (writer.path, writer.path / "parts"):
        (folder / ".tmp-000001.parquet").write_bytes(b"PAR1")
    assert orders(Run.open(writer.path)) == [0]
    run = writer.finish(RunStatus.COMPLETE)
    assert not list(run.path.rglob(".tmp-*"))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(["append", "append two", "finish", "abandon"]), max_size=8))
def test_no_row_is_lost_or_doubled(tmp_path: Path, steps: Sequence[str]) -> None:
    writer = create(tmp_path)
    written = 0
    for step in steps:
        if step.startswith("append"):
            count = 2 if step.endswith("two") else 1
            writer.append([sample(written + more) for more in range(count)])
            written += count
        else:
            if step == "finish":
                writer.finish(RunStatus.INTERRUPTED)
            else:
                writer.close()
            writer = RunWriter.reopen(writer.path)
        assert orders(Run.open(writer.path)) == list(range(written))
    writer.close()


def test_several_runs_are_one_table(tmp_path: Path) -> None:
    first, second = create(tmp_path), create(tmp_path)
    first.append([sample(0), sample(1, disturbance="delayed")])
    second.append([sample(2)])
    first.finish(RunStatus.COMPLETE)
    table = open_runs([first.path, second.path])
    rows = table.to_table(columns=["run", "order"], filter=pc.field("disturbance") == "").to_pylist()
    assert rows == [{"run": first.path.name, "order": 0}, {"run": second.path.name, "order": 2}]
    assert table.count_rows(filter=pc.field("run") == second.path.name) == 1


def test_columns_and_filters_choose(tmp_path: Path) -> None:
    writer = create(tmp_path)
    writer.append([sample(0), sample(1, "large")])
    rows = Run.open(writer.path).samples(columns=["cell"], filters=pc.field("order") > 0)
    assert rows.to_dict("list") == {"cell": ["large"]}


def test_a_run_has_one_writer(tmp_path: Path) -> None:
    writer = create(tmp_path)
    with pytest.raises(EnvironmentFault, match="is being written by another process"):
        RunWriter.reopen(writer.path)
    writer.close()
    RunWriter.reopen(writer.path).close()


def test_a_complete_run_is_not_resumed(tmp_path: Path) -> None:
    path = create(tmp_path).finish(RunStatus.COMPLETE).path
    with pytest.raises(InputError, match="nothing to resume"):
        RunWriter.reopen(path)


def test_a_changed_design_is_not_resumed(tmp_path: Path) -> None:
    path = create(tmp_path).finish(RunStatus.INTERRUPTED).path
    design = path / "design.json"
    design.write_bytes(design.read_bytes().replace(b'"seed":11', b'"seed":12'))
    with pytest.raises(InputError, match="not the design that the run began with"):
        RunWriter.reopen(path)


def test_changed_samples_are_not_resumed(tmp_path: Path) -> None:
    writer = create(tmp_path)
    writer.append([sample(1)])
    run = writer.finish(RunStatus.INTERRUPTED)
    (run.path / "samples.parquet").unlink()
    with pytest.raises(InputError, match=r"samples\.parquet"):
        RunWriter.reopen(run.path)


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    writer = create(tmp_path)
    writer.append([sample(1)])
    part = writer.path / "parts" / "000000.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"000000\.parquet"):
        Run.open(writer.path).samples()
    with pytest.raises(InputError, match=r"000000\.parquet"):
        writer.finish(RunStatus.COMPLETE)


def test_verify_finds_a_changed_byte(tmp_path: Path) -> None:
    writer = create(tmp_path)
    writer.append([sample(0)])
    run = writer.finish(RunStatus.COMPLETE)
    run.verify()
    samples = run.path / "samples.parquet"
    content = bytearray(samples.read_bytes())
    content[8] ^= 1
    samples.write_bytes(content)
    with pytest.raises(InputError, match=r"samples\.parquet .*checksum differs"):
        run.verify()


def test_inputs_are_named_by_size_and_hash(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    fact = file_fact(tmp_path / "abc")
    # FIPS 180-2, appendix B.1
    assert (fact.bytes, fact.sha256) == (3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")


def damage_manifest(path: Path, **changes: Any) -> None:
    file = path / "manifest.json"
    file.write_bytes(msgspec.json.encode(msgspec.json.decode(file.read_bytes()) | changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"schema_version": 99}, "is a manifest of version 99; this version of calibrate reads up to 3"),
        ({"seed": "x"}, r"Expected `int`, got `str` - at `\$.seed`"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    path = create(tmp_path).path
    damage_manifest(path, **changes)
    with pytest.raises(InputError, match=complaint):
        Run.open(path)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a run: cannot read .*manifest\.json"):
        Run.open(tmp_path)


def test_samples_that_are_no_parquet_are_refused(tmp_path: Path) -> None:
    path = create(tmp_path).finish(RunStatus.COMPLETE).path
    (path / "samples.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match="not readable as samples"):
        Run.open(path).samples()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match=r"cannot make the folder .*: Not a directory; "):
        create(tmp_path / "file")


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = create(tmp_path)
    writer.append([sample(0)])

    def refuse(_: int | IO[bytes]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(EnvironmentFault, match=r"cannot write .*: No space left on device; free space"):
            writer.append([sample(1)])
        with pytest.raises(EnvironmentFault, match="No space left"):
            writer.finish(RunStatus.COMPLETE)
    assert Run.open(writer.path).manifest.status is RunStatus.RUNNING
    assert orders(Run.open(writer.path)) == [0]
    assert not list(writer.path.rglob(".tmp-*"))


def test_a_manifest_says_under_what_parameters_the_run_was_made(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path, "builtins", PLAN, machine=MACHINE, clock=CLOCK, versions={}, evaluator={})
    writer.close()
    parameters = Run.open(writer.path).manifest.parameters
    assert parameters == SessionParameters(
        settings=PLAN.settings, cells=2, programs=("PlutusV3 at protocol version 10",)
    )
