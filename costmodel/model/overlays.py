"""Overlays: files that change some protocol parameters and leave the others as they are.

The node workbench's are `{"epoch_params": {"alonzo": {…}, …}, "cost_model": {"plutusV1": {name: value, …}, …}}`, both
optional. Objects merge key by key and everything else replaces what was there; cost-model values merge by parameter
name. Any document that holds cost models lies on top with these alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from costmodel.errors import ModelError
from costmodel.model.costing import checked_int
from costmodel.model.files import parse_json, read_bytes
from costmodel.model.formats import UPSTREAM, read_document
from costmodel.model.formats.values import language_of
from costmodel.plutus.language import LedgerLanguage

Tree = Mapping[str, Any]

_FIELDS = {"epoch", "description", "source", "epoch_params", "cost_model"}


@dataclass(frozen=True, slots=True)
class Overlay:
    """Changes to protocol parameters, by section of the genesis files, and to cost models, by parameter name. `notes`
    are for the user."""

    source: str
    parameters: Tree
    cost_models: Mapping[LedgerLanguage, Mapping[str, int] | tuple[int, ...]]
    notes: tuple[str, ...] = ()


def read_overlay(path: Path) -> Overlay:
    """Read an overlay file, or another document's cost models. ModelError, naming file and key, for what is neither."""
    raw = read_bytes(path)
    whole = parse_json(raw, str(path)) if raw.lstrip()[:1] in (b"{", b"[") else None
    if isinstance(whole, dict) and (not whole or whole.keys() & _FIELDS):
        return _read_own(whole, path)
    try:
        document = read_document(raw, str(path))
    except ModelError as error:
        if not isinstance(whole, dict):
            raise
        raise ModelError(
            f"{path}: neither an overlay, which has epoch_params and cost_model, nor a document of cost models "
            f"({str(error).removeprefix(f'{path}: ')})"
        ) from None
    if document.format == UPSTREAM:
        raise ModelError(f"{path}: costing functions, of which an overlay takes none; emit them as arrays first")
    return Overlay(str(path), {}, document.arrays, (f"{path}: only its cost models are taken", *document.notes))


def _read_own(whole: dict[str, Any], path: Path) -> Overlay:
    if unknown := sorted(whole.keys() - _FIELDS):
        raise ModelError(f"{path}: an overlay has no field {unknown[0][:80]!r}; it has epoch_params and cost_model")
    parameters, models = whole.get("epoch_params", {}), whole.get("cost_model", {})
    for field, value in (("epoch_params", parameters), ("cost_model", models)):
        if not isinstance(value, dict):
            raise ModelError(f"{path}: {field} must be an object")
    return Overlay(str(path), parameters, _cost_models(models, path))


def _cost_models(models: Tree, path: Path) -> dict[LedgerLanguage, Mapping[str, int] | tuple[int, ...]]:
    read: dict[LedgerLanguage, Mapping[str, int] | tuple[int, ...]] = {}
    for key, values in models.items():
        language = language_of(key)
        if language is None or language in read:
            why = "no ledger language" if language is None else "a language that is given already"
            raise ModelError(f"{path}: cost_model {key[:80]!r} is {why}; use plutusV1 to plutusV4")
        where = f"{path}: cost_model {key}"
        if isinstance(values, dict):
            read[language] = {name: checked_int(value, f"{where} {name}") for name, value in values.items()}
        elif isinstance(values, list):
            read[language] = tuple(checked_int(value, f"{where}, index {i}") for i, value in enumerate(values))
        else:
            raise ModelError(f"{where} must be a map of parameter names or a list")
    return read


def merge_trees(base: Tree, change: Tree) -> dict[str, Any]:
    """`base` with `change` on top: objects key by key, everything else whole. Neither argument is altered.

    An object with a `tag`, such as a nonce, is one alternative of several and replaces another with all its fields.
    """
    merged = dict(base)
    for key, value in change.items():
        below = merged.get(key)
        if isinstance(value, dict) and "tag" not in value:
            merged[key] = merge_trees(below if isinstance(below, dict) else {}, value)
        else:
            merged[key] = value
    return merged
