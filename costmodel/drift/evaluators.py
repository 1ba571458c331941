"""Drift of evaluators behind drivers: their ExUnits, exactly, and times, side by side or against stored ones.

ExUnits need one run of each program and no quiet machine. For times both drivers run in fresh processes that take turns
on one core, a batch of one, two of the other, one of the first.
"""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from costmodel import __version__
from costmodel.drift.limits import DriftLimits
from costmodel.drift.timed import DEFAULT_SECONDS, compare_pairs, compare_times
from costmodel.drift.verdict import DriftVerdict, OperationDrift, exact_drift
from costmodel.errors import Inconclusive, InputError
from costmodel.judging.estimate import Change, Estimate
from costmodel.machine import CellLost, Order, evaluator_label
from costmodel.machine.driver import DriverEvaluator, started
from costmodel.machine.driver_process import DriverCommand
from costmodel.records.drift import EvaluatorFigure, EvaluatorFigures, Metric
from costmodel.records.run import Machine
from costmodel.runs.design import Cell
from costmodel.timing.duet import Ratios
from costmodel.timing.surroundings import fingerprint

EVALUATOR_METRICS: Final[tuple[Metric, ...]] = ("time", "cpu", "memory")

_ROUNDS: Final = 8  # of a pair of processes
_STORED_PROCESSES: Final = 10
_TRIES: Final = 8  # to find how many runs fill a batch
_ALL: Final = Estimate(math.inf, math.inf, math.inf)
_NOTHING: Final = Estimate(1.0, 0.0, math.inf)

Floats = NDArray[np.float64]
Progress = Callable[[int, int, float], None]


class DriverTiming(NamedTuple):
    """How drivers are timed: on a core, at most so long, in orders by a seed."""

    core: int
    seconds: float | None = None
    seed: int = 0
    progress: Progress | None = None


def take_figures(
    driver: DriverCommand, cells: Sequence[Cell], workload: str, metrics: Sequence[Metric], timing: DriverTiming
) -> EvaluatorFigures:
    """What a driver comes to on cells here and now. EnvironmentFault where it does not start; programs that it does not
    run are in the figures as lost."""
    with started(driver, timing.core) as evaluator:
        facts, reported = dict(evaluator.facts), evaluator.hello.capabilities.ex_units
        found = {cell.id: _figure(evaluator, cell) for cell in cells}
    machine: Machine | None = None
    if "time" in metrics:
        whole = [cell for cell in cells if not found[cell.id].lost]
        times = _times(driver, whole, timing)
        found |= {
            cell.id: msgspec.structs.replace(found[cell.id], ns=ns) for cell, ns in zip(whole, times, strict=True)
        }
        machine = fingerprint(timing.core)
    elif not reported:
        raise InputError(f"{evaluator_label(facts)} reports no ExUnits; the metric time is all that there is of it")
    return EvaluatorFigures(calibrate=__version__, evaluator=facts, workload=workload, machine=machine, figures=found)


def compare_evaluators(
    baseline: DriverCommand,
    candidate: DriverCommand,
    cells: Sequence[Cell],
    *,
    name: str,
    workload: str,
    metrics: Sequence[Metric],
    limits: DriftLimits,
    timing: DriverTiming,
) -> DriftVerdict:
    """Two drivers, side by side. Inconclusive where the time is too short."""
    exact = [metric for metric in metrics if metric != "time"] or ["cpu"]
    was, now = (take_figures(driver, cells, workload, exact, timing) for driver in (baseline, candidate))
    times: tuple[OperationDrift, ...] = ()
    if "time" in metrics:
        whole = [cell for cell in cells if not was.figures[cell.id].lost and not now.figures[cell.id].lost]

        def duet(open_ones: Sequence[Cell], order: str) -> Ratios:
            return _duet(baseline, candidate, open_ones, core=timing.core, seed=order)

        times = compare_pairs(
            duet,
            whole,
            limits=limits,
            seconds=timing.seconds or DEFAULT_SECONDS,
            seed=timing.seed,
            progress=timing.progress,
        )
    return _verdict(was, now, cells, times, name, metrics, limits)


