"""A session: processes one after another until every cell is known well enough, or time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from costmodel import __version__
from costmodel.errors import CalibrateError, CheckFailed, EnvironmentFault, InputError, Interrupted
from costmodel.evaluators import driver_named
from costmodel.machine import BuildInfo
from costmodel.machine.driver import started
from costmodel.records.run import NATIVE, ClockRecord, FileFact, Machine, RunStatus
from costmodel.runs.design import Plan
from costmodel.runs.store import Run, RunWriter
from costmodel.timing.backend import Backend, LocalBackend
from costmodel.timing.clock import ClockName, choose_clock, clock_facts, clock_named
from costmodel.timing.icount import CountingBackend, tool_version
from costmodel.timing.native_evaluator import native_facts
from costmodel.timing.plan import Cell, choose_core
from costmodel.timing.protocol import Begin, Block, End, Job
from costmodel.timing.recorder import Recorder
from costmodel.timing.surroundings import CoreClaim, fingerprint, signals_set, versions
from costmodel.timing.tally import Tally
from costmodel.timing.yardstick import machine_yardstick
from costmodel.trace import SILENT, Trace

_WRAP_UP_SECONDS: Final = 1.0  # of the time budget go to gathering and hashing what was measured,
_WRAP_UP_PART_SECONDS: Final = 0.004  # and so many for each part
_UNLIMITED_SECONDS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a session stands. Half-widths of the cells' 95 % intervals are relative, infinite before the second
    process has ended. `seconds_left` is what the time budget leaves, None without one; `seconds_expected` what is
    likely to be needed, as far as the processes until now tell: None before two have ended. `now` are the operations
    that the running process measures."""

    now: tuple[str, ...]
    cells: int
    cells_done: int
    processes: int
    blocks: int
    median_half_width: float
    worst_half_width: float
    discard_rate: float
    seconds: float
    seconds_left: float | None
    seconds_expected: float | None


Observer = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class ProcessPlace:
    """Where processes run: fingerprint of the machine, versions of the build there, what its clock says of itself, and
    the evaluator, all as a manifest has them."""

    machine: Machine
    versions: dict[str, str]
    clock: ClockRecord
    evaluator: dict[str, str]


def here(core: int, clock: ClockName | None = None, measured: str = NATIVE) -> ProcessPlace:
    """This machine, seen from one of its cores, with an evaluator as users name it. EnvironmentFault where it does not
    have the clock, or where the evaluator does not start; InputError for an unknown evaluator."""
    build = versions(__version__)
    facts = evaluator(build) if measured == NATIVE else _driver_facts(measured, core)
    return ProcessPlace(fingerprint(core), build, _clock_facts(clock or choose_clock()), facts)


def settings_for(measured: str, core: int) -> dict[str, Any]:
    """Settings of a plan that follow from what is measured: the evaluator, and how long its batches have to be."""
    if measured == NATIVE:
        return {}
    with started(driver_named(measured), core) as driver:
        return {"evaluator": measured, "target_batch_us": driver.batch_us}


def _driver_facts(measured: str, core: int) -> dict[str, str]:
    with started(driver_named(measured), core) as driver:
        return driver.facts


