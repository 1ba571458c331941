"""Memory costs checked: what each builtin's result takes, in words, against what its costing function charges.

Upstream writes memory models by hand, for the size of the result only, where the result is new. Nothing is timed here:
every builtin is applied at all points of its domain, and the result is sized by the ledger's own measures (ExMemory).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from costmodel.errors import ModelError
from costmodel.experiments.domains import DOMAINS, Sizes
from costmodel.experiments.points import measured_sizes
from costmodel.experiments.terms import Application, Item, Operands, constant_of, version_of
from costmodel.model import CostingFunction, CostModel
from costmodel.plutus import BUILTIN_BY_NAME, Builtin, Constant, SizeMeasure
from costmodel.plutus.sizes import size_of
from costmodel.records import evaluation as records

_CELL_WORDS: Final = 3
_FIXED: Final = {"bool": 1, "unit": 1, "bls12_381_G1_element": 18, "bls12_381_G2_element": 36, "bls12_381_mlresult": 72}


class MemoryFinding(StrEnum):
    """What a check came to: the charge is the size everywhere; never below it; somewhere below; or the result is
    shared with the arguments, so that its size is nothing to charge for."""

    EXACT = "exact"
    COVERED = "covered"
    UNDER = "under"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class ResultSize:
    """A builtin at some sizes: what is charged and what the result takes, in words."""

    sizes: Sizes
    charged: int
    result: int

    def record(self) -> records.MemoryPoint:
        """As documents have it."""
        return records.MemoryPoint(sizes=self.sizes, charged_words=self.charged, result_words=self.result)


@dataclass(frozen=True, slots=True)
class MemoryCheck:
    """One builtin. `points` are all that were tried: none where the result is shared."""

    builtin: str
    function: CostingFunction
    points: tuple[ResultSize, ...]

    @property
    def finding(self) -> MemoryFinding:
        if not self.points:
            return MemoryFinding.SHARED
        if any(point.charged < point.result for point in self.points):
            return MemoryFinding.UNDER
        return (
            MemoryFinding.EXACT
            if all(point.charged == point.result for point in self.points)
            else MemoryFinding.COVERED
        )

    @property
    def exact(self) -> int:
        """At how many points the charge is the size."""
        return sum(point.charged == point.result for point in self.points)

    @property
    def worst_under(self) -> ResultSize | None:
        """Where the charge falls short of the size by most words."""
        short = [point for point in self.points if point.charged < point.result]
        return max(short, key=lambda point: point.result - point.charged, default=None)

    @property
    def worst_over(self) -> ResultSize | None:
        """Where the charge exceeds the size by most words."""
        dear = [point for point in self.points if point.charged > point.result]
        return max(dear, key=lambda point: point.charged - point.result, default=None)

    def record(self) -> records.MemoryCheckRecord:
        """As documents have it."""
        under, over = self.worst_under, self.worst_over
        return records.MemoryCheckRecord(
            builtin=self.builtin,
            shape=self.function.shape.id.tag,
            finding=self.finding.value,
            points=len(self.points),
            exact=self.exact,
            worst_under=None if under is None else under.record(),
            worst_over=None if over is None else over.record(),
        )


def check_memory(model: CostModel, builtins: Iterable[str], seed: int = 0) -> tuple[MemoryCheck, ...]:
    """Check builtins that have a domain, by name; `seed` makes the operands. ModelError for one that is not priced."""
    return tuple(_check(model, BUILTIN_BY_NAME[name], seed) for name in sorted(set(builtins)))


def _check(model: CostModel, builtin: Builtin, seed: int) -> MemoryCheck:
    cost = model.builtins.get(builtin.name)
    if cost is None:
        raise ModelError(f"{model.source} has no cost for {builtin.name}; use a model that has")
    if builtin.shares:
        return MemoryCheck(builtin.name, cost.memory, ())
    points = tuple(ResultSize(sizes, cost.memory.evaluate(sizes), result) for sizes, result in _points(builtin, seed))
    return MemoryCheck(builtin.name, cost.memory, points)


def _points(builtin: Builtin, seed: int) -> Iterator[tuple[Sizes, int]]:
    """Sizes of the builtin's domain, and the words that its result takes there."""
    domain = DOMAINS[builtin.name]
    for point in domain.candidates:
        rng = random.Random(f"{seed} memory {builtin.name} {point}")
        prepared, (operands,) = domain.prepare(point, 1, rng)
        sizes = measured_sizes(builtin, prepared, operands)[0] if domain.explored else point
        yield sizes, _result_words(builtin, prepared, operands)


def _result_words(builtin: Builtin, prepared: list[Item], operands: Operands) -> int:
    if builtin.result_type in _FIXED:
        return _FIXED[builtin.result_type]
    result = constant_of([*prepared, Application(builtin, operands)], version_of(builtin))
    # The cells of a list are new, what they hold is shared.
    return _CELL_WORDS * len(result.value) if result.type.head == "list" else words(result)


def words(constant: Constant) -> int:
    """The size of a constant by the ledger's measure for its type, in variants D and E."""
    text = constant.type.head == "string"
    return size_of(constant, SizeMeasure.TEXT_UTF8_BYTES_QUOT_4 if text else SizeMeasure.ARGUMENT_TYPE)
