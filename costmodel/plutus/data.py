"""Plutus Data.

An integer node is a Python int and a bytestring node is bytes; the three composite forms are the classes below. Data
can be nested as deeply as its author pleases, so nothing here recurses.
"""

from dataclasses import dataclass


class _DataNode:
    """Base of the composite forms. Equality is structural; nodes are not hashable."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _DataNode):
            return NotImplemented
        return data_equal(self, other)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


@dataclass(slots=True, eq=False, repr=False)
class DataConstr(_DataNode):
    """A constructor. Only tags that fit in 64 unsigned bits survive CBOR, but others can be built."""

    tag: int
    fields: "tuple[Data, ...]"


@dataclass(slots=True, eq=False, repr=False)
class DataMap(_DataNode):
    """Entries in their order, duplicates included."""

    entries: "tuple[tuple[Data, Data], ...]"


@dataclass(slots=True, eq=False, repr=False)
class DataList(_DataNode):
    items: "tuple[Data, ...]"


Data = int | bytes | DataConstr | DataMap | DataList


def data_equal(left_data: object, right_data: object) -> bool:
    """Structural equality of two Data."""
    stack: list[tuple[object, object]] = [(left_data, right_data)]
    while stack:
        left, right = stack.pop()
        if left is right:
            continue
        if type(left) is not type(right):
            return False
        match left, right:
            case DataConstr(), DataConstr():
                if left.tag != right.tag or len(left.fields) != len(right.fields):
                    return False
                stack.extend(zip(left.fields, right.fields, strict=True))
            case DataList(), DataList():
                if len(left.items) != len(right.items):
                    return False
                stack.extend(zip(left.items, right.items, strict=True))
            case DataMap(), DataMap():
                if len(left.entries) != len(right.entries):
                    return False
                for left_entry, right_entry in zip(left.entries, right.entries, strict=True):
                    stack.extend(zip(left_entry, right_entry, strict=True))
            case _:
                if left != right:
                    return False
    return True


def data_parts(node: Data) -> list[Data]:
    """The Data right below a node, in order; keys and values of a map alternate."""
    match node:
        case DataConstr():
            return list(node.fields)
        case DataList():
            return list(node.items)
        case DataMap():
            return [part for entry in node.entries for part in entry]
    return []
