"""Evaluators price by price: each fitted model as one evaluator's times, with their intervals.

A chain has one price for a builtin, and every node must keep up with it. How long a node takes is told by its
evaluator's model; what that means depends on the machine. Two ways take the machine's speed out:

- *yardstick*: times are brought to one machine by the hash yardstick, a loop of arithmetic that every session times and
  that no evaluator runs. What is left is how fast the evaluators are, as a whole and price by price.
- *pace*: times are divided by the evaluator's own pace, the median over prices of time over charge. What is left is
  where an evaluator is slower than it is elsewhere. Nothing else is possible where a model has no yardstick.

The allowed pace is that of the slowest evaluator: a price at which each node takes no longer for a charged picosecond
than the slowest one does anyway is enough. A median over prices keeps one outlier from moving the rest."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final, Literal

import numpy as np

from costmodel.errors import InputError, ModelError
from costmodel.model import EXTRAS_KEY, CostingFunction, CostModel, StepKind, Variant, load
from costmodel.model.costmodel import STARTUP_KEY
from costmodel.model.diff import typical_sizes
from costmodel.records.documents import finite
from costmodel.records.evaluator import EvaluatorNode, Parity, Price, PriceTime
from costmodel.records.model import Figure, FittedModel, parse_section
from costmodel.runs.store import file_fact

_NEAR: Final = 4.0
"""Sizes are near where each differs by less than this factor."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A time in picoseconds, with its 95 % interval."""

    ps: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class EvaluatorModel:
    """One evaluator: who it is, and its fitted model. `yardstick_ns` is None where its machine's speed is not known."""

    name: str
    version: str
    path: Path
    sha256: str
    machine: str
    yardstick_ns: float | None
    _model: CostModel
    _section: FittedModel

    @property
    def builtins(self) -> tuple[str, ...]:
        return tuple(name for name in self._model.builtins if name in self._section.builtins)

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(self._section.steps.coefficients)

    def centre(self, name: str) -> tuple[int, ...]:
        """Sizes in the middle of those at which a builtin was measured."""
        return self._section.builtins[name].cost_at_centre.sizes

    def covers(self, name: str, sizes: tuple[int, ...]) -> bool:
        """Whether something was measured near these sizes: a formula tells nothing of what is far from its points."""
        function = self._model.builtins[name].cpu
        inner = function.model.shape.reads if function.model else ()
        axes = {*function.shape.reads, *inner}
        return any(
            all(1 / _NEAR <= max(sizes[axis], 1) / max(point.sizes[axis], 1) <= _NEAR for axis in axes)
            for point in self._section.builtins[name].points
            if len(point.sizes) == len(sizes)
        )

    def builtin_time(self, name: str, sizes: tuple[int, ...]) -> Taken:
        """What one application takes as it was fitted: before rounding, and above any minimum."""
        function = self._model.builtins[name].cpu
        fitted = self._section.builtins[name].coefficients
        row, offset, names = _row(function, sizes)
        if missing := [each for each in names if each not in fitted]:
            raise ModelError(f"{self.path}: {EXTRAS_KEY}.builtins.{name} has no {missing[0]}; fit the model again")
        values = np.array([fitted[each].ps for each in names], np.float64)
        ps = float(row @ values) + offset
        parts: list[Sequence[float]] = [self._section.errors.parts_ps.get(f"{name}.{each}", []) for each in names]
        if all(parts):
            half = self._section.errors.t * float(np.linalg.norm(row @ np.array(parts, np.float64)))
        else:
            half = float(np.abs(row) @ np.array([_half(fitted[each]) for each in names]))
        least = next((figure.ps for each, figure in fitted.items() if each.endswith("minimum")), 0.0)
        ps = max(ps, least)
        return Taken(ps, max(ps - half, 0.0), ps + half)

    def step_time(self, name: str) -> Taken:
        """What one step takes."""
        figure = self._section.steps.coefficients[name]
        low, high = figure.interval_ps or (figure.ps, figure.ps)
        return Taken(figure.ps, low, high)


def read_evaluators(paths: Sequence[Path]) -> tuple[EvaluatorModel, ...]:
    """The fitted models in these files, each under a name of its own. InputError for a file named twice, ModelError
    for a model that was not fitted to times, or that is in the picoseconds of another machine."""
    found = [_read(path) for path in paths]
    twice = [name for name, count in Counter(each.sha256 for each in found).items() if count > 1]
    if twice:
        same = next(each for each in found if each.sha256 == twice[0])
        raise InputError(f"{same.path} is named twice, or another file is the same model")
    return tuple(_distinct(found))


