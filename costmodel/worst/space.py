"""Spaces of inputs: named parameters, of which a generator makes operands or a program."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import optuna

Value: TypeAlias = int | str
Values: TypeAlias = Mapping[str, Value]
"""A point of a space: a value for each parameter by its name."""


class Unfit(Exception):  # noqa: N818 - it says so of one point and never leaves the package
    """A point of a space that makes no program which a transaction could hold."""


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number from `low` to `high`, drawn in proportion where it is `log`. `plain` is what is simplest."""

    name: str
    low: int
    high: int
    log: bool = False
    at: int | None = None

    @property
    def plain(self) -> int:
        return self.low if self.at is None else self.at

    def holds(self, value: object) -> bool:
        """Whether it is a value of this parameter."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def suggested(self, trial: optuna.Trial) -> Value:
        return trial.suggest_int(self.name, self.low, self.high, log=self.log)

    def drawn(self, rng: random.Random) -> Value:
        if not self.log:
            return rng.randint(self.low, self.high)
        return min(int(self.low * ((self.high + 1) / self.low) ** rng.random()), self.high)

    def simpler(self, value: Value) -> Iterator[Value]:
        """Simpler values than this one to be tried in turn, the simplest first: each halves what is left of the way."""
        last, now = int(value), self.plain
        while now != last:
            yield now
            now = (now + last) // 2 if abs(last - now) > 1 else last


@dataclass(frozen=True, slots=True)
class Option:
    """One of several ways, of which the first is the plainest."""

    name: str
    choices: tuple[str, ...]

    @property
    def plain(self) -> str:
        return self.choices[0]

    def holds(self, value: object) -> bool:
        """Whether it is a value of this parameter."""
        return value in self.choices

    def suggested(self, trial: optuna.Trial) -> Value:
        return str(trial.suggest_categorical(self.name, self.choices))

    def drawn(self, rng: random.Random) -> Value:
        return rng.choice(self.choices)

    def simpler(self, value: Value) -> Iterator[Value]:
        """The choices before this one, the plainest first."""
        yield from self.choices[: self.choices.index(str(value))]


Parameter: TypeAlias = Number | Option


def whole(values: Values, name: str) -> int:
    """The number of this name."""
    return int(values[name])


def text(values: Values, name: str) -> str:
    """The option of this name."""
    return str(values[name])