def measure(
    plan: Plan,
    root: Path,
    experiment: str,
    *,
    time_budget: float | None = None,
    clock: ClockName | None = None,
    command_line: Sequence[str] = (),
    inputs: Mapping[str, FileFact] | None = None,
    observer: Observer | None = None,
    backend: Backend | None = None,
    trace: Trace = SILENT,
    place: ProcessPlace | None = None,
    stopped: threading.Event | None = None,
) -> Run:
    """Measure a plan into a new run below `root`, within `time_budget` seconds, everything included, if one is given.
    Without a `clock`, by the best one for time. What the session says goes into the run, and to `trace`. A `backend`
    whose processes run elsewhere comes with that `place`; of a session outside the main thread, `stopped` says that the
    user stopped it.

    The run is complete, with cells marked uncertain where the target was missed. Raises Interrupted (Ctrl-C, SIGTERM)
    and Inconclusive (too many batches disturbed), each with a run that can be resumed; EnvironmentFault where folder,
    disk or core refuse; CheckFailed where the machine does not do what the plan says.
    """
    began = time.monotonic()
    place = place or here(choose_core(plan.core), clock, plan.evaluator)
    if plan.evaluator != NATIVE and place.clock.unit != "ns":
        raise InputError(f"a driver's times are in ns; leave out --clock {clock}")
    writer = RunWriter.create(
        root,
        experiment,
        plan,
        machine=place.machine,
        versions=place.versions,
        evaluator=place.evaluator,
        command_line=command_line,
        inputs=dict(inputs or {}),
        clock=place.clock,
    )
    return _Session(writer, Deadline(began, time_budget), observer, backend, trace, stopped).run()


def resume(
    path: Path,
    *,
    time_budget: float | None = None,
    clock: ClockName | None = None,
    observer: Observer | None = None,
    backend: Backend | None = None,
    trace: Trace = SILENT,
    place: ProcessPlace | None = None,
    stopped: threading.Event | None = None,
) -> Run:
    """Continue a run that was interrupted or killed, by its own plan, as `measure` does. Nothing that it holds is lost.

    InputError where the run is complete, or where this is another machine, another build or another `clock` than the
    one that it began with.
    """
    began = time.monotonic()
    run = Run.open(path)
    if run.manifest.status is RunStatus.COMPLETE:
        raise InputError(f"{path} is complete; there is nothing to resume")
    begun = run.manifest.clock.name
    if clock not in (None, begun):
        raise InputError(f"{path} was begun with the clock {begun}; resume it with that, or start a new run")
    place = place or here(choose_core(run.design.settings.core), clock_named(begun), run.design.settings.evaluator)
    if place.machine != run.manifest.machine or place.evaluator != run.manifest.evaluator:
        raise InputError(f"{path} was begun on another machine or with another build; start a new run")
    return _Session(RunWriter.reopen(path), Deadline(began, time_budget), observer, backend, trace, stopped).run()


def _clock_facts(clock: ClockName) -> ClockRecord:
    if clock == "icount":
        return ClockRecord(name=clock, unit="instructions", tool=tool_version())
    return clock_facts(clock)


def _usual_backend(clock: ClockName) -> Backend:
    return CountingBackend() if clock == "icount" else LocalBackend()


def evaluator(build: Mapping[str, str]) -> dict[str, str]:
    """The native machine, of a build with such `versions`, as a manifest names it."""
    return native_facts(BuildInfo(build["compiler"], build["flags"], build["libraries"], build["native"]))


@dataclass(slots=True)
class Deadline:
    """A session's time: when it began, by time.monotonic, and its budget in seconds, if it has one."""

    began: float
    budget: float | None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def left(self) -> float | None:
        return None if self.budget is None else max(0.0, self.budget - self.seconds)

    def over(self, parts: int) -> bool:
        """Whether no more can be measured, if as many parts of samples are still to be gathered in time."""
        return self.budget is not None and self.seconds > self.budget - _WRAP_UP_SECONDS - _WRAP_UP_PART_SECONDS * parts


