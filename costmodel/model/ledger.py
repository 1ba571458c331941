"""The ledger's own cost models, variants A–E, from this package's table of them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from costmodel.model.costing import CostingFunction, costing_function
from costmodel.model.costmodel import BuiltinCost, CostModel
from costmodel.model.shapes import SHAPES
from costmodel.model.steps import StepKind
from costmodel.model.units import ExUnits
from costmodel.model.variants import Variant
from costmodel.plutus.builtins import BUILTINS

_TABLE_FILE = "ledger_models.toml"


@cache
def _table() -> dict[str, dict[str, Any]]:
    text = resources.files("costmodel.model").joinpath(_TABLE_FILE).read_text("utf-8")
    table: dict[str, dict[str, Any]] = tomllib.loads(text)
    return table


@cache
def ledger_model(variant: Variant) -> CostModel:
    """The cost model that the ledger's software carries for a variant: costing functions, coefficients, step costs."""
    builtins = {
        name: BuiltinCost(*(_function(_cell(row[part], variant), f"{name} {part}") for part in ("cpu", "memory")))
        for name, row in _table()["builtins"].items()
    }
    machine = _table()["machine"]
    step, startup = (_units(_cell(machine[part], variant)) for part in ("step", "startup"))
    return CostModel(builtins, dict.fromkeys(StepKind, step), startup, source=f"ledger model {variant}")


@cache
def builtin_file_order() -> tuple[str, ...]:
    """All builtins in the order of upstream's cost-model files, and after them the uncosted ones by flat tag."""
    costed = tuple(_table()["builtins"])
    return costed + tuple(builtin.name for builtin in BUILTINS if builtin.name not in costed)


def _cell(cell: str | dict[str, str], variant: Variant) -> str:
    """A table cell is one text for all variants, or a text for each group of variant letters."""
    if isinstance(cell, str):
        return cell
    return next(text for letters, text in cell.items() if variant in letters)


def _function(text: str, where: str) -> CostingFunction:
    """Read `tag coefficient…`, with the inner model of a diagonal shape after a slash."""
    outer, _, inner = text.partition(" / ")
    tag, *values = outer.split()
    coefficients = dict(zip(SHAPES[tag].fields, map(int, values), strict=True))
    return costing_function(tag, coefficients, _function(inner, where) if inner else None, where)


def _units(text: str) -> ExUnits:
    cpu, mem = map(int, text.split())
    return ExUnits(cpu, mem)