def compare_figures(
    stored: EvaluatorFigures,
    found: EvaluatorFigures,
    cells: Sequence[Cell],
    *,
    name: str,
    metrics: Sequence[Metric],
    limits: DriftLimits,
) -> DriftVerdict:
    """Figures against stored ones. Times of another machine, or of a baseline without any, cannot be compared."""
    times: tuple[OperationDrift, ...] = ()
    if "time" in metrics:
        pairs = [(stored.figures.get(cell.id), found.figures[cell.id], cell) for cell in cells]
        whole = [(was, now, cell) for was, now, cell in pairs if was and not was.lost and not now.lost]
        times = compare_times(
            [was.ns for was, _, _ in whole], [now.ns for _, now, _ in whole], [cell for *_, cell in whole], limits
        )
        if obstacle := _untimed(stored, found):
            times = tuple(_unknown(each.operation, each.dominant, "time", each.tolerance, obstacle) for each in times)
    return _verdict(stored, found, cells, times, name, metrics, limits)


def _untimed(stored: EvaluatorFigures, found: EvaluatorFigures) -> str:
    if stored.machine is None:
        return "the baseline has no times"
    if found.machine is None or stored.machine.id != found.machine.id:
        return "the baseline is of another machine"
    return ""


def _verdict(
    was: EvaluatorFigures,
    now: EvaluatorFigures,
    cells: Sequence[Cell],
    times: Sequence[OperationDrift],
    name: str,
    metrics: Sequence[Metric],
    limits: DriftLimits,
) -> DriftVerdict:
    timed = {drift.operation: drift for drift in times}
    drifts: list[OperationDrift] = []
    for cell in cells:
        before, after = was.figures.get(cell.id), now.figures[cell.id]
        problem = _problem(cell, before, after)
        if problem is not None or before is None:
            tolerance = limits.tolerance(cell.id, metrics[0])
            status, note = problem or (Change.INCONCLUSIVE, "")
            ratio = _ALL if status is Change.REGRESSED else _NOTHING
            nothing = (math.nan, math.nan)
            drifts.append(OperationDrift(cell.id, cell.operation, metrics[0], *nothing, ratio, tolerance, status, note))
            continue
        for metric in metrics:
            if metric == "time":
                drifts.append(timed[cell.id])
            else:
                drifts += _exact(cell, metric, before, after, limits)
    left = sorted(was.figures.keys() - now.figures.keys())
    missing = [f"not run any more: {', '.join(left[:10])}{' …' if len(left) > 10 else ''}"] if left else []
    return DriftVerdict(
        "timed" if "time" in metrics else "deterministic",
        name,
        tuple(drifts),
        tuple(missing),
        evaluator=evaluator_label(now.evaluator),
        workload=now.workload,
    )


def _problem(cell: Cell, before: EvaluatorFigure | None, after: EvaluatorFigure) -> tuple[Change, str] | None:
    """Why there is nothing to compare, if so. What the baseline ran and the candidate does not is worse than slower."""
    if before is None:
        return Change.INCONCLUSIVE, f"not in the baseline{f'; lost: {after.lost}' if after.lost else ''}"
    if before.program != after.program:
        return Change.INCONCLUSIVE, "the baseline is of another program; renew it"
    if after.lost and before.lost:
        return Change.INCONCLUSIVE, f"neither runs it: {after.lost}"
    if after.lost:
        return Change.REGRESSED, f"no longer runs: {after.lost}"
    return (Change.INCONCLUSIVE, f"the baseline does not run it: {before.lost}") if before.lost else None


def _exact(
    cell: Cell, metric: Metric, before: EvaluatorFigure, after: EvaluatorFigure, limits: DriftLimits
) -> list[OperationDrift]:
    was, now = (each.cpu if metric == "cpu" else each.memory for each in (before, after))
    tolerance = limits.tolerance(cell.id, metric)
    if was is None and now is None:
        return []
    if was is None or now is None:
        return [_unknown(cell.id, cell.operation, metric, tolerance, "only one of the two reports it")]
    return [exact_drift(cell.id, cell.operation, metric, was, now, tolerance)]


def _unknown(operation: str, dominant: str, metric: Metric, tolerance: float, note: str) -> OperationDrift:
    return OperationDrift(
        operation, dominant, metric, math.nan, math.nan, _NOTHING, tolerance, Change.INCONCLUSIVE, note
    )


def _figure(evaluator: DriverEvaluator, cell: Cell) -> EvaluatorFigure:
    content = msgspec.msgpack.encode([cell.flat, cell.arguments, cell.language, cell.protocol_version])
    program = hashlib.sha256(content).hexdigest()
    try:
        work = evaluator.prepare(cell)
    except CellLost as error:
        return EvaluatorFigure(program=program, cpu=None, memory=None, ns=(), lost=str(error))
    cpu, memory = (work.expected[0].cpu, work.expected[0].mem) if work.expected else (None, None)
    return EvaluatorFigure(program=program, cpu=cpu, memory=memory, ns=(), lost="")


