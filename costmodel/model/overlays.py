"""Overlays: files of the node workbench that change some protocol parameters and leave the others as they are.

An overlay is `{"epoch_params": {"alonzo": {…}, …}, "cost_model": {"plutusV1": {name: value, …}, …}}`, both optional.
Objects merge key by key and everything else replaces what was there; cost-model values merge by parameter name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from costmodel.errors import ModelError
from costmodel.model.costing import checked_int
from costmodel.model.files import read_object
from costmodel.model.parameters import block_counts, canonical_name, parameter_names
from costmodel.plutus.language import LedgerLanguage

Tree = Mapping[str, Any]
Arrays = Mapping[LedgerLanguage, tuple[int, ...]]

_FIELDS = {"epoch", "description", "source", "epoch_params", "cost_model"}
_LANGUAGES = {f"plutusV{language.value[-1]}": language for language in LedgerLanguage}


@dataclass(frozen=True, slots=True)
class Overlay:
    """Changes to protocol parameters, by section of the genesis files, and to cost models, by parameter name."""

    source: str
    parameters: Tree
    cost_models: Mapping[LedgerLanguage, Mapping[str, int] | tuple[int, ...]]


def read_overlay(path: Path) -> Overlay:
    """Read an overlay file. ModelError, naming file and key, for what is no overlay."""
    whole = read_object(path)
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
        if key not in _LANGUAGES:
            raise ModelError(f"{path}: cost_model has no language {key[:80]!r}; use {', '.join(_LANGUAGES)}")
        where = f"{path}: cost_model {key}"
        if isinstance(values, dict):
            read[_LANGUAGES[key]] = {name: checked_int(value, f"{where} {name}") for name, value in values.items()}
        elif isinstance(values, list):
            read[_LANGUAGES[key]] = tuple(checked_int(value, f"{where}, index {i}") for i, value in enumerate(values))
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


def merge_array(
    base: Sequence[int], change: Mapping[str, int] | Sequence[int], language: LedgerLanguage, where: str
) -> tuple[int, ...]:
    """A ledger array with values changed or appended by name, or another array in its place.

    ModelError for an unknown name, and where the result would not be the ledger's list up to the end of some block:
    its integers would be read as other parameters.
    """
    names = parameter_names(language)
    if isinstance(change, Mapping):
        values = dict(zip(names, base, strict=False))
        for name, value in change.items():
            if (known := canonical_name(name)) not in names:
                raise ModelError(f"{where}: {language.value} has no parameter {name[:80]!r}")
            values[known] = value
        if gap := next((name for name in names[: len(values)] if name not in values), None):
            raise ModelError(f"{where}: {language.value} lacks {gap}, and later parameters are given; give it too")
        array = tuple(values[name] for name in names[: len(values)])
    else:
        array = tuple(change)
    if len(array) not in (counts := block_counts(language)):
        raise ModelError(
            f"{where}: {language.value} would have {len(array)} parameters; the ledger's list ends after "
            f"{', '.join(map(str, counts))}"
        )
    return array
