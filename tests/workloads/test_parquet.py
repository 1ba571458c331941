import resource
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from costmodel.errors import DecodeError, InputError, ModelError
from costmodel.model import ExUnits
from costmodel.plutus import encode_data
from costmodel.workloads import find_workload, parquet
from costmodel.workloads.parquet import parquet_rows, replay_rows, sample_rows
from costmodel.workloads.rows import REQUIRED, processes
from tests.workloads.rows import CPU, SUCCESSOR, row, write


def replayed(path: Path, jobs: int = 1) -> list[dict[str, Any]]:
    with processes(jobs) as spreader:
        return [result for batch in replay_rows(parquet_rows(str(path)), spreader) for result in batch.to_pylist()]


def test_an_evaluation_is_exact_only_with_its_success_and_its_ex_units(tmp_path: Path) -> None:
    rows = [
        row(),
        row(cpu=CPU + 1),
        row(mem=1133),
        row(success=False),
        row(success=False, arguments=[encode_data(b"")]),
        row(arguments=[encode_data(b"")]),
        row(program=b"\xff"),
        row(program=b"\xff", success=False),
        row(budget_cpu=CPU - 1),
        row(budget_cpu=CPU, budget_mem=1134),
        row(cpu=None),
    ]
    results = replayed(write(tmp_path / "corpus.parquet", rows))
    assert [result["exact"] for result in results] == [
        *(True, False, False, False, True, False, False, True, False, True, True)
    ]
    assert results[0]["status"] == "success"
    assert results[5]["status"] == "evaluation failure"
    assert results[6]["status"] == "refused"
    assert results[8]["status"] == "out of budget"


def test_the_required_columns_are_enough(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.parquet", [row(), row()], REQUIRED)
    results = replayed(path)
    assert [(result["id"], result["exact"], result["cpu"]) for result in results] == [
        ("0", True, CPU),
        ("1", True, CPU),
    ]


def test_rows_are_charged_by_their_own_cost_model(tmp_path: Path) -> None:
    dearer = row()["cost_model"]
    prices = row()["cost_model"]
    dearer[0] = prices[0] + 1000  # addInteger's intercept
    path = write(tmp_path / "corpus.parquet", [row(), row(cost_model=dearer), row(cost_model=None)])
    assert [result["cpu"] for result in replayed(path)] == [CPU, CPU + 1000, CPU]


@pytest.mark.parametrize("group", [100, 10_000])
def test_results_keep_the_order_of_the_rows_over_several_processes(tmp_path: Path, group: int) -> None:
    path = tmp_path / "corpus.parquet"
    schema = pa.schema([("program", pa.binary()), ("arguments", pa.large_list(pa.large_binary()))])
    rows = [{"program": SUCCESSOR, "arguments": [encode_data(2**n)]} for n in range(5000)]
    table = pa.Table.from_pylist(rows, schema)
    table = table.append_column("language", pa.array(["PlutusV3"] * 5000).dictionary_encode())
    table = table.append_column("protocol_version", pa.array([11] * 5000, pa.uint8()))
    pq.write_table(table, path, row_group_size=group)
    results = replayed(path, jobs=2)
    assert [result["id"] for result in results] == [str(n) for n in range(5000)]
    cpu = [result["cpu"] for result in results]
    assert cpu == sorted(cpu)  # a longer integer costs more
    assert cpu[0] < cpu[-1]
    assert parquet_rows(str(path)).count == 5000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"program": None}, "row 1 has no program"),
        ({"arguments": None}, "row 1 has no arguments"),
        ({"arguments": [None]}, "row 1 has an argument that is null"),
        ({"language": "PlutusV9"}, "row 1 is of an unknown language 'PlutusV9'"),
        ({"protocol_version": 0}, "row 1 is of protocol version 0"),
        ({"cpu": -1}, "row 1 has cpu -1"),
        ({"budget_mem": -5}, "row 1 has budget_mem -5"),
        ({"cost_model": [1, None]}, "a parameter that is null"),
    ],
)
def test_a_row_that_is_no_evaluation_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "corpus.parquet", [row(), row(**changes)])
    with pytest.raises(DecodeError, match=rf"corpus\.parquet: .*{message}"):
        replayed(path)


