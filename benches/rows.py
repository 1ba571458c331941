"""`calibrate eval` and `impact` over many rows: in one process, in several, by Dask workers, and from PostgreSQL.

    python -m benches.rows FOLDER --rows 1000000 --ways one,two,dask,postgres --commands eval,impact

The corpus is made of the programs of the shared data, turn and turn about: contracts and conformance cases under a
lambda for a context that is another one in each row, loops of the workbench, and mainnet's evaluations. It is kept in
FOLDER, which later calls use again. Prints for each way wall time, CPU time and peak memory by process, and fails where
results differ in anything but their times.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cbor2
import psutil  # type: ignore[import-untyped] # comes with distributed
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from costmodel.errors import CalibrateError, InputError
from costmodel.impact.run import open_corpus
from costmodel.impact.usages import script_hash
from costmodel.machine import EvaluationStatus, Script, exact_machine
from costmodel.model import ExUnits, Variant
from costmodel.plutus import DataConstr, LedgerLanguage, decode_flat, encode_data, encode_flat, load_program
from costmodel.plutus.term import Lam
from costmodel.workloads.evaluation import PLENTY, Evaluation
from costmodel.workloads.rows import COLUMNS, evaluations, rows_of
from tests.fleet.cluster import fleet, wait_for_workers
from tests.workloads.database import SCHEMA, Server, server

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
_PARTS: Final = 16
_MOST: Final = 10**8  # ps of a conformance case; few take more, and they would be all that is timed
_WAYS: Final = {"one": ("--jobs", "1"), "two": ("--jobs", "2"), "dask": (), "postgres": ("--jobs", "1")}
_POLL_SECONDS: Final = 0.2


def programs() -> list[Evaluation]:
    """Every program of the shared data once, with what it takes and a tenth more declared."""
    found = evaluations_of(str(DATA / "scripts" / "mainnet" / "corpus.json"))
    found += evaluations_of(str(DATA / "workbench" / "scripts"))
    files = [*sorted((DATA / "scripts" / "validation").glob("*.flat")), *sorted((DATA / "conformance").rglob("*.uplc"))]
    machine = exact_machine(Variant.E)
    for path in files:
        try:
            program = load_program(path, default=LedgerLanguage.PLUTUS_V3)
            under = decode_flat(program.flat)
            flat = encode_flat(replace(under, term=Lam(under.term)))
            script = Script.decode(flat, LedgerLanguage.PLUTUS_V3, 11)
        except CalibrateError:
            continue  # some conformance cases are no programs
        script.apply_data(context(0))
        outcome = machine.evaluate(script, PLENTY)
        if outcome.spent.cpu > _MOST and "conformance" in path.parts:
            continue
        found.append(
            Evaluation(
                id=path.stem,
                flat=flat,
                arguments=(),  # a context of each row's own
                language=LedgerLanguage.PLUTUS_V3,
                protocol_version=11,
                parameters=None,
                budget=ExUnits(outcome.spent.cpu * 11 // 10, outcome.spent.mem * 11 // 10),
                expected_success=outcome.status is EvaluationStatus.SUCCESS,
                expected=None,
            )
        )
    return found


def evaluations_of(corpus: str) -> list[Evaluation]:
    """Those of another corpus. A database does not record what they cost, and so neither do these."""
    rows = open_corpus(corpus).rows
    return [
        replace(each, expected=None) for first, batch in rows.batches() for each in evaluations(rows.name, first, batch)
    ]


def context(number: int) -> bytes:
    return encode_data(DataConstr(0, (number,)))


def many(count: int) -> Iterator[Evaluation]:
    """So many rows, which are numbered as those of a database are."""
    for number, each in zip(range(count), itertools.cycle(programs()), strict=False):
        budget = each.budget if each.budget != PLENTY else ExUnits(10**10, 14 * 10**6)
        yield replace(each, id=str(number), budget=budget, arguments=each.arguments or (context(number),))


def build(folder: Path, count: int) -> None:
    """A corpus of several files, unless it is there."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    rows = many(count)
    for part in range(_PARTS):
        taken = count * (part + 1) // _PARTS - count * part // _PARTS
        with pq.ParquetWriter(folder / f"part-{part:02}.parquet", COLUMNS, compression="zstd") as writer:
            while batch := list(itertools.islice(rows, min(taken, 4096))):
                taken -= len(batch)
                for _, written in rows_of("", batch, ()).batches():
                    writer.write_batch(written)


