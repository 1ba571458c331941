"""As much of a design as an evaluator has time for.

A pilot times programs of every operation. From that follows how often a program is to apply its builtin, so that this
shows beside what a run takes anyway, and how many points, blocks and processes fit into the time budget: a slow
evaluator gets a smaller design, and not a longer session.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from costmodel.experiments.points import shapes_of
from costmodel.experiments.portable import best_version, paired, portable_cells
from costmodel.experiments.terms import LANGUAGE
from costmodel.machine import CellLost, Order, Script, exact_machine
from costmodel.machine.driver import BUDGET, DriverEvaluator
from costmodel.model import variant_for
from costmodel.runs.design import FEWEST_BLOCKS, Cell

_PILOT_SHARE: Final = 0.03  # of a time budget are for trying more than two cells of each operation
_PILOT_SECONDS: Final = 20.0  # without a budget
_START: Final = "steps/start"
_STANDS_OUT: Final = 3.0  # times what a run takes anyway, its applications of a builtin are to take
_LEAST_SHARE: Final = 0.02  # of a run, below which the pilot cannot tell what applications take

_BUDGET_SHARE: Final = 0.8  # of a time budget are for batches that can be foreseen
# Where memory is collected, about half of the batches are lengthened, and they differ so much by what collections fall
# into them that precision takes twice as many processes.
_LENGTHENED: Final = 2.6  # times the usual batch
_MORE_PROCESSES: Final = 2
_MOST_SHARE: Final = 8.0  # times its part of the time budget that a cell may take before it is left out
_STARTING: Final = 2  # a process runs every cell about so many batches long before its blocks begin
_SIZES: Final = tuple(
    (share, blocks, processes)
    for share, blocks, processes in (
        (1.0, 20, 5),
        (1.0, 12, 5),
        (1.0, 8, 5),
        (1.0, 6, 5),
        *((share, 5, 4) for share in (1.0, 0.8, 0.65, 0.5)),
        *((share, FEWEST_BLOCKS, 4) for share in (0.5, 0.4, 0.3, 0.22, 0.16)),
        *((share, FEWEST_BLOCKS, 3) for share in (0.16, 0.12, 0.08, 0.05, 0.0)),
    )
)
_FEWEST_POINTS: Final = 3  # of what is no builtin
_FEWEST_PROGRAMS: Final = 28  # of the step experiment: some more than there are prices to be told apart


@dataclass(frozen=True)
class Sized:
    """A design that fits into its time: its cells, and the settings of the session. `of` cells could be measured; the
    builtins of `left_out` take too long for any of theirs. The `seconds` are about what it needs, which is more than it
    has where not even one builtin fits."""

    cells: tuple[Cell, ...]
    of: int
    settings: dict[str, Any]
    seconds: float
    left_out: tuple[str, ...]


@dataclass
class Pilot:
    """What was found: nanoseconds of one run of each cell, those of operations that are refused missing; of a run of
    nothing, of a step, and of what a request takes beside its runs."""

    run_ns: dict[str, float] = field(default_factory=dict)
    start_ns: float = 0.0
    step_ns: float = 0.0
    request_ns: float = 0.0


def sized(cells: Sequence[Cell], evaluator: DriverEvaluator, seconds: float | None) -> Sized:
    """As much of a design for the native machine as `evaluator` can do in `seconds`: what it cannot be asked for left
    out, and what it has not instead. All of it without `seconds`."""
    asked = portable_cells(cells, best_version(evaluator))
    pilot = _pilot(asked, evaluator, _PILOT_SECONDS if seconds is None else _PILOT_SHARE * seconds)
    able = [one for one in asked if one.id in pilot.run_ns]
    times = {one.id: _times(one, pilot) for one in able if one.experiment == "builtins"}
    whole = paired(able, times, lambda one: _run(one, evaluator) is not None)
    visits = {one.id: _visit_ns(_expected(one, pilot), pilot, evaluator) for one in whole}
    for share, blocks, processes in _SIZES:
        rounds = processes * (blocks + _STARTING) * (_MORE_PROCESSES if evaluator.collects else 1)
        most = math.inf if seconds is None else _MOST_SHARE * seconds * 1e9 / rounds / max(len(whole), 1)
        chosen = _thinned(whole, share, {name: ns for name, ns in visits.items() if ns > most})
        needed = rounds * sum(visits[one.id] for one in chosen) / 1e9 / _BUDGET_SHARE
        if seconds is None or needed < seconds:
            break
    kept, left_out = _affordable(chosen, visits, needed, seconds)
    # What is refused costs next to nothing, and is to be named.
    refused = [one for one in asked if one.id not in pilot.run_ns]
    settings = {"target_batch_us": evaluator.batch_us, "blocks_per_process": blocks, "min_processes": processes}
    needed *= sum(visits[one.id] for one in kept) / max(sum(visits[one.id] for one in chosen), 1.0)
    return Sized((*kept, *refused), len(whole) + len(refused), settings, needed, left_out)


def _affordable(
    cells: Sequence[Cell], visits: Mapping[str, float], needed: float, seconds: float | None
) -> tuple[Sequence[Cell], tuple[str, ...]]:
    """The cells without the builtins that take the longest, as many as have to go until what is `needed` for all cells
    is no more than `seconds`, and the names of those. Builtins that the programs of steps apply go last, as contracts
    apply them too; one builtin stays."""
    if seconds is None or needed <= seconds:
        return cells, ()
    total = sum(visits[one.id] for one in cells)
    dear: dict[str, float] = {}
    for one in cells:
        if one.experiment == "builtins":
            dear[one.operation] = dear.get(one.operation, 0.0) + visits[one.id]
    used = {name for one in cells if one.experiment == "steps" for name in one.builtins}
    left = total
    out: list[str] = []
    for name in sorted(dear, key=lambda name: (name in used, -dear[name]))[:-1]:
        if left / total * needed <= seconds:
            break
        out.append(name)
        left -= dear[name]
    return [one for one in cells if one.experiment != "builtins" or one.operation not in out], tuple(out)


def _times(one: Cell, pilot: Pilot) -> int:
    """How many times as often a program is to apply its builtin, to stand out beside the start of a run."""
    run_ns = pilot.run_ns[one.id]
    applied_ns = max(run_ns - pilot.start_ns, _LEAST_SHARE * run_ns)
    return math.ceil(_STANDS_OUT * pilot.start_ns / applied_ns)


def _expected(one: Cell, pilot: Pilot) -> float:
    """Nanoseconds of one run of a cell, which may be longer than the one that was tried, or its partner."""
    if one.id in pilot.run_ns:
        return pilot.run_ns[one.id]
    without = pilot.start_ns + pilot.step_ns * sum(one.steps.values())
    tried = [(name, ns) for name, ns in pilot.run_ns.items() if name.startswith(one.id[: one.id.rindex("x") + 1])]
    if not tried or not one.repeats:
        return without
    name, ns = tried[0]
    return max(without, pilot.start_ns + (ns - pilot.start_ns) * one.repeats / int(name[name.rindex("x") + 1 :]))


def _visit_ns(run_ns: float, pilot: Pilot, evaluator: DriverEvaluator) -> float:
    """What a block takes for a cell: a batch, its warm-up and its request; of long runs, a warm-up and three."""
    batch_ns = evaluator.batch_us * 1e3
    if run_ns >= batch_ns:
        return pilot.request_ns + 4 * run_ns
    longer = _LENGTHENED if evaluator.collects else 1.0
    return pilot.request_ns + evaluator.warm_up_ns + longer * batch_ns


def _thinned(cells: Sequence[Cell], share: float, dear: Mapping[str, float]) -> list[Cell]:
    """A share of the points of every builtin, those first that lie farthest apart, and of the programs, the short ones
    first; of each a few at least. What is `dear` goes first, by how dear it is."""
    kept: set[str] = set()
    by_operation: dict[tuple[str, str], list[Cell]] = {}
    for one in cells:
        key = one.operation if one.experiment != "steps" or one.operation == "start" else ""
        by_operation.setdefault((one.experiment, key), []).append(one)
    for (experiment, operation), mine in by_operation.items():
        if experiment == "steps":
            ordered = sorted(mine, key=lambda one: sum(one.steps.values()))
            # Every prediction rests on them, so they are the last to go.
            wanted = min(math.ceil(math.sqrt(share) * len(ordered)), sum(one.id not in dear for one in ordered))
            kept.update(one.id for one in ordered[: max(_FEWEST_PROGRAMS, wanted)])
            continue
        costs: dict[tuple[int, ...], float] = {}
        for one in mine:
            costs[one.sizes] = max(costs.get(one.sizes, 0.0), dear.get(one.id, 0.0))
        points = sorted(_apart(sorted(costs)), key=costs.__getitem__)
        wanted = min(math.ceil(share * len(points)), sum(cost == 0 for cost in costs.values()))
        chosen = set(points[: max(_fewest(experiment, operation), wanted)])
        kept.update(one.id for one in mine if one.sizes in chosen)
    return [one for one in cells if one.id in kept]


def _fewest(experiment: str, operation: str) -> int:
    """Points that are always kept: one more than there are coefficients to be found."""
    if experiment != "builtins":
        return _FEWEST_POINTS
    return 1 + max(len(shape.names) for shape in shapes_of(operation))


def _apart(points: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Points in an order in which each lies farthest from those before it; the smallest first."""
    logs = np.log2(np.array(points, np.float64).reshape(len(points), -1) + 1)
    order = [0]
    distances = np.abs(logs - logs[0]).sum(axis=1)
    while len(order) < len(points):
        distances[order] = -1.0
        order.append(int(distances.argmax()))
        distances = np.minimum(distances, np.abs(logs - logs[order[-1]]).sum(axis=1))
    return [points[index] for index in order]


