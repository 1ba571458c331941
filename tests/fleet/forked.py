"""Processes of dask forked from one that has loaded what they load, so that none waits for imports."""

import multiprocessing
import os
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import dask.config
from distributed.cli import dask_scheduler, dask_worker

import costmodel.fleet.remote  # noqa: F401  for what workers are asked to do

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENT: Final = {"distributed.comm.timeouts.tcp": "600s"}
"""On a busy machine a process may be kept waiting for longer than the half minute after which dask gives it up."""

_COMMANDS: Final = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
_CONTEXT: Final = multiprocessing.get_context("forkserver")


def started(command: str, arguments: list[str], log: Path, core: int | None) -> BaseProcess:
    """A process of `dask COMMAND`, on a core."""
    _CONTEXT.set_forkserver_preload([__name__])
    process = _CONTEXT.Process(target=_run, args=(command, arguments, log, core))
    process.start()
    return process


def _run(command: str, arguments: list[str], log: Path, core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})
    said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(said, stream)
    os.chdir(ROOT)
    with dask.config.set(PATIENT):
        _COMMANDS[command].main(arguments, standalone_mode=False)
