"""The order in which everything is timed: rounds of fresh processes, in them shuffled blocks over all cells."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benches.contracts import Contract
from benches.estimates import FEWEST_BATCHES, Cell, Sample
from benches.evaluators import Ready, environment
from benches.process import Crashed, Driver, Refused

WORKS: Final = ("decode", "evaluate")
_MORE_BLOCKS: Final = 8  # at most, for the cells that still lack clean batches
_SLOW: Final = 10  # batches' time or more for one run
_CLEAN_SHARE: Final = 0.9  # of a batch's time; what is missing went to another process on the core
_MOST_ITERATIONS: Final = 100_000


@dataclass(frozen=True)
class Plan:
    """`rounds` of fresh processes with `blocks` timed blocks each. A batch takes `batch_ms` or, where that is longer,
    one iteration."""

    rounds: int
    blocks: int
    batch_ms: float
    seed: int


@dataclass
class Observed:
    """What a run gave: samples, reasons of refusals and ExUnits (cpu in ps, mem in words) by cell, and for each
    evaluator what its driver said of its version and build."""

    samples: list[Sample] = field(default_factory=list)
    refusals: dict[Cell, str] = field(default_factory=dict)
    spent: dict[Cell, tuple[int, int]] = field(default_factory=dict)
    versions: dict[str, tuple[str, str]] = field(default_factory=dict)


class Benchmark:
    """Times contracts on drivers, and collects what they say."""

    def __init__(self, drivers: Sequence[Ready], contracts: Sequence[Contract], plan: Plan, logs: Path) -> None:
        self._drivers = drivers
        self._paths = {contract.name: contract.path for contract in contracts}
        self._plan = plan
        self._logs = logs
        self._random = random.Random(plan.seed)
        self._iterations: dict[Cell, int] = {}
        self._slow: set[Cell] = set()
        self._running: dict[str, Driver] = {}
        self.observed = Observed()

    def run(self, progress: Callable[[str], None]) -> Observed:
        """All rounds. CheckFailed where a driver does not start."""
        for number in range(self._plan.rounds):
            progress(f"round {number + 1} of {self._plan.rounds}")
            with ExitStack() as stack:
                self._running = {ready.evaluator.name: self._start(ready, stack) for ready in self._drivers}
                self.observed.samples += self._run_round(number, stack)
        return self.observed

    def _start(self, ready: Ready, stack: ExitStack) -> Driver:
        name = ready.evaluator.name
        driver = stack.enter_context(Driver(name, ready.command, environment(), self._logs / f"{name}-errors.log"))
        self.observed.versions[name] = (driver.evaluator, driver.built)
        return driver

    def _run_round(self, number: int, stack: ExitStack) -> list[Sample]:
        cells = [Cell(name, work, contract) for name in self._running for work in WORKS for contract in self._paths]
        # This block warms caches and compilers up, and finds the iterations; nothing of it is kept.
        self._run_block(number, cells, stack)
        kept: list[Sample] = []
        # What takes many batches' time is seldom undisturbed, and its precision is not at stake.
        quick = [cell for cell in cells if cell not in self._slow]
        for block in range(self._plan.blocks):
            kept += self._run_block(number, cells if block < FEWEST_BATCHES else quick, stack)
        for _ in range(_MORE_BLOCKS):
            clean = Counter(sample.cell for sample in kept if sample.clean)
            kept += self._run_block(number, [cell for cell in quick if clean[cell] < FEWEST_BATCHES], stack)
        return kept

    def _run_block(self, number: int, cells: Sequence[Cell], stack: ExitStack) -> list[Sample]:
        """Each cell once, in a new order."""
        samples = []
        for cell in self._random.sample(cells, len(cells)):
            if cell in self.observed.refusals:
                continue
            try:
                samples.append(self._time(cell, self._running[cell.evaluator], number))
            except Refused as refused:
                self.observed.refusals[cell] = str(refused)
                if isinstance(refused, Crashed):
                    (ready,) = (ready for ready in self._drivers if ready.evaluator.name == cell.evaluator)
                    self._running[cell.evaluator] = self._start(ready, stack)
        return samples

    def _time(self, cell: Cell, driver: Driver, number: int) -> Sample:
        iterations = self._iterations.get(cell, 1)
        answer = driver.ask(cell.work, iterations, self._paths[cell.contract])
        if answer.spent is not None:
            self.observed.spent[cell] = answer.spent
        if answer.ns > _SLOW * self._plan.batch_ms * 1e6 * iterations:
            self._slow.add(cell)
        wanted = round(self._plan.batch_ms * 1e6 * iterations / max(answer.ns, 1))
        self._iterations[cell] = min(max(wanted, 1), _MOST_ITERATIONS)
        return Sample(cell, number, iterations, answer.ns, clean=answer.share >= _CLEAN_SHARE)


def on_terminal(text: str) -> None:
    """Progress for people: one line that is written over, and nothing where stderr is not a terminal."""
    if sys.stderr.isatty():
        print(f"{text:<60}", end="\r", file=sys.stderr, flush=True)