def test_a_cost_model_that_is_none_is_refused_with_its_case(tmp_path: Path) -> None:
    prices = row()["cost_model"]
    prices[prices.index(16000)] = -1
    with pytest.raises(ModelError, match="corpus case a"):
        replayed(write(tmp_path / "corpus.parquet", [row(cost_model=prices)]))


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_missing_column_is_named(tmp_path: Path, missing: str) -> None:
    path = write(tmp_path / "corpus.parquet", [row()], tuple(name for name in REQUIRED if name != missing))
    with pytest.raises(DecodeError, match=f"no column '{missing}'"):
        replayed(path)


@pytest.mark.parametrize("column", ["program", "arguments"])
def test_hexadecimal_text_is_no_program_that_is_refused(tmp_path: Path, column: str) -> None:
    texts = {"program": SUCCESSOR.hex(), "arguments": [encode_data(41).hex()]}
    table = pq.read_table(write(tmp_path / "bytes.parquet", [row()]))
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, column, pa.array([texts[column]])), tmp_path / "text.parquet")
    with pytest.raises(DecodeError, match=f"column '{column}' is .*string.*, not .*binary"):
        list(replay_rows(parquet_rows(str(tmp_path / "text.parquet"))))


def test_a_column_of_another_type_is_named(tmp_path: Path) -> None:
    path = tmp_path / "corpus.parquet"
    pq.write_table(pa.table({"program": [1], "arguments": [[b""]], "language": ["x"], "protocol_version": [1]}), path)
    with pytest.raises(DecodeError, match="column 'program' is int64, not binary"):
        replayed(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "corpus.parquet"
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=r"corpus\.parquet"):
        parquet_rows(str(path))


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.parquet", [row()] * 3000)
    content = bytearray(path.read_bytes())
    content[40:400] = b"\xaa" * 360
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=r"corpus\.parquet"):
        replayed(path)


def test_a_sample_is_drawn_by_its_seed_and_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.parquet", [row(id=str(n)) for n in range(3000)])
    first, again, other = (sample_rows(parquet_rows(str(path)), 10, seed) for seed in (1, 1, 2))
    assert first.notes == ("10 of 3000 rows, drawn with seed 1",)
    assert first == again
    assert len({program.name for program in first.programs}) == 10
    assert {one.name for one in first.programs} != {one.name for one in other.programs}
    assert first.programs[0].expected == ExUnits(CPU, 1134)


def test_a_small_corpus_is_taken_whole_without_its_failures(tmp_path: Path) -> None:
    rows = [row(), row(id="b", success=False), row(id="c")]
    workload = find_workload(str(write(tmp_path / "corpus.parquet", rows)))
    assert [program.name for program in workload.programs] == ["a", "c"]
    assert workload.notes == ("1 of 3 cases fail, which is not timed",)


def test_a_corpus_of_failures_is_no_workload(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no case that succeeds"):
        find_workload(str(write(tmp_path / "corpus.parquet", [row(success=False)])))


@pytest.mark.parametrize(
    "changes", [{"program": bytes(2 << 20)}, {"arguments": [bytes(2 << 20)]}, {"cost_model": [0] * 300_000}]
)
def test_a_small_file_of_huge_rows_is_refused(
    tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "BATCH_BYTES", 64 << 20)
    path = write(tmp_path / "corpus.parquet", [row(**changes)] * 100)
    assert path.stat().st_size < 1_000_000
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(DecodeError, match="from row 0 on take more than 64 MiB"):
        replayed(path)
    assert resource.getrlimit(resource.RLIMIT_DATA) == limits


def test_a_column_that_comes_twice_is_named(tmp_path: Path) -> None:
    table = pq.read_table(write(tmp_path / "corpus.parquet", [row()]))
    pq.write_table(table.append_column("id", pa.array(["again"])), tmp_path / "twice.parquet")
    with pytest.raises(DecodeError, match="column 'id' comes twice"):
        replayed(tmp_path / "twice.parquet")