def _distinct(found: Sequence[EvaluatorModel]) -> Iterator[EvaluatorModel]:
    """Names by version, and by file, where the evaluators' own are alike."""
    names = Counter(each.name for each in found)
    versioned = Counter(f"{each.name} {each.version}" for each in found)
    for each in found:
        name = each.name if names[each.name] == 1 else f"{each.name} {each.version}"
        yield replace(each, name=name if versioned[name] <= 1 else f"{each.name} ({each.path.stem})")


def _read(path: Path) -> EvaluatorModel:
    model = load([path])
    section = parse_section(model.extras, f"{path}: {EXTRAS_KEY}") if model.extras else None
    if not isinstance(section, FittedModel):
        raise ModelError(f"{path} does not hold one evaluator's own times; give a model that `calibrate fit` wrote")
    if section.clock_unit != "ns":
        raise ModelError(f"{path} has prices in {section.clock_unit}, not in time; fit runs that were timed")
    return EvaluatorModel(
        name=section.picoseconds_of.evaluator,
        version=section.picoseconds_of.version,
        path=path,
        sha256=file_fact(path).sha256,
        machine=section.machine.id,
        yardstick_ns=section.hash_yardstick_ns,
        _model=model,
        _section=section,
    )


def _row(function: CostingFunction, sizes: tuple[int, ...]) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """What multiplies each coefficient at these sizes, what is added, and the coefficients' names."""
    design = function.design(np.array([sizes], np.float64))
    return design.matrix[0], float(design.offset[0]), design.names


def _half(figure: Figure) -> float:
    low, high = figure.interval_ps or (figure.ps, figure.ps)
    return (high - low) / 2


Speed = Literal["yardstick", "pace"]

DEFAULT_THRESHOLD: Final = 2.0

_Point = tuple[str, tuple[int, ...]]


def compare_evaluators(
    evaluators: Sequence[EvaluatorModel],
    charged: CostModel,
    variant: Variant,
    *,
    speed: Speed | None = None,
    threshold: float = DEFAULT_THRESHOLD,
    allowed_pace: float | None = None,
) -> Parity:
    """The models against the prices that are `charged`, at typical sizes in the measures of a variant and at the middle
    of what each evaluator was measured at. Where nothing near was measured, an evaluator has no time.

    Without a `speed`, by yardstick where all models have one. `allowed_pace` is the time over charge at which a node
    keeps up, if it is not to be the slowest evaluator's. InputError where the models have no price in common.
    """
    if not 1 < threshold < math.inf:
        raise InputError(f"a threshold of {threshold:g} must be above 1 and finite: 2 is twice as slow as usual")
    speed, notes = _speed(evaluators, speed)
    factors = _factors(evaluators, speed)
    charges = _charges(evaluators, charged, variant)
    taken = {
        each.name: {point: _scaled(_time(each, point), factor) for point in charges if _has(each, *point)}
        for each, factor in zip(evaluators, factors, strict=True)
    }
    paces = _paces(taken, charges)
    if speed == "pace":
        taken = {
            name: {point: _scaled(time, 1 / paces[name]) for point, time in times.items()}
            for name, times in taken.items()
        }
    allowed = allowed_pace or (max(paces.values()) if speed == "yardstick" else 1.0)
    prices = [
        _price(point, charge, taken, paces if speed == "yardstick" else dict.fromkeys(paces, 1.0), allowed, threshold)
        for point, charge in charges.items()
    ]
    prices.sort(key=lambda price: (-price.needed_over_charged, price.name, price.sizes))
    return Parity(
        against=charged.source,
        speed=speed,
        allowed_pace=allowed,
        threshold=threshold,
        nodes=tuple(
            _node(each, factor, paces[each.name], len(taken[each.name]))
            for each, factor in zip(evaluators, factors, strict=True)
        ),
        prices=tuple(prices),
        underpriced={each.name: _underpriced(prices, each.name) for each in evaluators},
        notes=tuple(notes),
    )


def _speed(evaluators: Sequence[EvaluatorModel], wanted: Speed | None) -> tuple[Speed, list[str]]:
    without = [each.name for each in evaluators if each.yardstick_ns is None]
    if not without:
        return wanted or "yardstick", []
    if wanted == "yardstick":
        raise InputError(f"the model of {without[0]} has no yardstick to tell its machine's speed; use --speed pace")
    return "pace", [f"no yardstick in the model of {', '.join(without)}: each evaluator is measured by its own pace"]


def _factors(evaluators: Sequence[EvaluatorModel], speed: Speed) -> list[float]:
    """What brings each evaluator's times to the first one's machine."""
    first = evaluators[0].yardstick_ns
    if speed == "pace" or first is None:
        return [1.0] * len(evaluators)
    return [first / (each.yardstick_ns or first) for each in evaluators]


