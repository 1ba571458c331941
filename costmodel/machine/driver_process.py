"""The process of a driver: started, asked line by line within limits of time, pinned, and ended."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import msgspec

from costmodel.errors import CheckFailed, EnvironmentFault
from costmodel.machine import driver_protocol as protocol
from costmodel.machine.driver_protocol import Answer, Hello, Load, Time

_START_SECONDS: Final = 60.0  # a run time may load for long
_REPLY_SECONDS: Final = 30.0  # for an answer, beyond the time that its batch is expected to take
_SLICE_SECONDS: Final = 1.0
_SLACK: Final = 20  # times the expected time
_COMPLAINT_BYTES: Final = 4096


@dataclass(frozen=True)
class DriverCommand:
    """How to start a driver, in a `folder` or here. `identity` is a checksum of what is started; `name` is what users
    call it."""

    name: str
    command: tuple[str, ...]
    identity: str
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


class DriverProcess:
    """A running driver. EnvironmentFault where it cannot be started or does not say hello."""

    def __init__(self, driver: DriverCommand) -> None:
        environment = {**os.environ, **driver.environment}
        try:
            self._process = subprocess.Popen(
                driver.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=driver.folder,
                bufsize=0,
            )
        except OSError as error:
            raise EnvironmentFault(f"cannot start the driver {driver.command[0]!r}: {error.strerror}") from None
        self._requests_to, self._answers, self._complaints = map(
            _opened, (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        self._selector = selectors.DefaultSelector()
        for stream in (self._requests_to, self._answers, self._complaints):
            os.set_blocking(stream.fileno(), False)
        for stream in (self._answers, self._complaints):
            self._selector.register(stream, selectors.EVENT_READ)
        self._rest, self._complaint = b"", b""
        self._requests = 0
        try:
            self.hello: Hello = protocol.read_hello(self._line(_START_SECONDS))
        except CheckFailed as error:
            self.close()
            raise EnvironmentFault(f"the driver {driver.name!r} does not start: {error}") from None
        except BaseException:  # Ctrl-C while it loads must not leave it behind
            self.close()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._selector.close()
        for stream in (self._requests_to, self._answers, self._complaints):
            with suppress(OSError):
                stream.close()

    def ask(self, message: Load | Time, seconds: float = 0.0) -> Answer:
        """The answer to a request that is expected to take some seconds. CheckFailed for anything but an answer."""
        self._requests += 1
        message = msgspec.structs.replace(message, request=self._requests)
        self._send(msgspec.json.encode(message) + b"\n")
        return protocol.read_answer(self._line(_REPLY_SECONDS + _SLACK * seconds), self._requests)

    def _send(self, text: bytes) -> None:
        left = memoryview(text)

        def sent() -> bool:
            nonlocal left
            try:
                while left:
                    left = left[os.write(self._requests_to.fileno(), left) :]
            except BlockingIOError:  # the pipe is full
                return False
            except BrokenPipeError:  # that it is gone is noticed when its answer is read
                pass
            return True

        if not sent():
            self._selector.register(self._requests_to, selectors.EVENT_WRITE)
            try:
                self._until(sent, "read a request", _REPLY_SECONDS)
            finally:
                self._selector.unregister(self._requests_to)

    def _line(self, seconds: float) -> bytes:
        self._until(lambda: b"\n" in self._rest, "answer", seconds)
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _until(self, done: Callable[[], bool], what: str, seconds: float) -> None:
        """Take in what it writes until that is done. CheckFailed where it is not within some seconds."""
        waited = 0.0
        while not done():
            if len(self._rest) > protocol.LONGEST_LINE:
                raise CheckFailed(f"it wrote {len(self._rest)} bytes without an end of the line")
            if waited >= seconds:
                raise CheckFailed(f"it did not {what} within {seconds:.0f} s")
            begun = time.monotonic()
            self._read(min(_SLICE_SECONDS, seconds - waited))
            # A machine that was suspended meanwhile is not the driver's fault.
            waited += min(time.monotonic() - begun, _SLICE_SECONDS)

    def _read(self, seconds: float) -> None:
        """Take in what it writes until the time is over. CheckFailed when it has ended."""
        for key, events in self._selector.select(seconds):
            if events & selectors.EVENT_WRITE:
                continue
            chunk = os.read(key.fd, 1 << 16)
            if key.fileobj is self._complaints:
                self._complaint = (self._complaint + chunk)[-_COMPLAINT_BYTES:]
                if not chunk:
                    self._selector.unregister(key.fileobj)
            elif chunk:
                self._rest += chunk
            else:
                raise CheckFailed(self._ending())

    def _ending(self) -> str:
        code = self._process.wait()
        how = f"was killed by signal {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        half = f" after half a line, {protocol.quoted(self._rest)}" if self._rest else ""
        with suppress(OSError):
            self._complaint = (self._complaint + os.read(self._complaints.fileno(), 1 << 16))[-_COMPLAINT_BYTES:]
        lines = self._complaint.decode("utf-8", "replace").strip().splitlines()
        said = f": {' '.join(lines[-1].split())[:200]}" if lines else ""
        return f"its driver {how}{half}{said}"

    def _tasks(self) -> list[Path]:
        """All its threads, and those of processes that it has started, in /proc."""
        found: list[Path] = []
        waiting = [self.pid]
        while waiting:
            with suppress(OSError):  # one that has just ended
                for task in Path(f"/proc/{waiting.pop()}/task").iterdir():
                    found.append(task)
                    with suppress(OSError):
                        waiting += map(int, (task / "children").read_text("ascii").split())
        return found

    def threads(self) -> list[int]:
        return [int(task.name) for task in self._tasks()]

    def pin(self, core: int) -> None:
        """Keep all its threads on a core, those included that have chosen otherwise."""
        for thread in self.threads():
            with suppress(OSError):  # a thread that has just ended
                os.sched_setaffinity(thread, {core})

    def ran_ns(self) -> int:
        """Nanoseconds that its threads have run; 0 where the kernel does not say."""
        total = 0
        for task in self._tasks():
            with suppress(OSError, ValueError, IndexError):
                total += int((task / "schedstat").read_bytes().split()[0])
        return total


def _opened(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise TypeError("a driver's streams are pipes")
    return stream