def _times(driver: DriverCommand, cells: Sequence[Cell], timing: DriverTiming) -> list[tuple[float, ...]]:
    """By cell, the median time of one run in each of some fresh processes, those left out in which it was disturbed.
    Inconclusive where there is no time for two."""
    began, longest = time.monotonic(), 0.0
    seconds = timing.seconds or DEFAULT_SECONDS
    found: list[list[float]] = [[] for _ in cells]
    done = 0
    while done < _STORED_PROCESSES and time.monotonic() - began + longest < seconds:
        before = time.monotonic()
        chance = random.Random(f"{timing.seed}/{done}")  # noqa: S311 - an order to be reproduced, no secret
        with started(driver, timing.core) as evaluator:
            player = _DriverPlayer(evaluator, cells)
            ns = np.full((2 * _ROUNDS, len(cells)), np.nan)
            for number in range(2 * _ROUNDS):
                for cell in chance.sample(range(len(cells)), len(cells)):
                    ns[number, cell] = player.turn(cell)
        for series, column in zip(found, ns.T, strict=True):
            clean = column[np.isfinite(column)]
            if len(clean):
                series.append(float(np.median(clean)))
        done, longest = done + 1, max(longest, time.monotonic() - before)
        if timing.progress is not None:
            timing.progress(done, len(cells), time.monotonic() - began)
    if done < 2:
        raise Inconclusive(f"{done} processes in {seconds:.0f} s are too few; allow more time")
    return [tuple(series) for series in found]


def _duet(baseline: DriverCommand, candidate: DriverCommand, cells: Sequence[Cell], *, core: int, seed: str) -> Ratios:
    """One fresh process of either driver: log-ratios by [round, cell], and ns by [driver, cell]."""
    chance = random.Random(seed)  # noqa: S311 - an order to be reproduced, no secret
    with ExitStack() as stack:
        sides = [baseline, candidate]
        players = {
            side: _DriverPlayer(stack.enter_context(started(sides[side], core)), cells)
            for side in chance.sample((0, 1), 2)
        }
        ns = np.full((_ROUNDS, 2, len(cells), 2), np.nan)
        for number in range(_ROUNDS):
            for cell in chance.sample(range(len(cells)), len(cells)):
                for place, side in enumerate((1, 0, 0, 1) if number % 2 else (0, 1, 1, 0)):
                    ns[number, side, cell, place // 2] = players[side].turn(cell)
    logs = np.log(ns).mean(axis=3)
    known = np.isfinite(logs).any(axis=0)
    medians = np.where(known, np.nanmedian(np.where(known, logs, 0.0), axis=0), np.nan)
    return Ratios(logs[:, 1] - logs[:, 0], np.exp(medians))


class _DriverPlayer:
    """Cells that a driver's process has loaded, with how many runs make a batch."""

    def __init__(self, evaluator: DriverEvaluator, cells: Sequence[Cell]) -> None:
        self._evaluator = evaluator
        self._orders = [_filled(evaluator, cell) for cell in cells]

    def turn(self, cell: int) -> float:
        """Nanoseconds of one run; NaN where the batch was disturbed or failed."""
        order = self._orders[cell]
        if order is None:
            return math.nan
        (reading,) = self._evaluator.time([order])
        if reading.fault or reading.disturbance or reading.ticks <= 0:
            return math.nan
        return reading.ticks / order.iterations


def _filled(evaluator: DriverEvaluator, cell: Cell) -> Order | None:
    """An order of as many runs as fill a batch; None where this process of the driver does not run the cell."""
    target = evaluator.batch_us * 1e3
    try:
        work = evaluator.prepare(cell, checked=True)
    except CellLost:
        return None
    order = Order(work, 1, 0)
    for _ in range(_TRIES):
        (reading,) = evaluator.time([order])
        if reading.fault or reading.ticks >= target / 2:
            break
        grown = order.iterations * min(target / max(reading.ticks, 1), 10.0)
        order = Order(work, max(math.ceil(grown), order.iterations + 1), 0)
    runs = order.iterations
    warm_up = max(1, round(runs * min(evaluator.warm_up_ns / target, 1.0)))
    return Order(work, runs, warm_up)
