"""A model fitted again to its runs, and compared with what it was said to be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from costmodel.fit import Rounding, fit_runs
from costmodel.model import CostModel, Variant, dump
from costmodel.model.diff import compare_costs
from costmodel.proposals.edits import applied
from costmodel.records.fit import Witness
from costmodel.records.model import FittedModel
from costmodel.records.proposal import PriceEdits
from costmodel.runs.store import Run

_TOLERANCE = 1e-4
"""Relative: intervals are rounded to six digits, and the last of these may differ between linear-algebra libraries."""

_ELSEWHERE = frozenset({"tool_version", "warnings", "verdict", "inputs"})
"""Parts of a section that name paths, or versions of the program."""


def compare_models(
    model: CostModel, section: FittedModel, runs: Sequence[Run], edits: PriceEdits | None = None
) -> list[str]:
    """What differs between a model and the fit of its runs with its own settings: prices first, which must be equal,
    then what it says of itself. `edits` were made to the fit by hand."""
    settings = section.settings
    assert settings is not None  # noqa: S101 - the caller has seen to it
    again = fit_runs(
        runs,
        variant=Variant(section.variant),
        seed=section.method.seed,
        replicates=section.method.replicates,
        rounding=Rounding(settings.rounding),
        coverage=settings.coverage,
        compare_shapes=settings.compare_shapes,
        factor=section.verdict.most_factor if section.verdict is not None else 2.0,
        allowed=settings.allowed,
        margins=settings.margins,
        witnesses=given_witnesses(section),
    )
    fitted = again.cost_model if edits is None else applied(again.cost_model, edits)
    prices = list(_prices(model, fitted))
    parts = list(_parts(section, again.section))
    return prices or parts


def given_witnesses(section: FittedModel) -> list[Witness]:
    """The witnesses that a fit was given beside its runs."""
    return [each for fit in section.builtins.values() for each in fit.witnesses if each.search is not None]


def _prices(held: CostModel, fitted: CostModel) -> Iterator[str]:
    mine, theirs = _entries(held), _entries(fitted)
    changed = {each.name: each.worst for each in compare_costs(held, fitted, Variant.E)}
    for name in sorted({*mine, *theirs}):
        if mine.get(name) == theirs.get(name):
            continue
        if name not in theirs or name not in mine:
            yield f"{name}: {'the fit of the runs has none' if name in mine else 'is missing'}"
            continue
        worst = changed.get(name)
        by = "" if worst is None or not math.isfinite(worst.change) else f" (its cost differs by {-worst.change:+.1%})"
        yield f"{name} is not priced as the runs give it{by}: {_difference(mine[name], theirs[name])}"


def _entries(model: CostModel) -> dict[str, Any]:
    entries: dict[str, Any] = msgspec.json.decode(dump(replace(model, extras={})))
    return entries


def _difference(mine: object, theirs: object) -> str:
    found, expected = _flat(mine), _flat(theirs)
    for key in sorted({*found, *expected}):
        if found.get(key) != expected.get(key):
            return f"{key} is {found.get(key)}, and {expected.get(key)} from the runs"
    return "another order"


def _flat(value: object, prefix: str = "") -> dict[str, object]:
    if isinstance(value, dict):
        return {key: part for name, each in value.items() for key, part in _flat(each, f"{prefix}.{name}").items()}
    return {prefix.removeprefix("."): value}


def _parts(held: FittedModel, fitted: FittedModel) -> Iterator[str]:
    mine, theirs = msgspec.to_builtins(held), msgspec.to_builtins(fitted)
    for key in mine:
        if key not in _ELSEWHERE and (where := _unlike(mine[key], theirs[key], key)):
            yield f"what it says of itself is not what the runs give: {where}"
    verdict, again = mine["verdict"], theirs["verdict"]
    if verdict is not None and (where := _unlike(verdict["status"], again["status"], "verdict.status")):
        yield f"what it says of itself is not what the runs give: {where}"


def _unlike(mine: Any, theirs: Any, where: str) -> str:
    """Where two values differ by more than rounding, or nothing."""
    if isinstance(mine, float | int) and isinstance(theirs, float | int) and not isinstance(mine, bool):
        return "" if math.isclose(mine, theirs, rel_tol=_TOLERANCE, abs_tol=1e-9) else f"{where}: {mine} and {theirs}"
    if isinstance(mine, dict) and isinstance(theirs, dict):
        if mine.keys() != theirs.keys():
            return f"{where}: other keys"
        return next(filter(None, (_unlike(mine[key], theirs[key], f"{where}.{key}") for key in mine)), "")
    if isinstance(mine, list | tuple) and isinstance(theirs, list | tuple):
        if len(mine) != len(theirs):
            return f"{where}: {len(mine)} and {len(theirs)} entries"
        pairs = enumerate(zip(mine, theirs, strict=True))
        return next(filter(None, (_unlike(a, b, f"{where}[{i}]") for i, (a, b) in pairs)), "")
    return "" if mine == theirs else f"{where}: {str(mine)[:60]} and {str(theirs)[:60]}"
