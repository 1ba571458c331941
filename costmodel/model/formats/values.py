"""Where in a JSON document the cost models are, and their values by language.

Documents come alone, in the answer of a service, or in a state. Under a key for each language is a list in ledger order
or a map of parameter names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from costmodel.errors import ModelError
from costmodel.model.costing import checked_int
from costmodel.model.parameters import Arrays, merge_array, parameter_names
from costmodel.plutus.language import LedgerLanguage

CARDANO_CLI, OGMIOS, CONWAY_GENESIS = "costModels", "plutusCostModels", "plutusV3CostModel"
RAW, NAMED = "cost_models_raw", "cost_models"
FIELDS = (CARDANO_CLI, OGMIOS, CONWAY_GENESIS, RAW, NAMED)
"""The fields that hold cost models, in the documents of cardano-cli, Ogmios, a genesis, and the chain's indexers."""

# Of a state of governance, the parameters in force; there are past, future and proposed ones beside them.
_IN_FORCE = ("currentPParams", "curPParams", "cgsCurPParams")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Place:
    """An object with cost models, the way to it, and the objects around it, innermost first."""

    node: dict[str, Any]
    path: str
    around: tuple[dict[str, Any], ...]

    def protocol_version(self) -> int | None:
        """The major protocol version that the object states, or else one around it."""
        for node in (self.node, *self.around):
            nested = node.get("protocolVersion") or node.get("protocol_version") or node.get("version")
            found = nested.get("major") if isinstance(nested, dict) else None
            for field in ("protocol_major_ver", "protocol_major"):
                found = node.get(field) if found is None else found
            if isinstance(found, int) and not isinstance(found, bool):
                return found
        return None


def locate(document: Any, where: str, fields: tuple[str, ...] = FIELDS) -> Place | None:
    """The object that holds the cost models of a document. ModelError where several do that say different things."""
    places = list(_places(document, fields))
    in_force = [place for place in places if any(name in place.path.split(".") for name in _IN_FORCE)]
    places = in_force or places
    if any(_models(place, fields) != _models(places[0], fields) for place in places):
        paths = ", ".join(place.path for place in places[:_SHOWN])
        more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        raise ModelError(f"{where}: different cost models at {paths}{more}; keep the object of one of them")
    return places[0] if places else None


def _places(document: Any, fields: tuple[str, ...]) -> Iterator[Place]:
    stack: list[tuple[Any, str, tuple[dict[str, Any], ...]]] = [(document, "", ())]
    while stack:
        node, path, around = stack.pop()
        if isinstance(node, dict):
            if any(node.get(field) is not None for field in fields):
                yield Place(node, path or "the top", around)
                continue
            below = [(value, f"{path}.{key[:80]}".lstrip("."), (node, *around[:3])) for key, value in node.items()]
        elif isinstance(node, list):
            below = [(value, f"{path}[{i}]", around) for i, value in enumerate(node)]
        else:
            continue
        stack.extend(reversed(below))


def _models(place: Place, fields: tuple[str, ...]) -> list[Any]:
    return [place.node.get(field) for field in fields]


# PlutusV1, plutusV1, PlutusScriptV1, plutus:v1 …
_LANGUAGE = re.compile(r"plutus[ _:-]?(?:script[ _:-]?)?v([1-4])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CostModelDocument:
    """What a document says of cost models.

    `unreadable` has the reasons why other languages of it are left out, `notes` are for the user, and
    `protocol_version` is the major one that the document states or its kind implies.
    """

    format: str
    arrays: Arrays
    unreadable: Mapping[str, str]
    notes: tuple[str, ...] = ()
    protocol_version: int | None = None


def language_of(key: str) -> LedgerLanguage | None:
    """The language that a key of any document names."""
    match = _LANGUAGE.fullmatch(key)
    return LedgerLanguage(f"PlutusV{match[1]}") if match else None


def read_values(values: object, language: LedgerLanguage, where: str) -> tuple[int, ...]:
    """The ledger array that a list or a map of names stands for.

    A map's order means nothing: its names place the values. ModelError for unknown names, and for a name that is
    missing before one that is given.
    """
    if isinstance(values, dict):
        change: Mapping[str, int] | list[int] = {
            name: checked_int(value, f"{where} {name[:80]}") for name, value in values.items()
        }
    elif isinstance(values, list):
        change = [checked_int(value, f"{where}, index {i}") for i, value in enumerate(values)]
    else:
        raise ModelError(f"{where} must be a list or a map of parameter names")
    if not change:
        raise ModelError(f"{where} is empty")
    return merge_array((), change, language, where)


def read_languages(form: str, models: Iterable[tuple[str, object]], where: str) -> CostModelDocument:
    """The arrays of languages by the keys that name them. One that cannot be read is left out, with a note that says
    why; ModelError where that is so of all."""
    arrays: dict[LedgerLanguage, tuple[int, ...]] = {}
    unreadable: dict[str, str] = {}
    for key, values in models:
        language = language_of(key)
        name = language.value if language else key[:80]
        try:
            if language is None:
                raise ModelError(f"{where}: {key[:80]!r} is no ledger language")
            if language in arrays:
                raise ModelError(f"{where}: {language.value} is given twice")
            arrays[language] = read_values(values, language, f"{where} {key}")
        except ModelError as error:
            reason = str(error)
            unreadable[name] = reason if reason.startswith(where) else f"{where}: {reason}"
    if not arrays:
        raise ModelError(next(iter(unreadable.values()), f"{where} must be an object with a key for each language"))
    return CostModelDocument(form, arrays, unreadable, tuple(f"left out: {reason}" for reason in unreadable.values()))


def named(array: tuple[int, ...], language: LedgerLanguage) -> dict[str, int]:
    """An array as a map of parameter names, in ledger order."""
    return dict(zip(parameter_names(language), array, strict=False))


def by_language(arrays: Arrays) -> dict[str, list[int]]:
    """Arrays under the languages' own names."""
    return {language.value: list(array) for language, array in arrays.items()}
