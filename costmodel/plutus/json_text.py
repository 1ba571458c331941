"""JSON of any depth, read without recursion.

The standard library's reader gives up a few hundred levels down; Data goes deeper. Strings are still read by it.
"""

import json
import re
from typing import Any, Final

from costmodel.errors import DecodeError
from costmodel.plutus.decimal_digits import parse_decimal

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORDS: Final[dict[str, object]] = {"true": True, "false": False, "null": None}
_WORD: Final = re.compile("|".join(_WORDS))
_CLOSING: Final[dict[type, str]] = {list: "]", dict: "}"}


def parse_json(text: str) -> Any:
    """The document as dicts, lists, str, int, float, bool and None. DecodeError with line and column.

    A key that occurs twice in one object is an error, as readers disagree about which one counts.
    """
    return _JsonReader(text).document()


class _JsonReader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        # Open containers, each with the key whose value is awaited (None in a list).
        self._open: list[tuple[dict[str, Any] | list[Any], str | None]] = []

    def document(self) -> Any:
        while True:
            self._skip_space()
            character = self._peek()
            value: Any
            if character in "[{":
                value = [] if character == "[" else {}
                self._position += 1
                if not self._accept(_CLOSING[type(value)]):
                    self._open.append((value, self._key() if character == "{" else None))
                    continue
            else:
                value = self._scalar(character)
            done, value = self._attach(value)
            if done:
                self._skip_space()
                if self._position != len(self._text):
                    raise self._error("text follows the end of the document")
                return value

    def _attach(self, value: Any) -> tuple[bool, Any]:
        """Stores a finished value in its container and closes what ends with it; true once nothing is open."""
        while self._open:
            container, key = self._open[-1]
            if isinstance(container, list):
                container.append(value)
            elif key is not None:
                container[key] = value
            if self._accept(","):
                if isinstance(container, dict):
                    self._open[-1] = (container, self._key())
                    if self._open[-1][1] in container:
                        raise self._error(f"the key {self._open[-1][1]!r} occurs twice")
                return False, None
            if not self._accept(_CLOSING[type(container)]):
                raise self._error(f"',' or '{_CLOSING[type(container)]}' is expected here")
            value = self._open.pop()[0]
        return True, value

    def _key(self) -> str:
        self._skip_space()
        if self._peek() != '"':
            raise self._error("a key in double quotes is expected here")
        key = self._string()
        if not self._accept(":"):
            raise self._error("':' is expected here")
        return key

    def _scalar(self, character: str) -> object:
        if character == '"':
            return self._string()
        if word := _WORD.match(self._text, self._position):
            self._position = word.end()
            return _WORDS[word.group()]
        if number := _NUMBER.match(self._text, self._position):
            self._position = number.end()
            digits = number.group()
            return parse_decimal(digits) if digits.lstrip("-").isdigit() else float(digits)
        raise self._error("a value is expected here")

    def _string(self) -> str:
        token = _STRING.match(self._text, self._position)
        try:
            value = json.loads(token.group()) if token else None
        except json.JSONDecodeError:
            value = None
        if token is None or not isinstance(value, str):
            raise self._error("a string is not closed, or has an illegal character or escape")
        self._position = token.end()
        return value

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._position)
        if match:
            self._position = match.end()

    def _peek(self) -> str:
        if self._position >= len(self._text):
            raise self._error("the document ends too early")
        return self._text[self._position]

    def _accept(self, character: str) -> bool:
        self._skip_space()
        if not self._text.startswith(character, self._position):
            return False
        self._position += 1
        return True

    def _error(self, what: str) -> DecodeError:
        return DecodeError(f"JSON, {line_and_column(self._text, self._position)}: {what}")


def line_and_column(text: str, position: int) -> str:
    """`line:column`, both from 1, of an offset in a text."""
    line_start = text.rfind("\n", 0, position) + 1
    return f"{text.count(chr(10), 0, position) + 1}:{position - line_start + 1}"
