"""A backend of sessions whose processes run on the workers of one kind of machine."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from distributed import Client, Event

from costmodel import errors
from costmodel.fleet.cluster import Worker, fault, probe
from costmodel.fleet.remote import RESOURCE, ProcessReply, Task, work
from costmodel.records import decode_json
from costmodel.timing.clock import clock_named
from costmodel.timing.protocol import Begin, Counted, Fault, Job
from costmodel.timing.protocol import Event as Report
from costmodel.timing.session import evaluator

_POLL_SECONDS: Final = 0.1
_LOOK_SECONDS: Final = 1.0  # between two looks at who is there
_HALT_SECONDS: Final = 10.0  # that workers have to hand in what they have
_TRIES: Final = 3  # of a process whose worker was lost
_ALONE_SECONDS: Final = 60.0  # to wait for a worker where all were lost; a nanny starts a new one in a few


@dataclass(frozen=True, slots=True)
class _Flight:
    """A process under way."""

    job: Job
    tries: int
    worker: Worker
    future: Any


class DaskBackend:
    """One process at a time on each worker. The processes of a lost worker are run again elsewhere; workers of the same
    machine that come later join in."""

    def __init__(self, client: Client, workers: Sequence[Worker], alone_seconds: float = _ALONE_SECONDS) -> None:
        self._client = client
        self._place = workers[0].place
        self._workers = {worker.address: worker for worker in workers}
        self._known = set(self._workers)
        self._flights: list[_Flight] = []
        self._again: deque[tuple[Job, int]] = deque()
        self._looked = self._seen = time.monotonic()
        self._alone_seconds = alone_seconds

    def run(self, jobs: Iterable[Job], halt: Callable[[], bool]) -> Iterator[Report]:
        """`Backend.run`; the events of a process come all together when it has ended."""
        event = Event(f"calibrate-halt-{secrets.token_hex(8)}", client=self._client)
        try:
            yield from self._fly(iter(jobs), halt, event)
        except OSError as error:
            raise errors.EnvironmentFault(
                f"the dask scheduler is gone: {error}; resume the run when it is back"
            ) from error
        finally:
            with suppress(OSError):
                event.set()  # also where the session failed: the workers are free soon after
                self._client.cancel([flight.future for flight in self._flights])

    def _fly(self, waiting: Iterator[Job], halt: Callable[[], bool], event: Any) -> Iterator[Report]:
        while not halt():
            self._start(waiting, event.name)
            if not self._flights:
                # No job is left, or none could be given away because no worker is.
                if not self._again:
                    job = next(waiting, None)
                    if job is None:
                        return
                    self._again.append((job, 0))
                self._check_alone()
            time.sleep(_POLL_SECONDS)
            yield from self._landed()
            self._look()
        event.set()
        # A session whose time runs out while nobody measures has not had that time: it is to be resumed.
        self._look(at_once=True)
        if not self._workers:
            raise self._alone()
        until = time.monotonic() + _HALT_SECONDS
        while self._flights and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
            yield from self._landed()

    def _start(self, waiting: Iterator[Job], halt: str) -> None:
        """Give every free worker a process, lost ones first."""
        busy = {flight.worker.address for flight in self._flights}
        for worker in [worker for worker in self._workers.values() if worker.address not in busy]:
            job, tries = self._again.popleft() if self._again else (next(waiting, None), 0)
            if job is None:
                return
            task = Task(job=job, machine=self._place.machine, evaluator=evaluator(self._place.versions), halt=halt)
            future = self._client.submit(
                work,
                msgspec.json.encode(task),
                key=f"calibrate-{halt}-{job.process}-{tries}",
                workers=[worker.address],
                allow_other_workers=False,
                resources={RESOURCE: 1},
                pure=False,
            )
            self._flights.append(_Flight(job, tries, worker, future))

    def _landed(self) -> Iterator[Report]:
        """Events of the processes that have ended."""
        for flight in [flight for flight in self._flights if flight.future.done()]:
            self._flights.remove(flight)
            if flight.future.status == "finished":
                yield from self._events(flight)
            else:
                self._lose(flight)

    def _events(self, flight: _Flight) -> Iterator[Report]:
        answer = decode_json(flight.future.result(), ProcessReply, f"worker {flight.worker.name}")
        for reply in answer.replies:
            if isinstance(reply, Fault):
                kind: type[errors.CalibrateError] = getattr(errors, reply.error, errors.CalibrateError)
                raise kind(f"worker {flight.worker.name}: {reply.message}")
            if isinstance(reply, Begin):
                yield msgspec.structs.replace(reply, worker=flight.worker.name)
            elif not isinstance(reply, Counted):
                yield reply

    def _lose(self, flight: _Flight) -> None:
        """Have a process run again whose worker was lost, or failed it in a way of its own."""
        if flight.tries + 1 >= _TRIES:
            raise errors.EnvironmentFault(
                f"process {flight.job.process} was lost {_TRIES} times, the last time with worker "
                f"{flight.worker.name}; see that worker's log, then resume the run"
            )
        self._again.append((flight.job, flight.tries + 1))

    def _look(self, *, at_once: bool = False) -> None:
        """Now and then: forget workers that are gone, and take in those that have come."""
        if not at_once and time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        there = set(self._client.nthreads())
        self._workers = {address: worker for address, worker in self._workers.items() if address in there}
        for flight in [flight for flight in self._flights if flight.worker.address not in there]:
            self._flights.remove(flight)
            flight.future.cancel()
            self._lose(flight)
        new = sorted(there - self._known)
        self._known |= there
        for worker in probe(self._client, new, clock_named(self._place.clock.name)):
            if not fault(worker) and worker.place.machine == self._place.machine and self._unused(worker):
                self._workers[worker.address] = worker
        if self._workers:
            self._seen = time.monotonic()

    def _unused(self, worker: Worker) -> bool:
        """Whether nobody measures on the core of a worker that has come."""
        cores = {(other.facts.boot, other.facts.core) for other in self._workers.values()}
        return (worker.facts.boot, worker.facts.core) not in cores

    def _check_alone(self) -> None:
        if time.monotonic() - self._seen > self._alone_seconds:
            raise self._alone()

    def _alone(self) -> errors.EnvironmentFault:
        return errors.EnvironmentFault(
            f"every worker of the machine {self._place.machine.id} was lost; start one, then resume the run"
        )
