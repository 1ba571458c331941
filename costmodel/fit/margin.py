"""Safety margins: what is charged beyond the fit, as a policy that the model records.

A factor raises a whole price. The upper end of intervals raises coefficients as little as reaches, at every measured
point and every corner of the domain, the upper end of the 95 % interval of the fitted cost. The worst witness raises
them as little as reaches the time of every witness that a search for worst inputs proved, at its sizes: a witness of
size 1 that takes twenty times its charge must not make all sizes twenty times as dear.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from costmodel.errors import InputError
from costmodel.fit.builtins import BuiltinFit
from costmodel.fit.costing import floor_name, is_size
from costmodel.fit.regression import rounded, whole_ps
from costmodel.fit.steps import StepsFit
from costmodel.model import CostingFunction, CostModel, ExUnits, StepKind
from costmodel.model.costmodel import STARTUP_KEY, BuiltinCost
from costmodel.records import model as record
from costmodel.records.fit import MarginRule

Floats = NDArray[np.float64]

MOST_MARGIN: Final = 100.0
"""The largest factor: a price of a hundred times what was measured is a slip of the finger."""

_INTERVAL, WORST = "interval", "worst"
_EVERY: Final = "*"


def parse_margins(texts: Sequence[str]) -> tuple[MarginRule, ...]:
    """Rules from texts such as "20%", "verify*=50%", "interval" and "worst". InputError for anything else."""
    rules = []
    for text in texts:
        pattern, _, policy = text.rpartition("=")
        named = policy.strip() in (_INTERVAL, WORST)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", policy.strip())
        share = float(found[1]) / (100 if found[2] else 1) if found else 0.0
        if not named and not 0 < share <= MOST_MARGIN:
            raise InputError(
                f"invalid margin {text[:80]!r}; use a share such as 20%, interval or worst, with NAMES= before it for "
                "some"
            )
        kind = policy.strip() if named else "factor"
        rules.append(msgspec.convert({"pattern": pattern.strip() or _EVERY, "kind": kind, "share": share}, MarginRule))
    return tuple(rules)


def described_margins(rules: Sequence[MarginRule]) -> str:
    """Rules in words."""
    if not rules:
        return "none: prices as fitted"
    named = {_INTERVAL: "upper end of 95 % intervals", WORST: "worst witnesses"}
    words = [
        named.get(rule.kind, f"{100 * rule.share:.4g} %") + ("" if rule.pattern == _EVERY else f" for {rule.pattern}")
        for rule in rules
    ]
    return ", ".join(words)


def with_margins(
    builtins: Sequence[BuiltinFit], steps: StepsFit, rules: Sequence[MarginRule]
) -> tuple[tuple[BuiltinFit, ...], StepsFit, dict[str, dict[str, int]]]:
    """The fits charged by the rules, and what was charged before of each entry that a rule raises. InputError for a
    pattern that fits nothing, or nothing that has a witness where witnesses are to be charged."""
    names = [*(fit.name for fit in builtins), *steps.record.coefficients]
    witnessed = [fit.name for fit in builtins if fit.record.witnesses]
    for each in rules:
        if not any(fnmatchcase(name, each.pattern) for name in names):
            raise InputError(f"--margin {each.pattern}: no builtin and no step has such a name")
        if each.kind == WORST and not any(fnmatchcase(name, each.pattern) for name in witnessed):
            raise InputError(
                f"--margin {each.pattern}=worst: no witness of such a builtin; name a search with --worst, or fit a "
                "run of `measure --inputs`"
            )
    before: dict[str, dict[str, int]] = {}
    raised = []
    for fit in builtins:
        rule = rule_of(fit.name, rules)
        if rule is not None:
            before[fit.name] = _charged(fit.record.coefficients)
            fit = _raised_fit(fit, rule)
        raised.append(fit)
    coefficients = dict(steps.record.coefficients)
    for name, price in steps.record.coefficients.items():
        rule = rule_of(name, rules)
        if rule is not None and rule.kind != WORST and price.charged_ps is not None:
            before[name] = {"cpu": price.charged_ps}
            coefficients[name] = msgspec.structs.replace(price, charged_ps=raised_price(price, rule))
    charged = msgspec.structs.replace(steps.record, coefficients=coefficients)
    return tuple(raised), replace(steps, record=charged), before


def rule_of(name: str, rules: Sequence[MarginRule]) -> MarginRule | None:
    """The last rule whose pattern a name fits."""
    return next((rule for rule in reversed(rules) if fnmatchcase(name, rule.pattern)), None)


def without_margin(model: CostModel, section: record.FittedModel) -> CostModel:
    """A model charged as fitted, from what its section says was charged before margins."""
    before = section.before_margin
    builtins = {}
    for name, cost in model.builtins.items():
        values = dict(zip(cost.cpu.names, cost.cpu.values, strict=True)) | before.get(name, {})
        builtins[name] = BuiltinCost(cost.cpu.with_values([values[each] for each in cost.cpu.names]), cost.memory)
    return _with_steps(
        replace(model, builtins=builtins), {name: each["cpu"] for name, each in before.items() if "cpu" in each}
    )


def with_policy(model: CostModel, section: record.FittedModel, rules: Sequence[MarginRule]) -> CostModel:
    """A model that is charged as fitted, charged by other rules."""
    builtins = dict(model.builtins)
    for name, cost in model.builtins.items():
        rule = rule_of(name, rules)
        if rule is not None and name in section.builtins:
            builtins[name] = BuiltinCost(raised_function(cost.cpu, section.builtins[name], rule), cost.memory)
    prices = {}
    held = _step_prices(model)
    for name, price in section.steps.coefficients.items():
        rule = rule_of(name, rules)
        if rule is not None and rule.kind != WORST and name in held:
            prices[name] = raised_price(msgspec.structs.replace(price, charged_ps=held[name]), rule)
    return _with_steps(replace(model, builtins=builtins), prices)


def raised_price(price: record.Coefficient, rule: MarginRule) -> int:
    """A step's price by a rule, in whole ps."""
    charged = price.charged_ps or 0
    if rule.kind == _INTERVAL:
        upper = price.interval_ps[1] if price.interval_ps is not None else 0.0
        # As the model's file shows it, from which margins are laid on again.
        return max(charged, whole_ps(rounded(upper)))
    return whole_ps(charged * (1 + rule.share))


