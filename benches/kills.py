"""Kills commands at random moments and looks at what they leave: `make kills`.

Nothing that was kept may be lost, and nothing incomplete may look complete: a result file is whole or absent, a run can
be read and continued, a run that says it is complete verifies, and a collector gets every message in order.
"""

from __future__ import annotations

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

from costmodel.errors import CalibrateError
from costmodel.model import load
from costmodel.records.run import RunStatus
from costmodel.runs.anomalies import run_findings
from costmodel.runs.store import Run, RunWriter
from costmodel.trace import Severity
from tests.fit.synthetic import all_cells, make_run
from tests.trace.collector import collecting, kept

ROOT = Path(__file__).resolve().parents[1]
_MAIN = (sys.executable, "-P", "-m", "costmodel")
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
        if path.name.startswith(".tmp-"):
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
    ]


def whole_json(path: Path) -> None:
    json.loads(path.read_bytes())


def kill(command: tuple[str, ...], seconds: float) -> bool:
    """Run a command and kill it and all that it started after so long; whether it had ended before."""
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return False
    return True


def kill_sender(folder: Path, seconds: float) -> None:
    """Kill a process that sends to a loaded collector, and the collector too; then let the next process deliver."""
    spool, out = folder / "spool", folder / "out"
    with collecting(out) as collector:
        kill((sys.executable, "-c", _SENDER, collector.endpoint, str(spool)), seconds)
        collector.kill()
    left = sum(len(path.read_bytes().splitlines()) for path in spool.glob("*/*.jsonl")) if spool.is_dir() else 0
    with collecting(out) as collector:
        flush = _SENDER.replace("20_000", "0")
        subprocess.run((sys.executable, "-c", flush, collector.endpoint, str(spool)), check=True, cwd=ROOT, timeout=600)
    for path in out.glob("*.jsonl"):
        numbers = [line["fields"]["number"] for line in kept(path)]
        if numbers != list(range(len(numbers))):
            raise Lost(f"messages of {path.name} are lost or out of order, of {left} that waited")


def main() -> None:
    """`python -m benches.kills [NUMBER] [SEED]`."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    done: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="calibrate-kills-") as name:
        inputs = Path(name) / "inputs"
        make_run(inputs / "fitted", all_cells())
        emit = ("params", "emit", "--model", "D", "--format", "upstream", "--language", "PlutusV2", "--out")
        subprocess.run((*_MAIN, *emit, str(inputs / "ledger.json")), check=True, cwd=ROOT)
        everyone = victims(inputs)
        for count in range(number):
            folder = Path(name) / str(count)
            folder.mkdir()
            victim = everyone[count % (len(everyone) + 1)] if count % (len(everyone) + 1) < len(everyone) else None
            began = time.monotonic()
            try:
                if victim is None:
                    kill_sender(folder, dice.uniform(0.5, 3.0))
                else:
                    ended = kill((*_MAIN, *victim.command(folder)), dice.uniform(0, victim.seconds))
                    victim.check(folder)
                    done[f"{victim.name} {'ended' if ended else 'killed'}"] += 1
            except (Lost, CalibrateError, OSError) as error:
                print(f"kill {count} of {victim.name if victim else 'sender'}, {folder}: {error}")
                raise SystemExit(1) from error
            done["sender killed"] += victim is None
            print(f"{count + 1} {victim.name if victim else 'sender'} {time.monotonic() - began:.1f} s", flush=True)
            shutil.rmtree(folder)
    print(f"nothing lost in {number}: {dict(done)}")


if __name__ == "__main__":
    main()
