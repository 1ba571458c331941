"""Witnesses of a search as cells of their builtins, to be measured and fitted beside the usual design."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from costmodel.errors import InputError
from costmodel.experiments.design import design_cells
from costmodel.model import load, parameters_at
from costmodel.records import read
from costmodel.records.run import NATIVE
from costmodel.records.worst import SearchState
from costmodel.runs.design import Cell
from costmodel.worst.folder import MODEL, STATE, read_result
from costmodel.worst.space import Unfit
from costmodel.worst.spaces import SPACES
from costmodel.worst.target import ChargedPrices, builtin_target

_SEED: Final = "inputs"


def witness_cells(path: Path, seed: int) -> tuple[Cell, ...]:
    """The usual design of every builtin that a search has a witness of, and the witness's point on fresh operands.
    InputError where it has none."""
    _, found = read_result(path)
    state = read(path / STATE, SearchState)
    if state.settings.evaluator != NATIVE:
        raise InputError(f"{path} searched {state.settings.evaluator}; witnesses are measured on the native machine")
    prices = ChargedPrices(
        load([path / MODEL]), parameters_at(state.settings.epoch), protocol_version=state.settings.protocol_version
    )
    finds = [find for find in found.finds if find.price in SPACES]
    if not finds:
        raise InputError(f"{path} has no witness of a builtin, so there is nothing to measure")
    cells = list(design_cells(["builtins"], ",".join(find.price for find in finds), seed))
    for find in finds:
        try:
            probe = builtin_target(find.price).probe(find.point, f"{seed} {_SEED}", prices)
        except Unfit as reason:
            raise InputError(f"{path}: the witness of {find.price} cannot be made: {reason}") from None
        cells += [msgspec.structs.replace(cell, sizes=probe.sizes, witness=True) for cell in probe.cells]
    return tuple(cells)
