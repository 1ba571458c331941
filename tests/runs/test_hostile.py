"""Run folders that somebody tampered with, or took away."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from costmodel.errors import EnvironmentFault, InputError
from costmodel.files import lock, open_append, write_atomically
from costmodel.records.run import RunStatus
from costmodel.runs import store
from costmodel.runs.store import Run, RunWriter
from costmodel.runs.tables import SAMPLE_SCHEMA, check_decoded_size
from costmodel.trace import JsonLines
from tests.runs.test_store import create, orders, sample

ANYTHING = ("manifest.json", "design.json", "programs.parquet", "samples.parquet", "messages.jsonl", ".lock", "parts")


def interrupted(root: Path) -> Path:
    """A run that could be resumed."""
    writer = create(root)
    JsonLines(writer.messages_path).close()
    writer.append([sample(0)])
    return writer.finish(RunStatus.INTERRUPTED).path


@pytest.mark.parametrize("name", ANYTHING)
def test_a_link_in_a_run_is_refused_and_what_it_leads_to_is_untouched(tmp_path: Path, name: str) -> None:
    run, elsewhere = interrupted(tmp_path), tmp_path / "elsewhere"
    inside = run / name
    if inside.exists():
        inside.rename(elsewhere)
    else:
        elsewhere.mkdir()
        (elsewhere / "000000.parquet").write_bytes(b"precious")
    inside.symlink_to(elsewhere)
    before = {path: path.read_bytes() for path in (elsewhere, *elsewhere.glob("*")) if path.is_file()}
    for use in (Run.open, RunWriter.reopen):
        with pytest.raises(InputError, match=f"{inside} is a link"):
            use(run)
    assert {path: path.read_bytes() for path in (elsewhere, *elsewhere.glob("*")) if path.is_file()} == before


def test_a_link_that_takes_the_place_of_the_parts_of_a_running_run_is_refused(tmp_path: Path) -> None:
    writer = create(tmp_path)
    writer.append([sample(0)])
    precious = tmp_path / "precious"
    (writer.path / "parts").rename(precious)
    (writer.path / "parts").symlink_to(precious)
    for use in (lambda: writer.append([sample(1)]), lambda: writer.finish(RunStatus.COMPLETE)):
        with pytest.raises(InputError, match="is a link"):
            use()
    assert [path.name for path in precious.iterdir()] == ["000000.parquet"]


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_atomically(path, b"new"),
        lambda path: open_append(path).close(),
        lambda path: lock(path).close(),
        lambda path: JsonLines(path).close(),
    ],
)
def test_no_writer_follows_a_link_beside_its_file(tmp_path: Path, write: Callable[[Path], None]) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "out"
    victim.write_bytes(b"precious")
    folder.mkdir()
    # The name that used to be foreseen.
    (folder / ".tmp-file").symlink_to(victim)
    write(folder / "file")
    assert victim.read_bytes() == b"precious"
    assert (folder / "file").is_file()


def test_temporary_names_cannot_be_foreseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []

    def refuse(descriptor: int) -> None:
        names.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    for _ in range(2):
        with pytest.raises(EnvironmentFault):
            write_atomically(tmp_path / "file", b"x")
    assert len(set(names)) == 2
    assert list(tmp_path.iterdir()) == []


def test_appending_through_a_link_is_refused(tmp_path: Path) -> None:
    victim, log = tmp_path / "victim", tmp_path / "messages.jsonl"
    victim.write_bytes(b"precious")
    log.symlink_to(victim)
    with pytest.raises(EnvironmentFault, match=r"cannot write .*messages\.jsonl"):
        JsonLines(log)
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("replaced", [False, True])
def test_a_run_that_vanished_is_not_made_anew(tmp_path: Path, replaced: bool) -> None:
    writer = create(tmp_path)
    writer.append([sample(0)])
    writer.path.rename(tmp_path / "away")
    if replaced:
        writer.path.mkdir()
    for use in (lambda: writer.append([sample(1)]), lambda: writer.finish(RunStatus.COMPLETE), writer.save_manifest):
        with pytest.raises(EnvironmentFault, match="was removed or replaced while the run went on"):
            use()
    assert not writer.path.exists() or not list(writer.path.iterdir())
    assert orders(Run.open(tmp_path / "away")) == [0]


def test_a_run_whose_batches_vanished_is_not_complete(tmp_path: Path) -> None:
    writer = create(tmp_path)
    writer.append([sample(0)])
    writer.append([sample(1)])
    (writer.path / "parts" / "000000.parquet").unlink()
    with pytest.raises(EnvironmentFault, match="has 1 of the 2 batches"):
        writer.finish(RunStatus.COMPLETE)
    assert Run.open(writer.path).manifest.status is RunStatus.RUNNING


def test_a_full_disk_leaves_no_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> None:
        if path.name == "design.json":
            raise EnvironmentFault(f"cannot write {path}")
        write_atomically(path, content)

    monkeypatch.setattr(store, "write_atomically", refuse)
    with pytest.raises(EnvironmentFault):
        create(tmp_path)
    assert list(tmp_path.iterdir()) == []


def bomb(path: Path, rows: int) -> None:
    """Samples that take kilobytes on disk, and gigabytes once they are decoded."""
    text = "x" * 40_000
    columns = {
        field.name: pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), [text])
        if field.type == pa.string()
        else pa.array([[1]] * rows, field.type)
        if pa.types.is_list(field.type)
        else pa.array([1] * rows, field.type)
        for field in SAMPLE_SCHEMA
    }
    pq.write_table(pa.table(columns), path, compression="zstd")


def test_parquet_that_expands_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    path = interrupted(tmp_path)
    bomb(path / "samples.parquet", 30_000)
    assert (path / "samples.parquet").stat().st_size < 100_000
    with pytest.raises(InputError, match=r"samples\.parquet would take more than 2048 MiB"):
        Run.open(path).samples()


def test_what_parquet_decodes_to_is_known_beforehand(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"text": ["ab" * 50] * 1000, "number": [1] * 1000}), path)
    check_decoded_size([path], 120_000)
    with pytest.raises(InputError, match="would take more than"):
        check_decoded_size([path], 100_000)
