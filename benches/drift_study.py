"""How often timed drift checks are right: identical builds, and builds with a delay planted in one builtin.

    python -m benches.drift_study [CHECKS [PLANTED [CORE]]]

Makes both builds (scripts/planted), then CHECKS checks of a build against itself, and PLANTED checks, spread among
them, of a build whose sha3_256 is some 3 % slower; both have the planting's own instructions. Checks are of a part of
the suite that takes seconds on a quiet machine. Prints a line a check: the
ratio of sha3_256, what changed, the counts so far.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

_BUILTIN: Final = "sha3_256"
_TURNS: Final = 66
_OPERATION: Final = "hashes sha3_256"
_SUITE: Final = "steps *,hashes sha*,integers m*,data serialise*"
_CHECK: Final = ("validate", "--json", "--operations", _SUITE)
_MAIN: Final = "from costmodel.cli import main; main()"
_CHANGED: Final = ("regressed", "improved")
_INCONCLUSIVE: Final[dict[str, Any]] = {"status": "inconclusive", "operations": []}


def build(turns: int) -> Path:
    """A build with so many turns planted; the folder of its package."""
    made = subprocess.run(["scripts/planted", _BUILTIN, str(turns)], check=True, capture_output=True, text=True)
    return Path(made.stdout.strip())


def check(candidate: Path, baseline: Path, seed: int, core: list[str]) -> dict[str, Any]:
    """The verdict of one timed check."""
    options = ["--against", str(baseline), "--seed", str(seed), *core]
    command = [sys.executable, "-P", "-c", _MAIN, *_CHECK, *options]
    environment = os.environ | {"PYTHONPATH": str(candidate)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode == 3 and not done.stdout:
        return _INCONCLUSIVE  # not even one look within the time
    if done.returncode not in (0, 1, 3):
        sys.exit(f"a check ended with {done.returncode}: {done.stderr.strip()}")
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


def main() -> None:
    same, planted, *cores = [int(argument) for argument in sys.argv[1:]] or [100, 20]
    core = ["--core", str(cores[0])] if cores else []
    plain, slower = build(1), build(1 + _TURNS)
    done = {"same": 0, "planted": 0}
    alarms = undecided = found = 0
    for number in range(same + planted):
        # The planted ones are spread evenly among the others.
        is_planted = (number + 1) * planted // (same + planted) > number * planted // (same + planted)
        kind = "planted" if is_planted else "same"
        began = time.monotonic()
        verdict = check(slower if is_planted else plain, plain, number, core)
        seconds = time.monotonic() - began
        changed = {row["operation"]: row["ratio"] for row in verdict["operations"] if row["status"] in _CHANGED}
        done[kind] += 1
        found += is_planted and _OPERATION in changed
        alarms += any(operation != _OPERATION or not is_planted for operation in changed)
        undecided += verdict["status"] == "inconclusive"
        counts = f"{alarms} false alarms in {number + 1}, {found} of {done['planted']} found, {undecided} undecided"
        seen = next((row["ratio"] for row in verdict["operations"] if row["operation"] == _OPERATION), math.nan)
        print(f"{kind}: {seen:.4f} {verdict['status']} {changed} {seconds:.0f} s; {counts}", flush=True)


if __name__ == "__main__":
    main()
