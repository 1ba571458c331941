"""The nodes of a Data, visited without recursion."""

from __future__ import annotations

from collections.abc import Iterator

from costmodel.plutus import Data, data_parts


def nodes(data: Data) -> Iterator[Data]:
    """Every node of a Data, itself included, each before the ones below it."""
    stack = [data]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(data_parts(node))
