"""Runs of an imaginary machine whose costs are known, written by the store that real runs go through.

The machine has what real ones have: regimes that slow everything for some blocks (the yardsticks feel them), effects
of a process on each cell that no yardstick sees (code and data lie elsewhere), heavy-tailed noise, disturbed batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.model import CostingFunction, StepKind, Variant, ledger_model
from costmodel.plutus.builtins import BUILTIN_BY_NAME
from costmodel.records.run import Machine as Fingerprint
from costmodel.records.run import RunStatus
from costmodel.runs.design import Cell, Plan
from costmodel.runs.store import Run, RunWriter
from costmodel.runs.tables import Sample
from tests.runs.facts import CLOCK

VARIANT = Variant.D
HASH_NS, MACHINE_NS = 20_000.0, 30_000.0
YARDSTICK_NS = (HASH_NS * MACHINE_NS) ** 0.5
"""What the yardsticks take, and their geometric mean, in the state in which the truth holds."""

STEP_PS = dict(zip(StepKind, (9_000, 7_000, 11_000, 13_000, 8_000, 6_000, 15_000, 21_000, 17_000), strict=True))
STARTUP_PS = 150_000
CALLS_PS = {
    "decode": {"intercept": 300_000, "bytes": 900, "nodes": 25_000, "values": 11_000},
    "apply": {"arguments": 90_000, "bytes": 700, "nodes": 40_000},
    "start": {"intercept": 450_000},
    "first": {"intercept": 600_000, "nodes": 12_000, "steps": 300},
    "setup": {"intercept": 5_000_000},
}


def function_of(builtin: str, *values: int) -> CostingFunction:
    """The builtin's shape in VARIANT with these coefficients, in the order of `names`."""
    return ledger_model(VARIANT).builtins[builtin].cpu.with_values(values)


BUILTINS: dict[str, tuple[CostingFunction, Sequence[tuple[int, ...]]]] = {
    "addInteger": (function_of("addInteger", 30_000, 900), [(n, n) for n in (1, 20, 150, 967)]),
    "multiplyInteger": (function_of("multiplyInteger", 40_000, 700), [(n, n) for n in (1, 5, 15, 31)]),
    "sha2_256": (function_of("sha2_256", 260_000, 30_000), [(n,) for n in (1, 20, 400, 9800)]),
    "verifyEcdsaSecp256k1Signature": (function_of("verifyEcdsaSecp256k1Signature", 40_000_000), [(5, 4, 8)]),
    "equalsByteString": (
        function_of("equalsByteString", 9_000, 20_000, 150),
        [(10, 10), (100, 100), (1500, 1500), (10, 100), (600, 10)],
    ),
}
"""True costing functions and the sizes at which they are measured."""


@dataclass(frozen=True)
class Machine:
    """How the imaginary machine errs; `…_sd` are standard deviations of log time.

    A share `contaminated` of the batches takes half as long again and more, and is not marked as disturbed. The noise
    of a cell is up to `uneven` times more than that of another. Effects of processes may be `skewed` (a few are much
    slower). Runs differ by `run_sd` in each cell, and by `level_sd` as a whole. The machine yardstick drifts from
    process to process by `yardstick_process_sd`, which no cell feels.
    """

    process_sd: float = 0.004
    run_sd: float = 0.0
    level_sd: float = 0.0
    noise_sd: float = 0.004
    yardstick_sd: float = 0.002
    disturbed: float = 0.05
    contaminated: float = 0.0
    uneven: float = 1.0
    regimes: tuple[float, ...] = (1.0, 1.0, 1.35, 1.7)
    fingerprint: Fingerprint = field(default_factory=lambda: Fingerprint(id="imaginary", cores=2))
    has_machine_yardstick: bool = True
    skewed: bool = False
    yardstick_process_sd: float = 0.0


QUIET = Machine(process_sd=0.0, noise_sd=0.0, yardstick_sd=0.0, regimes=(1.0,), disturbed=0.0)
"""A machine that does not err."""


