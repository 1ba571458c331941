"""How often timed drift checks are right: equal builds in different folders, and builds with a delay planted.

    python -m benches.drift_study [CHECKS [PLANTED [PAIRS [FIRST]]]]

Checks out HEAD into two folders for each of PAIRS pairs, with paths of different lengths, and builds both, so that
their files lie at other places of the disk and of memory (docs/drift.md says why that matters). Then it makes CHECKS
checks of equal builds and, spread among them, PLANTED ones of a build whose sha3_256 is some 3 % slower; the pairs take
turns.
FIRST is the number of the first check, to go on with a study. Checks are of the whole suite, in the time that is usual.

A verdict is false where something changed that did not, in either direction. Prints a line a check and the counts so
far; the exit code is 1 if more than 1 in 100 was false, or 1 in 20 planted changes was missed.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
_BUILTIN: Final = "sha3_256"
_BASE_TURNS: Final = 34  # of both: a loop of one turn would be compiled to other code, and move what lies behind it
_TURNS: Final = 66
_OPERATION: Final = "hashes sha3_256"
_MAIN: Final = "from costmodel.cli import main; main()"
_CHANGED: Final = ("regressed", "improved")
_INCONCLUSIVE: Final[dict[str, Any]] = {"status": "inconclusive", "operations": []}
_STUDY: Final = ROOT / "build" / "drift-study"


def checkout(name: str) -> Path:
    """HEAD in a folder of that name, made unless it is there."""
    folder = _STUDY / name
    if not (folder / "build").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        archive = subprocess.run(("git", "archive", "HEAD"), check=True, capture_output=True, cwd=ROOT).stdout
        subprocess.run(("tar", "-x", "-C", str(folder)), input=archive, check=True)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / "build").mkdir()
        (folder / "build" / "bundled").symlink_to(ROOT / "build" / "bundled")
    return folder


def build(folder: Path, turns: int) -> Path:
    """A checkout's build with so many turns planted, made unless it is there; the folder of its package."""
    package = folder / "build" / "planted" / f"{_BUILTIN}-{turns}" / "package"
    if not package.is_dir():
        subprocess.run((str(folder / "scripts" / "planted"), _BUILTIN, str(turns)), check=True, capture_output=True)
    return package


def check(candidate: Path, baseline: Path, seed: int) -> dict[str, Any]:
    """The verdict of one timed check."""
    command = [sys.executable, "-P", "-c", _MAIN, "drift", str(baseline), "--json", "--seed", str(seed)]
    environment = os.environ | {"PYTHONPATH": str(candidate)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode == 3 and not done.stdout:
        return _INCONCLUSIVE  # not even one look within the time
    if done.returncode not in (0, 1, 3):
        sys.exit(f"a check ended with {done.returncode}: {done.stderr.strip()}")
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


def study(same: int, planted: int, pairs: int, first: int) -> bool:
    """Whether checks are right as often as they are to be."""
    done: Counter[str] = Counter()
    for number in range(first, same + planted):
        # The planted ones are spread evenly among the others.
        is_planted = (number + 1) * planted // (same + planted) > number * planted // (same + planted)
        pair = number % pairs
        baseline = build(checkout(f"{pair}"), _BASE_TURNS)
        candidate = build(checkout(f"{pair}-{'in-a-longer-path' * (1 + pair % 3)}"), _BASE_TURNS + _TURNS * is_planted)
        began = time.monotonic()
        verdict = check(candidate, baseline, number)
        seconds = time.monotonic() - began
        changed = {row["operation"]: row["ratio"] for row in verdict["operations"] if row["status"] in _CHANGED}
        done["checks"] += 1
        done["planted"] += is_planted
        done["found"] += is_planted and changed.get(_OPERATION, 0) > 1
        done["false"] += any(operation != _OPERATION or not is_planted for operation in changed)
        done["unchanged"] += verdict["status"] == "unchanged"
        done["undecided"] += verdict["status"] == "inconclusive"
        seen = next((row["ratio"] for row in verdict["operations"] if row["operation"] == _OPERATION), None)
        print(
            f"{number}, pair {pair}, {'planted' if is_planted else 'equal'}: {verdict['status']} {changed}, "
            f"{_OPERATION} {math.nan if seen is None else seen:.4f}, {seconds:.0f} s; so far {dict(done)}",
            flush=True,
        )
    return done["false"] * 100 <= done["checks"] and (done["planted"] - done["found"]) * 20 <= done["planted"]


def main() -> None:
    same, planted, pairs, first = (
        int(given) for given in (*sys.argv[1:], *("100", "20", "10", "0")[len(sys.argv) - 1 :])
    )
    sys.exit(0 if study(same, planted, pairs, first) else 1)


if __name__ == "__main__":
    main()
