"""Evaluators price by price.

A chain has one price for a builtin, and every node must keep up with it. How long a node takes is told by its
evaluator's model; what that means depends on the machine. Two ways take the machine's speed out:

- *yardstick*: times are brought to one machine by the hash yardstick, a loop of arithmetic that every session times and
  that no evaluator runs. What is left is how fast the evaluators are, as a whole and price by price.
- *pace*: times are divided by the evaluator's own pace, the median over prices of time over charge. What is left is
  where an evaluator is slower than it is elsewhere. Nothing else is possible where a model has no yardstick.

The allowed pace is that of the slowest evaluator: a price at which each node takes no longer for a charged picosecond
than the slowest one does anyway is enough. A median over prices keeps one outlier from moving the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Final, Literal

from costmodel.errors import InputError
from costmodel.model import CostModel, StepKind, Variant
from costmodel.model.diff import typical_sizes
from costmodel.model.steps import STARTUP_KEY
from costmodel.parity.models import EvaluatorModel, Taken
from costmodel.records.documents import finite
from costmodel.records.parity import EvaluatorNode, Parity, Price, PriceTime

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
    if not threshold > 1:
        raise InputError(f"a threshold of {threshold:g} must be above 1: 2 is twice as slow as usual")
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
