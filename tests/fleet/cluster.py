"""A scheduler and its workers as a fleet has them: processes of their own."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import dask.config
import msgspec
import pytest

from costmodel.fleet.cluster import connected
from tests.fleet.forked import PATIENT, ROOT, started

_QUIETLY = ("--host", "127.0.0.1", "--no-dashboard")

# What a worker of another kind of machine would say of itself.
_DISGUISE = """
import costmodel.timing.session as session
from costmodel.records.run import Machine
session.fingerprint = lambda core: Machine(id={name!r}, cpu={{"model name": "of a test"}})
"""

_FOREIGN_BUILD = """
import costmodel.timing.session as session
session.versions = lambda tool, real=session.versions: real(tool) | {"native": "another"}
"""

_NO_CALIBRATE = """
import sys
sys.modules["costmodel"] = None  # as if it were not installed
"""


class Fleet:
    """Starts workers of one scheduler; all end with the context."""

    def __init__(self, folder: Path, ends: ExitStack) -> None:
        self._folder, self._ends = folder, ends
        self._workers = 0
        self._file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(self._file), *_QUIETLY)
        wait_for(lambda: self._file.exists() and bool(self._file.read_bytes()))
        self.address = str(msgspec.json.decode(self._file.read_bytes())["address"])

    def worker(
        self, core: int, *, machine: str = "", preload: str = "", resources: str = "core=1", threads: int = 1
    ) -> BaseProcess:
        """A worker on a core, on a machine that says to be `machine`."""
        preload += _DISGUISE.format(name=machine) if machine else ""
        return self._start("worker", *self._of_worker(preload, threads), *_resources(resources), core=core)

    def foreign(self, core: int) -> BaseProcess:
        """A worker with another build."""
        return self.worker(core, preload=_FOREIGN_BUILD)

    def ignorant(self, core: int) -> None:
        """A worker without calibrate: a new process, which has loaded nothing of it."""
        command = ("taskset", "-c", str(core), sys.executable, "-m", "dask", "worker")
        log = self._ends.enter_context((self._folder / "log").open("ab"))
        arguments = (*self._of_worker(_NO_CALIBRATE, 1), *_resources("core=1"))
        process = subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=log, stderr=log)
        self._ends.callback(process.wait)
        self._ends.callback(process.kill)

    def _of_worker(self, preload: str, threads: int) -> list[str]:
        """Arguments of a worker that runs a script first."""
        self._workers += 1
        script = self._folder / f"preload_{self._workers}.py"
        script.write_text(preload)
        named = ["--no-nanny", "--nthreads", str(threads), "--name", f"worker-{self._workers}", *_QUIETLY]
        return [self.address, *named, "--preload", str(script), "--local-directory", str(self._folder)]

    def _start(self, command: str, *arguments: str, core: int | None = None) -> BaseProcess:
        process = started(command, [*arguments], self._folder / "log", core)
        self._ends.callback(process.join)
        self._ends.callback(process.kill)
        return process


def _resources(named: str) -> list[str]:
    return ["--resources", named] if named else []


@contextmanager
def fleet(folder: Path) -> Iterator[Fleet]:
    folder.mkdir()
    with ExitStack() as ends, dask.config.set(PATIENT):
        yield Fleet(folder, ends)


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("what was waited for did not happen within a minute")


def wait_for_workers(cluster: Fleet, count: int) -> None:
    with connected(cluster.address) as client:
        wait_for(lambda: len(client.nthreads()) == count)
