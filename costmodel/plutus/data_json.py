"""Data in the detailed schema of cardano-cli.

`{"int": n}`, `{"bytes": "hex"}`, `{"list": [...]}`, `{"map": [{"k": ..., "v": ...}]}`,
`{"constructor": n, "fields": [...]}`. The schema's source: Cardano.Api.ScriptData of cardano-api.
"""

import re
from typing import Any, Final

from costmodel.errors import DecodeError
from costmodel.plutus.data import Data, DataConstr, DataList, DataMap
from costmodel.plutus.decimal_digits import format_decimal
from costmodel.plutus.json_text import parse_json

_HEX: Final = re.compile(r"[0-9a-fA-F]*")


def data_to_json(data: Data) -> str:
    """One line of JSON."""
    pieces: list[str] = []
    stack: list[Data | str] = [data]
    while stack:
        node = stack.pop()
        match node:
            case str():
                pieces.append(node)
            case int():
                pieces.append(f'{{"int": {format_decimal(node)}}}')
            case bytes():
                pieces.append(f'{{"bytes": "{node.hex()}"}}')
            case DataConstr():
                pieces.append(f'{{"constructor": {format_decimal(node.tag)}, "fields": [')
                _push(stack, list(node.fields))
            case DataList():
                pieces.append('{"list": [')
                _push(stack, list(node.items))
            case DataMap():
                pieces.append('{"map": [')
                stack.append("]}")
                for position, (key, value) in reversed(list(enumerate(node.entries))):
                    stack += ("}", value, ', "v": ', key, ', {"k": ' if position else '{"k": ')
    return "".join(pieces)


def _push(stack: list[Data | str], items: list[Data]) -> None:
    stack.append("]}")
    for position, item in reversed(list(enumerate(items))):
        stack.append(item)
        if position:
            stack.append(", ")


class _Composite:
    """Work item: make a composite out of the last results."""

    __slots__ = ("count", "kind", "tag")

    def __init__(self, kind: type, count: int, tag: int = 0) -> None:
        self.kind = kind
        self.count = count
        self.tag = tag

    def apply(self, results: list[Data]) -> None:
        start = len(results) - self.count
        items = tuple(results[start:])
        del results[start:]
        if self.kind is DataMap:
            results.append(DataMap(tuple(zip(items[::2], items[1::2], strict=True))))
        elif self.kind is DataConstr:
            results.append(DataConstr(self.tag, items))
        else:
            results.append(DataList(items))


def data_from_json(text: str) -> Data:
    """Data of a JSON document. DecodeError says what does not fit the schema."""
    results: list[Data] = []
    # Generic JSON still to be converted, in reverse, between instructions to assemble what was converted.
    stack: list[Any] = [parse_json(text)]
    while stack:
        node = stack.pop()
        if isinstance(node, _Composite):
            node.apply(results)
        elif isinstance(node, dict):
            _convert(node, stack, results)
        else:
            raise DecodeError(f"Data JSON: an object is expected where there is {_shorten(node)}")
    return results[0]


def _convert(node: dict[str, Any], stack: list[Any], results: list[Data]) -> None:
    match node:
        case {"int": int() as value} if len(node) == 1 and not isinstance(value, bool):
            results.append(value)
        case {"bytes": str() as digits} if len(node) == 1:
            results.append(_from_hex(digits))
        case {"list": list() as items} if len(node) == 1:
            stack.append(_Composite(DataList, len(items)))
            stack.extend(reversed(items))
        case {"map": list() as entries} if len(node) == 1:
            stack.append(_Composite(DataMap, 2 * len(entries)))
            for entry in reversed(entries):
                if not isinstance(entry, dict) or set(entry) != {"k", "v"}:
                    raise DecodeError(f'Data JSON: a map entry is {{"k": ..., "v": ...}}, not {_shorten(entry)}')
                stack += (entry["v"], entry["k"])
        case {"constructor": int() as tag, "fields": list() as fields} if len(node) == 2 and not isinstance(tag, bool):
            stack.append(_Composite(DataConstr, len(fields), tag))
            stack.extend(reversed(fields))
        case _:
            raise DecodeError(
                "Data JSON: an object is one of int, bytes, list, map, constructor with fields; "
                f"this one has the keys {_shorten(sorted(node))}"
            )


def _from_hex(digits: str) -> bytes:
    # bytes.fromhex alone would let spaces pass.
    if len(digits) % 2 or not _HEX.fullmatch(digits):
        raise DecodeError(f"Data JSON: {_shorten(digits)} is not hexadecimal")
    return bytes.fromhex(digits)


def _shorten(node: object) -> str:
    if isinstance(node, dict | list) and not all(isinstance(item, str) for item in node):
        return "an object" if isinstance(node, dict) else "a list"
    shown = repr(node)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
