"""Kills commands at random moments and looks at what they leave: `make kills`.

Nothing that was kept may be lost, and nothing incomplete may look complete: a result file is whole or absent, a run can
be read and continued, a run that says it is complete verifies, and a collector gets every message in order. A command
that is asked to end, by Ctrl-C or SIGTERM, says so in one line, ends with 130 and leaves no temporary files.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from costmodel.errors import CalibrateError, Interrupted
from costmodel.files import TEMPORARY_PREFIX
from costmodel.model import load
from costmodel.proposals.folder import digest, opened, read_sums
from costmodel.records import read
from costmodel.records.run import RunStatus
from costmodel.records.worst import SearchState
from costmodel.runs.anomalies import run_findings
from costmodel.runs.store import Run, RunWriter
from costmodel.trace import Severity
from costmodel.worst.folder import STATE, STUDY, SearchFolder, read_result
from costmodel.worst.journal import StudyJournal
from tests.fit.synthetic import all_cells, make_run
from tests.parity.models import write_model
from tests.proposals.made import a_model
from tests.trace.collector import collecting, kept
from tests.workloads.rows import row, write

ROOT = Path(__file__).resolve().parents[1]
_MAIN = (sys.executable, "-P", "-m", "costmodel")
_SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
_LOADED = 0.15  # seconds within which Python itself starts, which no command can be asked to be tidy in
_PATIENCE = 60.0  # seconds that a command may take to end once it is asked to
_SENDER = """
import sys
from pathlib import Path
from costmodel.trace import Route, Trace
from costmodel.trace.remote import Remote
trace = Trace(Route(Remote(sys.argv[1] + "/v1/logs", Path(sys.argv[2]), limit=1 << 26, patience=60)))
for number in range(20_000):
    trace.emit("kills", "said", number=number)
