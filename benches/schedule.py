"""The order in which everything is timed: rounds of fresh evaluators, in them shuffled blocks over all cells."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from benches.contracts import Contract
from benches.estimates import FEWEST_BATCHES, Cell, Sample
from benches.evaluators import Ready
from costmodel.machine import CellLost, Evaluator, LoadedSubject, Order
from costmodel.plutus import LedgerLanguage
from costmodel.records.run import Work
from costmodel.runs import design
from costmodel.timing.batches import Stopwatch
from costmodel.timing.clock import Clock, choose_clock

WORKS: Final[tuple[Work, ...]] = ("decode", "evaluate")
_LANGUAGE: Final = LedgerLanguage.PLUTUS_V3
_PROTOCOL_VERSION: Final = 11
_MORE_BLOCKS: Final = 8  # at most, for the cells that still lack clean batches
_SLOW: Final = 10  # batches' time or more for one run
_WARM_SHARE: Final = 8  # one iteration in so many goes before the clock starts
_MOST_ITERATIONS: Final = 100_000


@dataclass(frozen=True)
class Plan:
    """`rounds` of fresh evaluators with `blocks` timed blocks each. A batch takes `batch_ms` or, where that is longer,
    one iteration."""

    rounds: int
    blocks: int
    batch_ms: float
    seed: int


@dataclass
class Observed:
    """What a run gave: samples, reasons of refusals and ExUnits (cpu in ps, mem in words) by cell, and for each
    evaluator what it says of itself, as manifests have it."""

    samples: list[Sample] = field(default_factory=list)
    refusals: dict[Cell, str] = field(default_factory=dict)
    spent: dict[Cell, tuple[int, int]] = field(default_factory=dict)
    facts: dict[str, dict[str, str]] = field(default_factory=dict)


class Benchmark:
    """Times contracts on evaluators, and collects what they say."""

    def __init__(self, ready: Sequence[Ready], contracts: Sequence[Contract], plan: Plan, core: int) -> None:
        self._ready, self._plan, self._core = ready, plan, core
        self._flat = {contract.name: contract.path.read_bytes() for contract in contracts}
        self._random = random.Random(plan.seed)
        self._stopwatch = Stopwatch(Clock(choose_clock()))
        self._iterations: dict[Cell, int] = {}
        self._slow: set[Cell] = set()
        self._loaded: dict[Cell, LoadedSubject] = {}
        self.observed = Observed()

    def run(self, progress: Callable[[str], None]) -> Observed:
        """All rounds. EnvironmentFault where an evaluator does not start."""
        for number in range(self._plan.rounds):
            progress(f"round {number + 1} of {self._plan.rounds}")
            running = {ready.name: ready.start(self._stopwatch, self._core) for ready in self._ready}
            try:
                self.observed.facts |= {name: dict(evaluator.facts) for name, evaluator in running.items()}
                self.observed.samples += self._run_round(number, running)
            finally:
                for evaluator in running.values():
                    evaluator.close()
        return self.observed

    def _run_round(self, number: int, running: dict[str, Evaluator]) -> list[Sample]:
        cells = [Cell(name, work, contract) for name in running for work in WORKS for contract in self._flat]
        self._loaded = {}
        for cell in cells:
            self._load(cell, running[cell.evaluator])
        # This block warms caches and compilers up, and finds the iterations; nothing of it is kept.
        self._run_block(number, cells)
        kept: list[Sample] = []
        # What takes many batches' time is seldom undisturbed, and its precision is not at stake.
        quick = [cell for cell in cells if cell not in self._slow]
        for block in range(self._plan.blocks):
            kept += self._run_block(number, cells if block < FEWEST_BATCHES else quick)
        for _ in range(_MORE_BLOCKS):
            clean = Counter(sample.cell for sample in kept if sample.clean)
            kept += self._run_block(number, [cell for cell in quick if clean[cell] < FEWEST_BATCHES])
        return kept

    def _load(self, cell: Cell, evaluator: Evaluator) -> None:
        if cell in self.observed.refusals:
            return
        subject = design.Cell(
            id="\t".join(cell),
            experiment="replay",
            operation=cell.contract,
            work="decode" if cell.work == "decode" else "evaluate",
            flat=self._flat[cell.contract],
            language=_LANGUAGE.value,
            protocol_version=_PROTOCOL_VERSION,
        )
        try:
            loaded = evaluator.prepare(subject, checked=True)
        except CellLost as reason:
            self.observed.refusals[cell] = str(reason)
            return
        self._loaded[cell] = loaded
        if cell.work == "evaluate" and loaded.spent is not None:
            self.observed.spent[cell] = (loaded.spent.cpu, loaded.spent.mem)

    def _run_block(self, number: int, cells: Sequence[Cell]) -> list[Sample]:
        """Each cell once, in a new order."""
        timed = (self._time(cell, number) for cell in self._random.sample(cells, len(cells)) if cell in self._loaded)
        return [sample for sample in timed if sample is not None]

    def _time(self, cell: Cell, number: int) -> Sample | None:
        loaded, iterations = self._loaded[cell], self._iterations.get(cell, 1)
        (reading,) = loaded.evaluator.time([Order(loaded, iterations, iterations // _WARM_SHARE)])
        if reading.fault:
            self.observed.refusals[cell] = reading.fault
            del self._loaded[cell]
            return None
        ns = round(reading.ticks * self._stopwatch.ns_per_tick)
        if ns > _SLOW * self._plan.batch_ms * 1e6 * iterations:
            self._slow.add(cell)
        wanted = round(self._plan.batch_ms * 1e6 * iterations / max(ns, 1))
        self._iterations[cell] = min(max(wanted, 1), _MOST_ITERATIONS)
        return Sample(cell, number, iterations, ns, clean=not reading.disturbance)


def on_terminal(text: str) -> None:
    """Progress for people: one line that is written over, and nothing where stderr is not a terminal."""
    if sys.stderr.isatty():
        print(f"{text:<60}", end="\r", file=sys.stderr, flush=True)
