"""Constant types and constants in textual UPLC, read by the rules of the official parser."""

import re
from typing import Any, Final

from costmodel.errors import DecodeError
from costmodel.plutus.data import DataConstr, DataList, DataMap
from costmodel.plutus.lexer import Lexer
from costmodel.plutus.universe import (
    DATA,
    GROUP_ELEMENT_BYTES,
    TYPE_ARITY,
    TYPE_TAGS,
    VALUE_ENTRIES,
    Constant,
    ConstantType,
    check_value_entries,
    list_of,
    pair_of,
)

# The official parser tries the names in order and takes the first that the text begins with; none begins another.
_TYPE_NAME: Final = re.compile("|".join(TYPE_TAGS))
_DATA_FORM: Final = re.compile("Constr|Map|List|I|B")

_DATA_FIELDS: Final = list_of(DATA)
_DATA_ENTRIES: Final = list_of(pair_of(DATA, DATA))


def parse_constant(lexer: Lexer) -> Constant:
    """A type and a value of it. DecodeError with line and column."""
    start = lexer.position
    type_ = _parse_type(lexer)
    if not type_.complete:
        raise lexer.error(f"type {type_.head} takes {TYPE_ARITY[type_.head]} arguments", start)
    # Only a Data constant by itself stands in parentheses; Data within another constant does not.
    if type_ == DATA:
        lexer.expect("(")
        value = _parse_value(lexer, type_)
        lexer.expect(")")
    else:
        value = _parse_value(lexer, type_)
    return Constant(type_, value)


def _parse_type(lexer: Lexer) -> ConstantType:
    # One entry for each open parenthesis: the type that stands in it so far.
    parens: list[ConstantType | None] = []
    while True:
        if lexer.accept("("):
            parens.append(None)
            continue
        start = lexer.position
        if parens and parens[-1] is not None and lexer.accept(")"):
            finished = parens[-1]
            parens.pop()
        else:
            name = lexer.match(_TYPE_NAME)
            if name is None:
                raise lexer.error("a type is expected here")
            finished = ConstantType(name)
        if not parens:
            return finished
        head = parens[-1]
        try:
            parens[-1] = finished if head is None else head.apply(finished)
        except ValueError as error:
            raise lexer.error(str(error), start) from None


class _TextValueFrame:
    """A value of several parts that is being read: `shape` is a list, array or pair, `wrap` what becomes of it."""

    __slots__ = ("items", "shape", "start", "tag", "wrap")

    def __init__(self, shape: ConstantType, wrap: str, start: int, tag: int = 0) -> None:
        self.shape = shape
        self.wrap = wrap
        self.start = start
        self.tag = tag
        self.items: list[Any] = []

    def begin(self, lexer: Lexer) -> None:
        lexer.expect("(" if self.shape.head == "pair" else "[")

    def next_part(self, lexer: Lexer) -> ConstantType | None:
        """Type of the next part, past the punctuation before it; None, past the closing one, after the last."""
        count = len(self.items)
        if self.shape.head == "pair":
            if count == len(self.shape.args):
                lexer.expect(")")
                return None
            if count:
                lexer.expect(",")
            return self.shape.args[count]
        if count == 0:
            return None if lexer.accept("]") else self.shape.args[0]
        if lexer.accept(","):
            return self.shape.args[0]
        lexer.expect("]")
        return None

    def build(self, lexer: Lexer) -> Any:
        items = tuple(self.items)
        if self.wrap == "Constr":
            return DataConstr(self.tag, items)
        if self.wrap == "Map":
            return DataMap(items)
        if self.wrap == "List":
            return DataList(items)
        if self.wrap == "value":
            try:
                check_value_entries(items)
            except DecodeError as error:
                raise lexer.error(str(error), self.start) from None
        return items


def _parse_value(lexer: Lexer, type_: ConstantType) -> Any:
    frames: list[_TextValueFrame] = []
    current: ConstantType | None = type_
    while True:
        value = frames.pop().build(lexer) if current is None else _begin(lexer, current)
        if isinstance(value, _TextValueFrame):
            value.begin(lexer)
            frames.append(value)
        else:
            if not frames:
                return value
            frames[-1].items.append(value)
        current = frames[-1].next_part(lexer)


def _begin(lexer: Lexer, type_: ConstantType) -> Any:
    """A whole leaf, or the frame of a composite."""
    start = lexer.position
    head = type_.head
    if head in ("list", "array", "pair"):
        return _TextValueFrame(type_, head, start)
    if head == "value":
        return _TextValueFrame(VALUE_ENTRIES, head, start)
    if head == "data":
        return _begin_data(lexer, start)
    return _parse_leaf(lexer, head)


def _begin_data(lexer: Lexer, start: int) -> Any:
    form = lexer.match(_DATA_FORM)
    match form:
        case "I":
            return lexer.integer()
        case "B":
            return lexer.bytestring()
        case "Map":
            return _TextValueFrame(_DATA_ENTRIES, form, start)
        case "List":
            return _TextValueFrame(_DATA_FIELDS, form, start)
        case "Constr":
            return _TextValueFrame(_DATA_FIELDS, form, start, lexer.integer())
        case _:
            raise lexer.error("Constr, Map, List, I or B is expected here")


def _parse_leaf(lexer: Lexer, head: str) -> Any:
    match head:
        case "integer":
            return lexer.integer()
        case "bytestring":
            return lexer.bytestring()
        case "string":
            return lexer.string()
        case "bool":
            return lexer.boolean()
        case "unit":
            lexer.expect("(")
            lexer.expect(")")
            return None
        case "bls12_381_mlresult":
            raise lexer.error("constants of type bls12_381_mlresult are not supported")
        case _:
            return _parse_group_element(lexer, head)


def _parse_group_element(lexer: Lexer, head: str) -> bytes:
    start = lexer.position
    element = lexer.bytestring(prefix="0x")
    if len(element) != GROUP_ELEMENT_BYTES[head]:
        raise lexer.error(f"a {head} has {GROUP_ELEMENT_BYTES[head]} bytes, not {len(element)}", start)
    return element
