"""Every format that carries ledger arrays: read, written, told from one another by what they hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from costmodel.errors import ModelError
from costmodel.model.costmodel import STARTUP_KEY, STEP_KINDS_BY_KEY
from costmodel.model.files import EXTRAS_KEY, parse_json
from costmodel.model.formats import binary, documents
from costmodel.model.formats.values import (
    CARDANO_CLI,
    CONWAY_GENESIS,
    OGMIOS,
    RAW,
    CostModelDocument,
    by_language,
    language_of,
    locate,
    read_values,
)
from costmodel.model.parameters import (
    ANY_LENGTH_SINCE,
    Arrays,
    block_counts,
    first_version,
    parameter_count,
    parameter_names,
)
from costmodel.plutus.builtins import BUILTIN_BY_NAME
from costmodel.plutus.language import LedgerLanguage

UPSTREAM = "upstream"
"""The name of upstream's JSON, which holds costing functions instead of arrays: see `costmodel.model.files`."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files with arrays. `read` takes bytes, a name for errors, and the language wanted, if any."""

    summary: str
    read: Callable[[bytes, str, LedgerLanguage | None], CostModelDocument]
    write: Callable[[Arrays], bytes]


def _document(summary: str, read: documents.Reader, write: documents.Writer) -> Format:
    def reader(raw: bytes, where: str, language: LedgerLanguage | None) -> CostModelDocument:
        del language
        return read(parse_json(raw, where), where)

    return Format(summary, reader, lambda arrays: _json(write(arrays)))


def _binary(summary: str, read: Callable[[bytes, str], CostModelDocument], write: Callable[[Arrays], bytes]) -> Format:
    return Format(summary, lambda raw, where, _: read(raw, where), write)


def _read_one(raw: bytes, where: str, language: LedgerLanguage | None) -> CostModelDocument:
    """A bare list or map of one language, which a list does not say; a map's names may."""
    values = parse_json(raw, where)
    if language is None:
        raise ModelError(f"{where}: nothing in it says which language it is of; name one with --language")
    return CostModelDocument("array", {language: read_values(values, language, where)}, {})


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


def read_document(
    raw: bytes, where: str, form: str | None = None, language: LedgerLanguage | None = None
) -> CostModelDocument:
    """What a document says, in a format of FORMATS or in the one that its content tells; no arrays for UPSTREAM.

    ModelError for a document of none, and for one without a readable cost model.
    """
    try:
        form = form or sniff(raw, where)
        if form == UPSTREAM:
            return CostModelDocument(UPSTREAM, {}, {})
        found = FORMATS[form].read(raw, where, language)
    except RecursionError:
        raise ModelError(f"{where}: not a cost model: nested too deeply") from None
    return replace(found, notes=(*found.notes, *_odd_lengths(found, where)))


def inferred_version(arrays: Arrays) -> int:
    """The first protocol version at which the ledger's lists are as long as these arrays, and it takes them."""
    version = max(first_version(language, len(array)) for language, array in arrays.items())
    exact = all(parameter_count(language, version) == len(array) for language, array in arrays.items())
    return version if exact else max(version, ANY_LENGTH_SINCE)


def _odd_lengths(document: CostModelDocument, where: str) -> list[str]:
    """What to know of arrays that end where the ledger's list never did."""
    notes = []
    for language, array in document.arrays.items():
        counts = block_counts(language)
        if len(array) not in counts:
            notes.append(
                f"{where}: {language.value} has {len(array)} parameters, where the ledger's list has ended after "
                f"{', '.join(map(str, counts))}; from protocol version {ANY_LENGTH_SINCE} on it gives missing ones the "
                "largest cost and ignores unknown ones"
            )
    return notes


def sniff(raw: bytes, where: str) -> str:
    """The name of the format that bytes are in: a key of FORMATS, or UPSTREAM. ModelError where that is not clear."""
    if raw.lstrip()[:1] not in (b"{", b"["):
        return "cbor"
    whole = parse_json(raw, where)
    if isinstance(whole, list) and not any(isinstance(each, dict) for each in whole):
        return "array"
    found = _sniff_object(whole, where)
    if found is None:
        raise ModelError(f"{where}: no known format of cost models; name it with --from, one of {', '.join(FORMATS)}")
    return found


def _sniff_object(whole: Any, where: str) -> str | None:
    if isinstance(whole, dict):
        if whole and any(language_of(key) for key in whole):
            return "cost-model-file"
        keys = {*BUILTIN_BY_NAME, *STEP_KINDS_BY_KEY, STARTUP_KEY, EXTRAS_KEY}
        if keys & whole.keys():
            return UPSTREAM
        if any("-cpu-arguments" in key or "-exBudget" in key for key in whole):
            return "names"
    place = locate(whole, where)
    if place is None:
        return None
    if place.node.get(CARDANO_CLI) is not None:
        return "alonzo-genesis" if documents.is_alonzo_genesis(place.node) else "cli"
    by_field = {CONWAY_GENESIS: "conway-genesis", OGMIOS: "ogmios", RAW: "blockfrost"}
    for field, name in by_field.items():
        if place.node.get(field) is not None:
            return name
    return "koios" if isinstance(whole, list) or "epoch_no" in place.node else "blockfrost"


def _json(document: object) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()
