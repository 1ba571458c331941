"""Every format that carries ledger arrays: read, written, told from one another by what they hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from costmodel.errors import ModelError
from costmodel.model.files import EXTRAS_KEY, parse_json
from costmodel.model.formats import binary, documents
from costmodel.model.formats.values import by_language, read_values
from costmodel.model.overlays import Arrays
from costmodel.model.parameters import canonical_name, parameter_names
from costmodel.model.steps import STARTUP_KEY, STEP_KINDS_BY_KEY
from costmodel.plutus.builtins import BUILTIN_BY_NAME
from costmodel.plutus.language import LedgerLanguage

UPSTREAM = "upstream"
"""The name of upstream's JSON, which holds costing functions instead of arrays: see `costmodel.model.files`."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files with arrays. `read` takes bytes, a name for errors, and the language wanted, if any."""

    summary: str
    read: Callable[[bytes, str, LedgerLanguage | None], Arrays]
    write: Callable[[Arrays], bytes]


def _document(summary: str, read: documents.Reader, write: documents.Writer) -> Format:
    def reader(raw: bytes, where: str, language: LedgerLanguage | None) -> Arrays:
        del language
        return read(parse_json(raw, where), where)

    return Format(summary, reader, lambda arrays: _json(write(arrays)))


def _binary(summary: str, read: Callable[[bytes, str], Arrays], write: Callable[[Arrays], bytes]) -> Format:
    return Format(summary, lambda raw, where, _: read(raw, where), write)


def _read_one(raw: bytes, where: str, language: LedgerLanguage | None) -> Arrays:
    """A bare list or map of one language, which a list does not say; a map's names may."""
    values = parse_json(raw, where)
    if language is None:
        raise ModelError(f"{where}: nothing in it says which language it is of; give --language")
    return {language: read_values(values, language, where)}


def _write_array(arrays: Arrays) -> bytes:
    if len(arrays) != 1:
        raise ModelError("an array is of one language; choose it with --language")
    return _json(list(next(iter(arrays.values()))))


def _write_names(arrays: Arrays) -> bytes:
    if len(arrays) != 1:
        raise ModelError("a map of names is of one language; choose it with --language")
    language, array = next(iter(arrays.items()))
    return _json(dict(zip(parameter_names(language), array, strict=False)))


FORMATS: dict[str, Format] = {
    "array": Format("one language's integers in ledger order", _read_one, _write_array),
    "names": Format("one language's integers by parameter name", _read_one, _write_names),
    "cli": _document(
        "cardano-cli protocol parameters",
        documents.read_protocol_parameters,
        documents.write_protocol_parameters,
    ),
    "cost-model-file": _document("cardano-cli --cost-model-file", documents.read_cost_model_file, by_language),
    "alonzo-genesis": _document(
        "cost models of the Alonzo genesis", documents.read_alonzo_genesis, documents.write_alonzo_genesis
    ),
    "conway-genesis": _document(
        "cost model of the Conway genesis", documents.read_conway_genesis, documents.write_conway_genesis
    ),
    "ogmios": _document("Ogmios v6 protocol parameters", documents.read_ogmios, documents.write_ogmios),
    "blockfrost": _document("Blockfrost epoch parameters", documents.read_blockfrost, documents.write_blockfrost),
    "koios": _document("Koios epoch_params", documents.read_koios, documents.write_koios),
    "cbor": _binary("protocol_param_update of the CDDL, CBOR", binary.read_update, binary.write_update),
    "cbor-hex": _binary(
        "the same in hexadecimal",
        binary.read_update,
        lambda arrays: binary.write_update(arrays).hex().encode() + b"\n",
    ),
    "language-views": _binary(
        "language views of the script-integrity hash, CBOR", binary.read_language_views, binary.write_language_views
    ),
}
"""Formats of arrays by the names that the command line uses."""


def sniff(raw: bytes, where: str) -> str:
    """The name of the format that bytes are in: a key of FORMATS, or UPSTREAM. ModelError where that is not clear."""
    text = raw.lstrip()
    if text[:1] not in (b"{", b"["):
        return "cbor"
    whole = parse_json(raw, where)
    if isinstance(whole, list):
        return "koios" if whole and isinstance(whole[0], dict) else "array"
    found = _sniff_object(whole) if isinstance(whole, dict) else None
    if found is None:
        raise ModelError(f"{where}: no known format of cost models; name it with --from, one of {', '.join(FORMATS)}")
    return found


def stated_version(raw: bytes) -> int | None:
    """The major protocol version that a JSON document of protocol parameters states beside its cost models."""
    if raw.lstrip()[:1] not in (b"{", b"["):
        return None
    whole = parse_json(raw, "document")
    whole = whole[0] if isinstance(whole, list) and whole else whole
    if not isinstance(whole, dict):
        return None
    whole = whole["result"] if isinstance(whole.get("result"), dict) else whole
    nested = whole.get("protocolVersion") or whole.get("version")
    version = nested.get("major") if isinstance(nested, dict) else None
    for field in ("protocol_major_ver", "protocol_major"):
        version = version if version is not None else whole.get(field)
    return version if isinstance(version, int) and not isinstance(version, bool) else None


def _sniff_object(whole: dict[str, Any]) -> str | None:
    by_field = {
        "plutusV3CostModel": "conway-genesis",
        "plutusCostModels": "ogmios",
        "cost_models_raw": "blockfrost",
        "cost_models": "koios" if "epoch_no" in whole else "blockfrost",
    }
    for field, name in by_field.items():
        if field in whole:
            return name
    if isinstance(whole.get("result"), dict) and "plutusCostModels" in whole["result"]:
        return "ogmios"
    if "costModels" in whole:
        return "alonzo-genesis" if _has_old_names(whole["costModels"]) else "cli"
    if whole and all(key in {language.value for language in LedgerLanguage} for key in whole):
        return "cost-model-file"
    keys = {*BUILTIN_BY_NAME, *STEP_KINDS_BY_KEY, STARTUP_KEY, EXTRAS_KEY}
    if keys & whole.keys():
        return UPSTREAM
    return "names" if any("-cpu-arguments" in key or "-exBudget" in key for key in whole) else None


def _has_old_names(models: object) -> bool:
    values = models.get(LedgerLanguage.PLUTUS_V1.value) if isinstance(models, dict) else None
    return isinstance(values, dict) and any(canonical_name(name) != name for name in values)


def _json(document: object) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()
