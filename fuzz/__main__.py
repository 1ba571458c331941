"""`make fuzz`: long rounds of every target. FUZZ_RUNS sets the number of inputs to each, 5 million if it is not set."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Final

from costmodel.errors import CalibrateError, InputError
from fuzz import build, rounds, text
from native.toolchain import BuildError

_DEFAULT_RUNS: Final = 5_000_000

Round = Callable[[], int]


def wanted_runs() -> int:
    """The number of inputs to each target. Raises InputError."""
    said = os.environ.get("FUZZ_RUNS", str(_DEFAULT_RUNS))
    if not said.isdecimal() or int(said) < 2:
        raise InputError(f"FUZZ_RUNS is {said!r}; set it to the number of inputs, 2 or more")
    return int(said)


def planned(runs: int) -> dict[str, Round]:
    """All rounds by name. Each target in C takes half of its inputs with either arena."""
    folder = build.BUILD / "rounds"
    folder.mkdir(parents=True, exist_ok=True)
    driver = build.lib_fuzzer()
    if driver is None:
        print("fuzz: no clang with libFuzzer here (clang-14 and libclang-rt-14-dev): mutating without coverage")
    plan: dict[str, Round] = {}
    for target in rounds.TARGETS:
        for strict, share in ((True, runs // 2), (False, runs - runs // 2)):
            name = f"{target}, {'a block an allocation' if strict else 'blocks in chunks'}"
            if driver is None:
                plan[name] = partial(rounds.mutator_round, target, build.mutator(), share, strict=strict, folder=folder)
            else:
                plan[name] = partial(rounds.lib_fuzzer_round, target, driver, share, strict=strict, folder=folder)
    plan["text"] = partial(text.text_round, runs, 1)
    return plan


def run(plan: dict[str, Round]) -> int:
    """Runs as many rounds at a time as there are cores, and says what came of each. Returns the exit code."""
    started = time.monotonic()
    status = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        going = {pool.submit(work): name for name, work in plan.items()}
        for done in as_completed(going):
            try:
                said = f"{done.result()} inputs executed, none did harm"
            except CalibrateError as error:
                said, status = str(error), error.exit_code
            print(f"fuzz: {going[done]}: {said} ({time.monotonic() - started:.0f} s)", flush=True)
    return status


def main() -> int:
    argparse.ArgumentParser(prog="fuzz", description=__doc__).parse_args()
    try:
        return run(planned(wanted_runs()))
    except BuildError as error:
        print(f"fuzz: {error}", file=sys.stderr)
        return 2
    except CalibrateError as error:
        print(f"fuzz: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
