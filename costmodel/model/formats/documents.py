"""The JSON documents that carry cost models: those of cardano-cli, the genesis files, and the chain's indexers.

A document that is read may hold more than the cost models, and may stand in another; one that is made holds no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from costmodel.errors import ModelError
from costmodel.model.files import parse_json
from costmodel.model.formats.values import (
    CARDANO_CLI,
    CONWAY_GENESIS,
    NAMED,
    OGMIOS,
    RAW,
    CostModelDocument,
    Place,
    by_language,
    language_of,
    locate,
    named,
    read_languages,
)
from costmodel.model.parameters import Arrays, canonical_name, first_version, genesis_name, parameter_names
from costmodel.plutus.language import LedgerLanguage

_V1, _V3 = LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V3
Reader = Callable[[Any, str], CostModelDocument]
Writer = Callable[[Arrays], object]

GENESIS_COUNTS = {_V1: 166, _V3: 251}
"""How many parameters the genesis files hold: those that the language began with."""

_ALONZO, _CONWAY = 5, 9
# Fields that an Alonzo genesis has beside its cost models, and no other document with those.
_GENESIS_FIELDS = ("lovelacePerUTxOWord", "maxTxExUnits", "executionPrices")
# Blockfrost's list of names for PlutusV3 lacks the first and has the second behind the third, though the language has
# none such: the names between are those of the values before them.
_LACKING = "quotientInteger-memory-arguments-minimum"
_TOO_MUCH = "remainderInteger-memory-arguments-minimum"
_BEFORE_IT = "remainderInteger-memory-arguments-intercept"


def _place(document: Any, where: str, *fields: str) -> Place:
    place = locate(document, where, fields)
    if place is None:
        raise ModelError(f"{where}: no field {fields[0]!r}; name the format with --from if it is another")
    return place


def _read(form: str, place: Place, field: str, where: str) -> CostModelDocument:
    models = place.node[field]
    if isinstance(models, str):  # db-sync's table has JSON in a text
        models = parse_json(models.encode(), f"{where}: {field}")
    if not isinstance(models, dict) or not models:
        raise ModelError(f"{where}: {field} must be an object with a key for each language")
    document = read_languages(form, models.items(), f"{where}: {field}")
    return replace(document, protocol_version=place.protocol_version())


def read_cost_model_file(document: Any, where: str) -> CostModelDocument:
    """cardano-cli `--cost-model-file`."""
    if not isinstance(document, dict):
        raise ModelError(f"{where} must be an object with a key for each language")
    return read_languages("cost-model-file", document.items(), where)


def read_protocol_parameters(document: Any, where: str) -> CostModelDocument:
    """cardano-cli protocol parameters, `{"costModels": {"PlutusV1": […]}}`, also within a state of governance."""
    return _read("cli", _place(document, where, CARDANO_CLI), CARDANO_CLI, where)


def write_protocol_parameters(arrays: Arrays) -> object:
    return {"costModels": by_language(arrays)}


def is_alonzo_genesis(node: dict[str, Any]) -> bool:
    """Whether an object with `costModels` is a genesis, by its other fields or by the names of that time."""
    models = node[CARDANO_CLI]
    values = models.get(_V1.value) if isinstance(models, dict) else None
    old_names = isinstance(values, dict) and any(canonical_name(name) != name for name in values)
    return old_names or all(field in node for field in _GENESIS_FIELDS)


def read_alonzo_genesis(document: Any, where: str) -> CostModelDocument:
    """Alonzo genesis: a map by the names of that time. Later ones have more languages, and imply the first protocol
    version that has them."""
    found = _read("alonzo-genesis", _place(document, where, CARDANO_CLI), CARDANO_CLI, where)
    return replace(found, protocol_version=max(_ALONZO, *(first_version(*each) for each in _counts(found.arrays))))


def _counts(arrays: Arrays) -> list[tuple[LedgerLanguage, int]]:
    return [(language, len(array)) for language, array in arrays.items()]


def write_alonzo_genesis(arrays: Arrays) -> object:
    values = named(_only(arrays, _V1, "an Alonzo genesis"), _V1)
    return {"costModels": {_V1.value: {genesis_name(name): value for name, value in values.items()}}}


def read_conway_genesis(document: Any, where: str) -> CostModelDocument:
    """Conway genesis: `{"plutusV3CostModel": […]}`."""
    place = _place(document, where, CONWAY_GENESIS)
    models = {_V3.value: place.node[CONWAY_GENESIS]}
    found = read_languages("conway-genesis", models.items(), f"{where}: {CONWAY_GENESIS}")
    return replace(found, protocol_version=max(_CONWAY, first_version(_V3, len(found.arrays[_V3]))))


def write_conway_genesis(arrays: Arrays) -> object:
    return {"plutusV3CostModel": list(_only(arrays, _V3, "a Conway genesis"))}


def _only(arrays: Arrays, language: LedgerLanguage, what: str) -> tuple[int, ...]:
    """The array of the only language that a format holds."""
    if list(arrays) != [language]:
        raise ModelError(f"{what} holds {language.value} alone; ask for that with --language")
    count = GENESIS_COUNTS[language]
    if len(arrays[language]) != count:
        version = first_version(language, count)
        raise ModelError(
            f"{what} holds the first {count} parameters of {language.value}, not {len(arrays[language])}; take a model "
            f"that has as many, such as the ledger's at --protocol-version {version}"
        )
    return arrays[language]


def read_ogmios(document: Any, where: str) -> CostModelDocument:
    """Ogmios v6: parameters, a genesis or proposals, with or without the envelope of the answer."""
    found = _read("ogmios", place := _place(document, where, OGMIOS), OGMIOS, where)
    era = next((node["era"] for node in (place.node, *place.around) if isinstance(node.get("era"), str)), None)
    if found.protocol_version is None and era is not None:  # a genesis
        version = max(first_version(*each) for each in _counts(found.arrays))
        return replace(found, protocol_version=version)
    return found


def write_ogmios(arrays: Arrays) -> object:
    return {"plutusCostModels": {f"plutus:v{language.value[-1]}": list(array) for language, array in arrays.items()}}


def read_blockfrost(document: Any, where: str) -> CostModelDocument:
    """Blockfrost epoch parameters: arrays in `cost_models_raw`, and in `cost_models` maps, whose names are not to be
    relied on; they count where there is no array."""
    place = _place(document, where, RAW, NAMED)
    if place.node.get(RAW) is None:
        placed, notes = _with_places(place.node[NAMED], where)
        found = _read("blockfrost", replace(place, node={**place.node, NAMED: placed}), NAMED, where)
        return replace(found, notes=(*notes, *found.notes))
    found = _read("blockfrost", place, RAW, where)
    maps = place.node.get(NAMED)
    notes = tuple(
        f"{where}: {NAMED} {key[:80]} names other values than {RAW}; the array of {RAW} is used"
        for key, values in (maps.items() if isinstance(maps, dict) else ())
        if _disagrees(key, values, found.arrays, where)
    )
    return replace(found, notes=(*notes, *found.notes))


def _disagrees(key: str, values: object, arrays: Arrays, where: str) -> bool:
    language = language_of(key)
    if language is None or language not in arrays:
        return False
    try:
        return read_languages("blockfrost", [(key, values)], where).arrays[language] != arrays[language]
    except ModelError:
        return True


def _with_places(models: object, where: str) -> tuple[object, tuple[str, ...]]:
    """Maps without arrays beside them, the shifted names of PlutusV3 replaced by the list of their values."""
    values = models.get(_V3.value) if isinstance(models, dict) else None
    if not isinstance(models, dict) or not isinstance(values, dict) or _TOO_MUCH not in values:
        return models, ()
    shifted = [name for name in parameter_names(_V3) if name != _LACKING]
    shifted.insert(shifted.index(_BEFORE_IT) + 1, _TOO_MUCH)
    names = shifted[: len(values)]
    if set(names) != set(values):
        return models, ()
    note = f"{where}: {NAMED} {_V3.value} has Blockfrost's shifted names; its values are placed by their position"
    return {**models, _V3.value: [values[name] for name in names]}, (note,)


def write_blockfrost(arrays: Arrays) -> object:
    maps = {language.value: named(array, language) for language, array in arrays.items()}
    return {"cost_models": maps, "cost_models_raw": by_language(arrays)}


def read_koios(document: Any, where: str) -> CostModelDocument:
    """Koios `epoch_params`: one row, whose `cost_models` is an object or the text of one."""
    return _read("koios", _place(document, where, NAMED), NAMED, where)


def write_koios(arrays: Arrays) -> object:
    return [{"cost_models": by_language(arrays)}]
