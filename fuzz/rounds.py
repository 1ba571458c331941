"""Rounds of a fuzz target: so many inputs, each one harmless or the round has failed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from costmodel.errors import CheckFailed
from fuzz import build, seeds
from fuzz.build import Driver

TARGETS: Final = ("flat", "cbor", "evaluation", "typed")
MOST_BYTES: Final = seeds.MOST_BYTES
"""Length of the longest input."""

_MOST_REFUSALS: Final = 200  # in a program, alone and lasting
_SECONDS: Final = 10  # that one input may take; the slowest takes some tens of milliseconds
_MOST_MEGABYTES: Final = 2048  # of a whole process, what the sanitizers keep included
_LIB_FUZZER_COUNT: Final = re.compile(r"^stat::number_of_executed_units: (\d+)$", re.MULTILINE)
_MUTATOR_COUNT: Final = re.compile(r"^executed (\d+) inputs$", re.MULTILINE)
_REFUSALS: Final = re.compile(r"^refused (\d+) allocations in \d+ programs$", re.MULTILINE)
# The lines of a report that say what is wrong, the most telling first.
_COMPLAINTS: Final = (
    re.compile(r"^.*: does not hold: .*$", re.MULTILINE),
    re.compile(r"^.*runtime error: .*$", re.MULTILINE),
    re.compile(r"^SUMMARY: .*$", re.MULTILINE),
)


def lib_fuzzer_round(target: str, driver: Driver, runs: int, *, strict: bool, folder: Path) -> int:
    """Runs libFuzzer on a target, from the seeds and from what earlier rounds in `folder` found worth keeping.

    Returns the number of inputs tried. Raises CheckFailed where one does harm; it is then left in `folder`.
    """
    program = build.program(target, driver, strict=strict)
    found = folder / "corpus" / target
    found.mkdir(parents=True, exist_ok=True)
    seeds.write(folder / "seeds" / program.name, seeds.inputs(target))
    options = [
        f"-runs={runs}",
        f"-max_len={MOST_BYTES}",
        f"-timeout={_SECONDS}",
        f"-rss_limit_mb={_MOST_MEGABYTES}",
        "-print_final_stats=1",
        f"-artifact_prefix={folder}/{program.name}-",
    ]
    return _run([str(program), *options, str(found), str(folder / "seeds" / program.name)], _LIB_FUZZER_COUNT, folder)


def mutator_round(target: str, driver: Driver, runs: int, *, strict: bool, folder: Path, seed: int = 1) -> int:
    """Tries the seeds and `runs` mutants of them, the same ones for the same seed. Returns and raises as above."""
    program = build.program(target, driver, strict=strict)
    return mutate(program, seeds.write(folder / "seeds" / program.name, seeds.inputs(target)), runs, folder, seed)


def mutate(program: Path, paths: Sequence[Path], runs: int, folder: Path, seed: int = 1) -> int:
    """`mutator_round` with a program that is built and seeds that are written."""
    return _run([str(program), str(runs), str(seed), str(MOST_BYTES), *map(str, paths)], _MUTATOR_COUNT, folder)


def refuse_allocations(driver: Driver, *, strict: bool, folder: Path) -> int:
    """Refuses memory at each of the places that ask for it. Returns how many that were; raises CheckFailed."""
    program = build.program("allocations", driver, strict=strict)
    paths = seeds.write(folder / "seeds" / program.name, seeds.packed_cases())
    return _run([str(program), str(_MOST_REFUSALS), *map(str, paths)], _REFUSALS, folder)


def _environment() -> dict[str, str]:
    # LD_PRELOAD: a sanitizer's run time that this process may need is not the one that a target is built with.
    kept = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "LSAN_OPTIONS")}
    # The quarantine of freed blocks: an input frees far less than a megabyte, and a small one stays in the cache.
    asan = "detect_leaks=1:allocator_may_return_null=1:handle_abort=1:quarantine_size_mb=16"
    return {**kept, "ASAN_OPTIONS": asan, "UBSAN_OPTIONS": "print_stacktrace=1:abort_on_error=1"}


def _run(command: Sequence[str], count: re.Pattern[str], folder: Path) -> int:
    name = Path(command[0]).name
    done = subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True, errors="replace", check=False
    )
    report = done.stdout + done.stderr
    said = count.search(report)
    if done.returncode == 0 and said:
        return int(said[1])
    log = folder / f"{name}.log"
    log.write_text(report, encoding="utf-8")
    complaint = next((match[0] for pattern in _COMPLAINTS if (match := pattern.search(report))), "it died silently")
    raise CheckFailed(f"fuzz target {name}: {complaint} (report: {log}; the input lies beside it)")