def fill(place: Server, count: int) -> None:
    """The same rows as events, in the schema of plutus-script-evaluation, unless they are there."""
    with psycopg.connect(place.url) as connection:
        connection.execute(SCHEMA)
        hashes: dict[bytes, bytes] = {}
        models: dict[tuple[int, ...], int] = {}
        for each in programs():
            digest = hashes.setdefault(each.flat, script_hash(each.flat, each.language))
            language = int(each.language.value.removeprefix("PlutusV"))
            connection.execute(
                "INSERT INTO serialised_scripts VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (digest, language, cbor2.dumps(each.flat)),
            )
            if each.parameters is not None and each.parameters not in models:
                models[each.parameters] = len(models)
                connection.execute(
                    "INSERT INTO cost_model_params VALUES (%s, %s)", (models[each.parameters], list(each.parameters))
                )
        with connection.cursor().copy("COPY script_evaluation_events FROM STDIN") as copy:
            for number, each in enumerate(many(count)):
                arguments = [None] * (3 - len(each.arguments)) + list(each.arguments)
                copy.write_row(
                    (
                        *(number, 1000 + number, 100 + number, each.protocol_version, each.expected_success),
                        *(each.budget.cpu, each.budget.mem, hashes[each.flat], *arguments),
                        None if each.parameters is None else models[each.parameters],
                    )
                )
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("ANALYZE")


class Usage:
    """CPU time and peak memory of processes and their children, by process id, looked at now and then."""

    def __init__(self, roots: Sequence[int]) -> None:
        self._roots = [psutil.Process(root) for root in roots]
        self.peak: dict[int, int] = {}
        self.cpu: dict[int, float] = {}
        self._begun = {process.pid: sum(process.cpu_times()[:2]) for process in self._all()}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _all(self) -> list[psutil.Process]:
        return [each for root in self._roots for each in (root, *root.children(recursive=True))]

    def _watch(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            self.look()

    def look(self) -> None:
        with suppress(psutil.Error, OSError, StopIteration):
            for process in self._all():
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
                self.peak[process.pid] = max(peak >> 10, self.peak.get(process.pid, 0))
                self.cpu[process.pid] = sum(process.cpu_times()[:2]) - self._begun.get(process.pid, 0.0)

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def run(command: Sequence[str], others: Sequence[int]) -> tuple[dict[str, Any], str]:
    """The document of a command, and what it took: of its processes, and of those that work for it elsewhere."""
    began = time.monotonic()
    with subprocess.Popen([sys.executable, "-m", "costmodel", *command, "--json"], stdout=subprocess.PIPE) as process:
        usage = Usage([process.pid, *others])
        content = process.stdout.read() if process.stdout else b""
        usage.look()
    usage.end()
    seconds = time.monotonic() - began
    cpu = sum(usage.cpu.values())
    memory = " ".join(str(each) for each in sorted(usage.peak.values(), reverse=True))
    if process.returncode:
        raise InputError(f"{' '.join(command)} ended with {process.returncode}: {content[:300].decode()}")
    return json.loads(content), f"{seconds:8.1f} s  {cpu:8.1f} s CPU  {memory} MiB"


def without_times(document: dict[str, Any], results: Path) -> tuple[dict[str, Any], pa.Table]:
    """What every way must agree in."""
    for key in ("latency_ns", "results", "corpus", "provenance"):
        document.pop(key, None)
    table = pq.read_table(results)
    return document, table.select([name for name in table.column_names if not name.endswith("_ns")])


@contextmanager
def way(name: str, folder: Path, count: int) -> Iterator[tuple[str, tuple[str, ...], list[int]]]:
    """The corpus, the options of a way, and processes that work for it."""
    corpus = folder / f"corpus-{count}"
    own = f"{count}-{os.getpid()}"  # what no later call uses again
    with ExitStack() as ends:
        if name == "postgres":
            place = ends.enter_context(server())
            began = time.monotonic()
            fill(place, count)
            print(f"filled in {time.monotonic() - began:.0f} s", flush=True)
            yield place.url, _WAYS[name], []
            return
        build(corpus, count)
        if name != "dask":
            yield str(corpus), _WAYS[name], []
            return
        cluster = ends.enter_context(fleet(folder / f"fleet-{own}"))
        cores = sorted(os.sched_getaffinity(0))
        workers = [cluster.worker(core, resources="") for core in (cores[0], cores[-1])]
        wait_for_workers(cluster, len(workers))
        yield str(corpus), ("--backend", f"dask:{cluster.address}"), [worker.pid for worker in workers if worker.pid]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benches.rows", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--ways", default=",".join(_WAYS))
    parser.add_argument("--commands", default="eval,impact")
    options = parser.parse_args()
    status = 0
    for name in options.ways.split(","):
        with way(name, options.folder, options.rows) as (corpus, arguments, others):
            for verb in options.commands.split(","):
                subject = (corpus,) if verb == "eval" else ("C", "E", "--corpus", corpus)
                results = options.folder / f"{verb}-{name}-{options.rows}.parquet"
                document, took = run([verb, *subject, *arguments, "--out", str(results)], others)
                kept = options.folder / f"{verb}-{options.rows}.json"
                found, table = without_times(document, results)
                first = options.folder / f"{verb}-{options.rows}.parquet"
                if not first.exists():
                    pq.write_table(table, first)
                    kept.write_text(json.dumps(found, sort_keys=True))
                same = found == json.loads(kept.read_text()) and table.equals(pq.read_table(first))
                status |= not same
                print(f"{verb:7} {name:9} {took}  {'same figures' if same else 'OTHER FIGURES'}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
