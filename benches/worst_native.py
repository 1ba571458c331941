"""How well a search on the native machine, in real time, finds five slow paths at once.

    python -m benches.worst_native [SEEDS [SECONDS [SAMPLER]]]

Inputs are timed as `calibrate worst` times them, proof included. What is planted is added to the times that come back:
an input with a plant takes twice its charge longer, by the reference model, whose prices are this machine's. For each
seed one search of so many seconds looks for all five; a line says which plants are in the witness of their price, with
a ratio above 1, and which are named as what matters.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from benches.worst_plants import PLANTS, planted_in
from costmodel.machine import NativeMachine, Script
from costmodel.model import CostModel, ExUnits, variant_for
from costmodel.plutus import BUILTIN_BY_NAME, LedgerLanguage, decode_flat
from costmodel.records.worst import Find, SearchSettings, Worst
from costmodel.runs.design import Cell
from costmodel.timing.backend import LocalBackend
from costmodel.timing.protocol import Begin, Block, Event, Job, TimedBatch
from costmodel.worst.folder import SearchFolder
from costmodel.worst.run import WorstSearch, usual_timer
from costmodel.worst.settings import asked_for
from costmodel.worst.timer import Timer
from costmodel.worst.worker import Ask, Told

_MODEL: Final = str(Path(__file__).resolve().parents[1] / "models" / "reference.json")
_PLANTED: Final = 2.0  # charges that an input with the plant takes longer
_NAMED: Final = 0.9  # of the ratio, which is lost without a parameter that is named
_UNLIMITED: Final = ExUnits(2**63 - 1, 2**63 - 1)


class Planted:
    """Nanoseconds that the plants add to a run of a cell."""

    def __init__(self, model: CostModel, settings: SearchSettings) -> None:
        self._version = settings.protocol_version
        variant = variant_for(LedgerLanguage.PLUTUS_V3, self._version)
        nothing = ExUnits(0, 0)
        self._whole = NativeMachine(model, variant)
        self._builtins = NativeMachine(
            dataclasses.replace(model, steps=dict.fromkeys(model.steps, nothing), startup=nothing), variant
        )

    def added_ns(self, cell: Cell) -> float:
        return _PLANTED * planted_in(cell, PLANTS) * self._charge_ps(cell) / 1e3

    def _charge_ps(self, cell: Cell) -> int:
        """Of the builtin alone, or of a program of steps."""
        script = Script.decode(cell.flat, LedgerLanguage.PLUTUS_V3, self._version, measuring=True)
        machine = self._builtins if cell.operation in BUILTIN_BY_NAME else self._whole
        return machine.evaluate(script, _UNLIMITED).spent.cpu


class PlantedTimer:
    """A timer in whose times the plants are."""

    def __init__(self, timer: Timer, planted: Planted) -> None:
        self._timer, self._planted = timer, planted
        self._added: dict[int, list[float]] = {}
        self.facts = timer.facts | {"build": "with planted slow paths"}

    def ask(self, ask: Ask) -> None:
        if ask.cells:
            self._added[ask.number] = [self._planted.added_ns(cell) for cell in ask.cells]
        self._timer.ask(ask)

    def told(self) -> Told:
        told = self._timer.told()
        added = self._added[told.number]
        rounds = tuple(tuple(ns + more for ns, more in zip(each, added, strict=True)) for each in told.ns)
        return msgspec.structs.replace(told, ns=rounds)


@dataclass(frozen=True)
class PlantedBackend:
    """Measuring processes in whose batches the plants are."""

    planted: Planted

    def run(self, jobs: Iterable[Job], halt: Callable[[], bool]) -> Iterator[Event]:
        begun: list[Job] = []

        def noted() -> Iterator[Job]:
            for job in jobs:
                begun.append(job)
                yield job

        added: dict[int, list[float]] = {}
        ns_per_tick: dict[int, float] = {}
        for event in LocalBackend().run(noted(), halt):
            if isinstance(event, Begin):
                (job,) = (each for each in begun if each.process == event.process)
                added[event.process] = [self.planted.added_ns(cell) for cell in job.cells]
                ns_per_tick[event.process] = event.ns_per_tick
            if isinstance(event, Block):
                of, tick = added[event.process], ns_per_tick[event.process]
                batches = tuple(_longer(batch, of[batch.cell] / tick) for batch in event.batches)
                event = msgspec.structs.replace(event, batches=batches)
            yield event


def _longer(batch: TimedBatch, ticks: float) -> TimedBatch:
    return msgspec.structs.replace(batch, ticks=batch.ticks + round(ticks * batch.iterations))


def search(seed: int, seconds: float, sampler: str | None) -> tuple[Worst, dict[str, bytes]]:
    """A search, and the witness of each price."""
    prices = ",".join(plant.price for plant in PLANTS)
    settings, model = asked_for(_MODEL, patterns=prices, evaluator="native", core=None, seed=seed, seconds=seconds)
    if sampler:
        settings = msgspec.structs.replace(settings, sampler=sampler)
    planted = Planted(model, settings)

    @contextmanager
    def timer(settings: SearchSettings) -> Iterator[Timer]:
        with usual_timer(settings) as inner:
            yield PlantedTimer(inner, planted)

    with tempfile.TemporaryDirectory() as root:
        folder = SearchFolder.create(Path(root), settings, model)
        found = WorstSearch(folder, timer=timer, backend=PlantedBackend(planted)).run()
        return found, {find.price: (folder.path / find.witness).read_bytes() for find in found.finds}


def main() -> None:
    seeds, seconds, sampler = (*sys.argv[1:], *("10", "300", "")[len(sys.argv) - 1 :])
    have = dict.fromkeys((plant.price for plant in PLANTS), 0)
    named = dict(have)
    for seed in range(int(seeds)):
        result, witnesses = search(seed, float(seconds), sampler or None)
        told = []
        for plant in PLANTS:
            find = next((each for each in result.finds if each.price == plant.price), None)
            if find is None:
                told.append(f"{plant.price} not found")
                continue
            has = plant.has(decode_flat(witnesses[plant.price]).term) and (find.ratio.interval[0] or 0) > 1
            names = has and _names(find, plant.parameters)
            have[plant.price] += has
            named[plant.price] += names
            told.append(f"{plant.price} {find.ratio.value or 0:.2f}{' found' * has}{', named' * names}")
        print(f"seed {seed}: {result.trials} inputs; {'; '.join(told)}", flush=True)
    for plant in PLANTS:
        print(f"{plant.what}: {have[plant.price]} of {seeds}, parameter named in {named[plant.price]}", flush=True)


def _names(find: Find, parameters: Iterable[str]) -> bool:
    return any(matter.parameter in parameters and matter.without < _NAMED for matter in find.matters)


if __name__ == "__main__":
    main()
