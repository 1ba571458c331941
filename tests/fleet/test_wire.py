"""What goes over the wire."""

import gc

import msgspec
import pytest

from costmodel.errors import EnvironmentFault, InputError
from costmodel.fleet.cluster import connected
from costmodel.fleet.measure import measure
from costmodel.fleet.remote import ProcessReply, Task
from costmodel.records.run import Machine
from costmodel.timing.protocol import Begin, Block, End, TimedBatch
from tests.fleet.test_fleet import job
from tests.timing.programs import QUICK


def test_a_task_comes_back_from_json_as_it_was() -> None:
    task = Task(job=job(3), machine=Machine(id="x", cores=2), evaluator={"sha256": "00"}, halt="h")
    assert msgspec.json.decode(msgspec.json.encode(task), type=Task) == task


def test_an_answer_comes_back_from_json_as_it_was() -> None:
    block = Block(1, 0, 2.0, 3.0, 0.0, (TimedBatch(0, 1, 2, 3, "gap", 0),))
    answer = ProcessReply((Begin(1, 0.5, 0.1, (7,)), block, End(1, 0.5, 1.0, 0.5, 0.1)))
    assert msgspec.json.decode(msgspec.json.encode(answer), type=ProcessReply) == answer


def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costmodel.fleet.cluster._CONNECT_SECONDS", 1)
    with pytest.raises(EnvironmentFault, match="no dask scheduler answers at"), connected("tcp://127.0.0.1:9"):
        pass


@pytest.mark.parametrize("address", ["host", "host:port", "smoke://host:8786"])
def test_an_address_that_is_none_is_refused_before_a_client_is_made(address: str) -> None:
    with pytest.raises(EnvironmentFault, match=f"no dask scheduler answers at {address}"), connected(address):
        pass
    gc.collect()  # a client left over would complain here, which pytest takes for an error


def test_counts_are_not_spread(tmp_path: object) -> None:
    with pytest.raises(InputError, match="leave --backend out"):
        measure("tcp://127.0.0.1:9", QUICK, tmp_path, "test", clock="icount")  # type: ignore[arg-type]
