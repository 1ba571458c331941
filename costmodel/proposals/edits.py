"""Prices that somebody changed in a page, applied to the model of that page."""

from __future__ import annotations

from dataclasses import replace

from costmodel.errors import InputError
from costmodel.model.costing import from_json
from costmodel.model.costmodel import BuiltinCost, CostModel
from costmodel.plutus import BUILTIN_BY_NAME
from costmodel.records.proposal import PriceEdits

EDITS = "edits.json"


def edited_model(model: CostModel, edits: PriceEdits, sha256: str) -> CostModel:
    """The model with the changed costing functions. `sha256` is that of the model's file.

    InputError for edits of another model, and ModelError for a builtin or a shape that cannot be priced so.
    """
    if edits.model_sha256 and edits.model_sha256 != sha256:
        raise InputError(
            f"{EDITS} changes {edits.model} with SHA-256 {edits.model_sha256[:12]}…, and this model has {sha256[:12]}…"
        )
    return applied(model, edits)


def applied(model: CostModel, edits: PriceEdits) -> CostModel:
    """The model with the changed costing functions, whichever model they were made for."""
    builtins = dict(model.builtins)
    for name, edit in edits.builtins.items():
        if name not in builtins:
            raise InputError(f"the edits price {name[:80]!r}, which the model does not")
        function = from_json(edit.cpu, f"edits: {name}")
        if function.arity_needed > BUILTIN_BY_NAME[name].arity:
            raise InputError(f"edits: {name} has {BUILTIN_BY_NAME[name].arity} arguments, too few for its new shape")
        builtins[name] = BuiltinCost(function, builtins[name].memory)
    return replace(model, builtins=builtins)