def _pilot(cells: Sequence[Cell], evaluator: DriverEvaluator, seconds: float) -> Pilot:
    """Try two cells of each operation, and others as long as there are `seconds`. What was not tried is taken to be as
    much slower than its charge as the slowest of its operation that was."""
    charges = {one.id: _charge(one) for one in cells}
    tried: dict[str, float] = {}
    beside: list[float] = []
    until = time.monotonic() + seconds
    for urgent, one in _in_turn(cells, charges):
        if not urgent and time.monotonic() > until:
            break
        begun = time.monotonic_ns()
        ns = _run(one, evaluator)
        if ns is not None:
            tried[one.id] = ns
            beside.append(time.monotonic_ns() - begun - _PILOT_RUNS * ns)
    pilot = Pilot(start_ns=tried.get(_START, 0.0), request_ns=max(statistics.median(beside or [0.0]), 0.0) / 2)
    for mine in _operations(cells).values():
        shares = [tried[one.id] / charges[one.id] for one in mine if one.id in tried]
        if shares:
            pilot.run_ns |= {one.id: tried.get(one.id, max(shares) * charges[one.id]) for one in mine}
    steps = [tried[one.id] / sum(one.steps.values()) for one in cells if one.experiment == "steps" and one.id in tried]
    pilot.step_ns = statistics.median(steps or [0.0])
    return pilot


