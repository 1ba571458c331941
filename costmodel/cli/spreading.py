"""Where rows of a corpus are evaluated: in processes of this machine, or by the workers of a Dask scheduler."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from costmodel.cli.options import scheduler_of
from costmodel.errors import InputError

if TYPE_CHECKING:
    from costmodel.workloads.rows import Out, Rows, Spreader, Work

Backend = Annotated[
    str, typer.Option("--backend", metavar="NAME", help="Where rows are evaluated: local or dask:SCHEDULER.")
]

Jobs = Annotated[
    int | None, typer.Option("--jobs", metavar="N", min=1, max=256, help="Processes. [default: one for each core]")
]


@contextmanager
def spreading(backend: str, jobs: int | None) -> Iterator[Spreader]:
    """What `--backend` and `--jobs` ask for. EnvironmentFault where no scheduler answers."""
    from costmodel.workloads.rows import processes

    scheduler = scheduler_of(backend)
    if scheduler is None:
        with processes(jobs or len(os.sched_getaffinity(0))) as spreader:
            yield spreader
        return
    if jobs:
        raise InputError("--jobs is for processes of this machine; leave it out with --backend dask:…")
    from costmodel.fleet.cluster import connected

    with connected(scheduler) as client:
        if not client.nthreads():
            raise InputError(f"the scheduler at {scheduler} has no workers; start some with: dask worker {scheduler}")
        yield partial(_by_workers, client)


def _by_workers(client: Any, rows: Rows, work: Work[Out]) -> Iterator[Out]:
    from costmodel.fleet.spread import spread
    from costmodel.workloads.rows import to_bytes

    return spread(client, work, ((rows.name, first, to_bytes(batch)) for first, batch in rows.batches()))