class _Session:
    def __init__(
        self,
        writer: RunWriter,
        deadline: Deadline,
        observer: Observer | None,
        backend: Backend | None,
        trace: Trace,
        stopped: threading.Event | None,
    ) -> None:
        self.plan, self.deadline, self.observer = writer.design, deadline, observer
        clock = clock_named(writer.manifest.clock.name) or choose_clock()
        self.backend = backend or _usual_backend(clock)
        self.stopped = stopped or threading.Event()
        self.recorder = Recorder(writer, trace)
        self.tally = Tally(self.plan, writer.run().samples())
        self.jobs = _Jobs(self.plan, clock, self.tally, deadline)
        self.lost: dict[str, str] = {}
        self.now: tuple[str, ...] = ()
        # Workers elsewhere have cores of their own.
        self.claim = CoreClaim(self.plan.core) if backend is None else None

    def run(self) -> Run:
        with signals_set(self.stopped), closing(self.claim) if self.claim else nullcontext():
            try:
                self._take()
                self._expect_something()
            except CalibrateError as error:
                self._finish(RunStatus.INTERRUPTED, str(error))
                raise
            if not self.stopped.is_set():
                if reason := self._ended_by():
                    return self._finish(RunStatus.COMPLETE, reason)
                fault = f"no process is left to measure after {self.tally.processes} of {self.plan.max_processes}"
                self._finish(RunStatus.INTERRUPTED, fault)
                raise EnvironmentFault(f"{fault}; what was measured is kept in {self.recorder.writer.path}, resume it")
            self._finish(RunStatus.INTERRUPTED, "stopped by the user")
            path = self.recorder.writer.path
            raise Interrupted(f"stopped; what was measured is kept in {path}", path)

    def _take(self) -> None:
        self.recorder.start(self.tally.next_process)
        try:
            for event in self.backend.run(self.jobs, self._halted):
                match event:
                    case Begin():
                        self._begin(event)
                    case Block():
                        self._block(event)
                    case End():
                        self._end(event)
        finally:
            self.recorder.flush()
            self.tally.end_process()
            if self.claim is not None:
                self._notice_others(self.claim)

    def _begin(self, begin: Begin) -> None:
        cells = self.jobs.begun(begin)
        self.now = tuple(dict.fromkeys(cell.operation for cell in cells))
        self.recorder.begin(begin, cells)
        self._lose(begin.process, begin.lost)
        self._observe()

    def _block(self, block: Block) -> None:
        samples = self.recorder.block(block, self.jobs.cells(block.process))
        self._lose(block.process, block.lost)
        self.tally.add(samples)
        if self.claim is not None:
            self._notice_others(self.claim)
        self.recorder.flush(due=True)
        self._observe()

    def _end(self, end: End) -> None:
        self.recorder.end(end)
        self.jobs.ended(end)
        self.recorder.flush()
        self.tally.end_process()
        self.recorder.writer.save_manifest()
        self.recorder.say("look", processes=self.tally.processes, cells_done=self.tally.cells_done)
        self._observe()

    def _notice_others(self, claim: CoreClaim) -> None:
        """Say once that the core is not this session's alone."""
        if claim.is_shared() and not self.recorder.warnings:
            text = f"another measurement ran on core {self.plan.core} at the same time, so both are disturbed"
            self.recorder.warn("shared_core", f"{text}; measure one after the other, or on another --core")

    def _lose(self, process: int, lost: Sequence[tuple[int, str]]) -> None:
        """Cells that the evaluator cannot do are not asked for again."""
        cells = self.jobs.cells(process)
        for index, reason in lost:
            cell = cells[index].id
            self.lost[cell] = reason
            self.tally.drop(cell)
            self.recorder.lose(cell, reason, process)

    def _expect_something(self) -> None:
        """CheckFailed where the evaluator did nothing of what was asked."""
        if self.lost and len(self.lost) == len(self.plan.cells):
            raise CheckFailed(f"no cell could be measured, the first because: {next(iter(self.lost.values()))}")

    def _halted(self) -> bool:
        return self.stopped.is_set() or self.deadline.over(self.recorder.parts)

    def _observe(self) -> None:
        if self.observer is not None:
            widths = self.tally.half_widths
            self.observer(
                Progress(
                    now=self.now,
                    cells=len(self.plan.cells),
                    cells_done=self.tally.cells_done,
                    processes=self.tally.processes,
                    blocks=self.recorder.blocks,
                    median_half_width=float(widths.median()),
                    worst_half_width=float(widths.max()),
                    discard_rate=self.tally.discard_rate,
                    seconds=self.deadline.seconds,
                    seconds_left=self.deadline.left,
                    seconds_expected=self._expected(),
                )
            )

    def _expected(self) -> float | None:
        """What is likely to be needed still, if processes take as long as until now; None before two have ended."""
        ended = self.tally.processes
        if ended < 2:  # one says nothing of how processes differ, which decides how many are needed
            return None
        widths = self.tally.half_widths.to_numpy()[self.tally.active]
        worst = float(np.max(widths, initial=0.0)) / self.plan.target_half_width
        wanted = ended * worst**2 if np.isfinite(worst) else self.plan.max_processes
        wanted = min(max(wanted, self.plan.min_processes), self.plan.max_processes)
        needed = max(0.0, wanted - ended) * self.deadline.seconds / ended
        left = self.deadline.left
        return needed if left is None else min(needed, left)

    def _ended_by(self) -> str:
        """What the session has reached; empty where its processes ended before it had reached anything."""
        if self.tally.precise:
            return "target precision reached"
        if self.deadline.over(self.recorder.parts):
            return "time budget spent"
        return "process limit reached" if self.tally.processes >= self.plan.max_processes else ""

    def _finish(self, status: RunStatus, reason: str) -> Run:
        return self.recorder.finish(status, reason, self.tally, self.lost, self.deadline.seconds)


