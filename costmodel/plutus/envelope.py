"""Programs and Data in files, whatever form they have: it is told from their content, not from their name.

A program is textual UPLC, flat, flat with names, flat in its CBOR wrapper, any of the binary ones in hexadecimal, or a
script in a JSON document (`script_json`).
"""

import re
from pathlib import Path
from typing import Final, NamedTuple

from costmodel.errors import DecodeError, InputError
from costmodel.plutus.data import Data
from costmodel.plutus.data_cbor import decode_data
from costmodel.plutus.data_json import data_from_json
from costmodel.plutus.flat import encode_flat, without_names
from costmodel.plutus.json_text import parse_json
from costmodel.plutus.language import LedgerLanguage
from costmodel.plutus.script_json import choose_script
from costmodel.plutus.text import parse_program
from costmodel.plutus.wrapper import is_wrapped, read_reference, unwrap_script

_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})*")
_HEX_TEXT: Final = re.compile(rb"(?:0[xX])?[0-9a-fA-F\s]+")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# How many byte strings a document's field has around flat, by the rules of who writes it.
_WRAPPERS: Final = {"cborHex": 2, "compiledCode": 1}


class ProgramFile(NamedTuple):
    """A program as flat. `language` is the one that the file states; `textual` says that it may have constants which
    flat on the chain has not (`encode_flat(allow_group_elements=True)`); `note` is for the user, or empty."""

    flat: bytes
    language: LedgerLanguage | None = None
    textual: bool = False
    note: str = ""


def load_program(
    path: Path,
    *,
    language: LedgerLanguage | None = None,
    default: LedgerLanguage | None = None,
    name: str | None = None,
) -> ProgramFile:
    """The program in a file.

    It is read as one of `language`, else of the file's own, else of `default`, which matters for bytes behind the CBOR
    wrapper. `name` chooses one of several in a document. Flat bytes are not decoded. InputError or DecodeError names
    the file.
    """
    content = _read(path)
    try:
        return _program(content.removeprefix(_BYTE_ORDER_MARK), _LanguageChoice(language, default), name)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from None


class _LanguageChoice(NamedTuple):
    """The language to read a program as, whatever its file states, and that for a file that states none."""

    language: LedgerLanguage | None
    default: LedgerLanguage | None

    def of(self, stated: LedgerLanguage | None) -> LedgerLanguage | None:
        return self.language or stated or self.default


def _program(content: bytes, reading: _LanguageChoice, name: str | None) -> ProgramFile:
    text = content.strip()
    if not text:
        raise DecodeError("the file is empty")
    # Flat begins with the UPLC version's major number, which is far below any of these characters.
    if text[:1] in (b"{", b"[", b'"') and text[:2] != b"{-":
        return _from_json(_to_text(text), reading, name)
    if name is not None:
        raise InputError(f"a single program, and none that is named {name[:80]!r}")
    if text[:1] == b"(" or text[:2] in (b"--", b"{-"):
        return ProgramFile(encode_flat(parse_program(_to_text(content)), allow_group_elements=True), textual=True)
    if text and _HEX_TEXT.fullmatch(text):
        digits = b"".join(text.split()).decode()
        return _from_bytes(_from_hex(digits.removeprefix("0x").removeprefix("0X"), "the text"), reading)
    return _from_bytes(content, reading)


def _from_bytes(content: bytes, reading: _LanguageChoice) -> ProgramFile:
    stated = None
    if reference := read_reference(content):
        content, stated = reference
    if is_wrapped(content):
        return ProgramFile(unwrap_script(content, reading.of(stated)).flat, stated)
    return ProgramFile(without_names(content))


def _from_json(text: str, reading: _LanguageChoice, name: str | None) -> ProgramFile:
    document = parse_json(text)
    if isinstance(document, str) and name is None:
        return _from_bytes(_from_hex(document, "the text"), reading)
    script = choose_script(document, name)
    where = f"{script.name} {script.field}".strip()
    try:
        code = _from_hex(script.code, script.field)
        reference = read_reference(code)
        cbor, stated = reference or (code, script.language)
        flat, wrappers = unwrap_script(cbor, reading.of(stated))
    except DecodeError as error:
        raise DecodeError(f"{where}: {error}") from None
    expected = _WRAPPERS.get(script.field, wrappers)
    note = "" if wrappers == expected else f"{where}: CBOR wrappers around flat: {wrappers} instead of {expected}"
    return ProgramFile(flat, stated, note=note)


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