def truth_ps(cell: Cell, builtins: Mapping[str, CostingFunction] | None = None) -> float:
    """The true time of one evaluation of a cell."""
    functions = builtins or {name: function for name, (function, _) in BUILTINS.items()}
    evaluation: float = STARTUP_PS + sum(STEP_PS[kind] * cell.steps.get(kind.name.lower(), 0) for kind in StepKind)
    evaluation += sum(
        functions[name].evaluate(cell.sizes) * count for name, count in cell.builtins.items() if name in functions
    )
    if cell.work == "evaluate":
        return evaluation
    if cell.work == "setup":
        return CALLS_PS["setup"]["intercept"]
    if cell.work == "start":
        return evaluation + CALLS_PS["start"]["intercept"]
    size, nodes, *values = cell.sizes
    # An apply cell's script is `TINY`, decoded before its arguments are applied.
    script = (size, nodes) if cell.work in ("decode", "call") else (len(TINY), 1)
    decode = CALLS_PS["decode"]
    decoding = decode["intercept"] + decode["bytes"] * script[0] + decode["nodes"] * script[1]
    if cell.work == "decode":
        return decoding + decode["values"] * sum(values)
    if cell.work == "call":
        first = CALLS_PS["first"]
        steps = sum(cell.steps.values())
        return decoding + evaluation + first["intercept"] + first["nodes"] * nodes + first["steps"] * steps
    apply = CALLS_PS["apply"]
    return decoding + apply["arguments"] * len(cell.arguments) + apply["bytes"] * size + apply["nodes"] * nodes


TINY = b"\x01\x00\x00\x20"


def planned(name: str, **what: Any) -> Cell:
    return Cell(id=name, language="PlutusV2", protocol_version=11, **{"flat": name.encode(), **what})


def step_cells(kinds: Sequence[StepKind] = tuple(StepKind)) -> Iterator[Cell]:
    """For each kind programs with many of it on a base of all; a rising base makes start-up known too."""
    for base in (5, 40, 160):
        counts = {kind.name.lower(): base for kind in kinds}
        yield planned(f"base-{base}", experiment="steps", operation="base", steps=counts)
        for kind in kinds:
            more = counts | {kind.name.lower(): base * 12}
            yield planned(f"{kind.name}-{base}", experiment="steps", operation=kind.name.lower(), steps=more)


def pair(operation: str, sizes: tuple[int, ...], arity: int, forces: int, k: int = 20) -> Iterator[Cell]:
    """Programs that apply an operation k and 2k times and are otherwise equal."""
    for repeats in (k, 2 * k):
        yield planned(
            f"{operation}-{sizes}-{repeats}",
            experiment="builtins",
            operation=operation,
            sizes=sizes,
            repeats=repeats,
            steps={
                "const": 4 + arity * repeats,
                "apply": arity * repeats,
                "force": forces * repeats,
                "builtin": repeats,
            },
            builtins={operation: repeats},
        )


def builtin_cells(builtins: Mapping[str, Sequence[tuple[int, ...]]]) -> Iterator[Cell]:
    """Pairs for each builtin, and for the no-ops that they need."""
    needed = {(BUILTIN_BY_NAME[name].arity, BUILTIN_BY_NAME[name].forces) for name in builtins}
    for arity, forces in sorted(needed):
        yield from pair(f"nop{arity}_{forces}", (1,) * arity, arity, forces)
    for name, sizes in builtins.items():
        for point in sizes:
            yield from pair(name, point, BUILTIN_BY_NAME[name].arity, BUILTIN_BY_NAME[name].forces)


