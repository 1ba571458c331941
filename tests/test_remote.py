"""Files at addresses: in memory, where nothing is, where writing is refused, and where libraries fail."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from costmodel.errors import DecodeError, EnvironmentFault, InputError
from costmodel.impact.run import open_corpus
from costmodel.remote import is_remote, opened_whole, shown_address
from costmodel.workloads.parquet import parquet_rows, replay_rows
from costmodel.workloads.sources import find_workload
from tests.workloads.rows import CPU, row, write


class ReadOnly(MemoryFileSystem):  # type: ignore[misc]
    """As http is."""

    protocol = ("http", "https")
    store: dict[str, Any] = {}  # noqa: RUF012 - fsspec's own way
    pseudo_dirs = [""]  # noqa: RUF012


class Failing(MemoryFileSystem):  # type: ignore[misc]
    """Its network is gone once something is to be moved."""

    protocol = "failing"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        self.pipe_file(rpath, b"half of it")
        raise ValueError("it broke")

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode == "rb":
            raise RuntimeError("no\nroute")
        return super()._open(path, mode, **options)


class Unreachable(MemoryFileSystem):  # type: ignore[misc]
    """Calls all that went wrong "not found", with the cause, as http does."""

    protocol = "unreachable"

    def info(self, path: str, **options: Any) -> Any:
        raise FileNotFoundError(path) from OSError("no route to host")


@pytest.fixture(autouse=True)
def protocols() -> Iterator[MemoryFileSystem]:
    kinds = {"https": ReadOnly, "failing": Failing, "unreachable": Unreachable, "absent": "no_such_package.FileSystem"}
    for protocol, kind in kinds.items():
        fsspec.register_implementation(protocol, kind, clobber=True, errtxt="Install absentfs")
    memory = fsspec.filesystem("memory")
    yield memory
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def put(memory: MemoryFileSystem, path: str, tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> None:
    memory.put_file(str(write(tmp_path / "one.parquet", rows, **options)), path)


def cpus(address: str) -> list[int | None]:
    return [each for batch in replay_rows(parquet_rows(address)) for each in batch.column("cpu").to_pylist()]


def test_a_partitioned_folder_is_read_in_the_order_of_its_names(protocols: MemoryFileSystem, tmp_path: Path) -> None:
    columns = ("program", "arguments", "protocol_version", "id")
    for name in (
        "language=PlutusV3/b.parquet",
        "language=PlutusV3/a.parquet",
        "_hidden.parquet",
        "language=PlutusV3/x",
    ):
        put(protocols, f"/bucket/corpus/{name}", tmp_path, [row(id=name)] * 2, columns=columns)
    rows = parquet_rows("memory://bucket/corpus")
    assert rows.count == 4
    found = [each for batch in replay_rows(rows) for each in batch.to_pylist()]
    assert [each["id"] for each in found] == ["language=PlutusV3/a.parquet"] * 2 + ["language=PlutusV3/b.parquet"] * 2
    assert {each["cpu"] for each in found} == {CPU}


def test_impact_and_validate_read_addresses_too(protocols: MemoryFileSystem, tmp_path: Path) -> None:
    put(protocols, "/bucket/one.parquet", tmp_path, [row(), row()])
    assert open_corpus("memory://bucket/one.parquet").rows.count == 2
    assert len(find_workload("memory://bucket/one.parquet", sample=1).programs) == 1


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://bucket/nothing", "cannot read memory://bucket/nothing: nothing is there"),
        ("unheard://a/b", "Protocol not known: unheard"),
        ("absent://a/b", "Install absentfs; pip install it"),
        ("file:///etc/hostname", "a path without file://"),
        ("simplecache::memory://bucket/a", "name one address"),
        ("failing://bucket/a", "RuntimeError: no route"),
        ("unreachable://bucket/a", "unreachable://bucket/a: no route to host; check the address and the network"),
    ],
)
def test_what_cannot_be_read_is_one_line(address: str, said: str) -> None:
    if address.startswith("failing"):
        fsspec.filesystem("failing").pipe_file("failing://bucket/a", b"x")
    with pytest.raises(InputError) as refused:
        parquet_rows(address)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_there_must_be_parquet(protocols: MemoryFileSystem) -> None:
    protocols.pipe_file("/bucket/corpus.json", b"{}")
    with pytest.raises(DecodeError, match=r"^memory://bucket/corpus\.json: is no Parquet file"):
        parquet_rows("memory://bucket/corpus.json")


def test_what_is_written_is_there_once_it_is_whole(protocols: MemoryFileSystem) -> None:
    with opened_whole("memory://bucket/results.parquet") as file:
        pq.write_table(pa.table({"a": [1]}), file)
        assert not protocols.exists("/bucket/results.parquet")
    assert pq.read_table(protocols.open("/bucket/results.parquet")).to_pydict() == {"a": [1]}
    with pytest.raises(DecodeError), opened_whole("memory://bucket/half") as file:
        file.write(b"half")
        raise DecodeError("and no more")
    assert not protocols.exists("/bucket/half")


def test_what_cannot_be_written_is_one_line_and_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="http is for reading only"), opened_whole("https://host/a"):
        pytest.fail("this was to be said beforehand")
    with (
        pytest.raises(InputError, match="cannot write failing://bucket/b: it broke"),
        opened_whole("failing://bucket/b"),
    ):
        pass
    assert not fsspec.filesystem("failing").exists("failing://bucket/b")
    with pytest.raises(EnvironmentFault, match="it is a folder"), opened_whole(str(tmp_path)):
        pass


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:s3cret@host:5432/db", "postgresql://me:…@host:5432/db"),
        ("postgresql://me@host/db?password=s3cret", "postgresql://me@host/db?…"),
        ("postgresql://me:s3@cret@host/db", "postgresql://me:…@host/db"),
        ("postgresql://me:s3/cret@host/db", "postgresql://me:…@host/db"),
        ("postgresql://me:s3?cret@host/db?a=b", "postgresql://me:…@host/db?…"),
        ("postgresql://host:5432,other:5433/db?user=a@b", "postgresql://host:5432,other:5433/db?…"),
        ("postgresql://[::1]:5432/db@x", "postgresql://[::1]:5432/db@x"),
        ("https://host:80/a@b", "https://host:80/a@b"),
        ("postgres:///db", "postgres:///db"),
        ("https://host/a.parquet?X-Amz-Signature=s3cret", "https://host/a.parquet?…"),
        ("s3://bucket/a.parquet", "s3://bucket/a.parquet"),
        ("folder/a.parquet", "folder/a.parquet"),
    ],
)
def test_secrets_of_addresses_are_not_shown(address: str, shown: str) -> None:
    assert shown_address(address) == shown


def test_a_path_is_no_address() -> None:
    assert not is_remote("/a/b://c")
    assert is_remote("s3://bucket/a")
