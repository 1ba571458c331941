"""How often timed drift checks are right: identical builds, and builds with a delay planted in one builtin.

    python -m benches.drift_study [CHECKS [PLANTED]]

Makes both builds (scripts/planted), then CHECKS checks of a build against itself, and PLANTED checks of a build whose
sha3_256 is some 3 % slower; both have the planting's own instructions. 100 and 20 take hours. Prints a line a check,
then the counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

_BUILTIN: Final = "sha3_256"
_TURNS: Final = 70
_OPERATION: Final = "hashes sha3_256"
_CHECK: Final = ("validate", "--json", "--time-budget", "150s")
_MAIN: Final = "from costmodel.cli import main; main()"


def build(turns: int) -> Path:
    """A build with so many turns planted; the folder of its package."""
    made = subprocess.run(["scripts/planted", _BUILTIN, str(turns)], check=True, capture_output=True, text=True)
    return Path(made.stdout.strip())


def check(candidate: Path, baseline: Path, seed: int) -> dict[str, Any]:
    """The verdict of one timed check."""
    command = [sys.executable, "-P", "-c", _MAIN, *_CHECK, "--against", str(baseline), "--seed", str(seed)]
    environment = os.environ | {"PYTHONPATH": str(candidate)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode not in (0, 1, 3) or not done.stdout:
        sys.exit(f"a check ended with {done.returncode}: {done.stderr.strip()}")
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


def main() -> None:
    counts = [int(argument) for argument in sys.argv[1:]] or [100, 20]
    same, planted = counts[0], counts[1] if len(counts) > 1 else 0
    plain, slower = build(1), build(1 + _TURNS)
    alarms = undecided = found = 0
    for seed in range(same):
        began = time.monotonic()
        verdict = check(plain, plain, seed)
        changed = _of(verdict, "regressed", "improved")
        alarms, undecided = alarms + bool(changed), undecided + bool(_of(verdict, "inconclusive"))
        print(f"same {seed}: {verdict['status']} {changed} {time.monotonic() - began:.0f} s", flush=True)
    for seed in range(planted):
        began = time.monotonic()
        verdict = check(slower, plain, seed)
        changed = _of(verdict, "regressed", "improved")
        found += _OPERATION in changed
        (ratio,) = (row["ratio"] for row in verdict["operations"] if row["operation"] == _OPERATION)
        print(f"planted {seed}: {ratio:.4f} {verdict['status']} {changed} {time.monotonic() - began:.0f} s", flush=True)
    print(f"same: {alarms} of {same} raised a false alarm, {undecided} had something inconclusive")
    print(f"planted: {found} of {planted} found it")


def _of(verdict: dict[str, Any], *statuses: str) -> list[str]:
    return [row["operation"] for row in verdict["operations"] if row["status"] in statuses]


if __name__ == "__main__":
    main()
