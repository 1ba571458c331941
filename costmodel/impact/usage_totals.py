"""What a whole corpus uses, by language: how many steps, and how often each builtin is called at which sizes.

Any prices can be tried on it. Large sizes are rounded to two digits, so that it stays small however large the corpus.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Final

from costmodel.machine.usage import Call, Usage
from costmodel.model import StepKind
from costmodel.records.impact import UsedCall, UsedTotals

EXACT: Final = 128
"""Sizes up to this are kept as they are."""

MOST_CALLS: Final = 2000
"""Different calls of a language that a document keeps: those that are made most often."""

_MOST_KNOWN: Final = 200_000  # different calls that are counted at all


class UsageSums:
    """Sums of usages of one language; added up in any order they are the same."""

    def __init__(self) -> None:
        self.evaluations = 0
        self.steps = [0] * len(StepKind)
        self.calls: Counter[Call] = Counter()

    def add(self, usage: Usage) -> None:
        self.evaluations += 1
        for place, kind in enumerate(StepKind):
            self.steps[place] += usage.steps.get(kind, 0)
        for call, count in usage.calls.items():
            self.calls[_rounded(call)] += count

    def packed(self) -> tuple[int, list[int], list[tuple[str, tuple[int, ...], int]]]:
        """As they cross to another process."""
        return self.evaluations, self.steps, [(name, sizes, count) for (name, sizes), count in self.calls.items()]

    def merge(self, evaluations: int, steps: list[int], calls: list[tuple[str, tuple[int, ...], int]]) -> None:
        """Add what another process has packed."""
        self.evaluations += evaluations
        self.steps = [one + other for one, other in zip(self.steps, steps, strict=True)]
        for name, sizes, count in calls:
            if (name, sizes) in self.calls or len(self.calls) < _MOST_KNOWN:
                self.calls[name, sizes] += count

    def record(self, language: str) -> UsedTotals:
        """As a document has it."""
        order = sorted(self.calls.items(), key=lambda each: (-each[1], each[0]))
        kept = order[:MOST_CALLS]
        return UsedTotals(
            language=language,
            evaluations=self.evaluations,
            steps={kind.json_key: count for kind, count in zip(StepKind, self.steps, strict=True)},
            calls=tuple(UsedCall(builtin=name, sizes=sizes, count=count) for (name, sizes), count in sorted(kept)),
            left_out=sum(count for _, count in order[MOST_CALLS:]),
        )


@lru_cache(maxsize=1 << 16)
def _rounded(call: Call) -> Call:
    name, sizes = call
    return name, tuple(map(rounded_size, sizes))


def rounded_size(size: int) -> int:
    """A size as it is, or to two digits where it is large."""
    if size <= EXACT:
        return size
    power: int = 10 ** (len(str(size)) - 2)
    return (size + power // 2) // power * power
