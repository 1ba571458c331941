"""A plan measured by a fleet: a session, and a run, for each kind of machine, all at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from costmodel.errors import CalibrateError, InputError
from costmodel.fleet.backend import DaskBackend
from costmodel.fleet.cluster import Worker, by_machine, connected, workers_of
from costmodel.records.run import FileFact
from costmodel.runs.design import Plan
from costmodel.runs.store import Run
from costmodel.timing import session
from costmodel.timing.clock import ClockName, clock_named
from costmodel.timing.session import Observer, ProcessPlace, Progress
from costmodel.timing.surroundings import signals_set
from costmodel.trace import SILENT, Message, Route, Trace, TraceBackend


def measure(
    scheduler: str,
    plan: Plan,
    root: Path,
    experiment: str,
    *,
    time_budget: float | None = None,
    clock: ClockName | None = None,
    command_line: Sequence[str] = (),
    inputs: Mapping[str, FileFact] | None = None,
    observer: Observer | None = None,
    trace: Trace = SILENT,
) -> list[Run]:
    """`session.measure` by the workers of a dask scheduler, one run for each machine's fingerprint; the plan's core is
    each worker's own. What goes wrong on one machine does not end the others; it is raised when all have ended."""
    if clock == "icount":
        raise InputError(
            "instructions are counted on this machine, where they are what they are anywhere; leave --backend out"
        )
    with connected(scheduler) as client:
        groups = by_machine(workers_of(client, clock))
        shared = _shared(trace)
        together = Together(observer) if observer else None

        def measure_on(workers: Sequence[Worker], stopped: threading.Event) -> Run:
            return session.measure(
                msgspec.structs.replace(plan, core=workers[0].facts.core),
                root,
                experiment,
                time_budget=time_budget,
                command_line=command_line,
                inputs=inputs,
                observer=together.of(_place(workers).machine.id) if together else None,
                trace=shared,
                backend=DaskBackend(client, workers),
                place=_place(workers),
                stopped=stopped,
            )

        return _at_once(list(groups.values()), measure_on)


def resume(
    scheduler: str,
    path: Path,
    *,
    time_budget: float | None = None,
    clock: ClockName | None = None,
    observer: Observer | None = None,
    trace: Trace = SILENT,
) -> list[Run]:
    """`session.resume` by those workers of a scheduler that run on the run's machine. InputError where none does."""
    manifest = Run.open(path).manifest
    with connected(scheduler) as client:
        workers = by_machine(workers_of(client, clock_named(manifest.clock.name))).get(manifest.machine.id, [])
        if not workers:
            raise InputError(f"{path} was begun on another machine than those of the scheduler's workers")
        shared = _shared(trace)

        def resume_on(workers: Sequence[Worker], stopped: threading.Event) -> Run:
            return session.resume(
                path,
                time_budget=time_budget,
                clock=clock,
                observer=observer,
                trace=shared,
                backend=DaskBackend(client, workers),
                place=_place(workers),
                stopped=stopped,
            )

        return _at_once([workers], resume_on)


class _InTurn:
    """Lets the threads of a fleet have a backend of messages one after another."""

    def __init__(self, backend: TraceBackend, lock: threading.Lock) -> None:
        self._backend, self._lock = backend, lock

    def emit(self, message: Message) -> None:
        with self._lock:
            self._backend.emit(message)

    def close(self) -> str:
        return self._backend.close()


def _shared(trace: Trace) -> Trace:
    """The trace for use by several threads."""
    lock = threading.Lock()
    return Trace(*(Route(_InTurn(route.backend, lock), route.severity, route.mute) for route in trace.routes))


def _place(workers: Sequence[Worker]) -> ProcessPlace:
    return workers[0].place


def _at_once(groups: Sequence[Sequence[Worker]], run: Callable[[Sequence[Worker], threading.Event], Run]) -> list[Run]:
    """A thread for each group. Ctrl-C and SIGTERM stop them all."""
    stopped = threading.Event()
    runs: list[Run] = []
    failures: list[BaseException] = []

    def attempt(workers: Sequence[Worker]) -> None:
        try:
            runs.append(run(workers, stopped))
        except BaseException as error:  # raised again below, in the thread that can tell the user
            failures.append(error)

    threads = [threading.Thread(target=attempt, args=(workers,)) for workers in groups]
    with signals_set(stopped):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failures:
        raise _together(failures)
    return sorted(runs, key=lambda run: run.name)


def _together(failures: Sequence[BaseException]) -> BaseException:
    """The failures as one: what is no message for the user goes first, as it is."""
    for failure in failures:
        if not isinstance(failure, CalibrateError):
            return failure
    first = failures[0]
    return type(first)("; ".join(map(str, failures))) if len(failures) > 1 else first


class Together:
    """Merges the progress of sessions that run at the same time for one observer."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._lock = threading.Lock()
        self._latest: dict[str, Progress] = {}

    def of(self, session: str) -> Observer:
        """The observer of one session."""

        def observe(progress: Progress) -> None:
            with self._lock:
                self._latest[session] = progress
                self._observer(merged(list(self._latest.values())))

        return observe


def merged(all_of: Sequence[Progress]) -> Progress:
    """Sums of what is counted, and the worst of what is judged. The discard rate is that of the worst session."""
    left = [progress.seconds_left for progress in all_of if progress.seconds_left is not None]
    expected = [progress.seconds_expected for progress in all_of if progress.seconds_expected is not None]
    return Progress(
        now=tuple(dict.fromkeys(operation for progress in all_of for operation in progress.now)),
        cells=sum(progress.cells for progress in all_of),
        cells_done=sum(progress.cells_done for progress in all_of),
        processes=sum(progress.processes for progress in all_of),
        blocks=sum(progress.blocks for progress in all_of),
        median_half_width=max(progress.median_half_width for progress in all_of),
        worst_half_width=max(progress.worst_half_width for progress in all_of),
        discard_rate=max(progress.discard_rate for progress in all_of),
        seconds=max(progress.seconds for progress in all_of),
        seconds_left=max(left, default=None),
        seconds_expected=max(expected) if len(expected) == len(all_of) else None,
    )
