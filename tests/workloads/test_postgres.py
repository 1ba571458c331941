"""Evaluations in a real PostgreSQL database."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from costmodel.errors import EnvironmentFault, InputError
from costmodel.impact.usages import script_hash
from costmodel.model import ExUnits
from costmodel.plutus import LedgerLanguage, encode_data, encode_flat, parse_program
from costmodel.workloads import find_workload
from costmodel.workloads.evaluation import Evaluation
from costmodel.workloads.parquet import replay_rows
from costmodel.workloads.postgres import postgres_rows
from costmodel.workloads.rows import evaluations
from tests.workloads.database import Server, server
from tests.workloads.rows import CPU, SUCCESSOR, row

V2 = encode_flat(parse_program("(program 1.0.0 (lam datum (lam redeemer (lam context datum))))"))


def known() -> list[Evaluation]:
    """2500 evaluations of two scripts, some of which fail within what they declared."""
    one = Evaluation(
        id="",
        flat=SUCCESSOR,
        arguments=(encode_data(41),),
        language=LedgerLanguage.PLUTUS_V3,
        protocol_version=11,
        parameters=tuple(row()["cost_model"]),
        budget=ExUnits(10**9, 10**6),
        expected_success=True,
        expected=None,
    )
    two = replace(one, flat=V2, language=LedgerLanguage.PLUTUS_V2, arguments=(encode_data(1),) * 3, parameters=None)
    failing = replace(one, budget=ExUnits(CPU - 1, 10**6), expected_success=False)
    return [replace((one, two, failing)[n % 3], id=str(n)) for n in range(2500)]


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with server() as running:
        running.fill(known(), [script_hash(each.flat, each.language) for each in known()])
        yield running


def test_rows_are_the_evaluations(database: Server) -> None:
    rows = postgres_rows(database.url)
    assert rows.count == 2500
    assert [each for first, batch in rows.batches() for each in evaluations("", first, batch)] == known()


def test_blocks_bound_what_is_read(database: Server) -> None:
    rows = postgres_rows(database.url, 110, 119)
    assert rows.count == 10
    assert [each.id for first, batch in rows.batches() for each in evaluations("", first, batch)] == [
        str(n) for n in range(10, 20)
    ]


def test_success_comes_out_as_recorded(database: Server) -> None:
    results = [result for batch in replay_rows(postgres_rows(database.url)) for result in batch.to_pylist()]
    assert all(result["exact"] for result in results)
    assert {result["status"] for result in results} == {"success", "out of budget"}


def test_a_sample_is_a_workload(database: Server) -> None:
    workload = find_workload(database.url, sample=20)
    assert 0 < len(workload.programs) <= 20
    assert workload.files == ()


def test_nothing_can_be_written(database: Server) -> None:
    from costmodel.workloads import postgres

    with (
        postgres._connected(database.url) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("DELETE FROM script_evaluation_events")


def test_a_server_that_is_not_there_is_one_line() -> None:
    with pytest.raises(EnvironmentFault, match="check that the database runs") as caught:
        postgres_rows("postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_schema_is_one_line(database: Server) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE other")
    other = database.url.removesuffix("postgres") + "other"
    with pytest.raises(InputError, match="no table script_evaluation_events"):
        postgres_rows(other)
    with psycopg.connect(other) as connection:
        connection.execute("CREATE TABLE script_evaluation_events (pk bigint)")
    with pytest.raises(InputError, match="no column block"):
        postgres_rows(other)


def test_a_connection_that_is_lost_is_one_line() -> None:
    with server() as running:
        running.fill(known(), [script_hash(each.flat, each.language) for each in known()])
        batches = postgres_rows(running.url).batches()
        next(batches)
        running.stop()
        with pytest.raises(EnvironmentFault, match="check that the database runs"):
            list(batches)
