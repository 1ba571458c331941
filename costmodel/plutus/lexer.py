"""Tokens of textual UPLC.

The official parser works on characters, not on tokens: `(coninteger5)` is a legal constant to it. This does the same,
so every method takes what it is asked for at the current position and then skips white space and comments.
"""

import re
from collections.abc import Iterator
from typing import Final

from costmodel.errors import DecodeError
from costmodel.plutus.decimal_digits import parse_decimal
from costmodel.plutus.json_text import line_and_column

# What Haskell's isSpace holds for space.
_SPACE: Final = re.compile("(?:[ \t\n\r\f\v\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]|--[^\n]*)+")
_BLOCK_COMMENT_PART: Final = re.compile(r"\{-|-\}")
_SIGN: Final = re.compile(r"[+-]")
_DIGITS: Final = re.compile(r"[0-9]+")
_HEX: Final = re.compile(r"[0-9a-fA-F]*")
_VERSION: Final = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})\.([0-9]{1,19})(?![0-9])")
_BOOLEAN: Final = re.compile("True|False")
_NAME: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_']*)(?:-([0-9]+))?")
_NAME_EXTENSION: Final = re.compile(r"[A-Za-z0-9_'-]+")
# Quoted identifiers: any ASCII letters, digits, punctuation and symbols but the quote.
_QUOTED_NAME: Final = re.compile(r"`([!-_a-~]+)`(?:-([0-9]+))?")

# A literal character may take this many characters of text in the official parser.
_LITERAL_WINDOW: Final = 10
# No file in UTF-8 holds surrogates, but a str may, and a constant must not.
_PLAIN: Final = re.compile(r'[^"\\\ud800-\udfff]+')
_SIMPLE_ESCAPES: Final = dict(zip("abfnrtv\\\"'", "\a\b\f\n\r\t\v\\\"'", strict=True))
# In the order of their code points, 0 to 32; DEL is 127.
_ASCII_NAMES: Final = re.findall(
    r"\w+",
    "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS "
    "US SP",
)
_ASCII_ESCAPES: Final = {name: chr(code) for code, name in enumerate(_ASCII_NAMES)} | {"DEL": "\x7f"}
_ESCAPE: Final = re.compile(
    r"\\(?:"
    r"(?P<simple>[abfnrtv\\\"'])"
    r"|(?P<decimal>[0-9]+)|[xX](?P<hexadecimal>[0-9a-fA-F]+)|[oO](?P<octal>[0-7]+)"
    r"|\^(?P<control>[@-_])"
    # SOH before SO: the longest name counts.
    r"|(?P<ascii>" + "|".join(sorted(_ASCII_ESCAPES, key=len, reverse=True)) + ")"
    r")"
)
_EMPTY_ESCAPE: Final = r"\&"
_LAST_CODE_POINT: Final = 0x10FFFF
_REPLACEMENT: Final = "\ufffd"


