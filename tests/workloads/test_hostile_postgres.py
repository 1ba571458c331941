"""Databases that hold something else than they should, and servers that are none."""

# ruff: noqa: S608 - statements are put together from values of these tests, some of which are SQL

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path
from threading import Event, Thread

import cbor2
import psycopg
import pytest

from costmodel.errors import DecodeError, EnvironmentFault, InputError
from costmodel.plutus import encode_data
from costmodel.workloads import memory, postgres
from costmodel.workloads.parquet import replay_rows
from costmodel.workloads.postgres import postgres_rows
from costmodel.workloads.sources import find_workload
from tests.cli.command import calibrate, one_line
from tests.workloads.database import SCHEMA, Server, server
from tests.workloads.rows import SUCCESSOR

# Without what upstream forbids.
LOOSE = SCHEMA.replace(" NOT NULL", "").replace(" PRIMARY KEY", "").replace(" REFERENCES serialised_scripts", "")
LOOSE = LOOSE.replace(" REFERENCES cost_model_params", "")


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with server() as place:
        yield place


@pytest.fixture
def database(running: Server) -> Iterator[str]:
    """The address of an empty database."""
    with psycopg.connect(running.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE hostile")
    yield running.url.removesuffix("postgres") + "hostile"
    with psycopg.connect(running.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE hostile WITH (FORCE)")


def fill(url: str, **changes: object) -> None:
    """A script and two events, 1 and 2; the second has `changes`, given as SQL where they are text."""
    event: dict[str, object] = {
        "pk": 2,
        "slot": 1,
        "block": 1,
        "major_protocol_version": 11,
        "evaluated_successfully": True,
        "exec_budget_cpu": 10**9,
        "exec_budget_mem": 10**6,
        "script_hash": "'a'",
        "datum": "NULL",
        "redeemer": "NULL",
        "script_context": f"'\\x{encode_data(41).hex()}'",
        "cost_model_params": "NULL",
    }
    script = f"'\\x{cbor2.dumps(SUCCESSOR).hex()}'"
    with psycopg.connect(url) as connection:
        connection.execute(LOOSE)
        for hash_, language, serialised in (("'a'", 3, script), ("'b'", 2, script), ("'c'", 9, script)):
            connection.execute(f"INSERT INTO serialised_scripts VALUES ({hash_}, {language}, {serialised})")
        for row in (event | {"pk": 1}, event | changes):
            connection.execute(f"INSERT INTO script_evaluation_events VALUES ({', '.join(map(str, row.values()))})")


def told(url: str) -> str:
    """The one line for the user."""
    with pytest.raises(InputError) as caught:
        list(replay_rows(postgres_rows(url)))
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 600
    return line


def test_the_rows_without_changes_are_exact(database: str) -> None:
    fill(database)
    (batch,) = replay_rows(postgres_rows(database))
    assert batch.column("exact").to_pylist() == [True, True]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pk": "NULL"}, "a row has the key 'None', which is no integer"),
        ({"major_protocol_version": "NULL"}, "row 2 has major_protocol_version null; it is an integer of 0 or more"),
        ({"major_protocol_version": -1}, "row 2 has major_protocol_version -1; it is an integer of 0 or more"),
        ({"major_protocol_version": 300}, "protocol version 300"),
        ({"exec_budget_cpu": "NULL"}, "row 2 has exec_budget_cpu null; it is an integer of 0 or more"),
        (
            {"exec_budget_mem": -(2**63)},
            "row 2 has exec_budget_mem -9223372036854775808; it is an integer of 0 or more",
        ),
        ({"evaluated_successfully": "NULL"}, "row 2 has evaluated_successfully null; it is true or false"),
        ({"script_context": "NULL"}, "row 2 has script_context null; it is the CBOR of an argument"),
        ({"script_hash": "'b'"}, "row 2 has redeemer null; it is the CBOR of an argument"),
        ({"script_hash": "'c'"}, "row 2 is of an unknown language 9"),
        ({"script_hash": "NULL"}, "row 2: its script is missing in serialised_scripts"),
        ({"script_hash": "'none'"}, "row 2: its script is missing in serialised_scripts"),
        ({"cost_model_params": 7}, "row 2: its cost model is missing in cost_model_params"),
    ],
)
def test_a_row_that_is_no_evaluation_is_named(changes: dict[str, object], said: str, database: str) -> None:
    fill(database, **changes)
    assert said in told(database)


@pytest.mark.parametrize(
    "serialised",
    [
        "''",
        "'\\x40'",
        "'\\x5b7fffffffffffffff'",
        "'\\x5f'",
        "'\\x5f5f5fff'",
        "'\\x9bffffffffffffffff'",
        "decode(repeat('81', 100000), 'hex')",
        "decode(repeat('c2', 100000), 'hex')",
        "'\\xd82363285b'",
        "'\\xc4821b7fffffffffffffff01'",
        "NULL",
    ],
)
def test_a_script_that_does_not_decode_is_named_or_refused(serialised: str, database: str) -> None:
    fill(database, script_hash="'x'")
    with psycopg.connect(database) as connection:
        connection.execute(f"INSERT INTO serialised_scripts VALUES ('x', 3, {serialised})")
    if serialised == "'\\x40'":  # a byte string without a program
        (batch,) = replay_rows(postgres_rows(database))
        assert batch.column("status").to_pylist() == ["success", "refused"]
    else:
        assert "row 2: its script is " in told(database)


