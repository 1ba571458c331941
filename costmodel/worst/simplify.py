"""From the best point of a search to the smallest witness that keeps its ratio, and to what makes it slow.

Parameters are made plain one after another, in the order in which they were declared, sizes first: as plain as
possible, else as far as the ratio lasts. What cannot be made plain is what matters, and by how much the ratio falls
without it says how much. Every point is timed on operands of its own, beside the point that it is compared with.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from costmodel.worst.search import ratio_of
from costmodel.worst.space import Unfit, Value
from costmodel.worst.target import ChargedPrices, Probe, Target
from costmodel.worst.timer import Timer
from costmodel.worst.worker import Ask

_ROUNDS: Final = 8
_KEPT: Final = 0.97  # of the ratio, that a simpler point has to keep


@dataclass(frozen=True, slots=True)
class Cause:
    """A parameter that a witness needs: its value, the plainest one, and the ratio with that, as a share of the
    witness's."""

    name: str
    value: Value
    plain: Value
    without: float


@dataclass(frozen=True, slots=True)
class Simplified:
    """The simplest point that was found to keep the ratio, and why it cannot be simpler, what matters most first."""

    values: dict[str, Value]
    causes: tuple[Cause, ...]


class Simplifier:
    """Times points beside one another and simplifies."""

    def __init__(self, target: Target, pricing: ChargedPrices, timer: Timer, seed: str) -> None:
        self._target, self._pricing, self._timer, self._seed = target, pricing, timer, seed
        self._drawn = 0
        self.timed_seconds = 0.0

    def choose(self, points: Sequence[dict[str, Value]]) -> dict[str, Value] | None:
        """Of the points with the largest ratios the one that has the largest on other operands; None where none can be
        timed any more."""
        timed = [(self.ratio(point), point) for point in points]
        found = [(ratio, point) for ratio, point in timed if ratio is not None]
        return max(found, key=lambda each: each[0])[1] if found else None

    def simplify(self, values: dict[str, Value], halted: Callable[[], bool]) -> Simplified:
        """The simplest point that keeps the ratio. What is left when time is up stays as it was found."""
        current, found = dict(values), dict(values)
        without: dict[str, float] = {}
        for parameter in self._target.parameters:
            if current[parameter.name] == parameter.plain:
                continue
            for value in parameter.simpler(current[parameter.name]):
                if halted():
                    break
                share = self.share(found, {**current, parameter.name: value})
                if share is None:
                    continue
                without.setdefault(parameter.name, share if value == parameter.plain else 1.0)
                if share >= _KEPT:
                    current[parameter.name] = value
                    break
        causes = [
            Cause(parameter.name, current[parameter.name], parameter.plain, without.get(parameter.name, 1.0))
            for parameter in self._target.parameters
            if current[parameter.name] != parameter.plain
        ]
        return Simplified(current, tuple(sorted(causes, key=lambda cause: cause.without)))

    def share(self, found: dict[str, Value], simpler: dict[str, Value]) -> float | None:
        """The simpler point's ratio as a share of that of the point that was found; None where it makes no input."""
        changed = self._asked(simpler)
        if changed is None:
            return None
        before = self._asked(found)  # made while the other is timed
        ratio, of = self._answer(changed), None if before is None else self._answer(before)
        return ratio / of if ratio is not None and of is not None and of > 0 else None

    def ratio(self, values: dict[str, Value]) -> float | None:
        """The ratio of a point on fresh operands; None where it makes no input, or the evaluator does not take it."""
        probe = self._asked(values)
        return None if probe is None else self._answer(probe)

    def _asked(self, values: dict[str, Value]) -> Probe | None:
        """An input of a point, which is being timed from now on; None where it makes none."""
        self._drawn += 1
        try:
            probe = self._target.probe(values, f"{self._seed} again {self._drawn}", self._pricing)
        except Unfit:
            return None
        self._timer.ask(Ask(number=-self._drawn, cells=probe.cells, rounds=_ROUNDS, last=True))
        return probe

    def _answer(self, probe: Probe) -> float | None:
        told = self._timer.told()
        self.timed_seconds += told.timed_seconds
        return None if told.fault else statistics.median(ratio_of(probe, ns) for ns in told.ns)
