"""Cost models in CBOR: the map of a protocol parameter update, and the language views of the script-integrity hash."""

from __future__ import annotations

import binascii
import io
from collections.abc import Mapping
from typing import Any

import cbor2

from costmodel.errors import ModelError
from costmodel.model.formats.values import CostModelDocument, read_languages
from costmodel.model.parameters import Arrays
from costmodel.plutus.language import LedgerLanguage

COST_MODELS_KEY = 18
"""The key of cost models in `protocol_param_update` of the ledger's CDDL."""

_LANGUAGES = dict(enumerate(LedgerLanguage))
_INDEFINITE_LIST, _BREAK = b"\x9f", b"\xff"


def read_update(raw: bytes, where: str) -> CostModelDocument:
    """The cost models of a `protocol_param_update`, or of the map under its key 18, from binary or hexadecimal CBOR."""
    whole = _decoded(raw, where)
    if isinstance(whole, Mapping) and COST_MODELS_KEY in whole:
        whole = whole[COST_MODELS_KEY]
    if not isinstance(whole, Mapping) or not whole:
        raise ModelError(f"{where}: no map of cost models under key {COST_MODELS_KEY}")
    return read_languages("cbor", [(_name(key), _list(values)) for key, values in whole.items()], where)


def write_update(arrays: Arrays) -> bytes:
    """The `protocol_param_update` that sets these cost models and nothing else, in canonical CBOR."""
    models = {_number(language): list(array) for language, array in arrays.items()}
    return cbor2.dumps({COST_MODELS_KEY: models}, canonical=True)


def read_language_views(raw: bytes, where: str) -> CostModelDocument:
    """The arrays in language views as `write_language_views` makes them."""
    whole = _decoded(raw, where)
    if not isinstance(whole, Mapping) or not whole:
        raise ModelError(f"{where}: no map of language views")
    models = []
    for key, values in whole.items():
        if isinstance(key, bytes):
            key, values = _decoded(key, where), _decoded(values, where) if isinstance(values, bytes) else values
        models.append((_name(key), _list(values)))
    return read_languages("language-views", models, where)


def write_language_views(arrays: Arrays) -> bytes:
    """What the script-integrity hash covers for these languages, shorter keys first.

    PlutusV1 has its key and its list, of indefinite length, encoded twice: the ledger's first encoding, kept since.
    """
    views: dict[bytes, bytes] = {}
    for language, array in arrays.items():
        key, values = cbor2.dumps(_number(language)), [cbor2.dumps(value) for value in array]
        if language is LedgerLanguage.PLUTUS_V1:
            key = cbor2.dumps(key)
            views[key] = cbor2.dumps(_INDEFINITE_LIST + b"".join(values) + _BREAK)
        else:
            views[key] = cbor2.dumps(list(array))
    ordered = sorted(views.items(), key=lambda item: (len(item[0]), item[0]))
    return bytes([0xA0 + len(ordered)]) + b"".join(key + value for key, value in ordered)


def _number(language: LedgerLanguage) -> int:
    return list(LedgerLanguage).index(language)


def _name(key: object) -> str:
    """The name of a language from its number; 0 to 3 are PlutusV1 to PlutusV4."""
    if isinstance(key, int) and not isinstance(key, bool) and key in _LANGUAGES:
        return _LANGUAGES[key].value
    return str(key)[:40]


def _list(values: object) -> object:
    """An array as it is; CBOR has no maps of names."""
    return values if isinstance(values, list) else None


def _decoded(raw: bytes, where: str) -> Any:
    """One CBOR item, and nothing after it."""
    if raw and not raw.strip(b"0123456789abcdefABCDEF \r\n\t"):
        try:
            raw = binascii.unhexlify(raw.strip())
        except binascii.Error as error:
            raise ModelError(f"{where}: no hexadecimal CBOR: {error}") from error
    stream = io.BytesIO(raw)
    try:
        whole = cbor2.CBORDecoder(stream).decode()
    except (cbor2.CBORError, RecursionError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise ModelError(f"{where}: no CBOR: {str(error)[:120] or type(error).__name__}") from error
    if stream.read(1):
        raise ModelError(f"{where}: bytes after the CBOR item")
    return whole
