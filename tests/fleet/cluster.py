"""A scheduler and its workers as a fleet has them: processes of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dask.config
import msgspec
import pytest

from costmodel.fleet.cluster import connected

ROOT = Path(__file__).resolve().parents[2]
_DASK = (sys.executable, "-m", "dask")
# On a busy machine a process may be kept waiting for longer than the half minute after which dask gives it up.
_PATIENT = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "600s"}
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
    ) -> subprocess.Popen[bytes]:
        """A worker on a core, on a machine that says to be `machine`."""
        self._workers += 1
        script = self._folder / f"preload_{self._workers}.py"
        script.write_text(preload + (_DISGUISE.format(name=machine) if machine else ""))
        arguments = [
            "worker",
            self.address,
            "--no-nanny",
            "--nthreads",
            str(threads),
            "--name",
            f"worker-{self._workers}",
            *_QUIETLY,
        ]
        arguments += ["--preload", str(script), "--local-directory", str(self._folder)]
        arguments += ["--resources", resources] if resources else []
        return self._start(*arguments, before=("taskset", "-c", str(core)))

    def foreign(self, core: int) -> subprocess.Popen[bytes]:
        """A worker with another build."""
        return self.worker(core, preload=_FOREIGN_BUILD)

    def ignorant(self, core: int) -> subprocess.Popen[bytes]:
        """A worker without calibrate."""
        return self.worker(core, preload=_NO_CALIBRATE)

    def _start(self, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        log = self._ends.enter_context((self._folder / "log").open("ab"))
        command = [*before, *_DASK, *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **_PATIENT})
        self._ends.callback(process.wait)
        self._ends.callback(process.kill)
        return process


@contextmanager
def fleet(folder: Path) -> Iterator[Fleet]:
    folder.mkdir()
    with ExitStack() as ends, dask.config.set({"distributed.comm.timeouts.tcp": "600s"}):
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
