"""A session: processes one after another until every cell is known well enough, or time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from costmodel import __version__
from costmodel.errors import CalibrateError, InputError, Interrupted
from costmodel.records.run import Calibration, Clock, FileFact, Machine, SessionOutcome, Status
from costmodel.runs.design import Plan
from costmodel.runs.store import Run, RunWriter
from costmodel.runs.tables import Sample
from costmodel.timing.backend import Backend, LocalBackend
from costmodel.timing.clock import ClockName, choose_clock, clock_facts, clock_named
from costmodel.timing.fingerprint import fingerprint, versions
from costmodel.timing.icount import CountingBackend, tool_version
from costmodel.timing.plan import Cell, choose_core
from costmodel.timing.protocol import Begin, Block, End, Job
from costmodel.timing.surroundings import signals_set
from costmodel.timing.tally import Tally
from costmodel.timing.yardstick import machine_yardstick
from costmodel.trace import SILENT, JsonLines, Route, Severity, Trace

_NAMESPACE: Final = "timing.session"
_FLUSH_SECONDS: Final = 1.0  # of samples are what a kill of the manager can cost
_WRAP_UP_SECONDS: Final = 1.0  # of the time budget go to gathering and hashing what was measured,
_WRAP_UP_PART_SECONDS: Final = 0.004  # and so many for each part
_UNLIMITED_SECONDS: Final = 1e6
_DRIFT_LIMIT: Final = 1e-4  # of the clock against CLOCK_MONOTONIC_RAW within a process, relative


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a session stands. Half-widths of the cells' 95 % intervals are relative, infinite before the second
    process has ended. `seconds_left` is what the time budget leaves, None without one; `seconds_expected` what is
    likely to be needed, as far as the processes until now tell."""

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
class Place:
    """Where processes run: fingerprint of the machine, versions of the build there, and what its clock says of itself,
    all as a manifest has them."""

    machine: Machine
    versions: dict[str, str]
    clock: Clock


def here(core: int, clock: ClockName | None = None) -> Place:
    """This machine, seen from one of its cores. EnvironmentFault where it does not have the clock."""
    return Place(fingerprint(core), versions(__version__), _clock_facts(clock or choose_clock()))


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
    place: Place | None = None,
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
    place = place or here(choose_core(plan.core), clock)
    writer = RunWriter.create(
        root,
        experiment,
        plan,
        machine=place.machine,
        versions=place.versions,
        evaluator=evaluator(place.versions),
        command_line=command_line,
        inputs=dict(inputs or {}),
        clock=place.clock,
    )
    return _Session(writer, began, time_budget, observer, backend, trace, stopped).run()


def resume(
    path: Path,
    *,
    time_budget: float | None = None,
    clock: ClockName | None = None,
    observer: Observer | None = None,
    backend: Backend | None = None,
    trace: Trace = SILENT,
    place: Place | None = None,
    stopped: threading.Event | None = None,
) -> Run:
    """Continue a run that was interrupted or killed, by its own plan, as `measure` does. Nothing that it holds is lost.

    InputError where the run is complete, or where this is another machine, another build or another `clock` than the
    one that it began with.
    """
    began = time.monotonic()
    run = Run.open(path)
    if run.manifest.status is Status.COMPLETE:
        raise InputError(f"{path} is complete; there is nothing to resume")
    begun = run.manifest.clock.name
    if clock not in (None, begun):
        raise InputError(f"{path} was begun with the clock {begun}; resume it with that, or start a new run")
    place = place or here(choose_core(run.design.settings.core), clock_named(begun))
    if place.machine != run.manifest.machine or evaluator(place.versions) != run.manifest.evaluator:
        raise InputError(f"{path} was begun on another machine or with another build; start a new run")
    return _Session(RunWriter.reopen(path), began, time_budget, observer, backend, trace, stopped).run()


def _clock_facts(clock: ClockName) -> Clock:
    if clock == "icount":
        return Clock(name=clock, unit="instructions", tool=tool_version())
    return clock_facts(clock)


def _usual_backend(clock: ClockName) -> Backend:
    return CountingBackend() if clock == "icount" else LocalBackend()


def evaluator(build: Mapping[str, str]) -> dict[str, str]:
    """What was measured: the machine's sources and all that decides what they were compiled to."""
    return {
        "name": "native",
        "sha256": build["native"],
        **{name: build[name] for name in ("compiler", "flags", "libraries")},
    }