def _charges(evaluators: Sequence[EvaluatorModel], charged: CostModel, variant: Variant) -> dict[_Point, int]:
    """What is charged for everything that some model has and the chain prices."""
    charges: dict[_Point, int] = {}
    for name in dict.fromkeys(name for each in evaluators for name in each.builtins):
        cost = charged.builtins.get(name)
        if cost is None:
            continue
        centres = [each.centre(name) for each in evaluators if name in each.builtins]
        for sizes in dict.fromkeys((*typical_sizes(name, variant), *centres)):
            if any(_has(each, name, sizes) for each in evaluators):
                charges[name, sizes] = cost.cpu.evaluate(sizes)
    steps = {kind.json_key: charged.steps[kind].cpu for kind in StepKind if kind in charged.steps}
    if charged.startup is not None:
        steps[STARTUP_KEY] = charged.startup.cpu
    for name in dict.fromkeys(name for each in evaluators for name in each.steps):
        # Start-up is charged once a script, at a figure that no node's time ever had to do with.
        if name in steps and name != STARTUP_KEY:
            charges[name, ()] = steps[name]
    return {point: charge for point, charge in charges.items() if charge > 0}


def _has(evaluator: EvaluatorModel, name: str, sizes: tuple[int, ...]) -> bool:
    return name in evaluator.steps or (name in evaluator.builtins and evaluator.covers(name, sizes))


def _time(evaluator: EvaluatorModel, point: _Point) -> Taken:
    name, sizes = point
    return evaluator.step_time(name) if name in evaluator.steps else evaluator.builtin_time(name, sizes)


def _scaled(time: Taken, factor: float) -> Taken:
    return Taken(time.ps * factor, time.low * factor, time.high * factor)


def _paces(taken: dict[str, dict[_Point, Taken]], charges: dict[_Point, int]) -> dict[str, float]:
    """Median over the prices that all models have, each price with the mean over its sizes on the logarithmic scale."""
    common = [point for point in charges if all(point in times and times[point].ps > 0 for times in taken.values())]
    names = list(dict.fromkeys(name for name, _ in common))
    if not names:
        raise InputError("the models have no price in common, so nothing can be compared")
    paces = {}
    for node, times in taken.items():
        logs: dict[str, list[float]] = {name: [] for name in names}
        for point in common:
            logs[point[0]].append(math.log(times[point].ps / charges[point]))
        paces[node] = math.exp(median(sum(each) / len(each) for each in logs.values()))
    return paces


def _price(
    point: _Point,
    charge: int,
    taken: dict[str, dict[_Point, Taken]],
    paces: dict[str, float],
    allowed: float,
    threshold: float,
) -> Price:
    times = []
    for node, by_point in taken.items():
        if (time := by_point.get(point)) is None:
            continue
        times.append(
            PriceTime(
                node=node,
                ps=time.ps,
                interval_ps=(finite(time.low), finite(time.high)),
                over_charge=time.ps / charge,
                over_pace=time.ps / charge / paces[node],
                underpriced=time.low / charge / paces[node] > threshold,
            )
        )
    times.sort(key=lambda time: -time.ps)
    ratio, interval = _worst_over_second([taken[time.node][point] for time in times])
    needed = times[0].ps / allowed
    return Price(
        name=point[0],
        sizes=point[1],
        charged_ps=charge,
        times=tuple(times),
        worst_over_second=ratio,
        interval=interval,
        needed_ps=needed,
        needed_over_charged=needed / charge,
    )


def _worst_over_second(times: Sequence[Taken]) -> tuple[float | None, tuple[float | None, float | None] | None]:
    """The ratio of the slowest two, and its interval: they were measured apart, so relative errors add in squares."""
    if len(times) < 2 or times[1].ps <= 0:
        return None, None
    ratio = times[0].ps / times[1].ps
    below = math.hypot(_below(times[0]), _above(times[1]))
    above = math.hypot(_above(times[0]), _below(times[1]))
    return ratio, (ratio * math.exp(-below), finite(ratio * math.exp(above) if math.isfinite(above) else math.inf))


def _below(time: Taken) -> float:
    """How far below the time its interval reaches, on the logarithmic scale."""
    return math.log(time.ps / time.low) if time.low > 0 else math.inf


def _above(time: Taken) -> float:
    return math.log(time.high / time.ps)


def _underpriced(prices: Sequence[Price], node: str) -> tuple[str, ...]:
    found = (price.name for price in prices for time in price.times if time.node == node and time.underpriced)
    return tuple(dict.fromkeys(found))


def _node(evaluator: EvaluatorModel, factor: float, pace: float, prices: int) -> EvaluatorNode:
    return EvaluatorNode(
        name=evaluator.name,
        version=evaluator.version,
        model=str(evaluator.path),
        sha256=evaluator.sha256,
        machine=evaluator.machine,
        yardstick_ns=evaluator.yardstick_ns,
        factor=factor,
        pace=pace,
        prices=prices,
    )
