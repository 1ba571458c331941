"""Where rows of a corpus are evaluated: in processes of this machine, or by the workers of a Dask scheduler."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from costmodel.cli.options import scheduler_of
from costmodel.errors import InputError

if TYPE_CHECKING:
    from costmodel.workloads.rows import Rows, Spreader

Backend = Annotated[
    str, typer.Option("--backend", metavar="NAME", help="Where rows are evaluated: local or dask:SCHEDULER.")
]

Jobs = Annotated[
    int | None, typer.Option("--jobs", metavar="N", min=1, max=256, help="Processes. [default: one for each core]")
]


def rows_of_corpus(source: str) -> Rows:
    """The rows of a database or of a file in Parquet."""
    from pathlib import Path

    from costmodel.workloads.corpus import is_database

    if is_database(source):
        from costmodel.workloads.postgres import postgres_rows

        return postgres_rows(source)
    from costmodel.workloads.parquet import parquet_rows

    return parquet_rows(Path(source))


@contextmanager
def spreading(backend: str, jobs: int | None) -> Iterator[Spreader]:
    """What `--backend` and `--jobs` ask for. EnvironmentFault where no scheduler answers."""
    from costmodel.workloads.rows import over, processes

    scheduler = scheduler_of(backend)
    if scheduler is None:
        with processes(jobs or len(os.sched_getaffinity(0))) as spreader:
            yield spreader
        return
    if jobs:
        raise InputError("--jobs is for processes of this machine; leave it out with --backend dask:…")
    from costmodel.fleet.cluster import connected

    with connected(scheduler) as client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InputError(f"the scheduler at {scheduler} has no workers; start some with: dask worker {scheduler}")
        yield partial(over, client.get_executor(pure=False), threads)
