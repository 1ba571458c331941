"""What a timing session is worth on this machine: `python -m benches.session share|repeat|noise|planted|kills`.

share     wall time inside the clock, and cells a minute
repeat    how many 95 % intervals of repeated runs cover the estimate of all runs together
noise     estimates beside a process that is busy half of the time, against quiet ones
planted   a slow-down of 3 % planted in one builtin, as measuring sees it
kills     a session killed at random moments and resumed each time
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from costmodel.errors import CalibrateError, CheckFailed
from costmodel.experiments import design_cells
from costmodel.records.run import RunStatus, session_outcome
from costmodel.runs.design import Plan
from costmodel.runs.means import process_means
from costmodel.runs.store import Run
from costmodel.timing.estimate import estimate
from costmodel.timing.plan import choose_core
from costmodel.timing.session import measure

ROOT: Final = Path(__file__).resolve().parents[1]
_SUBSET: Final = "sha*_256"
_PLANTED: Final = "verifyEd25519Signature"
_PLANTED_SHARE: Final = 0.03
_TRIAL_TURNS: Final = 20_000  # long enough to tell what a turn takes
_MEASURE: Final = (sys.executable, "-P", "-c", "from costmodel.cli import main; main()", "measure")
_BUSY: Final = """
import os, time
os.sched_setaffinity(0, {%d})
while True:
    end = time.perf_counter() + 0.01
    while time.perf_counter() < end:
        pass
    time.sleep(0.01)
"""


def plan_of(seed: int, core: int) -> Plan:
    """A fast subset: one family of builtins."""
    return Plan(cells=design_cells(["builtins"], _SUBSET, 0), core=core, seed=seed)


def relative_estimates(run: Run) -> pd.DataFrame:
    """Times of the cells in yardsticks, with intervals."""
    return estimate(process_means(run.samples()), scale_ns=1.0, seed=run.design.settings.seed)


def share(core: int, seconds: float, folder: Path) -> None:
    plan = Plan(cells=design_cells(["builtins", "steps", "calls"], "*", 0), core=core)
    outcome = session_outcome(measure(plan, folder, "share", time_budget=seconds).manifest)
    minutes = outcome.seconds / 60
    print(
        f"{outcome.timed_share:.1%} of {outcome.seconds:.0f} s inside the clock "
        f"(yardsticks {outcome.yardstick_share:.1%}), {outcome.cells} cells in {outcome.processes} processes: "
        f"{outcome.cells * outcome.processes / minutes:.0f} cells a minute, "
        f"{outcome.discard_rate:.1%} discarded"
    )


def repeat(core: int, seconds: float, folder: Path, *, runs: int = 10) -> None:
    tables = [
        relative_estimates(measure(plan_of(seed, core), folder, "repeat", time_budget=seconds)) for seed in range(runs)
    ]
    logs = pd.concat([np.log(table["value_ns"]) for table in tables], axis=1)
    grand = np.exp(logs.mean(axis=1))
    low, high = (pd.concat([table[side] for table in tables], axis=1) for side in ("low_ns", "high_ns"))
    covered = (low.to_numpy() <= grand.to_numpy()[:, None]) & (high.to_numpy() >= grand.to_numpy()[:, None])
    widths = pd.concat([table["half_width"] for table in tables], axis=1)
    coverage = float(covered.mean())
    print(
        f"{coverage:.1%} of {covered.size} intervals ({runs} runs of {len(grand)} cells) cover the estimate of all; "
        f"median half-width {float(np.median(widths)):.2%}, runs differ by {float(logs.std(axis=1).median()):.2%}"
    )
    if not 0.9 <= coverage <= 0.99:
        raise CheckFailed(f"coverage {coverage:.1%} is not between 90 % and 99 %")


@contextmanager
def busy(core: int) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", _BUSY % core]) as process:
        try:
            yield
        finally:
            process.kill()


def noise(core: int, seconds: float, folder: Path) -> None:
    def measured() -> tuple[pd.Series[float], set[str], float]:
        run = measure(plan_of(0, core), folder, "noise", time_budget=seconds)
        outcome = session_outcome(run.manifest)
        return relative_estimates(run)["value_ns"], set(run.manifest.uncertain), float(outcome.discard_rate)

    quiet, _, _ = measured()
    wrong: list[str] = []
    others = sorted(os.sched_getaffinity(0) - {core})
    for where in (core, *others[:1]):
        with busy(where):
            values, uncertain, discarded = measured()
        off = (values / quiet - 1).abs()
        bad = [str(cell) for cell in off.index[off > 0.03] if cell not in uncertain]
        wrong += bad
        print(
            f"busy on core {where}, measuring on {core}: {discarded:.0%} discarded, off by {off.median():.2%} "
            f"(median) and {off.max():.2%} (most), {len(uncertain)} of {len(off)} cells uncertain, {len(bad)} wrong"
        )
    if wrong:
        raise CheckFailed(f"{len(wrong)} estimates are off by more than 3 % and not marked, first {wrong[0]}")


def planted(core: int, seconds: float, folder: Path) -> None:
    builds = {turns: planted_build(turns) for turns in (0, _TRIAL_TURNS)}
    base, trial = (per_application(builds[turns], core, seconds, folder) for turns in builds)
    turns = round(_PLANTED_SHARE * base / ((trial - base) / _TRIAL_TURNS))
    slow = planted_build(turns)
    ratios = []
    for first, second in ((builds[0], slow), (slow, builds[0])):  # either goes first once
        times = {build: per_application(build, core, seconds, folder) for build in (first, second)}
        ratios.append(times[slow] / times[builds[0]] - 1)
    seen = float(np.mean(ratios))
    print(
        f"{turns} turns planted in {_PLANTED} for {_PLANTED_SHARE:.0%}: seen as {seen:.2%} "
        f"({ratios[0]:.2%}, {ratios[1]:.2%})"
    )
    if abs(seen - _PLANTED_SHARE) > 0.01:
        raise CheckFailed(f"the planted slow-down of {_PLANTED_SHARE:.0%} is seen as {seen:.2%}")


def planted_build(turns: int) -> str:
    done = subprocess.run(
        [ROOT / "scripts" / "planted", _PLANTED, str(turns)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CalibrateError(done.stderr.strip())
    return done.stdout.strip()


def per_application(build: str, core: int, seconds: float, folder: Path) -> float:
    """Time of one application in yardsticks of arithmetic, which nothing is planted in, over all points of the
    builtin, from the difference of each point's two programs."""
    options = ["--experiment", "builtins", "--builtins", _PLANTED, "--core", str(core), "--measurements", str(folder)]
    done = subprocess.run(
        [*_MEASURE, "--time-budget", f"{seconds:.0f}s", "--json", *options],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": build},
    )
    if done.returncode:
        raise CalibrateError(f"measuring with {build} failed: {done.stderr.strip().splitlines()[-1]}")
    run = Run.open(Path(json.loads(done.stdout)["run"]))
    values = estimate(process_means(run.samples(), yardsticks=["yardstick_hash_ns"]), scale_ns=1.0)["value_ns"]
    points: dict[tuple[int, ...], dict[int, float]] = {}
    for cell in run.design.cells:
        if cell.operation == _PLANTED:
            points.setdefault(cell.sizes, {})[cell.repeats] = float(values[cell.id])
    slopes = [(max(p.items())[1] - min(p.items())[1]) / (max(p) - min(p)) for p in points.values()]
    return float(np.mean(slopes))


