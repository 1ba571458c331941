"""As much of a design as an evaluator has time for.

A pilot times programs of every operation (`trial`). From that follows how often a program is to apply its builtin, so
that this shows beside what a run takes anyway and a run takes no longer than it has to, and how many points, blocks and
processes fit into the time budget: a slow evaluator gets a smaller design, and not a longer session.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from costmodel.experiments.points import shapes_of
from costmodel.experiments.portable import best_version, paired, portable_cells
from costmodel.experiments.trial import Pilot, pilot, run_ns
from costmodel.machine.driver import DriverEvaluator
from costmodel.plutus import BUILTIN_BY_NAME, Batch
from costmodel.runs.design import FEWEST_BLOCKS, Cell
from costmodel.timing.plan import fewest_blocks

_PILOT_SHARE: Final = 0.03  # of a time budget are for trying more than three cells of each operation
_PILOT_SECONDS: Final = 20.0  # without a budget
_TOO_LONG: Final = 1 / 4_000  # of a time budget: where a run takes so much, nothing dearer is tried
_STANDS_OUT: Final = 3.0  # times what a run takes anyway, its applications of a builtin are to take
_OF_A_BATCH: Final = 0.25  # of a batch is what a run is to take at least, before it applies its builtin less often
_LEAST_SHARE: Final = 0.02  # of a run, below which the pilot cannot tell what applications take

_LEAST_LEFT: Final = 0.5  # of a time budget is for the session, however long the pilot took
_BUDGET_SHARE: Final = 0.8  # of a time budget are for batches that can be foreseen
# Where memory is collected, a third of the batches are lengthened, some of them twice. By what collections fall into
# them a quarter of the cells of plutigo differ by 3 % and more between processes. Code that is compiled while it runs
# comes out otherwise in every process: all cells of HarmonicLabs differ so much. They take eight processes.
_LENGTHENED: Final = 3.5  # times the usual batch
_MORE_PROCESSES: Final = 2.0
_MOST_SHARE: Final = 8.0  # times its part of the time budget that a cell may take before it is left out
_STARTING: Final = 2  # a process runs every cell about so many batches long before its blocks begin
_LAST_PROCESSES: Final = 3
_SIZES: Final = tuple(
    (share, blocks, processes)
    for share, blocks, processes in (
        (1.0, 20, 5),
        (1.0, 12, 5),
        (1.0, 8, 5),
        (1.0, 6, 5),
        *((share, 5, 4) for share in (1.0, 0.8, 0.65, 0.5)),
        *((share, FEWEST_BLOCKS, 4) for share in (0.5, 0.4, 0.3, 0.22, 0.16, 0.12, 0.08, 0.05, 0.0)),
        (0.0, FEWEST_BLOCKS, _LAST_PROCESSES),
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


def sized(cells: Sequence[Cell], evaluator: DriverEvaluator, seconds: float | None) -> Sized:
    """As much of a design for the native machine as `evaluator` can do in `seconds`: what it cannot be asked for left
    out, and what it has not instead. All of it without `seconds`."""
    begun = time.monotonic()
    asked = portable_cells(cells, best_version(evaluator))
    if seconds is None:
        found = pilot(asked, evaluator, _PILOT_SECONDS)
    else:
        found = pilot(asked, evaluator, _PILOT_SHARE * seconds, _TOO_LONG * seconds * 1e9)
    able = [one for one in asked if one.id in found.run_ns]
    times = {one.id: _times(one, found, evaluator) for one in able if one.experiment == "builtins"}
    whole = paired(able, times, lambda one: run_ns(one, evaluator) is not None)
    runs = {one.id: found.expected_ns(one) for one in whole}
    if seconds is not None:
        seconds = max(seconds - (time.monotonic() - begun), _LEAST_LEFT * seconds)
    for share, blocks, processes in _SIZES:
        # Before builtins are left out, none of which can be priced then, all are known less precisely.
        spare = processes > _LAST_PROCESSES
        expected = processes * (_MORE_PROCESSES if evaluator.collects and spare else 1.0)
        costs = {
            name: expected * _process_ns(ns, blocks, found, evaluator) / _BUDGET_SHARE for name, ns in runs.items()
        }
        most = math.inf if seconds is None else _MOST_SHARE * seconds * 1e9 / max(len(whole), 1)
        chosen = _thinned(whole, share, {name: ns for name, ns in costs.items() if ns > most})
        needed = sum(costs[one.id] for one in chosen) / 1e9
        if seconds is None or needed < seconds:
            break
    kept, left_out = affordable(chosen, costs, seconds)
    # What is refused costs next to nothing, and is to be named.
    refused = [one for one in asked if one.id not in found.run_ns]
    settings = {"target_batch_us": evaluator.batch_us, "blocks_per_process": blocks, "min_processes": processes}
    needed = sum(costs[one.id] for one in kept) / 1e9
    return Sized((*kept, *refused), len(whole) + len(refused), settings, needed, left_out)


def affordable(
    cells: Sequence[Cell], costs: Mapping[str, float], seconds: float | None
) -> tuple[Sequence[Cell], tuple[str, ...]]:
    """The cells without the builtins that contracts miss least, as many as have to go until the `costs` of all cells,
    in ns, come to no more than `seconds`, and the names of those; one builtin stays.

    How often contracts use a builtin is taken from the programs of steps, whose habits are theirs: what few of these
    apply goes before what many do. Of those that none applies, later batches go before earlier ones, which contracts
    have had for longer, and of one batch the dearest first."""
    left = sum(costs[one.id] for one in cells) / 1e9
    if seconds is None or left <= seconds:
        return cells, ()
    dear: Counter[str] = Counter()
    for one in cells:
        if one.experiment == "builtins":
            dear[one.operation] += round(costs[one.id])
    applied = Counter(name for one in cells if one.experiment == "steps" for name in one.builtins)
    batches = list(Batch)

    def use(name: str) -> tuple[int, int, int]:
        return applied[name], -batches.index(BUILTIN_BY_NAME[name].batch), -dear[name]

    out: list[str] = []
    for name in sorted(dear, key=use)[:-1]:
        if left <= seconds:
            break
        out.append(name)
        left -= dear[name] / 1e9
    return [one for one in cells if one.experiment != "builtins" or one.operation not in out], tuple(out)


def _times(one: Cell, found: Pilot, evaluator: DriverEvaluator) -> float:
    """How many times as often a program is to apply its builtin: so often that this stands out beside the start of a
    run; less often where a run is a good part of a batch even so."""
    taken = found.run_ns[one.id]
    applied = max(taken - found.start_ns, _LEAST_SHARE * taken)
    return max(_STANDS_OUT * found.start_ns / applied, min(1.0, _OF_A_BATCH * evaluator.batch_us * 1e3 / taken))


def _process_ns(ns: float, blocks: int, found: Pilot, evaluator: DriverEvaluator) -> float:
    """What a process takes for a cell of which one run takes so many `ns`: in each block a batch, its warm-up and its
    request; of long runs, a warm-up and three, in as many blocks as they need."""
    batch_ns = evaluator.batch_us * 1e3
    if ns >= batch_ns:
        return (fewest_blocks(3) + 1) * (found.request_ns + 4 * ns)
    longer = _LENGTHENED if evaluator.collects else 1.0
    return (blocks + _STARTING) * (found.request_ns + evaluator.warm_up_ns + longer * batch_ns)


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