print(trace.close())
"""


class Lost(Exception):  # noqa: N818 - it says what happened
    """Something was lost, or looks complete and is not."""


class Victim(NamedTuple):
    """A command, how long it takes at most before it is killed, and what to look at afterwards."""

    name: str
    seconds: float
    command: Callable[[Path], tuple[str, ...]]
    check: Callable[[Path], None]


def check_runs(folder: Path) -> None:
    """Every run in a folder can be read; what says that it is complete is; the rest can go on from what it has."""
    for path in sorted(folder.glob("runs/*")) if (folder / "runs").is_dir() else []:
        if path.name.startswith(TEMPORARY_PREFIX):
            continue
        if (path / STATE).exists():
            check_search(path)
            continue
        run = Run.open(path)
        rows = run.samples()
        wrong = [finding.text for finding in run_findings(path) if finding.severity is Severity.ERROR]
        if wrong:
            raise Lost(f"{path.name}: {wrong[0]}")
        if run.manifest.status is RunStatus.COMPLETE:
            run.verify()
            continue
        again = RunWriter.reopen(path).finish(RunStatus.INTERRUPTED)
        if not again.samples().equals(rows):
            raise Lost(f"{path.name} has other samples once it is resumed")
        again.verify()


def check_search(path: Path) -> None:
    """A search is complete with all that it proved, or goes on with every trial that it wrote down."""
    if read(path / STATE, SearchState).status is RunStatus.COMPLETE:
        _, found = read_result(path)
        for name in (name for find in found.finds for name in (find.witness, find.argument) if name):
            if hashlib.sha256((path / name).read_bytes()).hexdigest()[:8] not in name:
                raise Lost(f"{path.name}: {name} is not the witness that it was")
        return
    lines = (path / STUDY).read_bytes().count(b"\n") if (path / STUDY).exists() else 0
    SearchFolder.reopen(path).close()
    journal = StudyJournal(path / STUDY)
    kept_lines = len(list(journal.read_logs(0)))
    journal.close()
    if kept_lines != lines:
        raise Lost(f"{path.name} had {lines} lines of trials and has {kept_lines} once it is resumed")


def check_proposal(folder: Path) -> None:
    """The folder and the zip of a proposal are absent or have every file as it was summed."""
    for path in (folder / "p", folder / "p.zip"):
        if path.exists():
            with opened(path) as content:
                if wrong := [name for name, sum_ in read_sums(content).items() if digest(content / name) != sum_]:
                    raise Lost(f"{path.name}: {wrong[0]} is not what was summed")


def whole(name: str, read: Callable[[Path], object]) -> Callable[[Path], None]:
    """That a result is absent or can be read."""

    def check(folder: Path) -> None:
        if (folder / name).exists():
            read(folder / name)
        check_runs(folder)

    return check


def whole_page(path: Path) -> None:
    if not path.read_text("utf-8").rstrip().endswith("</html>"):
        raise Lost(f"{path.name} is cut short")


def victims(inputs: Path) -> list[Victim]:
    """All of them; `inputs` has a run and a model."""
    run, model = str(next((inputs / "fitted").iterdir())), str(inputs / "ledger.json")
    search, corpus, fitted = (str(inputs / name) for name in ("search", "corpus.parquet", "fitted.json"))
    evaluators = (str(inputs / "one.json"), str(inputs / "other.json"))
    brief = ("--target", "addInteger,lengthOfByteString", "--time-budget", "20s", "--measurements")
    builtins = ("--experiment", "builtins", "--builtins", "ifThenElse")
    return [
        Victim(
            "measure",
            6.0,
            lambda folder: ("measure", *builtins, "--time-budget", "5s", "--measurements", str(folder / "runs")),
            check_runs,
        ),
        Victim(
            "fit",
            8.0,
            lambda folder: ("fit", run, "--out", str(folder / "m.json")),
            whole("m.json", lambda path: load([path])),
        ),
        Victim(
            "validate",
            6.0,
            lambda folder: (
                *("validate", model, "--loops", "1", "--tolerance", "1%", "--time-budget", "4s"),
                *("--measurements", str(folder / "runs")),
            ),
            check_runs,
        ),
        Victim(
            "cluster",
            4.0,
            lambda folder: (
                *("cluster", "plutuscall-secp-ecdsa", "--nodes", "2", "--epochs", "1"),
                *("--measurements", str(folder / "runs")),
            ),
            check_runs,
        ),
        Victim(
            "drift",
            3.0,
            lambda folder: ("drift", model, model, "--operations", "steps*", "--bencher-json", str(folder / "d.json")),
            whole("d.json", whole_json),
        ),
        Victim(
            "report",
            6.0,
            lambda folder: ("report", run, model, "--out", str(folder / "r.html")),
            whole("r.html", whole_page),
        ),
        Victim(
            "emit",
            1.5,
            lambda folder: (
                *("params", "emit", "--model", "D", "--format", "upstream", "--language", "PlutusV2"),
                *("--out", str(folder / "e.json")),
            ),
            whole("e.json", lambda path: load([path])),
        ),
        Victim("worst", 26.0, lambda folder: ("worst", *brief, str(folder / "runs")), check_runs),
        Victim(
            "worst --again",
            14.0,
            lambda folder: ("worst", "--again", search, "--time-budget", "12s", "--measurements", str(folder / "runs")),
            check_runs,
        ),
        Victim(
            "propose",
            4.0,
            lambda folder: (
                *("propose", fitted, "--run", run, "--corpus", corpus, "--worst", search, "--jobs", "2"),
                *("--out", str(folder / "p")),
            ),
            check_proposal,
        ),
        Victim(
            "impact",
            2.5,
            lambda folder: (
                *("impact", "D", "E", "--corpus", corpus, "--jobs", "2"),
                *("--out", str(folder / "o.parquet"), "--record", str(folder / "u.parquet")),
            ),
            whole_tables,
        ),
        Victim(
            "import",
            2.0,
            lambda folder: (
                *("import", str(inputs / "times.csv"), "--evaluator", "elsewhere"),
                *("--measurements", str(folder / "runs")),
            ),
            check_runs,
        ),
        Victim(
            "parity",
            3.0,
            lambda folder: (
                *("parity", *evaluators),
                *("--markdown", str(folder / "t.md"), "--plot", str(folder / "t.svg")),
            ),
            whole("t.svg", whole_picture),
        ),
    ]


def whole_json(path: Path) -> None:
    json.loads(path.read_bytes())


def whole_picture(path: Path) -> None:
    if not path.read_text("utf-8").rstrip().endswith("</svg>"):
        raise Lost(f"{path.name} is cut short")


def whole_tables(folder: Path) -> None:
    for path in sorted(folder.glob("*.parquet")):
        pq.read_table(path)


def end(command: tuple[str, ...], seconds: float, number: signal.Signals) -> str:
    """Run a command, end it after so long by a signal, and say how that went: ended before, killed or interrupted.

    SIGKILL and Ctrl-C reach all that it started, SIGTERM the command alone.
    """
    with tempfile.TemporaryFile() as result, tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdout=result, stderr=complaints, cwd=ROOT, start_new_session=True)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            if number is signal.SIGTERM:
                process.terminate()
            else:
                os.killpg(process.pid, number)
        else:
            return "ended"
        try:
            code = process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Lost(f"{number.name} after {seconds:.2f} s did not end it in {_PATIENCE:.0f} s") from None
        if number is signal.SIGKILL:
            return "killed"
        complaints.seek(0)
        said = complaints.read().decode("utf-8", "replace").splitlines()
        result.seek(0)
        printed = bool(result.read(1))
    if code == Interrupted.exit_code and sum(line.startswith("calibrate: ") for line in said) == 1:
        return "interrupted"
    if code in (0, 1, 3) or (code == -number and printed):  # it was done, and Python perhaps about to end
        return "ended"
    raise Lost(f"{number.name} after {seconds:.2f} s: exit code {code}, {said[-3:]}")


def kill_sender(folder: Path, seconds: float) -> None:
    """Kill a process that sends to a loaded collector, and the collector too; then let the next process deliver."""
    spool, out = folder / "spool", folder / "out"
    with collecting(out) as collector:
        end((sys.executable, "-c", _SENDER, collector.endpoint, str(spool)), seconds, signal.SIGKILL)
        collector.kill()
    left = sum(len(path.read_bytes().splitlines()) for path in spool.glob("*/*.jsonl")) if spool.is_dir() else 0
    with collecting(out) as collector:
        flush = _SENDER.replace("20_000", "0")
        subprocess.run((sys.executable, "-c", flush, collector.endpoint, str(spool)), check=True, cwd=ROOT, timeout=600)
    for path in out.glob("*.jsonl"):
        numbers = [line["fields"]["number"] for line in kept(path)]
        if numbers != list(range(len(numbers))):
            raise Lost(f"messages of {path.name} are lost or out of order, of {left} that waited")


def make_inputs(inputs: Path) -> None:
    """A run and models of it, a corpus, times of another tool, and a search."""
    run = make_run(inputs / "fitted", all_cells())
    emit = ("params", "emit", "--model", "D", "--format", "upstream", "--language", "PlutusV2", "--out")
    subprocess.run((*_MAIN, *emit, str(inputs / "ledger.json")), check=True, cwd=ROOT)
    a_model(run, inputs / "fitted.json")
    write_model(inputs / "one.json", "one")
    write_model(inputs / "other.json", "other", slow={"sha2_256": 3.0})
    write(inputs / "corpus.parquet", [row(id=str(number)) for number in range(20_000)])
    times = (f"addInteger,{number}/{number},{100 + number},{99 + number},{101 + number}" for number in range(1, 500))
    (inputs / "times.csv").write_text("\n".join(("builtin,sizes,ns,low_ns,high_ns", *times)))
    search = ("worst", "--target", "addInteger", "--time-budget", "20s", "--measurements", str(inputs / "searches"))
    subprocess.run((*_MAIN, *search), check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    next((inputs / "searches").iterdir()).rename(inputs / "search")


def main() -> None:
    """`python -m benches.kills [NUMBER] [SEED] [COMMAND…]`."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    only = sys.argv[3:]
    done: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="calibrate-kills-") as name:
        inputs = Path(name) / "inputs"
        make_inputs(inputs)
        everyone = [each for each in (*victims(inputs), None) if not only or (each and each.name in only)]
        for count in range(number):
            folder = Path(name) / str(count)
            folder.mkdir()
            victim = everyone[count % len(everyone)]
            said = victim.name if victim else "sender"
            began = time.monotonic()
            try:
                if victim is None:
                    kill_sender(folder, dice.uniform(0.5, 3.0))
                    done["sender killed"] += 1
                else:
                    how = dice.choice(_SIGNALS)
                    outcome = end((*_MAIN, *victim.command(folder)), dice.uniform(_LOADED, victim.seconds), how)
                    if how is not signal.SIGKILL and (left := list(folder.rglob(f"{TEMPORARY_PREFIX}*"))):
                        raise Lost(f"{how.name} left {left[0].relative_to(folder)}")
                    victim.check(folder)
                    done[f"{said} {outcome}"] += 1
            except (Lost, CalibrateError, OSError) as error:
                print(f"kill {count} of {said}, {folder}: {error}")
                raise SystemExit(1) from error
            print(f"{count + 1} {said} {time.monotonic() - began:.1f} s", flush=True)
            shutil.rmtree(folder)
    print(f"nothing lost in {number}: {dict(done)}")


if __name__ == "__main__":
    main()
