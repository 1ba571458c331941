"""Nodes on the workers of a dask scheduler, one at a time on each worker's core. All that is sent is JSON."""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, suppress
from typing import Any, Final

import msgspec
from distributed import Client, Event

from costmodel.cluster.manager import replies
from costmodel.cluster.node import NodeEnd, NodeJob, NodeReply
from costmodel.errors import CalibrateError, EnvironmentFault
from costmodel.fleet.cluster import workers_of
from costmodel.fleet.remote import RESOURCE, halted_by, own_core
from costmodel.records import decode_json

_POLL_SECONDS: Final = 0.1
_ALONE_SECONDS: Final = 60.0  # to wait for a worker where all were lost


def remote_replies(client: Client, jobs: Sequence[NodeJob]) -> Generator[NodeReply]:
    """As `manager.replies`, but what a node says comes all together when it has ended; `NodeJob.core` is ignored.

    A node whose worker is lost is run again by dask on another one; after the third loss it ends with a fault.
    EnvironmentFault where a worker has another build, and where scheduler or all workers are gone. Closing the iterator
    ends the nodes.
    """
    workers_of(client, jobs[0].clock)
    halt = Event(f"calibrate-halt-{secrets.token_hex(8)}", client=client)
    flying = {
        client.submit(run_node, msgspec.json.encode(job), halt.name, resources={RESOURCE: 1}, pure=False): job
        for job in jobs
    }
    try:
        seen = time.monotonic()
        while flying:
            time.sleep(_POLL_SECONDS)
            if client.nthreads():
                seen = time.monotonic()
            elif time.monotonic() - seen > _ALONE_SECONDS:
                raise EnvironmentFault(
                    "all workers of the dask scheduler are gone; start some and run the cluster again"
                )
            for future in [future for future in flying if future.done()]:
                yield from _said(future, flying.pop(future))
    except OSError as error:
        raise EnvironmentFault(f"the dask scheduler is gone: {error}; run the cluster again when it is back") from error
    finally:
        with suppress(OSError):
            halt.set()  # nodes that are still at work end soon after
            client.cancel(list(flying))


def _said(future: Any, job: NodeJob) -> Iterable[NodeReply]:
    if future.status != "finished":
        return [NodeEnd(job.node, f"its worker was lost or failed: {' '.join(str(future.exception()).split())}")]
    return decode_json(future.result(), tuple[NodeReply, ...], "a worker")


def run_node(job: bytes, halt: str) -> bytes:
    """On a worker: run one node process on the worker's own core to its end, or until the event is set."""
    asked = msgspec.json.decode(job, type=NodeJob)
    halted = halted_by(Event(halt))
    said: list[NodeReply] = []
    try:
        with closing(replies([msgspec.structs.replace(asked, core=own_core())])) as source:
            for reply in source:
                said.append(reply)
                if halted():
                    break
    except CalibrateError as error:
        said.append(NodeEnd(asked.node, str(error)))
    return msgspec.json.encode(said)
