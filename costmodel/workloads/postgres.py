"""Mainnet's evaluations in PostgreSQL: the schema of IntersectMBO's plutus-script-evaluation, read by ranges of blocks.

`script_evaluation_events` has an evaluation a row: the ExUnits that its transaction declared, whether it succeeded, and
its arguments; `serialised_scripts` and `cost_model_params` have what many events share. An evaluation's expected
ExUnits are not recorded, so only success is compared. Nothing is ever written: sessions are read-only.

A server is not trusted: types and values are checked, answers have a limit of time and of memory, and what the server
says is quoted without the password.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Final, TypeGuard

import cbor2
import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from costmodel.errors import CalibrateError, DecodeError, EnvironmentFault, InputError
from costmodel.plutus import LedgerLanguage
from costmodel.remote import shown_address
from costmodel.workloads.memory import BATCH_BYTES, most_memory
from costmodel.workloads.rows import BATCH_ROWS, COLUMNS, Batch, Rows

_CONNECT_SECONDS: Final = 10
_ANSWER_SECONDS: Final = 900.0  # for counting the events of years, without an index
_LONGEST_REASON: Final = 300  # characters of what a server says
# A host that is gone is noticed after a minute, and not after the two hours that are usual.
_KEEPALIVES: Final = {
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "4",
    "tcp_user_timeout": "60000",
}
_LANGUAGES: Final = {1: LedgerLanguage.PLUTUS_V1, 2: LedgerLanguage.PLUTUS_V2, 3: LedgerLanguage.PLUTUS_V3}
_INTEGER: Final = ("int8", "int4", "int2")
_BYTES: Final = ("bytea",)
_NEEDED: Final = {
    "script_evaluation_events": {
        "pk": _INTEGER,
        "block": _INTEGER,
        "major_protocol_version": _INTEGER,
        "evaluated_successfully": ("bool",),
        "exec_budget_cpu": _INTEGER,
        "exec_budget_mem": _INTEGER,
        "script_hash": _BYTES,
        "datum": _BYTES,
        "redeemer": _BYTES,
        "script_context": _BYTES,
        "cost_model_params": _INTEGER,
    },
    "serialised_scripts": {"hash": _BYTES, "ledger_language": _INTEGER, "serialised": _BYTES},
    "cost_model_params": {"pk": _INTEGER, "param_values": tuple(f"_{name}" for name in _INTEGER)},
}
"""The types of columns, as PostgreSQL names them, the first of which is upstream's."""
_FROM: Final = """
FROM script_evaluation_events event
LEFT JOIN serialised_scripts script ON script.hash = event.script_hash
LEFT JOIN cost_model_params params ON params.pk = event.cost_model_params
WHERE event.block >= %(first)s AND event.block <= %(last)s"""
_COUNT: Final = "SELECT count(*) FROM script_evaluation_events WHERE block >= %(first)s AND block <= %(last)s"
_SELECT: Final = f"""
SELECT event.pk, script.serialised, script.ledger_language, event.major_protocol_version, event.datum, event.redeemer,
    event.script_context, event.cost_model_params, params.param_values, event.exec_budget_cpu, event.exec_budget_mem,
    event.evaluated_successfully
{_FROM} ORDER BY event.pk"""
_LAST_BLOCK: Final = 2**62


def postgres_rows(url: str, first_block: int = 0, last_block: int = _LAST_BLOCK) -> Rows:
    """The evaluations of blocks from `first_block` to `last_block`, both included, in the order of their keys.

    EnvironmentFault where the database does not answer or goes away, InputError where it has another schema.
    """
    where = shown_address(url)
    blocks = {"first": first_block, "last": min(last_block, _LAST_BLOCK)}
    with _connected(url) as connection, _answering(where, connection):
        _check_schema(connection, where)
        row = connection.execute(_COUNT, blocks).fetchone()
    count = row[0] if row else None
    if not _is_integer(count) or count < 0:
        raise EnvironmentFault(f"{where}: {_UNREADABLE}")
    return Rows(where, count, lambda: _batches(url, blocks, count))


