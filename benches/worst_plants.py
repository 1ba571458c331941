"""Slow paths to plant in an evaluator, each in inputs that have something that sizes do not tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from costmodel.plutus import (
    Apply,
    BuiltinTerm,
    Const,
    DataConstr,
    DataList,
    DataMap,
    Force,
    Lam,
    Term,
    Var,
    decode_flat,
)
from costmodel.plutus.term import children
from costmodel.runs.design import Cell

_DEEP: Final = 200
_NESTED: Final = 20
_EARLY_BYTES: Final = 8


@dataclass(frozen=True)
class Plant:
    """What is planted in a price: which programs have it, and which parameters may be named as its cause."""

    price: str
    what: str
    has: Callable[[Term], bool]
    parameters: tuple[str, ...]


def _constants(term: Term) -> Iterator[Any]:
    """Values of the constants of a program, in order."""
    waiting = [term]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Const):
            yield each.constant.value
        waiting += reversed(children(each))


def _all_ones(term: Term) -> bool:
    values = (abs(value) for value in _constants(term) if isinstance(value, int))
    return any(
        value.bit_length() > 64 and value.bit_length() % 64 == 0 and value & (value + 1) == 0 for value in values
    )


def _first_without_tokens(term: Term) -> bool:
    first = (value.entries[0][1] for value in _constants(term) if isinstance(value, DataMap) and value.entries)
    return any(isinstance(tokens, DataMap) and not tokens.entries for tokens in first)


def _applied(term: Term, builtin: str) -> Iterator[list[Any]]:
    """Constants that a program applies a builtin to, an application after another."""
    items: list[Term] = []
    while isinstance(term, Apply) and isinstance(term.function, Lam):
        items.append(term.argument)
        depth, each = len(items) - 1, term.argument
        operands: list[Any] = []
        while isinstance(each, Apply | Force):
            if isinstance(each, Apply) and isinstance(each.argument, Var):
                bound = items[depth - each.argument.index]
                operands.insert(0, bound.constant.value if isinstance(bound, Const) else None)
            each = each.function if isinstance(each, Apply) else each.body
        if operands and isinstance(each, BuiltinTerm) and each.builtin.name == builtin:
            yield operands
        term = term.function.body


def _differ_early(term: Term) -> bool:
    return any(
        len(one) > _EARLY_BYTES and len(one) == len(other) and one[:_EARLY_BYTES] != other[:_EARLY_BYTES]
        for one, other in _applied(term, "equalsByteString")
    )


def _nested_left(term: Term) -> bool:
    for value in _constants(term):
        depth, inner = 0, value
        while True:
            match inner:
                case DataConstr(fields=parts) | DataList(items=parts) if parts:
                    inner = parts[0]
                case DataMap(entries=entries) if entries:
                    inner = entries[0][0]
                case _:
                    break
            depth += 1
        if depth >= _NESTED:
            return True
    return False


def _deep_environment(term: Term) -> bool:
    depth = 0
    while isinstance(term, Apply):
        function = term.function
        while isinstance(function, Force):
            function = children(function.body)[0]
        if not isinstance(function, Lam):
            break
        depth, term = depth + 1, function.body
    return depth >= _DEEP


PLANTS: Final = (
    Plant("addInteger", "an integer of ones only", _all_ones, ("first limbs", "second limbs")),
    Plant("serialiseData", "a Value whose first policy has no tokens", _first_without_tokens, ("data shape",)),
    Plant("equalsByteString", "byte strings that differ early", _differ_early, ("compared", "difference")),
    Plant("equalsData", "Data nested to the left", _nested_left, ("data shape", "data nodes")),
    Plant("steps/environment", "an environment 200 deep", _deep_environment, ("depth",)),
)


def planted_in(cell: Cell, plants: Iterable[Plant]) -> int:
    """How many of the plants the program of a cell has."""
    tried = [plant for plant in plants if cell.repeats and plant.price == cell.operation]
    return sum(plant.has(decode_flat(cell.flat).term) for plant in tried)
