"""What prices leave undercharged."""

from __future__ import annotations

from costmodel.fit.margin import described_margins
from costmodel.model.costmodel import CostModel
from costmodel.records.impact import Impact
from costmodel.records.model import FittedModel
from costmodel.records.proposal import PolicyCost, Undercharging
from costmodel.rendering import numbers

LEAST_JUDGED_PS = 5000.0
"""Points below are not counted: what is spent around a builtin is several times that, and steps charge it."""


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


def policies(model: CostModel, section: FittedModel | None, found: Impact | None) -> tuple[PolicyCost, ...]:
    """The safety margin that is charged, what it costs the corpus, and what it leaves undercharged."""
    del found
    if section is None:
        return ()
    rules = section.settings.margins if section.settings is not None else ()
    left = undercharging(section, model)
    return (PolicyCost(policy=described_margins(rules), cpu_change=None, fee_change=None, remaining=left),)
