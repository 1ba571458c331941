"""How long an evaluator takes for the cells of a design, from trying a few of each operation.

An evaluator may take a thousand times as long at one size as at another that is charged three times as much, so cells
are tried from the cheap end of each operation, and none beyond one that took too long: what they would take is no
matter then. Times between those that were tried are interpolated.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from costmodel.experiments.terms import LANGUAGE
from costmodel.machine import CellLost, Order, Script, exact_machine
from costmodel.machine.driver import BUDGET, DriverEvaluator
from costmodel.model import variant_for
from costmodel.runs.design import Cell

_START: Final = "steps/start"
_AT_ONCE: Final = (0.0, 0.5, 1.0)  # where among its operation's cells, by charge, lie those that are always tried,
_LATER: Final = (0.25, 0.75)  # and those that come next
_PROGRAMS: Final = 40  # of those of steps, the cheapest: all prices rest on them, and some may be refused
_RUNS: Final = 3  # one to check it, one to warm up, and one that counts,
_ONE_NS: Final = 20e6  # unless the first took so long
_SIZE_WEIGHT: Final = 1e-3  # of a cell's size beside its charge: it only tells cells apart that are charged alike

_MOST_BEYOND: Final = 20.0  # of a logarithm, which is longer than any session


@dataclass
class Pilot:
    """What was found: nanoseconds of one run of each cell, those missing that were refused, and operations of which all
    were; of a run of nothing, of a step, and of what a request takes beside its runs."""

    run_ns: dict[str, float] = field(default_factory=dict)
    start_ns: float = 0.0
    step_ns: float = 0.0
    request_ns: float = 0.0

    def expected_ns(self, one: Cell) -> float:
        """Of one run of a cell, which may be longer or shorter than the one that was tried, or its partner."""
        if one.id in self.run_ns:
            return self.run_ns[one.id]
        without = self.start_ns + self.step_ns * sum(one.steps.values())
        tried = [(name, ns) for name, ns in self.run_ns.items() if name.startswith(one.id[: one.id.rindex("x") + 1])]
        if not tried or not one.repeats:
            return without
        name, ns = tried[0]
        return max(without, self.start_ns + (ns - self.start_ns) * one.repeats / int(name[name.rindex("x") + 1 :]))


def pilot(cells: Sequence[Cell], evaluator: DriverEvaluator, seconds: float, most_ns: float = math.inf) -> Pilot:
    """Try a few cells of each operation, and others as long as there are `seconds`; beyond a cell whose run takes more
    than `most_ns`, none that are charged more."""
    places = {one.id: place_of(one) for one in cells}
    tried: dict[str, float] = {}
    refused: set[str] = set()
    ends: dict[tuple[str, str], float] = {}  # of operations, the place of the cheapest cell that took too long
    beside: list[float] = []
    until = time.monotonic() + seconds
    for at_once, one in _in_turn(cells, places):
        if not at_once and time.monotonic() > until:
            break
        if places[one.id] > ends.get(_operation(one), math.inf):
            continue
        begun = time.monotonic_ns()
        ns = run_ns(one, evaluator)
        if ns is None:
            refused.add(one.id)
            continue
        tried[one.id] = ns
        if ns > most_ns:
            ends[_operation(one)] = places[one.id]
        if ns < _ONE_NS:
            beside.append(time.monotonic_ns() - begun - _RUNS * ns)
    found = Pilot(start_ns=tried.get(_START, 0.0), request_ns=max(statistics.median(beside or [0.0]), 0.0) / 2)
    for mine in _operations(cells).values():
        found.run_ns |= interpolated({one.id: places[one.id] for one in mine if one.id not in refused}, tried)
    steps = [tried[one.id] / sum(one.steps.values()) for one in cells if one.experiment == "steps" and one.id in tried]
    found.step_ns = statistics.median(steps or [0.0])
    return found


def interpolated(places: Mapping[str, float], tried: Mapping[str, float]) -> dict[str, float]:
    """The times of cells by their places, which are logarithms, from those of them that were tried: between two of
    these the logarithms lie on a line; beyond the last one they go on as before it, and rise with the place at least.
    Nothing where none was tried."""
    known: dict[float, float] = {}
    for name, place in places.items():
        if name in tried:
            known[place] = max(known.get(place, -math.inf), math.log(tried[name]))
    if not known:
        return {}
    at = sorted(known)
    logs = [known[place] for place in at]
    slope = 1.0
    if len(at) > 1:
        slope = max(slope, (logs[-1] - logs[-2]) / (at[-1] - at[-2]))
    return {
        name: tried.get(
            name, math.exp(float(np.interp(place, at, logs)) + min(slope * max(place - at[-1], 0.0), _MOST_BEYOND))
        )
        for name, place in places.items()
    }


def run_ns(one: Cell, evaluator: DriverEvaluator) -> float | None:
    """Nanoseconds of a run of a cell, by the driver's clock; None where it is refused."""
    try:
        work = evaluator.prepare(one, checked=True)
    except CellLost:
        return None
    if work.seconds * 1e9 >= _ONE_NS:
        return work.seconds * 1e9
    (reading,) = evaluator.time([Order(work, 1, 1)])
    return None if reading.fault else float(max(reading.ticks, 1))


def _operation(one: Cell) -> tuple[str, str]:
    return one.work, one.operation


def _operations(cells: Sequence[Cell]) -> dict[tuple[str, str], list[Cell]]:
    found: dict[tuple[str, str], list[Cell]] = {}
    for one in cells:
        found.setdefault(_operation(one), []).append(one)
    return found


def _in_turn(cells: Sequence[Cell], places: Mapping[str, float]) -> Iterator[tuple[bool, Cell]]:
    """All cells, each with whether it has to be tried, cheap ones before dear ones of the same operation."""
    ordered = [sorted(mine, key=lambda one: places[one.id]) for mine in _operations(cells).values()]
    given: set[str] = set()
    for share in (*_AT_ONCE, *_LATER):
        for mine in ordered:
            one = mine[round(share * (len(mine) - 1))]
            if one.id not in given:
                given.add(one.id)
                yield share in _AT_ONCE, one
    programs = sorted((one for one in cells if one.experiment == "steps"), key=lambda one: places[one.id])[:_PROGRAMS]
    yield from ((True, one) for one in programs if one.id not in given)
    given |= {one.id for one in programs}
    rest = (one for mine in ordered for one in mine if one.id not in given)
    yield from ((False, one) for one in sorted(rest, key=lambda one: places[one.id]))


def place_of(one: Cell) -> float:
    """The logarithm of what a cell's time grows with: its ExUnits, or the bytes that are decoded."""
    if one.work in ("decode", "apply"):
        charge = float(len(one.flat) + sum(map(len, one.arguments)))
    else:
        script = Script.decode(one.flat, LANGUAGE, one.protocol_version)
        charge = float(exact_machine(variant_for(LANGUAGE, one.protocol_version)).evaluate(script, BUDGET).spent.cpu)
    return math.log(max(charge, 1.0)) + _SIZE_WEIGHT * math.log1p(sum(one.sizes))
