"""A session: processes one after another until every cell is known well enough, or time is up."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from costmodel import __version__
from costmodel.errors import CalibrateError, InputError, Interrupted
from costmodel.runs.design import Plan
from costmodel.runs.provenance import FileFact
from costmodel.runs.schema import MessageCounts, Sample, Status
from costmodel.runs.store import Run, RunWriter
from costmodel.timing.backend import Backend, LocalBackend
from costmodel.timing.clock import ClockName, choose_clock
from costmodel.timing.fingerprint import fingerprint, versions
from costmodel.timing.plan import choose_core
from costmodel.timing.protocol import Begin, Block, End, Job
from costmodel.timing.tally import Tally
from costmodel.timing.yardstick import machine_yardstick
from costmodel.trace import JsonLines, Severity, Trace

_NAMESPACE: Final = "timing.session"
_FLUSH_SECONDS: Final = 0.5  # of samples are what a kill of the manager can cost
_WRAP_UP_SECONDS: Final = 0.7  # of the time budget go to gathering and hashing what was measured
_UNLIMITED_SECONDS: Final = 1e6
_DRIFT_LIMIT: Final = 1e-4  # of the clock against CLOCK_MONOTONIC_RAW within a process, relative


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a session stands. Half-widths of the cells' 95 % intervals are relative, infinite before the second
    process has ended; `seconds_left` is None without a time budget."""

    cells: int
    cells_done: int
    processes: int
    blocks: int
    median_half_width: float
    worst_half_width: float
    discard_rate: float
    seconds: float
    seconds_left: float | None


Observer = Callable[[Progress], None]


def measure(
    plan: Plan,
    root: Path,
    experiment: str,
    *,
    time_budget: float | None = None,
    command_line: Sequence[str] = (),
    inputs: Mapping[str, FileFact] | None = None,
    observer: Observer | None = None,
    backend: Backend | None = None,
) -> Run:
    """Measure a plan into a new run below `root`, within `time_budget` seconds, everything included, if one is given.

    The run is complete, with cells marked uncertain where the target was missed. Raises Interrupted (Ctrl-C, SIGTERM)
    and Inconclusive (too many batches disturbed), each with a run that can be resumed; EnvironmentFault where folder,
    disk or core refuse; CheckFailed where the machine does not do what the plan says.
    """
    began = time.monotonic()
    choose_core(plan.core)
    build = versions(__version__)
    writer = RunWriter.create(
        root,
        experiment,
        plan,
        machine=fingerprint(plan.core),
        versions=build,
        evaluator=_evaluator(build),
        command_line=command_line,
        inputs=dict(inputs or {}),
    )
    return _Session(writer, began, time_budget, observer, backend or LocalBackend()).run()


def resume(
    path: Path,
    *,
    time_budget: float | None = None,
    observer: Observer | None = None,
    backend: Backend | None = None,
) -> Run:
    """Continue a run that was interrupted or killed, by its own plan, as `measure` does. Nothing that it holds is lost.

    InputError where the run is complete, or where this is another machine or another build than the one that it began
    with.
    """
    began = time.monotonic()
    run = Run.open(path)
    if run.manifest.status is Status.COMPLETE:
        raise InputError(f"{path} is complete; there is nothing to resume")
    choose_core(run.design.core)
    here, build = fingerprint(run.design.core), versions(__version__)
    if here != run.manifest.machine or _evaluator(build) != run.manifest.evaluator:
        raise InputError(f"{path} was begun on another machine or with another build; start a new run")
    return _Session(RunWriter.reopen(path), began, time_budget, observer, backend or LocalBackend()).run()


def _evaluator(build: Mapping[str, str]) -> dict[str, str]:
    """What was measured: the machine's sources and all that decides what they were compiled to."""
    return {
        "name": "native",
        "sha256": build["native"],
        **{name: build[name] for name in ("compiler", "flags", "libraries")},
    }