@pytest.mark.parametrize("values", ["'{1,NULL}'", "'{{1},{2}}'"])
def test_a_cost_model_that_is_none_is_one_line(values: str, database: str) -> None:
    fill(database, cost_model_params=7)
    with psycopg.connect(database) as connection:
        connection.execute(f"INSERT INTO cost_model_params VALUES (7, {values})")
    assert "cost" in told(database)


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("serialised bytea", "serialised text"),
        ("datum bytea", "datum jsonb"),
        ("ledger_language smallint", "ledger_language text"),
        ("major_protocol_version smallint", "major_protocol_version numeric"),
        ("exec_budget_cpu bigint", "exec_budget_cpu double precision"),
        ("evaluated_successfully bool", "evaluated_successfully text"),
        ("param_values bigint[]", "param_values text[]"),
        ("param_values bigint[]", "param_values json"),
        ("block bigint", "block timestamptz"),
        ("script_context bytea", "script_context bytea[]"),
    ],
)
def test_columns_of_other_types_are_one_line(column: str, other: str, database: str) -> None:
    name = column.split()[0]
    with psycopg.connect(database) as connection:
        connection.execute(LOOSE.replace(column, other))
    assert f"column {name} of table " in told(database)
    assert told(database).endswith("its schema is another version")


def test_names_with_sql_in_them_are_names(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA.replace("block bigint", '"block; DROP TABLE x; --" bigint, "block"" " bigint'))
    assert "table script_evaluation_events has no column block" in told(database)


def test_a_database_name_with_quotes_is_a_name(running: Server) -> None:
    said = told(running.url.removesuffix("postgres") + "a'%22;DROP%20DATABASE%20postgres;--")
    assert """database "a'";DROP DATABASE postgres;--" does not exist""" in said


def test_tables_that_vanish_are_one_line(database: str) -> None:
    fill(database)
    rows = postgres_rows(database)
    with psycopg.connect(database) as connection:
        connection.execute("DROP TABLE cost_model_params")
    with pytest.raises(InputError, match=r'relation "cost_model_params" does not exist$'):
        list(rows.batches())


def test_rows_that_vanish_are_told(database: str) -> None:
    fill(database)
    rows = postgres_rows(database)
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM script_evaluation_events WHERE pk = 2")
    with pytest.raises(EnvironmentFault, match="2 rows were counted, and 1 came; it has changed, so run again"):
        list(rows.batches())


def test_tables_that_may_not_be_read_are_one_line(database: str) -> None:
    fill(database)
    with psycopg.connect(database) as connection:
        connection.execute("DROP ROLE IF EXISTS stranger")
        connection.execute("CREATE ROLE stranger LOGIN")
    port = database.split(":")[-1].split("/")[0]
    assert "no table script_evaluation_events that you may read" in told(
        f"postgresql://stranger@127.0.0.1:{port}/hostile"
    )


def test_large_rows_are_refused_before_they_fill_memory(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "BATCH_BYTES", 128 << 20)
    fill(database, script_context="decode(repeat('00', 100 << 20), 'hex')")
    assert "1024 rows take more than 128 MiB" in told(database)


def test_many_rows_that_are_large_together_are_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "BATCH_BYTES", 64 << 20)
    fill(database)
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO script_evaluation_events SELECT n, 1, 1, 11, true, 1, 1, 'a', NULL, NULL, "
            "decode(repeat('00', 1 << 20), 'hex'), NULL FROM generate_series(3, 100) n"
        )
    assert "1024 rows take more than 64 MiB" in told(database)


def test_a_query_without_an_end_is_one_line(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_ANSWER_SECONDS", 0.5)
    fill(database)
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE script_evaluation_events RENAME TO events")
        connection.execute(
            "CREATE VIEW script_evaluation_events AS SELECT * FROM events WHERE pg_sleep(1000) IS NOT NULL"
        )
    assert "no answer for 0 minutes; check whether the database hangs" in told(database)


@pytest.mark.parametrize("command", ["eval", "impact", "validate"])
def test_each_command_ends_with_one_line(command: str, database: str, tmp_path: Path) -> None:
    fill(database, exec_budget_cpu=-1)
    arguments: dict[str, list[str]] = {
        "eval": ["eval", database, "--out", str(tmp_path / "out.parquet")],
        "impact": ["impact", "ledger", "ledger", "--corpus", database],
        "validate": ["validate", "models/reference.json", "--workload", database, "--time-budget", "1s"],
    }
    assert "row 2 has exec_budget_cpu -1" in one_line(calibrate(*arguments[command]))
    assert list(tmp_path.iterdir()) == []


def test_a_sample_of_what_cannot_be_read_is_one_line(database: str) -> None:
    fill(database, script_hash="'none'")
    with pytest.raises(DecodeError, match="row 2: its script is missing"):
        find_workload(database, sample=1)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:100%s3cret@127.0.0.1/db",
        "postgresql://me:s3cret@[::1/db",
        "postgresql://me:s3 cret s3cret@127.0.0.1/db",
        "postgresql://me:a@s3cret@127.0.0.1/db",
        "postgresql://me:a/s3cret@127.0.0.1/db",
        "postgresql://me:a/s3cret?@127.0.0.1/db",
        "postgresql://me:s3cret@127.0.0.1/db?s3cret=3",
        "postgresql://me:s3cret@127.0.0.1/db?port=s3cret",
        "postgresql://me:s3cret\ud800@127.0.0.1/db",
        "postgresql://me:s3cret@127.0.0.1:1/db?password=s3cret",
    ],
)
def test_no_address_is_told_with_its_password(address: str) -> None:
    assert "s3cret" not in told(address)


