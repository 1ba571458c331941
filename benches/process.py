"""A driver's process, seen from the manager."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from costmodel.errors import CheckFailed


@dataclass(frozen=True)
class Answer:
    """One timing: `ns` of all iterations; `spent` is (cpu in ps, mem in words) where the evaluator says.

    `share` is the part of the request's time that the driver had the core: 1 where nothing else ran on it.
    """

    ns: int
    share: float
    spent: tuple[int, int] | None


class Refused(Exception):  # noqa: N818 - an outcome that the table shows, not a fault of the benchmark
    """The evaluator does not do what was asked, for the reason in the message."""


class Crashed(Refused):
    """The evaluator took its process down."""


def parse_answer(line: str, share: float) -> Answer:
    """An answer from a driver's line. Refused where the evaluator failed, CheckFailed where the line is no answer."""
    head, *fields = line.rstrip("\n").split("\t")
    if head == "fail":
        raise Refused(" ".join(fields))
    try:
        numbers = [int(field) for field in fields]
        if head == "ok" and len(numbers) == 1:
            return Answer(numbers[0], share, None)
        if head == "ok" and len(numbers) == 3:
            return Answer(numbers[0], share, (numbers[1], numbers[2]))
    except ValueError:
        pass
    raise CheckFailed(f"a driver answered {line.strip()!r}, which is no answer")


class Driver:
    """A running driver. Use it as a context manager: it ends with the block."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                text=True,
            )
        # A driver that cannot start has already said so in its log.
        hello = self._read().rstrip("\n").split("\t")
        if len(hello) != 3 or hello[0] != "ready":
            self._end()
            raise CheckFailed(f"the driver of {name} does not start; see {log}")
        self.evaluator, self.built = hello[1:]

    def __enter__(self) -> Driver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, work: str, iterations: int, path: Path) -> Answer:
        """Time a work. Refused where the evaluator cannot do it; Crashed where it is gone after that."""
        assert self._process.stdin is not None
        busy, begin = self._busy_ns(), time.perf_counter_ns()
        try:
            print(work, iterations, path, sep="\t", file=self._process.stdin, flush=True)
        except OSError:
            raise Crashed("ended before the request") from None
        line = self._read()
        if not line:
            raise Crashed("ended before its answer")
        elapsed = time.perf_counter_ns() - begin
        ran = self._busy_ns() - busy
        return parse_answer(line, ran / elapsed if ran else 1.0)

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def _busy_ns(self) -> int:
        """Nanoseconds that the process's threads have run; 0 where the kernel does not say."""
        total = 0
        for path in Path(f"/proc/{self._process.pid}/task").glob("*/schedstat"):
            try:
                total += int(path.read_text().split()[0])
            except (OSError, ValueError, IndexError):
                continue  # a thread that has just ended
        return total
