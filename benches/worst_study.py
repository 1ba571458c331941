"""How well the search for worst inputs finds what is planted, and that it finds nothing where nothing is.

    python -m benches.worst_study plants [SEEDS [TRIALS [SAMPLER]]]
    python -m benches.worst_study nothing [SEARCHES [SECONDS]]

The evaluator is simulated: a program takes its charge times noise, and longer where an input has what is planted. So
statistics of many searches take minutes on any machine, and the truth is known. `plants` makes a search of so many
inputs for each of five plants with every seed, and prints in how many the plant is in the witness and its parameter is
named first. `nothing` takes whole searches, proof included, over builtins whose time depends on sizes only, and prints
those with a ratio above 1.05 whose interval excludes 1.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
import optuna

from benches.worst_plants import PLANTS, Plant, planted_in
from costmodel.machine import Script, exact_machine
from costmodel.model import ExUnits, Variant, ledger_model, parameters_at
from costmodel.model.timeline import last_change
from costmodel.plutus import LedgerLanguage, decode_flat
from costmodel.records.worst import SearchSettings
from costmodel.runs.design import Cell
from costmodel.timing.protocol import Begin, Block, End, Event, Job, TimedBatch
from costmodel.worst.folder import SearchFolder
from costmodel.worst.run import WorstSearch
from costmodel.worst.search import Search, best_points
from costmodel.worst.settings import asked_for
from costmodel.worst.simplify import Simplifier
from costmodel.worst.target import ChargedPrices, targets
from costmodel.worst.worker import Ask, Told

_ROUND_NOISE: Final = 0.01
_PROCESS_NOISE: Final = 0.004
_PLANTED: Final = 0.5  # of its charge that an input with the plant takes longer
_UNLIMITED: Final = ExUnits(2**63 - 1, 2**63 - 1)
_NAMED: Final = 0.9  # of the ratio, which is lost without a parameter that is named


@lru_cache(maxsize=4096)
def _spent(flat: bytes) -> int:
    script = Script.decode(flat, LedgerLanguage.PLUTUS_V3, 11, measuring=True)
    return exact_machine(Variant.E).evaluate(script, _UNLIMITED).spent.cpu


def true_ns(cell: Cell, planted: Iterable[Plant]) -> float:
    """What a run of a cell takes: its charge, and more where it has a plant."""
    return _spent(cell.flat) * (1 + _PLANTED) ** planted_in(cell, planted) / 1e3


class SimulatedTimer:
    """`Timer` by simulation."""

    facts: Final = {"name": "simulated"}

    def __init__(self, planted: Iterable[Plant], seed: int) -> None:
        self._planted, self._rng = tuple(planted), random.Random(f"{seed} timer")
        self._ns: dict[int, list[float]] = {}
        self._asked: list[Ask] = []

    def ask(self, ask: Ask) -> None:
        if ask.rounds:
            self._asked.append(ask)

    def told(self) -> Told:
        ask = self._asked.pop(0)
        if ask.cells:
            self._ns[ask.number] = [true_ns(cell, self._planted) for cell in ask.cells]
        times = self._ns[ask.number]
        rounds = tuple(tuple(ns * self._rng.lognormvariate(0, _ROUND_NOISE) for ns in times) for _ in range(ask.rounds))
        if ask.last:
            del self._ns[ask.number]
        return Told(number=ask.number, ns=rounds, timed_seconds=0.003 * ask.rounds)


@dataclass(frozen=True)
class SimulatedBackend:
    """Measuring processes by simulation: processes differ, and so do the batches of one."""

    planted: tuple[Plant, ...]
    seed: int

    def run(self, jobs: Iterable[Job], halt: Callable[[], bool]) -> Iterator[Event]:
        for job in jobs:
            rng = random.Random(f"{self.seed} {job.process}")
            ns = [true_ns(cell, self.planted) * rng.lognormvariate(0, _PROCESS_NOISE) for cell in job.cells]
            yield Begin(job.process, 1.0, 0.01, (1,) * len(ns), start_seconds=0.01)
            for block in range(job.blocks):
                batches = tuple(
                    TimedBatch(
                        index, index, 1_000, round(1_000 * mean * rng.lognormvariate(0, _ROUND_NOISE)), "", job.core
                    )
                    for index, mean in enumerate(ns)
                )
                yield Block(job.process, block, 1_000.0, 1_000.0, 0.0, batches)
            yield End(job.process, 1.0, 0.1, 0.08, 0.001)
            if halt():
                return


def found(plant: Plant, pricing: ChargedPrices, seed: int, trials: int, sampler: str) -> tuple[bool, bool, float]:
    """Whether a search of so many inputs has the plant in its witness and names its parameter, and what it took."""
    began = time.process_time()
    timer = SimulatedTimer([plant], seed)
    (target,) = targets(plant.price)
    storage = optuna.storages.InMemoryStorage()
    # A machine that is busy with other things would have inputs timed for less long, and another one found.
    search = Search([target], pricing, timer, storage, seed=seed, sampler=sampler, clock=lambda: 0.0)
    search.run(lambda: search.begun >= trials)
    simplifier = Simplifier(target, pricing, timer, str(seed))
    point = simplifier.choose(best_points(search.study(plant.price)))
    if point is None:
        return False, False, time.process_time() - began
    simplified = simplifier.simplify(point, lambda: False)
    witness = target.probe(simplified.values, "proof", pricing)
    named = any(cause.name in plant.parameters and cause.without < _NAMED for cause in simplified.causes[:3])
    return plant.has(decode_flat(witness.flat).term), named, time.process_time() - began


def plants(seeds: int, trials: int, sampler: str) -> None:
    pricing = ChargedPrices(ledger_model(Variant.E), parameters_at(last_change()))
    for plant in PLANTS:
        results = [found(plant, pricing, seed, trials, sampler) for seed in range(seeds)]
        have, named = sum(each[0] for each in results), sum(each[0] and each[1] for each in results)
        seconds = sum(each[2] for each in results) / seeds
        print(
            f"{sampler} {trials}: {plant.what}: {have} of {seeds}, parameter named in {named}, {seconds:.1f} s each",
            flush=True,
        )


_SIZES_ONLY: Final = "addInteger,equalsByteString,serialiseData,equalsData,sha2_256,unionValue"


@contextmanager
def _simulated(settings: SearchSettings) -> Iterator[SimulatedTimer]:
    yield SimulatedTimer((), settings.seed)


def nothing(searches: int, seconds: float) -> None:
    wrong = ratios = 0
    highest = 0.0
    for seed in range(searches):
        with tempfile.TemporaryDirectory() as root:
            settings, costs = asked_for(
                "ledger", patterns=_SIZES_ONLY, evaluator="native", core=None, seed=seed, seconds=20.0, scale=1.0
            )
            settings = msgspec.structs.replace(settings, seconds=seconds)
            folder = SearchFolder.create(Path(root), settings, costs)
            # Time of this process: other work on the machine gives a search no less.
            backend = SimulatedBackend((), seed)
            result = WorstSearch(folder, timer=_simulated, backend=backend, clock=time.process_time).run()
        false = [find for find in result.finds if (find.ratio.value or 0) > 1.05 and (find.ratio.interval[0] or 0) > 1]
        wrong += bool(false)
        ratios += len(result.finds)
        highest = max(highest, *(find.ratio.value or 0 for find in result.finds))
        print(f"{wrong} of {seed + 1} searches with a false find; {ratios} ratios, highest {highest:.4f}", flush=True)


def main() -> None:
    what, *numbers = sys.argv[1:] or ["plants"]
    if what == "plants":
        seeds, trials, sampler = (*numbers, *("10", "300", "tpe")[len(numbers) :])
        plants(int(seeds), int(trials), sampler)
    else:
        searches, seconds = (*numbers, *("50", "20")[len(numbers) :])
        nothing(int(searches), float(seconds))


if __name__ == "__main__":
    main()