class _Session:
    def __init__(
        self,
        writer: RunWriter,
        began: float,
        time_budget: float | None,
        observer: Observer | None,
        backend: Backend | None,
        trace: Trace,
        stopped: threading.Event | None,
    ) -> None:
        self.writer, self.plan, self.observer = writer, writer.design, observer
        self.began, self.time_budget = began, time_budget
        self.clock: ClockName = clock_named(writer.manifest.clock.name) or choose_clock()
        self.backend = backend or _usual_backend(self.clock)
        self.calibrations = dict(writer.manifest.clock.ns_per_tick)
        self.log = JsonLines(writer.messages_path)
        self.trace = Trace(*trace.routes, Route(self.log))
        self.stopped = stopped or threading.Event()
        self.tally = Tally(self.plan, writer.run().samples())
        self.jobs: dict[int, Job] = {}
        self.iterations: dict[str, int] = {}
        self.pending: list[Sample] = []
        self.flushed = began
        self.blocks = self.parts = 0
        self.timed_seconds = self.yardstick_seconds = 0.0
        self.unended_seconds = 0.0  # inside the clock, of a process that has not ended and told its own sum
        self.setup_seconds = 0.0  # of the process under way
        self.start_seconds = self.visit_seconds = 0.0  # what the last process took to begin, and a cell in a block

    def run(self) -> Run:
        with signals_set(self.stopped):
            try:
                self._take()
            except CalibrateError as error:
                self._finish(Status.INTERRUPTED, str(error))
                raise
            if not self.stopped.is_set():
                return self._finish(Status.COMPLETE, self._ended_by())
            self._finish(Status.INTERRUPTED, "stopped by the user")
            raise Interrupted(f"stopped; what was measured is kept in {self.writer.path}")

    def _take(self) -> None:
        if self.log.torn:
            self._say("torn_line", Severity.WARNING, bytes=self.log.torn)
        self._say("start", first_process=self.tally.next_process, clock=self.clock, core=self.plan.core)
        try:
            for event in self.backend.run(self._jobs(), self._halted):
                match event:
                    case Begin():
                        self._begin(event)
                    case Block():
                        self._block(event)
                    case End():
                        self._end(event)
        finally:
            self._flush()
            self.tally.end_process()

    def _jobs(self) -> Iterator[Job]:
        # Backends may ask for several jobs before the first has ended.
        while self.tally.processes + len(self.jobs) < self.plan.max_processes and not self.tally.precise:
            job = self._job()
            self.jobs[job.process] = job
            self.tally.next_process += 1
            yield job

    def _job(self) -> Job:
        """The next process's work: the cells that are not known well enough yet."""
        chosen = np.flatnonzero(self.tally.active)
        cells = [self.plan.cells[index] for index in chosen]
        rounds = self.tally.rounds(self.start_seconds, self.visit_seconds * len(cells))
        budget = _UNLIMITED_SECONDS if self.time_budget is None else self.time_budget
        return Job(
            cells=tuple(cells),
            yardstick=machine_yardstick(),
            clock=self.clock,
            core=self.plan.core,
            seed=self.plan.seed,
            process=self.tally.next_process,
            blocks=self.plan.blocks_per_process,
            rounds=tuple(int(rounds[index]) for index in chosen),
            iterations=self._known_iterations(cells),
            seconds=budget / self.plan.min_processes - self.start_seconds,
            target_batch_us=self.plan.target_batch_us,
        )

    def _known_iterations(self, cells: Sequence[Cell]) -> tuple[int, ...]:
        """Of every cell, or of none before a process has found them."""
        return tuple(self.iterations[cell.id] for cell in cells) if self.iterations else ()

    def _begin(self, begin: Begin) -> None:
        cells = self.jobs[begin.process].cells
        self.calibrations[str(begin.process)] = Calibration(first=begin.ns_per_tick)
        self.iterations.update(zip((cell.id for cell in cells), begin.iterations, strict=True))
        self.setup_seconds, self.start_seconds = begin.setup_seconds, begin.start_seconds
        self._say(
            "process_begin",
            process=begin.process,
            worker=begin.worker,
            ns_per_tick=begin.ns_per_tick,
            setup_seconds=begin.setup_seconds,
            cells=len(cells),
        )

    def _halted(self) -> bool:
        return self.stopped.is_set() or self._out_of_time()

    def _out_of_time(self) -> bool:
        if self.time_budget is None:
            return False
        wrap_up = _WRAP_UP_SECONDS + _WRAP_UP_PART_SECONDS * self.parts
        return time.monotonic() > self.began + self.time_budget - wrap_up

    def _block(self, block: Block) -> None:
        scale = self.calibrations[str(block.process)].first
        cells = self.jobs[block.process].cells
        samples = [
            Sample(
                cell=cells[batch.cell].id,
                process=block.process,
                block=block.block,
                order=batch.order,
                iterations=batch.iterations,
                ticks=batch.ticks,
                ns=batch.ticks * scale,
                gate=batch.gate,
                yardstick_hash_ns=block.yardstick_hash_ns,
                yardstick_machine_ns=block.yardstick_machine_ns,
                cpu=batch.cpu,
            )
            for batch in block.batches
        ]
        self.blocks += 1
        self.unended_seconds += sum(sample.ns for sample in samples) / 1e9
        self.pending += samples
        self._say(
            "block",
            process=block.process,
            block=block.block,
            yardstick_hash_ns=block.yardstick_hash_ns,
            yardstick_machine_ns=block.yardstick_machine_ns,
            gap_share=block.gap_share,
            batches=len(samples),
            gated=sum(sample.gate != "" for sample in samples),
        )
        self.tally.add(samples)
        if time.monotonic() - self.flushed > _FLUSH_SECONDS:
            self._flush()
        self._observe()

    def _end(self, end: End) -> None:
        calibration = self.calibrations[str(end.process)]
        self.calibrations[str(end.process)] = msgspec.structs.replace(calibration, last=end.ns_per_tick)
        drift = end.ns_per_tick / calibration.first - 1
        self._say(
            "process_end",
            Severity.WARNING if abs(drift) > _DRIFT_LIMIT else Severity.INFO,
            clock_drift=drift,
            **msgspec.structs.asdict(end),
        )
        self.timed_seconds += end.timed_seconds
        self.unended_seconds = 0.0
        self.yardstick_seconds += end.yardstick_seconds
        job = self.jobs.pop(end.process)
        self.visit_seconds = (end.seconds - self.setup_seconds) / sum(job.rounds)
        self._flush()
        self.tally.end_process()
        self.writer.save_manifest()
        self._say("look", processes=self.tally.processes, cells_done=self.tally.cells_done)
        self._observe()

    def _flush(self) -> None:
        samples, self.pending = self.pending, []
        self.flushed = time.monotonic()
        self.parts += bool(samples)
        self.writer.append(samples)

    def _say(self, kind: str, severity: Severity = Severity.INFO, **fields: object) -> None:
        self.trace.emit(_NAMESPACE, kind, severity, **fields)

    def _observe(self) -> None:
        if self.observer is not None:
            seconds = time.monotonic() - self.began
            widths = self.tally.half_widths
            self.observer(
                Progress(
                    cells=len(self.plan.cells),
                    cells_done=self.tally.cells_done,
                    processes=self.tally.processes,
                    blocks=self.blocks,
                    median_half_width=float(widths.median()),
                    worst_half_width=float(widths.max()),
                    discard_rate=self.tally.discard_rate,
                    seconds=seconds,
                    seconds_left=None if self.time_budget is None else max(0.0, self.time_budget - seconds),
                    seconds_expected=self._expected(seconds),
                )
            )

    def _expected(self, seconds: float) -> float | None:
        """What is likely to be needed still, if processes take as long as until now; None before one has ended."""
        ended = self.tally.processes
        if not ended:
            return None
        widths = self.tally.half_widths.to_numpy()[self.tally.active]
        worst = float(np.max(widths, initial=0.0)) / self.plan.target_half_width
        wanted = self.plan.max_processes if ended < 2 or not np.isfinite(worst) else ended * worst**2
        wanted = min(max(wanted, self.plan.min_processes), self.plan.max_processes)
        left = max(0.0, wanted - ended) * seconds / ended
        return left if self.time_budget is None else min(left, max(0.0, self.time_budget - seconds))

    def _ended_by(self) -> str:
        if self.tally.precise:
            return "target precision reached"
        return "time budget spent" if self._out_of_time() else "process limit reached"

    def _finish(self, status: Status, reason: str) -> Run:
        """Leave the run as `status` says. After a failure the disk may refuse this too; the run then stays `running`,
        which is read as killed."""
        seconds = time.monotonic() - self.began
        clock = self.writer.manifest.clock
        if clock.unit == "ns":
            self.timed_seconds += self.unended_seconds
        finite = self.tally.half_widths[np.isfinite(self.tally.half_widths)]
        self.writer.update(
            clock=msgspec.structs.replace(clock, ns_per_tick=self.calibrations),
            uncertain=self.tally.uncertain(reason),
            outcome=SessionOutcome(
                processes=self.tally.processes,
                batches=self.tally.batches,
                gated=self.tally.gated,
                discard_rate=self.tally.discard_rate,
                cells=len(self.plan.cells),
                cells_done=self.tally.cells_done,
                median_half_width=float(finite.median()) if len(finite) else None,
                worst_half_width=float(finite.max()) if len(finite) else None,
                seconds=seconds,
                timed_share=self.timed_seconds / seconds,
                yardstick_share=self.yardstick_seconds / seconds,
            ),
        )
        try:
            try:
                self._say("end", status=status.value, reason=reason)
            finally:
                self.log.close()
            return self.writer.finish(status, reason, self.log.summary)
        except CalibrateError:
            self.writer.close()
            if status is Status.COMPLETE:
                raise
            return self.writer.run()
