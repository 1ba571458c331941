"""Constant types and constants in flat.

Elements of G1 and G2 have no flat form on the chain. `allow_group_elements` gives them one for the way between text and
an evaluator in this project only: their compressed bytes as a bytestring.
"""

from collections.abc import Callable
from typing import Any, Final

from costmodel.errors import DecodeError, InputError
from costmodel.plutus.data_cbor import decode_data, encode_data
from costmodel.plutus.flat_bits import BitReader, BitWriter
from costmodel.plutus.universe import (
    GROUP_ELEMENT_BYTES,
    TYPE_ARITY,
    TYPE_TAGS,
    VALUE_ENTRIES,
    Constant,
    ConstantType,
    check_value_entries,
)

_TYPE_TAG_BITS: Final = 4
_APPLICATION_TAG: Final = 7
_TYPE_NAMES: Final = {tag: name for name, tag in TYPE_TAGS.items()}


def write_constant(writer: BitWriter, constant: Constant, allow_group_elements: bool) -> None:
    """InputError for a constant that has no flat form."""
    _write_type(writer, constant.type)
    # A type, its value, and whether the value is an element of a list, which a bit announces. None ends a list.
    stack: list[tuple[ConstantType, Any, bool] | None] = [(constant.type, constant.value, False)]
    while stack:
        work = stack.pop()
        if work is None:
            writer.bits(0, 1)
            continue
        type_, value, is_element = work
        if is_element:
            writer.bits(1, 1)
        if type_.head == "value":
            type_ = VALUE_ENTRIES
        if type_.head in ("list", "array"):
            stack.append(None)
            stack.extend((type_.args[0], item, True) for item in reversed(value))
        elif type_.head == "pair":
            stack += ((type_.args[1], value[1], False), (type_.args[0], value[0], False))
        else:
            _write_leaf(writer, type_.head, value, allow_group_elements)


def _write_type(writer: BitWriter, type_: ConstantType) -> None:
    stack = [type_]
    while stack:
        current = stack.pop()
        for _ in current.args:
            _write_type_tag(writer, _APPLICATION_TAG)
        _write_type_tag(writer, TYPE_TAGS[current.head])
        stack.extend(reversed(current.args))
    writer.bits(0, 1)


def _write_type_tag(writer: BitWriter, tag: int) -> None:
    writer.bits(1, 1)
    writer.bits(tag, _TYPE_TAG_BITS)


def _write_leaf(writer: BitWriter, head: str, value: Any, allow_group_elements: bool) -> None:
    if head in GROUP_ELEMENT_BYTES and allow_group_elements:
        writer.bytestring(value)
    elif head in _WRITERS:
        _WRITERS[head](writer, value)
    else:
        raise InputError(f"a constant of type {head} has no flat encoding")


_WRITERS: Final[dict[str, Callable[[BitWriter, Any], None]]] = {
    "integer": BitWriter.integer,
    "bytestring": BitWriter.bytestring,
    "string": lambda writer, value: writer.bytestring(value.encode()),
    "unit": lambda _writer, _value: None,
    "bool": lambda writer, value: writer.bits(int(value), 1),
    "data": lambda writer, value: writer.bytestring(encode_data(value)),
}


class _FlatValueFrame:
    """A list, array, pair or value whose parts are being read."""

    __slots__ = ("items", "type")

    def __init__(self, type_: ConstantType) -> None:
        self.type = type_
        self.items: list[Any] = []

    def next_part(self, reader: BitReader) -> ConstantType | None:
        """Type of the next part; None where there are no more."""
        if self.type.head == "pair":
            return self.type.args[len(self.items)] if len(self.items) < len(self.type.args) else None
        shape = VALUE_ENTRIES if self.type.head == "value" else self.type
        return shape.args[0] if reader.bits(1) else None

    def build(self) -> tuple[Any, ...]:
        value = tuple(self.items)
        if self.type.head == "value":
            check_value_entries(value)
        return value


def read_constant(reader: BitReader, allow_group_elements: bool) -> Constant:
    """DecodeError for a type or value that is not legal."""
    type_ = _read_type(reader)
    value = _read_value(reader, type_, allow_group_elements)
    return Constant(type_, value)


def _read_type(reader: BitReader) -> ConstantType:
    # Applications that await their function (None) or their argument.
    awaiting: list[ConstantType | None] = []
    complete: ConstantType | None = None
    while reader.bits(1):
        tag = reader.bits(_TYPE_TAG_BITS)
        if complete is not None:
            raise reader.error("type tags follow a whole type")
        if tag == _APPLICATION_TAG:
            awaiting.append(None)
            continue
        if tag not in _TYPE_NAMES:
            raise reader.error(f"type tag {tag} is unknown")
        complete = _apply_awaiting(reader, awaiting, ConstantType(_TYPE_NAMES[tag]))
    if complete is None:
        raise reader.error("a type is incomplete")
    if not complete.complete:
        raise reader.error(f"type {complete.head} takes {TYPE_ARITY[complete.head]} arguments")
    return complete


def _apply_awaiting(reader: BitReader, awaiting: list[ConstantType | None], type_: ConstantType) -> ConstantType | None:
    """Gives a finished type to the innermost application; the whole type once none is left."""
    while awaiting:
        function = awaiting.pop()
        if function is None:
            awaiting.append(type_)
            return None
        try:
            type_ = function.apply(type_)
        except ValueError as error:
            raise reader.error(str(error)) from None
    return type_


def _read_value(reader: BitReader, type_: ConstantType, allow_group_elements: bool) -> Any:
    frames: list[_FlatValueFrame] = []
    current: ConstantType | None = type_
    while True:
        if current is not None and current.head in ("list", "array", "pair", "value"):
            frames.append(_FlatValueFrame(current))
        else:
            if current is None:
                value: Any = frames.pop().build()
            else:
                value = _read_leaf(reader, current.head, allow_group_elements)
            if not frames:
                return value
            frames[-1].items.append(value)
        current = frames[-1].next_part(reader)


def _read_leaf(reader: BitReader, head: str, allow_group_elements: bool) -> Any:
    if head in GROUP_ELEMENT_BYTES and allow_group_elements:
        element = reader.bytestring()
        if len(element) != GROUP_ELEMENT_BYTES[head]:
            raise reader.error(f"a {head} has {GROUP_ELEMENT_BYTES[head]} bytes, not {len(element)}")
        return element
    if head in _READERS:
        return _READERS[head](reader)
    raise reader.error(f"a constant of type {head} has no flat encoding")


def _read_data(reader: BitReader) -> Any:
    cbor = reader.bytestring()
    try:
        return decode_data(cbor, whole=False)  # the node ignores what follows the item, as its library does
    except DecodeError as error:
        raise reader.error(str(error)) from None


_READERS: Final[dict[str, Callable[[BitReader], Any]]] = {
    "integer": BitReader.integer,
    "bytestring": BitReader.bytestring,
    "string": BitReader.text,
    "unit": lambda _reader: None,
    "bool": lambda reader: bool(reader.bits(1)),
    "data": _read_data,
}
