"""Cost models in CBOR: the map of a protocol parameter update, and the language views of the script-integrity hash."""

from __future__ import annotations

import binascii
import io
from collections.abc import Mapping
from typing import Any

import cbor2

from costmodel.errors import ModelError
from costmodel.model.formats.values import read_values
from costmodel.model.overlays import Arrays
from costmodel.plutus.language import LedgerLanguage

COST_MODELS_KEY = 18
"""The key of cost models in `protocol_param_update` of the ledger's CDDL."""

_LANGUAGES = dict(enumerate(LedgerLanguage))
_INDEFINITE_LIST, _BREAK = b"\x9f", b"\xff"


def read_update(raw: bytes, where: str) -> Arrays:
    """The cost models of a `protocol_param_update`, or of the map under its key 18, from binary or hexadecimal CBOR."""
    whole = _decoded(raw, where)
    if isinstance(whole, Mapping) and COST_MODELS_KEY in whole:
        whole = whole[COST_MODELS_KEY]
    if not isinstance(whole, Mapping) or not whole:
        raise ModelError(f"{where}: no map of cost models under key {COST_MODELS_KEY}")
    return {(language := _language(key, where)): _array(values, language, where) for key, values in whole.items()}


def write_update(arrays: Arrays) -> bytes:
    """The `protocol_param_update` that sets these cost models and nothing else, in canonical CBOR."""
    models = {_number(language): list(array) for language, array in arrays.items()}
    return cbor2.dumps({COST_MODELS_KEY: models}, canonical=True)


def read_language_views(raw: bytes, where: str) -> Arrays:
    """The arrays in language views as `write_language_views` makes them."""
    whole = _decoded(raw, where)
    if not isinstance(whole, Mapping) or not whole:
        raise ModelError(f"{where}: no map of language views")
    arrays = {}
    for key, values in whole.items():
        if isinstance(key, bytes):
            key, values = _decoded(key, where), _decoded(values, where) if isinstance(values, bytes) else values
        language = _language(key, where)
        arrays[language] = _array(values, language, where)
    return arrays


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


def _language(key: object, where: str) -> LedgerLanguage:
    if isinstance(key, bool) or not isinstance(key, int) or key not in _LANGUAGES:
        raise ModelError(f"{where}: {str(key)[:40]!r} is no ledger language; 0 to 3 are PlutusV1 to PlutusV4")
    return _LANGUAGES[key]


def _array(values: object, language: LedgerLanguage, where: str) -> tuple[int, ...]:
    if not isinstance(values, list):
        raise ModelError(f"{where}: {language.value} must be a list of integers")
    return read_values(values, language, f"{where}: {language.value}")


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