def raised_function(function: CostingFunction, fit: record.FittedBuiltin, rule: MarginRule) -> CostingFunction:
    """A builtin's costing function by a rule, in whole ps."""
    if rule.kind == _INTERVAL:
        places = (*fit.points, *fit.corners)
        ends = [
            (each.sizes, rounded(each.fitted.interval_ps[1])) for each in places if each.fitted.interval_ps is not None
        ]
        return _raised_to(function, ends)
    if rule.kind == WORST:
        everywhere = [each.sizes for each in (*fit.points, *fit.corners)]
        return _raised_to(function, [(each.sizes, each.ps) for each in fit.witnesses], everywhere)
    return function.with_values(
        [
            value if is_size(function, name) else whole_ps(value * (1 + rule.share))
            for name, value in zip(function.names, function.values, strict=True)
        ]
    )


def _raised_fit(fit: BuiltinFit, rule: MarginRule) -> BuiltinFit:
    function = raised_function(fit.priced.function, fit.record, rule)
    values = dict(zip(function.names, function.values, strict=True))
    coefficients = {
        name: each if each.charged_ps is None else msgspec.structs.replace(each, charged_ps=values[name])
        for name, each in fit.record.coefficients.items()
    }
    charged = msgspec.structs.replace(
        fit.record,
        coefficients=coefficients,
        points=tuple(_at(function, point) for point in fit.record.points),
        corners=tuple(_at(function, point) for point in fit.record.corners),
    )
    return replace(fit, record=charged, priced=replace(fit.priced, function=function, coefficients=coefficients))


def _at(function: CostingFunction, point: record.Point) -> record.Point:
    return msgspec.structs.replace(point, charged_ps=function.evaluate(point.sizes))


def _raised_to(
    function: CostingFunction,
    wanted: Sequence[tuple[tuple[int, ...], float]],
    everywhere: Sequence[tuple[int, ...]] = (),
) -> CostingFunction:
    """The least rise of the coefficients that reaches so many ps at these sizes: least over them, and `everywhere`."""
    if not wanted:
        return function
    values = dict(zip(function.names, map(float, function.values), strict=True))
    sizes, upper = np.array([at for at, _ in wanted], np.float64), np.array([end for _, end in wanted])
    floor = floor_name(function)
    design = function.design(sizes)
    base = np.array([values[name] for name in design.names])
    sums = design.matrix @ base + design.offset
    covered = np.isfinite(design.floor)
    if floor is not None and covered.any():
        held = covered & (sums <= values[floor])
        values[floor] = max([values[floor], *upper[held].tolist()])
        needed = ~(covered & (upper <= values[floor]))
    else:
        needed = np.ones(len(upper), np.bool_)
    if (short := needed & (sums < upper)).any():
        others = [function.design(np.array(everywhere, np.float64)).matrix] if everywhere else []
        spread = np.vstack([design.matrix, *others])
        values |= _least_rise(design.names, base, design.matrix[short], (upper - design.offset)[short], spread)
    return function.with_values([whole_ps(values[name]) for name in function.names])


def _least_rise(
    names: Sequence[str], base: Floats, rows: Floats, wanted: Floats, everywhere: Floats
) -> Mapping[str, float]:
    """Coefficients of at least `base` with rows·k ≥ wanted, and the least sum of costs as shares of the present."""
    present = np.maximum(np.abs(everywhere @ base), 1.0)
    lengths = np.maximum(np.abs(rows).max(axis=0), 1e-300)
    found = linprog(
        (everywhere / present[:, None]).sum(axis=0) / lengths,
        A_ub=-(rows / lengths) / wanted[:, None],
        b_ub=-(wanted - rows @ base) / wanted,
        bounds=[(0.0, None)] * len(base),
        method="highs",
    )
    if found.x is None:  # a shape that cannot rise where it has to: raised as a whole
        factor = float((wanted / np.maximum(rows @ base, 1.0)).max())
        return dict(zip(names, (base * factor).tolist(), strict=True))
    return dict(zip(names, (base + found.x / lengths).tolist(), strict=True))


def _charged(coefficients: Mapping[str, record.Coefficient]) -> dict[str, int]:
    return {name: each.charged_ps for name, each in coefficients.items() if each.charged_ps is not None}


def _step_prices(model: CostModel) -> dict[str, int]:
    prices = {kind.json_key: units.cpu for kind, units in model.steps.items()}
    return prices | ({STARTUP_KEY: model.startup.cpu} if model.startup is not None else {})


def _with_steps(model: CostModel, prices: Mapping[str, int]) -> CostModel:
    steps: dict[StepKind, ExUnits] = {
        kind: ExUnits(prices.get(kind.json_key, units.cpu), units.mem) for kind, units in model.steps.items()
    }
    startup = model.startup
    if startup is not None:
        startup = ExUnits(prices.get(STARTUP_KEY, startup.cpu), startup.mem)
    return replace(model, steps=steps, startup=startup)
