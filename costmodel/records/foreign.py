"""JSON from outside: bytes that anybody may have written, parsed as untrusted input.

All JSON that did not come from a process of our own is decoded here, so that whatever is wrong with it ends as one
DecodeError: bytes that are not UTF-8 raise UnicodeDecodeError in msgspec, deep nesting RecursionError.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from costmodel.errors import DecodeError

T = TypeVar("T")

_KEYS: Final = {"contains unknown": "unknown key", "missing required": "missing key"}

_QUOTED: Final = 200  # characters of a reason, which may quote keys of the document


def decode_json(content: bytes, kind: type[T], where: str) -> T:
    """JSON as a type. DecodeError, naming `where`, for anything that is not JSON of this type."""
    try:
        return msgspec.json.decode(content, type=kind)
    except UnicodeDecodeError as error:
        raise DecodeError(f"{where} is not UTF-8: byte 0x{error.object[error.start]:02x}") from error
    except msgspec.ValidationError as error:
        raise DecodeError(f"{where}: {_reason(error)}") from error
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise DecodeError(f"{where} is not JSON: {_reason(error)}") from error


def convert_value(value: Any, kind: type[T], where: str) -> T:
    """A decoded value as a type. DecodeError, naming `where`, for any other."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise DecodeError(f"{where}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """One line, at most, in the words of JSON: an object has keys."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.sub(r"^Object (contains unknown|missing required) field (.*)$", _key, text)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


def _key(found: re.Match[str]) -> str:
    return f"{_KEYS[found[1]]} {found[2]}"