class Impostor:
    """Takes connections as a server does, and sends pieces once somebody has spoken."""

    def __init__(self, answer: Callable[[], Iterator[bytes]], *, welcome: bool) -> None:
        self._answer, self._welcome = answer, welcome
        self._ended = Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"postgresql://me:s3cret@127.0.0.1:{self._listening.getsockname()[1]}/db"
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                Thread(target=self._talk, args=(self._listening.accept()[0],), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if self._welcome:
                while connection.recv(4096)[4:7] == b"\x04\xd2\x16":  # asks for encryption
                    connection.sendall(b"N")
                connection.sendall(reply(b"R", bytes(4)) + reply(b"S", b"client_encoding\0UTF8\0") + reply(b"Z", b"I"))
                connection.recv(4096)
                connection.sendall(reply(b"C", b"BEGIN\0") + reply(b"Z", b"T"))
            connection.recv(4096)
            for piece in self._answer():
                connection.sendall(piece)
                if self._ended.wait(0 if len(piece) > 1000 else 0.01):
                    return

    def close(self) -> None:
        self._ended.set()
        self._listening.close()


@contextmanager
def impostor(answer: Callable[[], Iterator[bytes]], *, welcome: bool) -> Iterator[str]:
    place = Impostor(answer, welcome=welcome)
    try:
        yield place.url
    finally:
        place.close()


def reply(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content


def failure(text: bytes) -> bytes:
    return reply(b"E", b"SFATAL\0C28P01\0M" + text + b"\0\0")


def row_of(kind: int, value: bytes) -> bytes:
    """One row of one column of a type, in binary."""
    column = b"a\0" + struct.pack("!ihihih", 0, 0, kind, -1, -1, 1)
    described = reply(b"T", struct.pack("!h", 1) + column)
    row = reply(b"D", struct.pack("!hi", 1, len(value)) + value)
    return reply(b"1", b"") + reply(b"2", b"") + described + row + reply(b"C", b"SELECT 1\0") + reply(b"Z", b"T")


ANSWERS: dict[str, Callable[[], Iterator[bytes]]] = {
    "nothing": lambda: repeat(b""),
    "the end": lambda: iter(()),
    "http": lambda: iter([b"HTTP/1.1 400 Bad Request\r\n\r\n"]),
    "zeros": lambda: repeat(bytes(1 << 16)),
    "noise": lambda: repeat(os.urandom(1 << 16)),
    "no encryption, again and again": lambda: repeat(b"N"),
    "notices": lambda: repeat(reply(b"N", b"SNOTICE\0C00000\0Mx\0\0") * 100),
    "a huge message": lambda: iter([b"D\x7f\xff\xff\xff" + b"\0\1", *[bytes(1 << 20)] * 4000]),
    "a huge error": lambda: iter([b"E\x7f\xff\xff\xff" + b"M", *[b"x" * (1 << 20)] * 4000]),
    "a long error": lambda: iter([failure(b"x\n" * 10_000)]),
    "the password": lambda: iter([failure(b"me:s3cret is wrong, s3cret")]),
    "an error that is not UTF-8": lambda: iter([failure(b"\xff\xfe")]),
    "half an integer": lambda: repeat(row_of(20, b"\1")),
    "text that is none": lambda: repeat(row_of(25, b"\xff")),
    "a list of nothing": lambda: repeat(row_of(1016, b"\xff" * 20)),
    "deep JSON": lambda: repeat(row_of(114, b"[" * 100_000)),
    "a date after all": lambda: repeat(row_of(1082, b"\x7f\xff\xff\xff")),
}


@pytest.mark.parametrize("welcome", [False, True])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_server_that_is_none_is_one_line(name: str, welcome: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_CONNECT_SECONDS", 2)
    monkeypatch.setattr(postgres, "_ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(postgres, "BATCH_BYTES", 128 << 20)
    began = time.monotonic()
    with impostor(ANSWERS[name], welcome=welcome) as url:
        assert "s3cret" not in told(url)
    assert time.monotonic() - began < 6
    assert memory.BATCH_BYTES == 1 << 30