class Lexer:
    """A position in a text, always past white space and comments."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.skip_space()

    def error(self, what: str, position: int | None = None) -> DecodeError:
        at = self.position if position is None else position
        return DecodeError(f"textual UPLC, {line_and_column(self.text, at)}: {what}")

    def skip_space(self) -> None:
        text = self.text
        while True:
            if space := _SPACE.match(text, self.position):
                self.position = space.end()
            if not text.startswith("{-", self.position):
                return
            self._skip_block_comment()

    def _skip_block_comment(self) -> None:
        start = self.position
        depth = 0
        while True:
            part = _BLOCK_COMMENT_PART.search(self.text, self.position)
            if part is None:
                raise self.error("a block comment is not closed", start)
            self.position = part.end()
            depth += 1 if part.group() == "{-" else -1
            if depth == 0:
                return

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.position : self.position + 1]

    def at_end(self) -> bool:
        return self.position == len(self.text)

    def accept(self, symbol: str) -> bool:
        """Takes a symbol if it is next."""
        if not self.text.startswith(symbol, self.position):
            return False
        self.position += len(symbol)
        self.skip_space()
        return True

    def expect(self, symbol: str) -> None:
        if not self.accept(symbol):
            found = "the end" if self.at_end() else repr(self.peek())
            raise self.error(f"{symbol!r} is expected here, not {found}")

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Takes what a pattern matches here, if anything."""
        found = pattern.match(self.text, self.position)
        if found is None:
            return None
        self.position = found.end()
        self.skip_space()
        return found.group()

    def natural(self) -> int:
        digits = self.match(_DIGITS)
        if digits is None:
            raise self.error("digits are expected here")
        return parse_decimal(digits)

    def integer(self) -> int:
        sign = self.match(_SIGN)
        natural = self.natural()
        return -natural if sign == "-" else natural

    def version(self) -> tuple[int, int, int]:
        start = self.position
        found = _VERSION.match(self.text, start)
        if found is None:
            raise self.error("a version such as 1.1.0 is expected here")
        self.position = found.end()
        self.skip_space()
        major, minor, patch = found.groups()
        return int(major), int(minor), int(patch)

    def boolean(self) -> bool:
        word = self.match(_BOOLEAN)
        if word is None:
            raise self.error("True or False is expected here")
        return word == "True"

    def bytestring(self, prefix: str = "#") -> bytes:
        """Pairs of hexadecimal digits, none included, right after a prefix."""
        if not self.text.startswith(prefix, self.position):
            raise self.error(f"{prefix!r} and hexadecimal digits are expected here")
        start = self.position
        found = _HEX.match(self.text, start + len(prefix))
        digits = found.group() if found else ""
        if len(digits) % 2:
            raise self.error("a bytestring has an odd number of digits", start)
        self.position += len(prefix) + len(digits)
        self.skip_space()
        return bytes.fromhex(digits)

    def name(self) -> tuple[str, int | None]:
        """An identifier, with its number where it has the suffix `-number`."""
        start = self.position
        found = _NAME.match(self.text, start)
        if found:
            rest = _NAME_EXTENSION.match(self.text, found.end())
            if rest:
                raise self.error(f"{found.group()}{rest.group()} is not an identifier")
        else:
            found = _QUOTED_NAME.match(self.text, start)
        if found is None:
            raise self.error("an identifier is expected here")
        self.position = found.end()
        self.skip_space()
        identifier, suffix = found.groups()
        return identifier, None if suffix is None else parse_decimal(suffix)

    def string(self) -> str:
        """A string in double quotes, with Haskell's escapes. Surrogates become U+FFFD, as in the official parser."""
        start = self.position
        if self.peek() != '"':
            raise self.error("a string in double quotes is expected here")
        self.position += 1
        pieces = list(self._string_pieces(start))
        self.position += 1
        self.skip_space()
        return "".join(pieces)

    def _string_pieces(self, start: int) -> Iterator[str]:
        while True:
            if plain := _PLAIN.match(self.text, self.position):
                self.position = plain.end()
                yield plain.group()
                self._skip_empty_escapes()
                continue
            if self.at_end():
                raise self.error("a string is not closed", start)
            if self.peek() == '"':
                return
            if "\ud800" <= self.peek() <= "\udfff":
                raise self.error("a surrogate is no character of text")
            escape = _ESCAPE.match(self.text, self.position, min(self.position + _LITERAL_WINDOW, len(self.text)))
            character = _unescape(escape) if escape else None
            if escape is None or character is None:
                raise self.error("this escape is unknown")
            self.position = escape.end()
            yield character
            self._skip_empty_escapes()

    def _skip_empty_escapes(self) -> None:
        # Only after a character: a string that begins with one is an error in the official parser.
        while self.text.startswith(_EMPTY_ESCAPE, self.position):
            self.position += len(_EMPTY_ESCAPE)


def _unescape(escape: re.Match[str]) -> str | None:
    """The character of an escape; None if there is no such code point."""
    kind = escape.lastgroup or ""
    body = escape[kind]
    match kind:
        case "simple":
            return _SIMPLE_ESCAPES[body]
        case "control":
            return chr(ord(body) - ord("@"))
        case "ascii":
            return _ASCII_ESCAPES[body]
    code_point = int(body, {"decimal": 10, "hexadecimal": 16, "octal": 8}[kind])
    if code_point > _LAST_CODE_POINT:
        return None
    return _REPLACEMENT if 0xD800 <= code_point <= 0xDFFF else chr(code_point)
