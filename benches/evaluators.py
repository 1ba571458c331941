"""The evaluators that are compared: the native machine, and those whose drivers can be built here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from costmodel.errors import EnvironmentFault
from costmodel.evaluators import DRIVERS, build, driver_named
from costmodel.machine import Evaluator
from costmodel.machine.driver import DriverEvaluator
from costmodel.records.run import NATIVE
from costmodel.timing.batches import Stopwatch
from costmodel.timing.memory import DrawnHeap
from costmodel.timing.native_evaluator import NativeEvaluator

BUILD: Final = Path(__file__).resolve().parents[1] / "build" / "bench"
NAMES: Final = tuple(driver.name for driver in DRIVERS)


@dataclass(frozen=True)
class Ready:
    """An evaluator that can be started, by its name in the table and as `--evaluator` takes it. `note` says what its
    times hold that others' do not."""

    name: str
    evaluator: str
    note: str = ""

    def start(self, stopwatch: Stopwatch, core: int) -> Evaluator:
        """A fresh one, which tells times in the stopwatch's ticks. EnvironmentFault where it does not start."""
        if self.evaluator == NATIVE:
            return NativeEvaluator(stopwatch.clock, DrawnHeap())
        return DriverEvaluator(driver_named(self.evaluator), core, stopwatch.ns_per_tick)


@dataclass
class Preparation:
    """What could be built, and for each evaluator that could not a line that says why."""

    ready: list[Ready] = field(default_factory=lambda: [Ready(NATIVE, NATIVE)])
    left_out: list[str] = field(default_factory=list)


def prepare(names: Sequence[str] = NAMES) -> Preparation:
    """Build the drivers of these names where they are not built yet."""
    done = Preparation()
    for driver in DRIVERS:
        if driver.name in names:
            try:
                build(driver)
                done.ready.append(Ready(driver.name, driver.name, driver.note))
            except EnvironmentFault as error:
                done.left_out.append(f"{driver.name} is left out: {error}")
    return done
