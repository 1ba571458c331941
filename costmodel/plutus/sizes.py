"""Sizes of constants by each measure, and the measures that one could take for a type.

Source: PlutusCore.Evaluation.Machine.ExMemoryUsage of plutus v1.68. The machine measures natively
(native/builtins/sizes.c); this is for the design of measurements, and a test compares both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from costmodel.plutus.builtins import SizeMeasure, default_measure
from costmodel.plutus.data import Data, DataConstr, DataList, DataMap
from costmodel.plutus.universe import Constant

MOST: Final = 2**63 - 1
"""Sizes saturate here."""

RIVALS: Final[dict[str, tuple[SizeMeasure, ...]]] = {
    "string": (SizeMeasure.TEXT_CHARACTERS, SizeMeasure.TEXT_UTF8_BYTES_QUOT_4),
    "data": (SizeMeasure.DATA_WORDS, SizeMeasure.DATA_NODES),
    "value": (
        SizeMeasure.VALUE_ENTRIES,
        SizeMeasure.VALUE_POLICIES,
        SizeMeasure.VALUE_MAX_DEPTH,
        SizeMeasure.VALUE_OUTER_DEPTH,
    ),
}
"""The measures that an argument of a type could be priced by, where there are several."""

_WORD_BITS: Final = 64
_WORD_BYTES: Final = 8
_DATA_NODE_WORDS: Final = 4


def size_of(constant: Constant, measure: SizeMeasure) -> int:
    """The size of a constant. ValueError for a measure that its type does not have."""
    head = constant.type.head
    if measure is SizeMeasure.ARGUMENT_TYPE:
        measure = default_measure(head)
    function = _SIZES.get((head, measure)) or _SIZES.get((None, measure))
    if function is None:
        raise ValueError(f"no {head} has a size by {measure.name}")
    return min(function(constant.value), MOST)


def integer_words(value: int) -> int:
    """⌊log2 |n|⌋ div 64 + 1, and 1 for 0."""
    return max(abs(value).bit_length() - 1, 0) // _WORD_BITS + 1


def bytes_words(value: bytes) -> int:
    """(length − 1) quot 8 + 1, so 1 for the empty string."""
    return max(len(value) - 1, 0) // _WORD_BYTES + 1


def _bytes_as_words(value: int) -> int:
    return (abs(value) - 1) // _WORD_BYTES + 1


def _data_size(value: Data) -> tuple[int, int]:
    """Nodes, and words of what integers and byte strings hold."""
    nodes, held, stack = 0, 0, [value]
    while stack:
        node = stack.pop()
        nodes += 1
        match node:
            case int():
                held += integer_words(node)
            case bytes():
                held += bytes_words(node)
            case DataConstr():
                stack.extend(node.fields)
            case DataList():
                stack.extend(node.items)
            case DataMap():
                stack.extend(part for entry in node.entries for part in entry)
    return nodes, held


def _data_words(value: Data) -> int:
    nodes, held = _data_size(value)
    return _DATA_NODE_WORDS * nodes + held


def _widest(value: Any) -> int:
    return max((len(tokens) for _, tokens in value), default=0)


_SIZES: Final[dict[tuple[str | None, SizeMeasure], Callable[[Any], int]]] = {
    ("integer", SizeMeasure.INTEGER_WORDS): integer_words,
    ("integer", SizeMeasure.INTEGER_LITERALLY): abs,
    ("integer", SizeMeasure.INTEGER_BYTES_AS_WORDS): _bytes_as_words,
    ("bytestring", SizeMeasure.BYTESTRING_WORDS): bytes_words,
    ("string", SizeMeasure.TEXT_CHARACTERS): len,
    ("string", SizeMeasure.TEXT_UTF8_BYTES_QUOT_4): lambda text: len(text.encode()) // 4,
    ("data", SizeMeasure.DATA_WORDS): _data_words,
    ("data", SizeMeasure.DATA_NODES): lambda value: _data_size(value)[0],
    ("list", SizeMeasure.LENGTH): len,
    ("array", SizeMeasure.LENGTH): len,
    ("value", SizeMeasure.VALUE_ENTRIES): lambda value: sum(len(tokens) for _, tokens in value),
    ("value", SizeMeasure.VALUE_POLICIES): len,
    ("value", SizeMeasure.VALUE_OUTER_DEPTH): lambda value: len(value).bit_length(),
    ("value", SizeMeasure.VALUE_MAX_DEPTH): lambda value: len(value).bit_length() + _widest(value).bit_length(),
    (None, SizeMeasure.G1_WORDS): lambda _: 18,
    (None, SizeMeasure.G2_WORDS): lambda _: 36,
    (None, SizeMeasure.ML_RESULT_WORDS): lambda _: 72,
    (None, SizeMeasure.ONE): lambda _: 1,
    (None, SizeMeasure.PAIR_UNUSABLE): lambda _: MOST,
}
