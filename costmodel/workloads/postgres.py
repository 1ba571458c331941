"""Mainnet's evaluations in PostgreSQL: the schema of IntersectMBO's plutus-script-evaluation, read by ranges of blocks.

`script_evaluation_events` has an evaluation a row: the ExUnits that its transaction declared, whether it succeeded, and
its arguments; `serialised_scripts` and `cost_model_params` have what many events share. An evaluation's expected
ExUnits are not recorded, so only success is compared. Nothing is ever written: sessions are read-only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import cbor2
import psycopg
import pyarrow as pa
from psycopg import sql

from costmodel.errors import DecodeError, EnvironmentFault, InputError
from costmodel.plutus import LedgerLanguage
from costmodel.remote import shown_address
from costmodel.workloads.rows import BATCH_ROWS, COLUMNS, Batch, Rows

_CONNECT_SECONDS: Final = 10
_LANGUAGES: Final = {1: LedgerLanguage.PLUTUS_V1, 2: LedgerLanguage.PLUTUS_V2, 3: LedgerLanguage.PLUTUS_V3}
_NEEDED: Final = {
    "script_evaluation_events": (
        *("pk", "block", "major_protocol_version", "evaluated_successfully", "exec_budget_cpu", "exec_budget_mem"),
        *("script_hash", "datum", "redeemer", "script_context", "cost_model_params"),
    ),
    "serialised_scripts": ("hash", "ledger_language", "serialised"),
    "cost_model_params": ("pk", "param_values"),
}
_FROM: Final = """
FROM script_evaluation_events event
JOIN serialised_scripts script ON script.hash = event.script_hash
LEFT JOIN cost_model_params params ON params.pk = event.cost_model_params
WHERE event.block >= %(first)s AND event.block <= %(last)s"""
# Every event has a script (a foreign key), so the join changes no count.
_COUNT: Final = "SELECT count(*) FROM script_evaluation_events WHERE block >= %(first)s AND block <= %(last)s"
_SELECT: Final = (
    "SELECT event.pk, script.serialised, script.ledger_language, event.major_protocol_version, event.datum, "
    "event.redeemer, event.script_context, params.param_values, event.exec_budget_cpu, event.exec_budget_mem, "
    f"event.evaluated_successfully{_FROM} ORDER BY event.pk"
)
_LAST_BLOCK: Final = 2**62


def postgres_rows(url: str, first_block: int = 0, last_block: int = _LAST_BLOCK) -> Rows:
    """The evaluations of blocks from `first_block` to `last_block`, both included, in the order of their keys.

    EnvironmentFault where the database does not answer or goes away, InputError where it has another schema.
    """
    blocks = {"first": first_block, "last": min(last_block, _LAST_BLOCK)}
    with _connected(url) as connection:
        _check_schema(connection, shown_address(url))
        row = connection.execute(_COUNT, blocks).fetchone()
    return Rows(shown_address(url), int(row[0]) if row else 0, lambda: _batches(url, blocks))


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    shown = shown_address(url)
    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
            connection.read_only = True
            # One snapshot, so that a database which is being filled gives the rows that were counted.
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield connection
    except psycopg.OperationalError as error:
        raise EnvironmentFault(f"{shown}: {_line(error)}; check that the database runs and can be reached") from None
    except psycopg.Error as error:
        raise InputError(f"{shown}: {_line(error)}") from None


def _check_schema(connection: psycopg.Connection[Any], shown: str) -> None:
    found = connection.execute(
        "SELECT table_name::text, column_name::text FROM information_schema.columns "
        "WHERE table_schema = ANY (current_schemas(false))"
    ).fetchall()
    for table, columns in _NEEDED.items():
        known = {column for name, column in found if name == table}
        if not known:
            raise InputError(f"{shown} has no table {table}; it is not a database of plutus-script-evaluation")
        if missing := [column for column in columns if column not in known]:
            raise InputError(f"{shown}: table {table} has no column {missing[0]}; its schema is another version")


def _batches(url: str, blocks: dict[str, int]) -> Iterator[Batch]:
    first = 0
    with _connected(url) as connection, connection.cursor("rows", binary=True) as cursor:
        cursor.itersize = BATCH_ROWS
        cursor.execute(sql.SQL(_SELECT), blocks)
        while found := cursor.fetchmany(BATCH_ROWS):
            yield first, pa.RecordBatch.from_pylist([_row(shown_address(url), each) for each in found], COLUMNS)
            first += len(found)


def _row(where: str, found: tuple[Any, ...]) -> dict[str, Any]:
    key, serialised, language, version, datum, redeemer, context, model, cpu, mem, success = found
    if language not in _LANGUAGES:
        raise DecodeError(f"{where}: row {key} is of an unknown language {language}")
    before_v3 = _LANGUAGES[language] is not LedgerLanguage.PLUTUS_V3
    arguments = [datum, redeemer, context] if before_v3 else [context]
    return {
        "program": _unwrapped(where, key, serialised),
        "arguments": [argument for argument in arguments if argument is not None],
        "language": _LANGUAGES[language].value,
        "protocol_version": version,
        "id": str(key),
        "cost_model": model,
        "budget_cpu": cpu,
        "budget_mem": mem,
        "success": success,
        "cpu": None,
        "mem": None,
    }


def _unwrapped(where: str, key: int, serialised: bytes) -> bytes:
    """The flat bytes within the CBOR byte string that the ledger stores."""
    try:
        flat = cbor2.loads(serialised)
    except (cbor2.CBORDecodeError, ValueError):
        flat = None
    if not isinstance(flat, bytes):
        raise DecodeError(f"{where}: row {key}: its script is not a CBOR byte string")
    return flat


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
