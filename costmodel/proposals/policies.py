"""What safety margins cost users, and what they leave undercharged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from costmodel.fit.margin import described_margins, parse_margins, with_policy, without_margin
from costmodel.model import STARTUP_KEY, StepKind
from costmodel.model.costmodel import CostModel
from costmodel.records.impact import Impact, UsedTotals
from costmodel.records.model import FittedModel
from costmodel.records.proposal import PolicyCost, ProposedArray, Undercharging
from costmodel.rendering import numbers

LEAST_JUDGED_PS: Final = 5000.0
"""Points below are not counted: what is spent around a builtin is several times that, and steps charge it."""

_OTHERS: Final = ((), ("10%",), ("20%",), ("50%",), ("interval",))
"""Policies that are shown beside the one that is charged."""


def undercharging(section: FittedModel, model: CostModel) -> Undercharging:
    """How far the prices of a model are below what its fit measured."""
    points = under = 0
    worst, factor = "", None
    for name, fit in section.builtins.items():
        cost = model.builtins.get(name)
        for point in fit.points if cost is not None else ():
            if point.measured is None or point.measured.ps < LEAST_JUDGED_PS or cost is None:
                continue
            points += 1
            ratio = point.measured.ps / max(cost.cpu.evaluate(point.sizes), 1)
            under += ratio > 1
            if factor is None or ratio > factor:
                worst, factor = f"{name} {numbers.sizes(point.sizes)}", ratio
    return Undercharging(points=points, undercharged=under, worst=worst, worst_factor=factor)


def policies(
    model: CostModel, section: FittedModel | None, found: Impact | None, arrays: Sequence[ProposedArray]
) -> tuple[PolicyCost, ...]:
    """The safety margin that is charged and others beside it: what each costs the corpus against the fit without one,
    and what it leaves undercharged. None of a model that is no fit."""
    if section is None:
        return ()
    own = section.settings.margins if section.settings is not None else ()
    plain = without_margin(model, section)
    witnessed = any(fit.witnesses for fit in section.builtins.values())
    rules = dict.fromkeys((own, *map(parse_margins, (*_OTHERS, ("worst",)) if witnessed else _OTHERS)))
    priced = {each: with_policy(plain, section, each) for each in rules}
    more = {each: 0 if found is None else _more(plain, priced[each], found, arrays) for each in rules}
    return tuple(
        PolicyCost(
            policy=described_margins(each),
            cpu_change=None if found is None else _shares(more[each], more[own], found)[0],
            fee_change=None if found is None else _shares(more[each], more[own], found)[1],
            remaining=undercharging(section, priced[each]),
        )
        for each in rules
    )


def _shares(more: int, own: int, found: Impact) -> tuple[float | None, float | None]:
    """CPU units added, and fees before they are rounded up, as shares of those without a margin; `own` are those that
    the proposed policy adds."""
    cpu, memory = found.totals_after.units
    price, of_memory = Fraction(found.terms.price_steps), Fraction(found.terms.price_memory)
    plain, fees = cpu - own, (cpu - own) * price + memory * of_memory
    return (more / plain if plain else None), (float(more * price / fees) if fees else None)


def _more(plain: CostModel, priced: CostModel, found: Impact, arrays: Sequence[ProposedArray]) -> int:
    """By how many CPU units a corpus costs more, in languages that take the model's prices."""
    kept = {each.language: each.kept for each in arrays}
    return sum(
        count * (_cost(priced, name, sizes) - _cost(plain, name, sizes))
        for used in found.usage
        for name, sizes, count in _uses(used)
        if name not in kept.get(used.language, {})
    )


def _uses(used: UsedTotals) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Calls, steps and start-ups."""
    yield from ((each.builtin, each.sizes, each.count) for each in used.calls)
    yield from ((name, (), count) for name, count in used.steps.items())
    yield STARTUP_KEY, (), used.evaluations


def _cost(model: CostModel, name: str, sizes: tuple[int, ...]) -> int:
    """What a call or a step costs, in ps; nothing where the model does not price it."""
    if name in model.builtins:
        return model.builtins[name].cpu.evaluate(sizes)
    if name == STARTUP_KEY:
        return model.startup.cpu if model.startup is not None else 0
    kind = next((each for each in StepKind if each.json_key == name), None)
    return model.steps[kind].cpu if kind is not None and kind in model.steps else 0
