"""What changes between two cost models: costs at typical sizes, for integers do not say what a script pays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from costmodel.model.costing import CostingFunction
from costmodel.model.costmodel import STARTUP_KEY, CostModel, StepKind
from costmodel.model.ledger import Variant, builtin_file_order
from costmodel.model.units import ExUnits
from costmodel.plutus.builtins import BUILTIN_BY_NAME, SizeMeasure
from costmodel.records import finite
from costmodel.records import parameters as records

# Small, middling and large sizes of an argument, within what upstream's benchmarks and the ledger's limits span.
_TYPICAL: dict[SizeMeasure, tuple[int, int, int]] = {
    SizeMeasure.INTEGER_WORDS: (1, 8, 31),
    SizeMeasure.INTEGER_LITERALLY: (1, 100, 1000),
    SizeMeasure.INTEGER_BYTES_AS_WORDS: (4, 64, 1024),
    SizeMeasure.BYTESTRING_WORDS: (4, 64, 1000),
    SizeMeasure.TEXT_CHARACTERS: (8, 100, 2000),
    SizeMeasure.TEXT_UTF8_BYTES_QUOT_4: (8, 100, 2000),
    SizeMeasure.DATA_WORDS: (8, 100, 2000),
    SizeMeasure.DATA_NODES: (2, 25, 500),
    SizeMeasure.LENGTH: (1, 10, 100),
    SizeMeasure.VALUE_ENTRIES: (1, 20, 500),
    SizeMeasure.VALUE_MAX_DEPTH: (2, 6, 11),
    SizeMeasure.VALUE_POLICIES: (1, 20, 500),
    SizeMeasure.VALUE_OUTER_DEPTH: (1, 5, 9),
    SizeMeasure.G1_WORDS: (18, 18, 18),
    SizeMeasure.G2_WORDS: (36, 36, 36),
    SizeMeasure.ML_RESULT_WORDS: (72, 72, 72),
    SizeMeasure.ONE: (1, 1, 1),
    SizeMeasure.PAIR_UNUSABLE: (1, 1, 1),
    SizeMeasure.ARGUMENT_TYPE: (1, 1, 1),
}
# Levels of the first two arguments: equal ones, and a large one beside a small one either way, since many costs
# depend on which is the larger. Further arguments have the first one's level.
_LEVELS = ((0, 0), (1, 1), (2, 2), (2, 0), (0, 2))


@dataclass(frozen=True, slots=True)
class CostChange:
    """One cost at one combination of sizes, in ps (cpu) or words (memory). None: the model has no such entry."""

    sizes: tuple[int, ...]
    before: int | None
    after: int | None

    @property
    def factor(self) -> float:
        """The new cost by the old one; infinite where an entry, or any cost, appears, and 0 where it goes."""
        if self.before == self.after:
            return 1.0
        if not self.before or not self.after:
            return math.inf if self.after else 0.0
        return self.after / self.before

    @property
    def size(self) -> float:
        """How far the factor is from 1, the same for a price that is doubled and one that is halved."""
        return abs(math.log(self.factor)) if 0 < self.factor < math.inf else 0 if self.factor == 1 else math.inf

    @property
    def change(self) -> float:
        """Relative change; infinite where an entry, or any cost, appears or goes."""
        if self.before == self.after:
            return 0.0
        if not self.before or not self.after:
            return math.inf if self.after else -math.inf
        return self.after / self.before - 1


@dataclass(frozen=True, slots=True)
class EntryChange:
    """One costing function or step cost at typical sizes. `resource` is "cpu" or "memory"."""

    name: str
    resource: Literal["cpu", "memory"]
    costs: tuple[CostChange, ...]

    @property
    def worst(self) -> CostChange:
        """The cost that changes most."""
        return max(self.costs, key=lambda cost: cost.size)

    @property
    def group(self) -> int:
        """0 for an entry of both models, 1 for one that is new, and 2 for one that was removed."""
        cost = self.costs[0]
        return 1 if cost.before is None else 2 if cost.after is None else 0

    def record(self) -> records.EntryChangeRecord:
        """As documents have it."""
        costs = tuple(
            records.CostChangeRecord(
                sizes=cost.sizes,
                before=cost.before,
                after=cost.after,
                change=finite(cost.change),
                factor=cost.factor if 0 < cost.factor < math.inf else None,
            )
            for cost in self.costs
        )
        return records.EntryChangeRecord(name=self.name, resource=self.resource, costs=costs)


def compare_costs(before: CostModel, after: CostModel, variant: Variant) -> tuple[EntryChange, ...]:
    """Every entry of either model whose cost differs at some typical size: by the factor, whether up or down, the
    greatest first, then entries that only the second model has, and at the end those that only the first has.

    `variant` says how arguments are measured.
    """
    changes = [*_builtins(before, after, variant), *_steps(before, after)]
    differing = [each for each in changes if each.worst.change != 0]
    return tuple(sorted(differing, key=lambda each: (each.group, -each.worst.size, each.name, each.resource)))


def typical_sizes(builtin: str, variant: Variant) -> tuple[tuple[int, ...], ...]:
    """The combinations of argument sizes at which a builtin is compared: small, middling, large, and unequal ones."""
    typical = [_TYPICAL[measure] for measure in BUILTIN_BY_NAME[builtin].size_measures(variant.value)]
    combinations = (
        tuple(sizes[second if position == 1 else first] for position, sizes in enumerate(typical))
        for first, second in _LEVELS
    )
    return tuple(dict.fromkeys(combinations))


def _builtins(before: CostModel, after: CostModel, variant: Variant) -> Iterator[EntryChange]:
    for name in builtin_file_order():
        old, new = before.builtins.get(name), after.builtins.get(name)
        if old is None and new is None:
            continue
        points = typical_sizes(name, variant)
        for resource in ("cpu", "memory"):
            functions = [None if cost is None else getattr(cost, resource) for cost in (old, new)]
            yield EntryChange(
                name, resource, tuple(CostChange(at, *(_cost(f, at) for f in functions)) for at in points)
            )


def _cost(function: CostingFunction | None, sizes: tuple[int, ...]) -> int | None:
    return None if function is None else function.evaluate(sizes)


def _steps(before: CostModel, after: CostModel) -> Iterator[EntryChange]:
    pairs: list[tuple[str, ExUnits | None, ExUnits | None]] = [(STARTUP_KEY, before.startup, after.startup)]
    pairs += [(kind.json_key, before.steps.get(kind), after.steps.get(kind)) for kind in StepKind]
    for name, old, new in pairs:
        yield EntryChange(name, "cpu", (CostChange((), old.cpu if old else None, new.cpu if new else None),))
        yield EntryChange(name, "memory", (CostChange((), old.mem if old else None, new.mem if new else None),))