def call_cells() -> Iterator[Cell]:
    yield planned("decode-tiny", experiment="calls", operation="decode", work="decode", flat=TINY, sizes=(len(TINY), 1))
    for size, nodes in ((100, 40), (100, 90), (2000, 400), (4000, 1500), (9000, 1800)):
        yield planned(
            f"decode-{size}-{nodes}",
            experiment="calls",
            operation="decode",
            work="decode",
            sizes=(size, nodes, 0),
        )
        yield planned(
            f"apply-{size}-{nodes}",
            experiment="calls",
            operation="apply",
            work="apply",
            flat=TINY,
            arguments=(b"\x00",) * (1 + nodes % 3),
            sizes=(size, nodes),
        )
    for values in (50, 700):
        yield planned(
            f"decode-values-{values}",
            experiment="calls",
            operation="decode",
            work="decode",
            sizes=(500, 30, values),
        )
    for size, nodes, steps in ((100, 40, 30), (2000, 400, 9000), (4000, 1500, 20_000), (9000, 1800, 2000)):
        for operation, work in (("first", "call"), ("warm", "evaluate")):
            yield planned(
                f"{operation}-{size}-{nodes}",
                experiment="calls",
                operation=operation,
                work=work,
                flat=f"decode-{size}-{nodes}".encode(),
                sizes=(size, nodes),
                steps={"apply": steps},
            )
    yield planned("setup", experiment="calls", operation="setup", work="setup")
    yield planned("start", experiment="calls", operation="start", work="start", steps={"const": 1})


def all_cells() -> list[Cell]:
    return [*step_cells(), *builtin_cells({name: sizes for name, (_, sizes) in BUILTINS.items()}), *call_cells()]


def make_run(
    folder: Path,
    cells: Sequence[Cell],
    *,
    seed: int = 0,
    machine: Machine = QUIET,
    processes: int = 8,
    blocks: int = 12,
    status: RunStatus = RunStatus.COMPLETE,
    truth: Mapping[str, CostingFunction] | None = None,
    uncertain: Mapping[str, str] | None = None,
    more_ps: Callable[[Cell], float] = lambda _: 0.0,
) -> Run:
    """Write a run of `cells` on the imaginary machine and return it as it is read back. Each takes `more_ps` too."""
    times = np.array([truth_ps(cell, truth) + more_ps(cell) for cell in cells]) / 1000
    plan = Plan(cells=tuple(cells), core=1, seed=seed, min_processes=1)
    writer = RunWriter.create(
        folder,
        "measure",
        plan,
        machine=machine.fingerprint,
        clock=CLOCK,
        versions={"calibrate": "0"},
        evaluator={"name": "imaginary", "sha256": "0"},
    )
    writer.append(list(_samples(plan, times, machine, np.random.default_rng(seed), processes, blocks)))
    writer.update(uncertain=dict(uncertain or {}))
    writer.finish(status)
    return Run.open(writer.path)


def _samples(
    plan: Plan, times_ns: np.ndarray[Any, Any], machine: Machine, rng: np.random.Generator, processes: int, blocks: int
) -> Iterator[Sample]:
    count = len(plan.cells)
    run_effect = rng.normal(0, machine.run_sd, count)
    if machine.level_sd:
        run_effect = run_effect + rng.normal(0, machine.level_sd)
    for process in range(processes):
        process_effect = rng.normal(0, machine.process_sd, count)
        if machine.skewed:
            process_effect = machine.process_sd * (rng.exponential(1.0, count) - 1.0)
        drift = float(np.exp(rng.normal(0, machine.yardstick_process_sd)))
        for block in range(blocks):
            regime = float(rng.choice(machine.regimes))
            noise = machine.noise_sd * rng.standard_t(2.5, count) * machine.uneven ** np.linspace(0, 1, count)
            ns = times_ns * regime * np.exp(run_effect + process_effect + noise)
            disturbed = rng.random(count) < machine.disturbed
            if machine.contaminated:
                ns = ns * np.where(rng.random(count) < machine.contaminated, 1.5 + rng.exponential(1, count), 1.0)
            hash_ns, machine_ns = (
                np.array([HASH_NS, MACHINE_NS * drift]) * regime * np.exp(rng.normal(0, machine.yardstick_sd, 2))
            )
            for i, cell in enumerate(plan.cells):
                iterations = 7
                total = float(ns[i]) * iterations * (3.0 if disturbed[i] else 1.0)
                yield Sample(
                    cell=cell.id,
                    process=process,
                    block=block,
                    order=i,
                    iterations=iterations,
                    ticks=round(total * 2.5),
                    ns=total,
                    disturbance="context switch" if disturbed[i] else "",
                    yardstick_hash_ns=hash_ns,
                    yardstick_machine_ns=machine_ns if machine.has_machine_yardstick else float("nan"),
                    cpu=1,
                )
