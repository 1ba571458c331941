"""Node processes on this machine: a lane for each core, in which nodes run one after another."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Generator, Sequence
from typing import Final

import msgspec

from costmodel.cluster.node import NodeEnd, NodeJob, NodeReply
from costmodel.timing.backend import complaint, import_path, started

_NODE: Final = (sys.executable, "-P", "-m", "costmodel.cluster.node")
_POLL_SECONDS: Final = 0.1


def replies(jobs: Sequence[NodeJob]) -> Generator[NodeReply]:
    """What the nodes say, as they say it, each with a NodeEnd as its last. A node that dies ends with its fault.

    Nodes of one core run one after another, so that none waits for another while it is timed. Closing the iterator
    ends the processes.
    """
    said: queue.Queue[NodeReply] = queue.Queue()
    halt = threading.Event()
    lanes = [[job for job in jobs if job.core == core] for core in sorted({job.core for job in jobs})]
    threads = [threading.Thread(target=_lane, args=(lane, said, halt)) for lane in lanes]
    left = len(jobs)
    try:
        for thread in threads:
            thread.start()
        while left:
            try:
                reply = said.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            left -= isinstance(reply, NodeEnd)
            yield reply
    finally:
        halt.set()
        for thread in threads:
            thread.join()


def _lane(jobs: Sequence[NodeJob], said: queue.Queue[NodeReply], halt: threading.Event) -> None:
    for job in jobs:
        if halt.is_set():
            return
        try:
            _run(job, said, halt)
        except OSError as error:
            said.put(NodeEnd(job.node, f"its process cannot be started: {error.strerror}"))


def _run(job: NodeJob, said: queue.Queue[NodeReply], halt: threading.Event) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(import_path())}
    with started(_NODE, environment, job) as (process, complaints):
        for line in process.stdout or ():
            if halt.is_set():
                return
            try:
                reply = msgspec.json.decode(line, type=NodeReply)
            except msgspec.DecodeError:  # cut short as it died
                break
            said.put(reply)
            if isinstance(reply, NodeEnd):
                return
        said.put(NodeEnd(job.node, complaint(process, complaints)))
