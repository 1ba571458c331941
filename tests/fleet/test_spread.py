"""Rows of a corpus on real workers, which are killed, misconfigured and missing."""

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from costmodel.cli.eval_corpus import evaluate_rows
from costmodel.cli.spreading import spreading
from costmodel.errors import DecodeError, EnvironmentFault
from costmodel.fleet.cluster import connected
from costmodel.fleet.spread import spread, work_on
from costmodel.workloads.sources import rows_named
from tests.fleet.cluster import Fleet, fleet, wait_for_workers
from tests.workloads.rows import row, write

CORE = min(os.sched_getaffinity(0))
_at_work = 0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two workers, of which one has several threads."""
    with fleet(tmp_path_factory.mktemp("fleet") / "cluster") as started:
        started.worker(CORE, resources="", threads=3)
        started.worker(CORE, resources="")
        wait_for_workers(started, 2)
        yield started


def doubled(number: int) -> int:
    time.sleep(0.05)
    return 2 * number


def alone(number: int) -> bool:
    """Whether nothing else is done in this process meanwhile."""
    global _at_work
    _at_work += 1
    time.sleep(0.05)
    mine = _at_work == 1
    _at_work -= 1
    return mine


def refused(number: int) -> int:
    raise DecodeError(f"piece {number} is none")


def broken(number: int) -> int:
    return number // 0


def numbers(limit: int) -> Iterator[tuple[int]]:
    return ((number,) for number in range(limit))


def test_answers_come_in_order_and_few_pieces_are_read_before_their_turn(cluster: Fleet) -> None:
    read, ahead, found = 0, [], []

    def pieces() -> Iterator[tuple[int]]:
        nonlocal read
        for (number,) in numbers(30):
            read = number + 1
            yield (number,)

    with connected(cluster.address) as client:
        for answer in spread(client, doubled, pieces()):
            found.append(answer)
            ahead.append(read - len(found))
    assert found == [2 * number for number in range(30)]
    assert max(ahead) <= 4


def test_a_worker_with_several_threads_does_one_thing_at_a_time(cluster: Fleet) -> None:
    with connected(cluster.address) as client:
        assert all(spread(client, alone, numbers(12)))


def test_what_the_work_says_and_what_it_gets_wrong_are_one_line(cluster: Fleet) -> None:
    with connected(cluster.address) as client:
        with pytest.raises(DecodeError, match=r"^piece 0 is none$"):
            list(spread(client, refused, numbers(3)))
        with pytest.raises(EnvironmentFault, match="a worker failed: ZeroDivisionError"):
            list(spread(client, broken, numbers(3)))


def test_another_build_is_refused_where_the_work_is_done() -> None:
    with pytest.raises(EnvironmentFault, match=r"its build differs in calibrate, which is .* and not 0\.0"):
        work_on({"calibrate": "0.0"}, abs, (1,))


def results(path: Path) -> list[dict[str, Any]]:
    """Rows of results, without their times."""
    return [
        {key: value for key, value in each.items() if not key.endswith("_ns")}
        for each in pq.read_table(path).to_pylist()
    ]


def test_a_folder_of_parquet_comes_out_as_in_one_process(
    cluster: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for part in range(3):
        write(corpus / f"{part}.parquet", [row(id=f"{part}-{number}", cpu=number) for number in range(1500)])
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    found = []
    for backend, jobs, out in (("local", 1, here), (f"dask:{cluster.address}", None, there)):
        with spreading(backend, jobs) as spreader:
            assert evaluate_rows(rows_named(str(corpus)), spreader, out=str(out), as_json=True) == 1
        found.append(json.loads(capsys.readouterr().out))
    for key in ("rows", "exact", "statuses"):
        assert found[0][key] == found[1][key]
    assert found[0]["rows"] == 4500
    assert results(here) == results(there)
    write(corpus / "3.parquet", [row(program=None)])
    there.unlink()
    with spreading(f"dask:{cluster.address}", None) as spreader:  # noqa: SIM117 - what fails is the second
        with pytest.raises(DecodeError, match="row 4500 has no program"):
            evaluate_rows(rows_named(str(corpus)), spreader, out=str(there), as_json=True)
    assert not there.exists()
    assert not list(tmp_path.glob(".tmp-*"))


def test_work_of_a_killed_worker_is_done_by_another_and_one_line_where_there_is_none(tmp_path: Path) -> None:
    with fleet(tmp_path / "cluster") as cluster:
        workers = [cluster.worker(CORE, resources="") for _ in range(2)]
        wait_for_workers(cluster, 2)
        with connected(cluster.address) as client:
            found = []
            for answer in spread(client, doubled, numbers(30)):
                found.append(answer)
                if len(found) == 5:
                    workers[0].kill()
            assert found == [2 * number for number in range(30)]
            workers[0].join(10)
            assert workers[0].exitcode
            answers = spread(client, doubled, numbers(1000), alone_seconds=1.0)
            next(answers)
            workers[1].kill()
            with pytest.raises(EnvironmentFault, match="every worker of the dask scheduler is gone"):
                list(answers)
            answers = spread(client, doubled, numbers(3))
            threading.Timer(0.5, cluster.scheduler.kill).start()
            with pytest.raises(EnvironmentFault, match="the dask scheduler is gone"):
                list(answers)
