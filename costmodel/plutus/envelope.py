"""Programs and Data in files, and text envelopes of cardano-cli.

An envelope is `{"type": "PlutusScriptV2", "description": "", "cborHex": "..."}`; its CBOR is the flat program wrapped
as a bytestring once or, as cardano-cli writes it, twice.
"""

import re
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Final

import cbor2

from costmodel.errors import DecodeError, InputError
from costmodel.plutus.data import Data
from costmodel.plutus.data_cbor import decode_data
from costmodel.plutus.data_json import data_from_json
from costmodel.plutus.flat import encode_flat
from costmodel.plutus.json_text import parse_json
from costmodel.plutus.language import LedgerLanguage
from costmodel.plutus.text import parse_program

_ENVELOPE_TYPE: Final = re.compile("PlutusScriptV([1-4])")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})*")
_CBOR_BYTES: Final = 2  # major type
_MAX_WRAPPERS: Final = 2


def load_program(path: Path) -> tuple[bytes, LedgerLanguage | None]:
    """Flat bytes of the program in a file, and the ledger language where the file says which.

    A `.flat` file holds flat bytes, `.plutus` a text envelope, `.uplc` textual UPLC; other names are told apart by
    content. Textual programs may hold G1 and G2 constants: see `encode_flat(allow_group_elements=True)`. Flat bytes
    are returned as they are, undecoded. InputError or DecodeError names the file.
    """
    content = _read(path)
    try:
        match _KIND_BY_SUFFIX.get(path.suffix.lower()) or _guess_kind(content):
            case _Kind.ENVELOPE:
                return unwrap_envelope(_to_text(content))
            case _Kind.TEXT:
                return encode_flat(parse_program(_to_text(content)), allow_group_elements=True), None
            case _:
                return content, None
    except InputError as error:
        raise type(error)(f"{path}: {error}") from None


class _Kind(Enum):
    FLAT = "flat"
    ENVELOPE = "text envelope"
    TEXT = "textual UPLC"


_KIND_BY_SUFFIX: Final = {".flat": _Kind.FLAT, ".plutus": _Kind.ENVELOPE, ".uplc": _Kind.TEXT}


def _guess_kind(content: bytes) -> _Kind:
    # Flat begins with the UPLC version's major number, which is far below any of these characters.
    start = content.lstrip()[:2]
    if start.startswith(b"(") or start in (b"--", b"{-"):
        return _Kind.TEXT
    return _Kind.ENVELOPE if start.startswith(b"{") else _Kind.FLAT


def load_data(path: Path) -> Data:
    """Data of a file: detailed-schema JSON, or CBOR as hexadecimal text. InputError or DecodeError names the file."""
    try:
        text = _to_text(_read(path)).strip()
        return data_from_json(text) if text.startswith("{") else data_from_hex(text)
    except DecodeError as error:
        raise DecodeError(f"{path}: {error}") from None


def data_from_hex(digits: str) -> Data:
    """Data of its CBOR in hexadecimal."""
    return decode_data(_from_hex(digits, "Data CBOR"))


def unwrap_envelope(text: str) -> tuple[bytes, LedgerLanguage]:
    """Flat bytes and ledger language of a text envelope."""
    envelope = parse_json(text)
    if not isinstance(envelope, dict):
        raise DecodeError("text envelope: a JSON object is expected")
    kind, cbor_hex = envelope.get("type"), envelope.get("cborHex")
    match = _ENVELOPE_TYPE.fullmatch(kind) if isinstance(kind, str) else None
    if match is None:
        raise DecodeError('text envelope: "type" must be PlutusScriptV1, V2, V3 or V4')
    if not isinstance(cbor_hex, str):
        raise DecodeError('text envelope: "cborHex" is missing')
    return unwrap_script(_from_hex(cbor_hex, "text envelope: cborHex")), LedgerLanguage(f"PlutusV{match[1]}")


def unwrap_script(cbor: bytes) -> bytes:
    """Flat bytes inside one or two CBOR bytestrings.

    Flat never looks like a CBOR bytestring: its major version would have to be 64 or more.
    """
    script = _unwrap_once(cbor)
    for _ in range(_MAX_WRAPPERS - 1):
        if script[:1] and script[0] >> 5 == _CBOR_BYTES:
            script = _unwrap_once(script)
    return script


def wrap_script(flat: bytes) -> bytes:
    """Flat bytes in two CBOR bytestrings, as cardano-cli writes them."""
    for _ in range(_MAX_WRAPPERS):
        flat = cbor2.dumps(flat)
    return flat


def _unwrap_once(cbor: bytes) -> bytes:
    # The head is checked before cbor2 sees it: a bytestring cannot nest.
    if not cbor or cbor[0] >> 5 != _CBOR_BYTES:
        raise DecodeError("script: a CBOR bytestring is expected around the flat program")
    stream = BytesIO(cbor)
    try:
        script = cbor2.load(stream)
    except (cbor2.CBORDecodeError, MemoryError, OverflowError):
        raise DecodeError("script: the CBOR bytestring around the flat program is cut short or malformed") from None
    if stream.tell() != len(cbor):
        raise DecodeError("script: bytes follow the CBOR bytestring around the flat program")
    return bytes(script)


def _read(path: Path) -> bytes:
    try:
        if path.is_char_device():  # of /dev/zero and the like there is no end
            raise InputError(f"{path}: is a device; name a file")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def _to_text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"byte {error.start} is not valid UTF-8") from None


def _from_hex(digits: str, what: str) -> bytes:
    if not _HEX.fullmatch(digits):
        raise DecodeError(f"{what} is not hexadecimal")
    return bytes.fromhex(digits)