class _Jobs:
    """The work of one process after another: the cells that are not known well enough yet."""

    def __init__(self, plan: Plan, clock: ClockName, tally: Tally, deadline: Deadline) -> None:
        self._plan, self._clock, self._tally, self._deadline = plan, clock, tally, deadline
        self._given: dict[int, Job] = {}
        self._iterations: dict[str, int] = {}
        self._setup_seconds = 0.0  # of the process under way
        self._start_seconds = self._visit_seconds = 0.0  # what the last one took to begin, and a cell in a block

    def __iter__(self) -> Iterator[Job]:
        # Backends may ask for several jobs before the first has ended.
        while self._tally.processes + len(self._given) < self._plan.max_processes and not self._tally.precise:
            job = self._next()
            self._given[job.process] = job
            self._tally.next_process += 1
            yield job

    def _next(self) -> Job:
        chosen = np.flatnonzero(self._tally.active)
        cells = [self._plan.cells[index] for index in chosen]
        rounds = self._tally.rounds(self._start_seconds, self._visit_seconds * len(cells))
        budget = _UNLIMITED_SECONDS if self._deadline.budget is None else self._deadline.budget
        return Job(
            cells=tuple(cells),
            yardstick=machine_yardstick(),
            clock=self._clock,
            core=self._plan.core,
            seed=self._plan.seed,
            process=self._tally.next_process,
            blocks=self._plan.blocks_per_process,
            rounds=tuple(int(rounds[index]) for index in chosen),
            # Of every cell, or of none before a process has found them.
            iterations=tuple(self._iterations.get(cell.id, 0) for cell in cells) if self._iterations else (),
            seconds=budget / self._plan.min_processes - self._start_seconds,
            target_batch_us=self._plan.target_batch_us,
            evaluator=self._plan.evaluator,
        )

    def cells(self, process: int) -> tuple[Cell, ...]:
        return self._given[process].cells

    def begun(self, begin: Begin) -> tuple[Cell, ...]:
        """Learn from how a process began. The cells that it measures."""
        cells = self.cells(begin.process)
        self._iterations.update(zip((cell.id for cell in cells), begin.iterations, strict=True))
        self._setup_seconds, self._start_seconds = begin.setup_seconds, begin.start_seconds
        return cells

    def ended(self, end: End) -> None:
        """Learn from how long a process took."""
        job = self._given.pop(end.process)
        self._visit_seconds = (end.seconds - self._setup_seconds) / max(sum(job.rounds), 1)