def _operations(cells: Sequence[Cell]) -> dict[tuple[str, str], list[Cell]]:
    found: dict[tuple[str, str], list[Cell]] = {}
    for one in cells:
        found.setdefault((one.work, one.operation), []).append(one)
    return found


def _in_turn(cells: Sequence[Cell], charges: Mapping[str, float]) -> Iterator[tuple[bool, Cell]]:
    """All cells, those first that have to be tried. Some evaluators take much more than is charged where operands are
    large, so these are an operation's middle one and its dearest."""
    rest: list[Cell] = []
    for mine in _operations(cells).values():
        ordered = sorted(mine, key=lambda one: charges[one.id])
        first = {len(ordered) // 2, len(ordered) - 1}
        yield from ((True, ordered[at]) for at in sorted(first))
        rest += (one for at, one in enumerate(ordered) if at not in first)
    yield from ((False, one) for one in sorted(rest, key=lambda one: charges[one.id]))


_PILOT_RUNS: Final = 3  # one to check it, one to warm up, and one that counts


def _run(one: Cell, evaluator: DriverEvaluator) -> float | None:
    """Nanoseconds of a run of a cell, by the driver's clock; None where it is refused."""
    try:
        work = evaluator.prepare(one, checked=True)
    except CellLost:
        return None
    (reading,) = evaluator.time([Order(work, 1, 1)])
    return None if reading.fault else float(max(reading.ticks, 1))


def _charge(one: Cell) -> float:
    """What a cell's time grows with: its ExUnits, or the bytes that are decoded."""
    if one.work in ("decode", "apply"):
        return float(len(one.flat) + sum(map(len, one.arguments)))
    script = Script.decode(one.flat, LANGUAGE, one.protocol_version)
    machine = exact_machine(variant_for(LANGUAGE, one.protocol_version))
    return float(machine.evaluate(script, BUDGET).spent.cpu)