def kills(core: int, seconds: float, folder: Path, *, times: int = 20) -> None:
    command = [*_MEASURE, "--time-budget"]
    # A precision out of reach, or the session would be complete before its twentieth kill.
    start = ["--precision", "0.1%", "--core", str(core), "--measurements", str(folder)]
    path = killed([*command, "600s", *start], folder)
    held = check_kept(path, pd.DataFrame())
    for _ in range(times - 1):
        killed([*command, "600s", "--resume", str(path)], folder)
        held = check_kept(path, held)
    done = subprocess.run([*command, f"{seconds:.0f}s", "--resume", str(path)], capture_output=True, check=False)
    held = check_kept(path, held)
    whole = Run.open(path).manifest.status is RunStatus.COMPLETE
    if done.returncode or not whole or held.duplicated(["process", "block", "order"]).any():
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CheckFailed(f"{path} is not complete after {times} kills: {said[-1] if said else 'nothing was said'}")
    print(f"killed {times} times: every one of {len(held)} batches kept, the run complete: {path}")


def killed(command: list[str], folder: Path) -> Path:
    """The run of a session that is killed at a random moment once it has begun."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as session:
        path = begun(session, folder)
        time.sleep(random.SystemRandom().uniform(0.0, 10.0))
        session.send_signal(signal.SIGKILL)
    return path


def begun(session: subprocess.Popen[bytes], folder: Path) -> Path:
    """The run of a session, as soon as there is one. CheckFailed where the session ends without."""
    while session.poll() is None:
        for manifest in folder.glob("*/manifest.json"):
            return manifest.parent
        time.sleep(0.01)
    raise CheckFailed(f"the session ended with code {session.returncode} before it had begun a run")


def check_kept(path: Path, before: pd.DataFrame) -> pd.DataFrame:
    """The run's samples, which begin with those of `before`. CheckFailed where one is lost."""
    now = Run.open(path).samples()
    if len(before) and not now.head(len(before)).equals(before):
        raise CheckFailed(f"{path} has lost samples")
    return now


_STUDIES: Final = {"share": share, "repeat": repeat, "noise": noise, "planted": planted, "kills": kills}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benches.session", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", choices=_STUDIES, nargs="+")
    parser.add_argument("--core", type=int, help="the core to measure on (default: the last one)")
    parser.add_argument("--seconds", type=float, default=30.0, help="for each run (default: 30)")
    options = parser.parse_args()
    try:
        for study in options.study:
            with tempfile.TemporaryDirectory() as folder:
                _STUDIES[study](choose_core(options.core), options.seconds, Path(folder))
    except CalibrateError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
