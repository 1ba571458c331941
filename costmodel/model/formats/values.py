"""The values of one language inside a file: a list in ledger order, or a map of parameter names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from costmodel.errors import ModelError
from costmodel.model.costing import checked_int
from costmodel.model.overlays import Arrays, merge_array
from costmodel.model.parameters import parameter_names
from costmodel.plutus.language import LedgerLanguage


def read_values(values: object, language: LedgerLanguage, where: str) -> tuple[int, ...]:
    """The ledger array that a list or a map of names stands for.

    A map's order means nothing: its names place the values. ModelError for unknown names, for a name that is missing
    before one that is given, and for a list that ends where the ledger's never did.
    """
    if isinstance(values, dict):
        change: Mapping[str, int] | list[int] = {
            name: checked_int(value, f"{where} {name[:80]}") for name, value in values.items()
        }
    elif isinstance(values, list):
        change = [checked_int(value, f"{where}, index {i}") for i, value in enumerate(values)]
    else:
        raise ModelError(f"{where} must be a list or a map of parameter names")
    return merge_array((), change, language, where)


def read_languages(
    models: object, where: str, pattern: str = r"PlutusV([1-4])"
) -> dict[LedgerLanguage, tuple[int, ...]]:
    """The arrays of an object that has one key for each language."""
    if not isinstance(models, dict) or not models:
        raise ModelError(f"{where} must be an object with a key for each language")
    arrays = {}
    for key, values in models.items():
        match = re.fullmatch(pattern, key)
        if match is None:
            raise ModelError(f"{where}: {key[:80]!r} is no ledger language")
        language = LedgerLanguage(f"PlutusV{match[1]}")
        arrays[language] = read_values(values, language, f"{where} {key}")
    return arrays


def named(array: tuple[int, ...], language: LedgerLanguage) -> dict[str, int]:
    """An array as a map of parameter names, in ledger order."""
    return dict(zip(parameter_names(language), array, strict=False))


def by_language(arrays: Arrays) -> dict[str, list[int]]:
    """Arrays under the languages' own names."""
    return {language.value: list(array) for language, array in arrays.items()}