class _Session:
    def __init__(
        self, writer: RunWriter, began: float, time_budget: float | None, observer: Observer | None, backend: Backend
    ) -> None:
        self.writer, self.plan, self.backend, self.observer = writer, writer.design, backend, observer
        self.began, self.time_budget = began, time_budget
        clock = writer.manifest.clock
        self.clock: ClockName = clock.setdefault("name", choose_clock())
        self.calibrations: dict[str, dict[str, float]] = clock.setdefault("ns_per_tick", {})
        self.log = JsonLines(writer.messages_path)
        self.trace = Trace(self.log)
        self.stopped = threading.Event()
        self.tally = Tally(self.plan, Run(writer.path, writer.manifest, self.plan).samples())
        self.pending: list[Sample] = []
        self.flushed = began
        self.blocks = 0
        self.timed_seconds = 0.0

    def run(self) -> Run:
        with _signals_set(self.stopped):
            try:
                with _other_threads_off(self.plan.core):
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
                        self.calibrations[str(event.process)] = {"first": event.ns_per_tick}
                        self._say("process_begin", **msgspec.structs.asdict(event))
                    case Block():
                        self._block(event)
                    case End():
                        self._end(event)
        finally:
            self._flush()
            self.tally.end_process()

    def _jobs(self) -> Iterator[Job]:
        yardstick = machine_yardstick()
        share = _UNLIMITED_SECONDS if self.time_budget is None else self.time_budget / self.plan.min_processes
        while self.tally.processes < self.plan.max_processes and not self.tally.precise:
            yield Job(
                cells=self.plan.cells,
                yardstick=yardstick,
                clock=self.clock,
                core=self.plan.core,
                seed=self.plan.seed,
                process=self.tally.next_process,
                blocks=self.plan.blocks_per_process,
                seconds=share,
                target_batch_us=self.plan.target_batch_us,
            )
            self.tally.next_process += 1

    def _halted(self) -> bool:
        return self.stopped.is_set() or self._out_of_time()

    def _out_of_time(self) -> bool:
        return self.time_budget is not None and time.monotonic() > self.began + self.time_budget - _WRAP_UP_SECONDS

    def _block(self, block: Block) -> None:
        scale = self.calibrations[str(block.process)]["first"]
        samples = [
            Sample(
                cell=self.plan.cells[batch.cell].id,
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
        calibration["last"] = end.ns_per_tick
        drift = end.ns_per_tick / calibration["first"] - 1
        self._say(
            "process_end",
            Severity.WARNING if abs(drift) > _DRIFT_LIMIT else Severity.INFO,
            clock_drift=drift,
            **msgspec.structs.asdict(end),
        )
        self.timed_seconds += end.timed_seconds
        self._flush()
        self.tally.end_process()
        self.writer.save_manifest()
        self._say("look", processes=self.tally.processes, cells_done=self.tally.cells_done)
        self._observe()

    def _flush(self) -> None:
        samples, self.pending = self.pending, []
        self.flushed = time.monotonic()
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
                )
            )

    def _ended_by(self) -> str:
        if self.tally.precise:
            return "target precision reached"
        return "time budget spent" if self._out_of_time() else "process limit reached"

    def _finish(self, status: Status, reason: str) -> Run:
        """Leave the run as `status` says. After a failure the disk may refuse this too; the run then stays `running`,
        which is read as killed."""
        seconds = time.monotonic() - self.began
        manifest = self.writer.manifest
        manifest.uncertain = self.tally.uncertain(reason)
        finite = self.tally.half_widths[np.isfinite(self.tally.half_widths)]
        manifest.outcome = {
            "processes": self.tally.processes,
            "batches": self.tally.batches,
            "gated": self.tally.gated,
            "discard_rate": self.tally.discard_rate,
            "cells": len(self.plan.cells),
            "cells_done": self.tally.cells_done,
            "median_half_width": float(finite.median()) if len(finite) else None,
            "worst_half_width": float(finite.max()) if len(finite) else None,
            "seconds": seconds,
            "timed_share": self.timed_seconds / seconds,
        }
        try:
            self._say("end", status=status.value, reason=reason)
            self.trace.close()
            messages = msgspec.convert(self.log.summary, MessageCounts, from_attributes=True)
            return self.writer.finish(status, reason, messages)
        except CalibrateError:
            self.writer.close()
            if status is Status.COMPLETE:
                raise
            return Run(self.writer.path, manifest, self.plan)


@contextmanager
def _signals_set(event: threading.Event) -> Iterator[None]:
    """While inside, Ctrl-C and SIGTERM set the event instead of raising in the middle of a write."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: event.set()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _other_threads_off(core: int) -> Iterator[None]:
    """While inside, no thread of this process runs on the measuring core, if there is another one to run on."""
    before = {}
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            before[int(task.name)] = os.sched_getaffinity(int(task.name))
    try:
        _set_affinity({thread: cores - {core} for thread, cores in before.items()})
        yield
    finally:
        _set_affinity(before)


def _set_affinity(cores_by_thread: Mapping[int, set[int]]) -> None:
    for thread, cores in cores_by_thread.items():
        if cores:
            with suppress(OSError):  # a thread that has ended since
                os.sched_setaffinity(thread, cores)
