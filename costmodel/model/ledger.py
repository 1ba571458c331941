"""The ledger's own cost models, variants A–E: which one a language uses at a protocol version, and what is proposed for
builtins that have no price in them, from this package's table of both."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from costmodel.errors import ModelError
from costmodel.model.costing import CostingFunction, costing_function
from costmodel.model.costmodel import BuiltinCost, CostModel, StepKind
from costmodel.model.shapes import SHAPES
from costmodel.model.units import ExUnits
from costmodel.plutus.builtins import BUILTINS
from costmodel.plutus.language import LedgerLanguage, language_available


class Variant(StrEnum):
    """A variant of the builtins' semantics and costing functions, by the letter of its upstream files."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


_CHANG, _VAN_ROSSEM = 9, 11


def variant_for(language: LedgerLanguage, protocol_version: int) -> Variant:
    """The variant for a ledger language at a (major) protocol version; ModelError before the language's first one."""
    if not language_available(language, protocol_version):
        raise ModelError(f"{language.value} does not exist at protocol version {protocol_version}; use a later one")
    if language in (LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V2):
        if protocol_version < _CHANG:
            return Variant.A
        return Variant.B if protocol_version < _VAN_ROSSEM else Variant.D
    return Variant.C if protocol_version < _VAN_ROSSEM else Variant.E


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
def proposed_shapes(builtin: str) -> tuple[CostingFunction, ...]:
    """The shapes to try for the time of a builtin that the ledger has not priced, the one to begin with first; none for
    those that have a price. Coefficients that nobody has proposed are 0."""
    row = _table()["provisional"].get(builtin)
    return () if row is None else tuple(_function(text, f"{builtin} cpu") for text in row["cpu"])


@cache
def proposed_model(variant: Variant) -> CostModel:
    """The ledger's model with a costing function for every builtin without a price: to measure and to fit, never to
    charge, since most of their coefficients are 0."""
    ledger = ledger_model(variant)
    proposed = {
        name: BuiltinCost(proposed_shapes(name)[0], _function(row["memory"], f"{name} memory"))
        for name, row in _table()["provisional"].items()
    }
    return replace(ledger, builtins={**ledger.builtins, **proposed})


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
    fields = SHAPES[tag].fields
    coefficients = dict(zip(fields, map(int, values or "0" * len(fields)), strict=True))
    return costing_function(tag, coefficients, _function(inner, where) if inner else None, where)


def _units(text: str) -> ExUnits:
    cpu, mem = map(int, text.split())
    return ExUnits(cpu, mem)
