"""Workers of a dask scheduler, by the machine that they run on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from distributed import Client
from distributed.comm.addressing import get_address_host_port

from costmodel import __version__
from costmodel.errors import EnvironmentFault
from costmodel.fleet.remote import RESOURCE, Facts, facts
from costmodel.records import decode_json
from costmodel.timing.clock import ClockName
from costmodel.timing.session import ProcessPlace, evaluator
from costmodel.timing.surroundings import versions

_CONNECT_SECONDS: Final = 5
_HOW: Final = "start each as: dask worker SCHEDULER --nthreads 1 --resources core=1"


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker by its address, and what it says of itself."""

    address: str
    facts: Facts

    @property
    def name(self) -> str:
        """For people and for the trace."""
        return f"{self.facts.host} core {self.facts.core} ({self.address})"

    @property
    def place(self) -> ProcessPlace:
        """Its machine, build and clock. EnvironmentFault where it has none."""
        if self.facts.place is None:
            raise EnvironmentFault(f"worker {self.name} cannot measure: {self.facts.fault}")
        return self.facts.place


@contextmanager
def connected(scheduler: str) -> Iterator[Client]:
    """A client of a scheduler, an address such as tcp://host:8786 or host:8786. EnvironmentFault where none answers."""
    try:
        get_address_host_port(scheduler)  # of a client with a wrong address dask says more, later and on its own
        client = Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EnvironmentFault(f"no dask scheduler answers at {scheduler}: {one_line(error)}") from error
    with client:
        yield client


def workers_of(client: Client, clock: ClockName | None) -> list[Worker]:
    """The workers that offer a core. EnvironmentFault where there are none, where one of them cannot measure or has
    another build than this process, and where two would measure on one core."""
    probed = probe(client, list(client.nthreads()), clock)
    found = [worker for worker in probed if worker.facts.slots or worker.facts.fault]
    if not found:
        raise EnvironmentFault(f"no worker of the scheduler offers the resource {RESOURCE}; {_HOW}")
    for worker in found:
        if wrong := fault(worker):
            raise EnvironmentFault(f"worker {worker.name} cannot measure: {wrong}")
    cores: dict[tuple[str, int], Worker] = {}
    for worker in found:
        other = cores.setdefault((worker.facts.boot, worker.facts.core), worker)
        if other is not worker:
            raise EnvironmentFault(
                f"workers {other.name} and {worker.name} would measure on one core; "
                "start each on a core of its own: taskset -c CORE dask worker …"
            )
    return found


def probe(client: Client, addresses: Sequence[str], clock: ClockName | None) -> list[Worker]:
    """What workers say of themselves; those that have gone meanwhile are left out."""
    if not addresses:
        return []
    asked = msgspec.json.encode(clock)
    answers: dict[str, Any] = client.run(facts, asked, workers=list(addresses), on_error="return")
    found = []
    for address, answer in sorted(answers.items()):
        if isinstance(answer, bytes):
            found.append(Worker(address, decode_json(answer, Facts, f"worker {address}")))
        elif not isinstance(answer, OSError):
            found.append(Worker(address, Facts(fault=f"{one_line(answer)}; is calibrate installed there?")))
    return found


def fault(worker: Worker) -> str:
    """Why a worker cannot take part; empty where it can."""
    if worker.facts.fault:
        return worker.facts.fault
    if worker.facts.slots != 1:
        return f"its resource {RESOURCE} is {worker.facts.slots:g}, which lets it time two things at once; {_HOW}"
    return difference(own_build(), _build(worker.place.versions))


def difference(mine: dict[str, str], theirs: dict[str, str]) -> str:
    """How a worker's build differs from that of the process which gives it work; empty where it does not."""
    for key, own in mine.items():
        if theirs.get(key) != own:
            return f"its build differs in {key}, which is {theirs.get(key)} and not {own}; install the same there"
    return ""


def own_build() -> dict[str, str]:
    """Version, and build of the evaluator, of this process."""
    return _build(versions(__version__))


def _build(found: dict[str, str]) -> dict[str, str]:
    return {"calibrate": found["calibrate"], **evaluator(found)}


def by_machine(workers: Sequence[Worker]) -> dict[str, list[Worker]]:
    """Workers by the id of their machine's fingerprint: what may go into one run, and what may not."""
    groups: dict[str, list[Worker]] = {}
    for worker in workers:
        groups.setdefault(worker.place.machine.id, []).append(worker)
    return groups


def one_line(error: BaseException) -> str:
    """What an error says, for a message."""
    return " ".join(str(error).split()) or type(error).__name__
