"""The nodes of a Data, visited without recursion."""

from __future__ import annotations

from collections.abc import Iterator

from costmodel.plutus import Data, DataConstr, DataList, DataMap


def parts(node: Data) -> list[Data]:
    """The Data right below a node, in order; keys and values of a map alternate."""
    match node:
        case DataConstr():
            return list(node.fields)
        case DataList():
            return list(node.items)
        case DataMap():
            return [part for entry in node.entries for part in entry]
    return []


def nodes(data: Data) -> Iterator[Data]:
    """Every node of a Data, itself included, each before the ones below it."""
    stack = [data]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(parts(node))
