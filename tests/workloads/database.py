"""A PostgreSQL server of one's own on loopback, with the tables of plutus-script-evaluation."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cbor2
import psycopg
import pytest

from costmodel.plutus import LedgerLanguage
from costmodel.workloads.evaluation import Evaluation

_LANGUAGES = {LedgerLanguage.PLUTUS_V1: 1, LedgerLanguage.PLUTUS_V2: 2, LedgerLanguage.PLUTUS_V3: 3}
SCHEMA = """
CREATE TABLE cost_model_params (pk bigint PRIMARY KEY, param_values bigint[] NOT NULL);
CREATE TABLE serialised_scripts (hash bytea PRIMARY KEY, ledger_language smallint NOT NULL, serialised bytea NOT NULL);
CREATE TABLE script_evaluation_events (
    pk bigint PRIMARY KEY, slot bigint NOT NULL, block bigint NOT NULL, major_protocol_version smallint NOT NULL,
    evaluated_successfully bool NOT NULL, exec_budget_cpu bigint NOT NULL, exec_budget_mem bigint NOT NULL,
    script_hash bytea NOT NULL REFERENCES serialised_scripts, datum bytea, redeemer bytea,
    script_context bytea NOT NULL, cost_model_params bigint REFERENCES cost_model_params);
"""


def programs() -> Path:
    """The folder of Debian's server programs. The test is skipped, and says so, where there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server is installed (Debian's package postgresql)")
    return found[-1].parent


@contextmanager
def server() -> Iterator[Server]:
    """A running server, which ends with the block."""
    # Not in pytest's folders: every pytest that starts closes those of root to others, such as the server's user.
    with tempfile.TemporaryDirectory(prefix="calibrate-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        place = Server(programs(), Path(folder, "data"), _free_port())
        place.create()
        place.start()
        try:
            yield place
        finally:
            place.stop()


class Server:
    """A server and its database "events". It refuses root, so root starts it as Debian's user postgres."""

    def __init__(self, binaries: Path, data: Path, port: int) -> None:
        self._binaries, self._data, self._port = binaries, data, port
        self._user = "postgres" if os.geteuid() == 0 else getpass.getuser()
        self.url = f"postgresql://{self._user}@127.0.0.1:{port}/postgres"

    def create(self) -> None:
        """Make the files of the server."""
        self._data.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self._data, self._user)
        self._run("initdb", "--pgdata", self._data, "--auth", "trust", "--no-sync", "--encoding", "UTF8")

    def start(self) -> None:
        """Listen on loopback."""
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._run("pg_ctl", "start", "--wait", "-D", self._data, "-l", self._data / "log", "-o", options)

    def stop(self) -> None:
        """End at once, with all connections."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", self._data, check=False)

    def fill(self, evaluations: Iterable[Evaluation], hashes: Iterable[bytes]) -> None:
        """Evaluations as events, one a block from block 100 on."""
        with psycopg.connect(self.url) as connection:
            connection.execute(SCHEMA)
            models: dict[tuple[int, ...], int] = {}
            for number, (each, script_hash) in enumerate(zip(evaluations, hashes, strict=True)):
                connection.execute(
                    "INSERT INTO serialised_scripts VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                    (script_hash, _LANGUAGES[each.language], cbor2.dumps(each.flat)),
                )
                model = None
                if each.parameters is not None:
                    if each.parameters not in models:
                        models[each.parameters] = len(models)
                        connection.execute(
                            "INSERT INTO cost_model_params VALUES (%s, %s)",
                            (models[each.parameters], list(each.parameters)),
                        )
                    model = models[each.parameters]
                before = [None] * (3 - len(each.arguments)) + list(each.arguments)
                connection.execute(
                    "INSERT INTO script_evaluation_events VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    (
                        *(number, 1000 + number, 100 + number, each.protocol_version, each.expected_success),
                        *(each.budget.cpu, each.budget.mem, script_hash, *before, model),
                    ),
                )

    def _run(self, program: str, *arguments: str | Path, check: bool = True) -> None:
        user = self._user if os.geteuid() == 0 else None
        subprocess.run(
            [self._binaries / program, *arguments],
            check=check,
            user=user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
