"""Every builtin's time over the ledger's price, and the memory that it takes over what is charged for it.

    python -m benches.builtins [PATTERN]

A builtin is applied at the largest point of its domain, and, where its price depends on sizes, at the point nearest 64
words. Its time is that of a program of applications less one of as many no-ops, the shortest of many runs of each. The
ledger's prices are of another machine, so ratios are to be compared with one another. The arena's bytes are counted at
every point of the domain; shown is the most for a charged word, of what exceeds 256 bytes a call.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final

from costmodel._native import ffi, lib

from costmodel.experiments.domains import DOMAINS, Sizes
from costmodel.experiments.points import measured_sizes
from costmodel.experiments.terms import LANGUAGE, PROTOCOL_VERSION, Application, Operands, nop, row, version_of
from costmodel.machine import NativeMachine, Script, exact_machine
from costmodel.model import proposed_model, variant_for
from costmodel.plutus import BUILTIN_BY_NAME, UPLC_1_1_0, Builtin, Program, encode_flat

FREE_BYTES: Final = 256
"""What a call may take of the arena whatever it is charged: an object or two, and the ends of blocks."""

_VARIANT: Final = variant_for(LANGUAGE, PROTOCOL_VERSION)
_WORDS: Final = 64
_OPERAND_WORDS: Final = 65_536  # of all applications of a program together
_MOST_APPLICATIONS: Final = 128
_SECONDS: Final = 0.02  # that a program's runs go on for
_FEWEST_RUNS: Final = 7


@dataclass(frozen=True, slots=True)
class Pair:
    """A program of `count` applications, and the same with no-ops in their place."""

    applied: Script
    idle: Script
    count: int


def pair(builtin: Builtin, sizes: Sizes, count: int) -> Pair:
    domain = DOMAINS[builtin.name]
    prepared, operands = domain.prepare(sizes, count, random.Random(f"{builtin.name} {sizes}"))
    idle = nop(builtin.arity, builtin.forces)
    version = version_of(builtin)
    return Pair(
        _script(builtin, prepared, operands, version), _script(idle, prepared, operands, version), len(operands)
    )


def _sizes(builtin: Builtin, point: Sizes) -> Sizes:
    """A point of the domain in the builtin's own measures."""
    domain = DOMAINS[builtin.name]
    if not domain.explored:
        return point
    prepared, (operands,) = domain.prepare(point, 1, random.Random(0))
    return measured_sizes(builtin, prepared, operands)[0]


def _script(builtin: Builtin, prepared: list[Any], operands: list[Operands], protocol_version: int) -> Script:
    items = [*prepared, *(Application(builtin, constants) for constants in operands)]
    flat = encode_flat(Program(UPLC_1_1_0, row(items)))
    return Script.decode(flat, LANGUAGE, protocol_version, measuring=True)


@cache
def _machine() -> NativeMachine:
    return exact_machine(_VARIANT, proposed_model(_VARIANT))


def _runs(script: Script) -> Iterator[float]:
    """Runs a script for ever; gives the nanoseconds of each run."""
    outcome, error = ffi.new("cal_outcome *"), ffi.new("cal_error *")
    budget = ffi.new("cal_ex_units *", {"cpu": 2**63 - 1, "mem": 2**63 - 1})[0]
    handle = _machine().handle
    while True:
        began = time.perf_counter_ns()
        status = lib.cal_machine_run(handle, script.handle, budget, outcome, error)
        ended = time.perf_counter_ns()
        if status != lib.CAL_OK:
            raise SystemExit(f"builtins: a program of the table fails: {ffi.string(error.text).decode()}")
        yield ended - began


def nanoseconds(both: Pair) -> float:
    """Of one application, over a no-op."""
    applied, idle = _runs(both.applied), _runs(both.idle)
    best = [next(applied), next(idle)]
    began, runs = time.perf_counter(), 0
    while runs < _FEWEST_RUNS or time.perf_counter() - began < _SECONDS:
        best = [min(best[0], next(applied)), min(best[1], next(idle))]
        runs += 1
    return (best[0] - best[1]) / both.count


def arena_bytes(both: Pair) -> float:
    """That one application takes of the arena and keeps."""
    used = []
    for script in (both.applied, both.idle):
        next(_runs(script))
        used.append(lib.cal_machine_used(_machine().handle))
    return float(used[0] - used[1]) / both.count


def bytes_per_word(name: str, points: Iterable[Sizes]) -> float:
    """The most bytes beyond FREE_BYTES for a charged word, over some points; 0 where no call takes more than those."""
    builtin, memory = BUILTIN_BY_NAME[name], proposed_model(_VARIANT).builtins[name].memory
    beyond = (
        (arena_bytes(pair(builtin, point, 2)) - FREE_BYTES) / max(memory.evaluate(_sizes(builtin, point)), 1)
        for point in points
    )
    return max([0.0, *beyond])


def _count(sizes: Sizes, fewest: int) -> int:
    return max(fewest, 2, min(_MOST_APPLICATIONS, _OPERAND_WORDS // max(sum(sizes), 1)))


def _points(name: str) -> Iterator[Sizes]:
    candidates = DOMAINS[name].candidates
    largest = max(candidates, key=sum)
    if max(largest) > _WORDS:
        yield min(candidates, key=lambda sizes: abs(max(sizes) - _WORDS) + (max(sizes) - min(sizes)) / 1e3)
    yield largest


def main(pattern: str = "*") -> None:
    counted = hasattr(lib, "cal_machine_used")
    print(f"{'builtin':32} {'sizes':>16} {'ns':>12} {'price ns':>12} {'of it':>7} {'B/word':>7}")
    for name in DOMAINS:
        if not fnmatchcase(name, pattern):
            continue
        cost = proposed_model(_VARIANT).builtins[name].cpu
        taken = f"{bytes_per_word(name, DOMAINS[name].candidates):.1f}" if counted else ""
        for sizes in _points(name):
            found = nanoseconds(pair(BUILTIN_BY_NAME[name], sizes, _count(sizes, DOMAINS[name].fewest)))
            price = cost.evaluate(_sizes(BUILTIN_BY_NAME[name], sizes)) / 1000 or float("nan")  # nobody has priced it
            at = "×".join(map(str, sizes))
            print(f"{name:32} {at:>16} {found:12,.1f} {price:12,.1f} {found / price:7.3f} {taken:>7}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