_UNREADABLE: Final = "the server's answers cannot be read; check that it is PostgreSQL"


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A session, and whatever goes wrong in it as one line for the user. It ends without waiting for the server."""
    shown = shown_address(url)
    settings = _settings(url)
    wanted: dict[str, Any] = {name: value for name, value in _KEEPALIVES.items() if name not in settings}
    try:
        with closing(psycopg.connect(url, connect_timeout=_CONNECT_SECONDS, **wanted)) as connection:
            connection.read_only = True
            # One snapshot: all batches are of the same moment.
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield connection
    except (CalibrateError, MemoryError) as error:
        if isinstance(error, MemoryError):
            raise _too_large(shown) from None
        raise
    except psycopg.Error as error:
        if error.sqlstate is None and "memory" in str(error):  # libpq's own
            raise _too_large(shown) from None
        said = f"{shown}: {_line(error, settings)}"
        if isinstance(error, psycopg.OperationalError):
            raise EnvironmentFault(f"{said}; check that the database runs and can be reached") from None
        # Without a state, it is libpq or psycopg that cannot make sense of the server.
        raise InputError(said if error.sqlstate else f"{said}; check that it is a PostgreSQL server") from None
    except Exception:  # what psycopg's readers of values raise for those that are none
        raise EnvironmentFault(f"{shown}: {_UNREADABLE}") from None


def _settings(url: str) -> dict[str, Any]:
    """What an address says. InputError for none, which does not quote it, as libpq would with the password."""
    try:
        settings = dict(conninfo_to_dict(url))
    except (psycopg.Error, ValueError):
        settings = {"host": "@"}
    # Where a password was not escaped, the end of it is taken for a part of the host, or the host for the user.
    if "@" in str(settings.get("host", "")) or not re.fullmatch(r"[\d,]*", str(settings.get("port", ""))):
        raise InputError(
            f"{shown_address(url)}: is no address of a database; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            "with %40 for an @, %25 for a % and %2F for a / in the password"
        )
    return settings


def _too_large(shown: str) -> DecodeError:
    return DecodeError(
        f"{shown}: {BATCH_ROWS} rows take more than {BATCH_BYTES >> 20} MiB; read a copy without the large ones"
    )


@contextmanager
def _answering(where: str, connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Bounds the time and the memory that the server's answers may take. EnvironmentFault where it hangs."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as ended:
            ended.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(_ANSWER_SECONDS, give_up)
    timer.daemon = True
    timer.start()
    try:
        with most_memory(BATCH_BYTES):
            yield
    except psycopg.Error:
        if late.is_set():
            raise EnvironmentFault(
                f"{where}: no answer for {_ANSWER_SECONDS / 60:.0f} minutes; check whether the database hangs"
            ) from None
        raise
    finally:
        timer.cancel()


def _check_schema(connection: psycopg.Connection[Any], shown: str) -> None:
    found = connection.execute(
        "SELECT table_name::text, column_name::text, udt_name::text FROM information_schema.columns "
        "WHERE table_schema = ANY (current_schemas(false)) AND table_name = ANY (%s)",
        (list(_NEEDED),),
    ).fetchall()
    for table, columns in _NEEDED.items():
        if not any(name == table for name, _, _ in found):
            raise InputError(
                f"{shown} has no table {table} that you may read; it is not a database of plutus-script-evaluation"
            )
        for column, types in columns.items():
            kinds = [kind for name, each, kind in found if (name, each) == (table, column)]
            if not kinds:
                raise InputError(f"{shown}: table {table} has no column {column}; its schema is another version")
            if not any(kind in types for kind in kinds):
                raise InputError(
                    f"{shown}: column {column} of table {table} is {kinds[0]}, not {types[0]}; "
                    "its schema is another version"
                )


def _batches(url: str, blocks: dict[str, int], count: int) -> Iterator[Batch]:
    where, first = shown_address(url), 0
    with _connected(url) as connection:
        cursor = connection.cursor("rows", binary=True)
        try:
            with _answering(where, connection):
                cursor.execute(sql.SQL(_SELECT), blocks)
            while (batch := _next(where, connection, cursor)).num_rows:
                yield first, batch
                first += batch.num_rows
        finally:
            connection.close()  # before the cursor, which would wait for the server
            cursor.close()
    if first < count:
        raise EnvironmentFault(f"{where}: {count} rows were counted, and {first} came; it has changed, so run again")


def _next(where: str, connection: psycopg.Connection[Any], cursor: psycopg.ServerCursor[Any]) -> pa.RecordBatch:
    with _answering(where, connection):
        found = cursor.fetchmany(BATCH_ROWS)
        rows = [_row(where, each) for each in found]
        try:
            return pa.RecordBatch.from_pylist(rows, COLUMNS)
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            key = rows[0]["id"]
            raise DecodeError(
                f"{where}: of the {len(rows)} rows from row {key} on, a cost model is no integers"
            ) from None


def _row(where: str, found: tuple[Any, ...]) -> dict[str, Any]:
    key, serialised, language, version, datum, redeemer, context, params, model, cpu, mem, success = found
    if not _is_integer(key):
        raise DecodeError(f"{where}: a row has the key {str(key)[:80]!r}, which is no integer")
    if serialised is None:
        raise DecodeError(f"{where}: row {key}: its script is missing in serialised_scripts")
    if params is not None and model is None:
        raise DecodeError(f"{where}: row {key}: its cost model is missing in cost_model_params")
    if language not in _LANGUAGES:
        raise DecodeError(f"{where}: row {key} is of an unknown language {str(language)[:80]}")
    for name, value in (("major_protocol_version", version), ("exec_budget_cpu", cpu), ("exec_budget_mem", mem)):
        if not _is_integer(value) or value < 0:
            raise DecodeError(f"{where}: row {key} has {name} {_shown(value)}; it is an integer of 0 or more")
    if not isinstance(success, bool):
        raise DecodeError(f"{where}: row {key} has evaluated_successfully {_shown(success)}; it is true or false")
    arguments = {"script_context": context}
    if _LANGUAGES[language] is not LedgerLanguage.PLUTUS_V3:
        arguments = ({} if datum is None else {"datum": datum}) | {"redeemer": redeemer} | arguments
    for name, value in arguments.items():
        if not isinstance(value, bytes):
            raise DecodeError(f"{where}: row {key} has {name} {_shown(value)}; it is the CBOR of an argument")
    return {
        "program": _unwrapped(where, key, serialised),
        "arguments": list(arguments.values()),
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


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < 1 << 63


def _shown(value: object) -> str:
    return "null" if value is None else repr(value)[:80]


_BYTE_STRINGS: Final = range(0x40, 0x60)  # first bytes of CBOR's


def _unwrapped(where: str, key: int, serialised: object) -> bytes:
    """The flat bytes within the CBOR byte string that the ledger stores."""
    flat = None
    # Other CBOR is not decoded: it may be nested, and stand for much more than its length.
    if isinstance(serialised, bytes) and serialised and serialised[0] in _BYTE_STRINGS:
        with suppress(cbor2.CBORError, ValueError, TypeError, OverflowError):
            flat = cbor2.loads(serialised)
    if not isinstance(flat, bytes):
        raise DecodeError(f"{where}: row {key}: its script is not a CBOR byte string")
    return flat


def _line(error: psycopg.Error, settings: dict[str, Any]) -> str:
    """What is wrong, in one line: without the statement that a server quotes, and without the password."""
    text = " ".join((error.diag.message_primary or str(error)).split()) or type(error).__name__
    for name in ("password", "sslpassword", "passfile"):
        if settings.get(name):
            text = text.replace(str(settings[name]), "…")
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"
