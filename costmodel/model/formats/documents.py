"""The JSON documents that carry cost models: those of cardano-cli, the genesis files, and the chain's indexers.

Each is a pair: what reads the arrays out of a document, and what makes a document of arrays. A document that is read
may hold more than the cost models; one that is made holds nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from costmodel.errors import ModelError
from costmodel.model.files import parse_json
from costmodel.model.formats.values import by_language, named, read_languages, read_values
from costmodel.model.overlays import Arrays
from costmodel.model.parameters import genesis_name
from costmodel.plutus.language import LedgerLanguage

_V1, _V3 = LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V3
Reader = Callable[[Any, str], Arrays]
Writer = Callable[[Arrays], object]

GENESIS_COUNTS = {_V1: 166, _V3: 251}
"""How many parameters the genesis files hold: those that the language began with."""


def _field(document: Any, field: str, where: str) -> Any:
    if not isinstance(document, dict) or field not in document:
        raise ModelError(f"{where}: no field {field!r}; name the format with --from if it is another")
    return document[field]


def _only(arrays: Arrays, language: LedgerLanguage, what: str) -> tuple[int, ...]:
    """The array of the only language that a format holds."""
    if list(arrays) != [language]:
        raise ModelError(f"{what} holds {language.value} alone; ask for that with --language")
    if language in GENESIS_COUNTS and len(arrays[language]) != GENESIS_COUNTS[language]:
        raise ModelError(
            f"{what} holds the first {GENESIS_COUNTS[language]} parameters of {language.value}, not "
            f"{len(arrays[language])}; emit at a protocol version that has as many (--protocol-version)"
        )
    return arrays[language]


def read_cost_model_file(document: Any, where: str) -> Arrays:
    """cardano-cli `--cost-model-file`."""
    return read_languages(document, where)


def read_protocol_parameters(document: Any, where: str) -> Arrays:
    """cardano-cli protocol parameters, `{"costModels": {"PlutusV1": […]}}`."""
    return read_languages(_field(document, "costModels", where), f"{where}: costModels")


def write_protocol_parameters(arrays: Arrays) -> object:
    return {"costModels": by_language(arrays)}


def read_alonzo_genesis(document: Any, where: str) -> Arrays:
    """Alonzo genesis: a map by the names of that time."""
    arrays = read_protocol_parameters(document, where)
    _only(arrays, _V1, f"{where}: an Alonzo genesis")
    return arrays


def write_alonzo_genesis(arrays: Arrays) -> object:
    values = named(_only(arrays, _V1, "an Alonzo genesis"), _V1)
    return {"costModels": {_V1.value: {genesis_name(name): value for name, value in values.items()}}}


def read_conway_genesis(document: Any, where: str) -> Arrays:
    """Conway genesis: `{"plutusV3CostModel": […]}`."""
    arrays = {_V3: read_values(_field(document, "plutusV3CostModel", where), _V3, f"{where}: plutusV3CostModel")}
    _only(arrays, _V3, f"{where}: a Conway genesis")
    return arrays


def write_conway_genesis(arrays: Arrays) -> object:
    return {"plutusV3CostModel": list(_only(arrays, _V3, "a Conway genesis"))}


def read_ogmios(document: Any, where: str) -> Arrays:
    """Ogmios v6, with or without the envelope of its answer: `{"plutusCostModels": {"plutus:v1": […]}}`."""
    if isinstance(document, dict) and isinstance(document.get("result"), dict):
        document = document["result"]
    models = _field(document, "plutusCostModels", where)
    return read_languages(models, f"{where}: plutusCostModels", r"plutus:v([1-4])")


def write_ogmios(arrays: Arrays) -> object:
    return {"plutusCostModels": {f"plutus:v{language.value[-1]}": list(array) for language, array in arrays.items()}}


def read_blockfrost(document: Any, where: str) -> Arrays:
    """Blockfrost epoch parameters: arrays in `cost_models_raw`, maps in `cost_models`, which must agree."""
    found = {
        field: read_languages(document[field], f"{where}: {field}")
        for field in ("cost_models_raw", "cost_models")
        if isinstance(document, dict) and document.get(field) is not None
    }
    if not found:
        raise ModelError(f"{where}: neither cost_models_raw nor cost_models; name the format with --from")
    first, *others = found.values()
    if any(other != first for other in others):
        raise ModelError(f"{where}: cost_models_raw and cost_models disagree; leave the one that is right")
    return first


def write_blockfrost(arrays: Arrays) -> object:
    maps = {language.value: named(array, language) for language, array in arrays.items()}
    return {"cost_models": maps, "cost_models_raw": by_language(arrays)}


def read_koios(document: Any, where: str) -> Arrays:
    """Koios `epoch_params`: one row, whose `cost_models` is an object or the text of one."""
    rows = document if isinstance(document, list) else [document]
    if len(rows) != 1:
        raise ModelError(f"{where}: {len(rows)} epochs; give the row of one")
    models = _field(rows[0], "cost_models", where)
    if isinstance(models, str):
        models = parse_json(models.encode(), f"{where}: cost_models")
    return read_languages(models, f"{where}: cost_models")


def write_koios(arrays: Arrays) -> object:
    return [{"cost_models": by_language(arrays)}]
