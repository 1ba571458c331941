"""Instruction counts under valgrind: a clock that no neighbour disturbs.

A worker runs under callgrind, which starts to count when the works are made and writes a file for each series of
iterations. A work's count is that of two iterations less that of one, so that the harness cancels. Counts are told
apart by whose code was executed: our own C sources are compiled into the same instructions whatever machine they run
on, whereas libraries choose code by the processor that they find. Valgrind 3.19 hides ADX and AVX-512 from programs, so
that libraries may take another path than they do when timed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from costmodel._native import lib
from costmodel.errors import EnvironmentFault
from costmodel.runs.design import Cell
from costmodel.timing.backend import import_path, replies
from costmodel.timing.protocol import Begin, Block, Counted, End, Event, Job, TimedBatch
from costmodel.timing.yardstick import machine_yardstick

_TOOL: Final = "valgrind"
_DUMP: Final = "counts"  # callgrind numbers its files: counts.1, counts.2 …
_OWN_SOURCE: Final = re.compile(r"(^|/)native/(machine|builtins|codec|timing|inputs)/[a-z_]+\.[ch]$")
_OWN_OBJECT: Final = re.compile(r"/costmodel/_native[^/]*\.so$")
# Never counted: of the interpreter an instruction or two remain when the counts are set to zero.
_INTERPRETER: Final = re.compile(r"/(lib)?python[^/]*$")
# Counted in runs, which are to have every byte that is copied, and not in drift checks: malloc searches for longer or
# shorter by what has been allocated and freed, and memcpy and memcmp do more or less by where malloc has put things, so
# that a change of one builtin would show in others.
_C_LIBRARY: Final = re.compile(r"/(libc\.so|libc-|ld-linux)[^/]*$")
_COST_LINE: Final = re.compile(r"[0-9+*-]\S* (\d+)$")
_KEPT_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "VALGRIND_LIB", "TMPDIR")
_TRIGGER: Final = "desc: Trigger: Client Request: "
_YARDSTICKS: Final = 2
_OWN: Final = ""  # stands for our own code among the shared objects


class Count(NamedTuple):
    """Instructions of one iteration: in code compiled from native/, and in every library but the C library,
    bundled ones included."""

    own: int
    libraries: int

    @property
    def total(self) -> int:
        return self.own + self.libraries


class Counts(NamedTuple):
    """Counts in the order of the cells, and the shared objects that were executed, without the extension itself."""

    cells: tuple[Count, ...]
    objects: tuple[Path, ...]


class _Dump(NamedTuple):
    """What one file says: its label, and instructions by shared object, those of our own code under ""."""

    label: str
    instructions: Counter[str]


def count(cells: Sequence[Cell]) -> Counts:
    """Count one iteration of each cell, in one process.

    EnvironmentFault where there is no valgrind, or a build that does not know it; CheckFailed where the machine does
    not do what a cell says.
    """
    job = Job(
        cells=tuple(cells),
        yardstick=machine_yardstick(),
        clock="icount",
        core=min(os.sched_getaffinity(0)),
        seed=0,
        process=0,
        blocks=1,
        seconds=0,
        target_batch_us=0,
    )
    for _, counted in _blocks(job, lambda: False):
        cells_counted = counted[_YARDSTICKS:]
        places = {place for found in cells_counted for place in found}
        objects = {Path(place) for place in places if not (place == _OWN or _is_apart(place))}
        return Counts(tuple(map(_count, cells_counted)), tuple(sorted(objects)))
    raise AssertionError("a worker that ends well has counted its block")


class CountingBackend:
    """`Backend` of the clock icount: ticks are instructions, those of the C library included, and so are the
    yardsticks' readings."""

    def run(self, jobs: Iterable[Job], halt: Callable[[], bool]) -> Iterator[Event]:
        for job in jobs:
            yield Begin(job.process, 1.0, 0.0, (1,) * len(job.cells))
            for number, counted in _blocks(job, halt):
                arithmetic, machine, *cells = (found.total() for found in counted)
                batches = (
                    TimedBatch(cell=index, order=index, iterations=1, ticks=total, disturbance="", cpu=job.core)
                    for index, total in enumerate(cells)
                )
                yield Block(job.process, number, arithmetic, machine, 0.0, tuple(batches))
            if halt():
                return
            yield End(job.process, 1.0, 0.0, 0.0, 0.0)


@cache
def tool_version() -> str:
    """Such as "valgrind-3.19.0". EnvironmentFault where it is missing."""
    if shutil.which(_TOOL) is None:
        raise EnvironmentFault("counting instructions needs valgrind: install the package valgrind, then build again")
    done = subprocess.run([_TOOL, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _blocks(job: Job, halt: Callable[[], bool]) -> Iterator[tuple[int, list[Counter[str]]]]:
    """Each block's number, and instructions by shared object of one iteration of the yardsticks and of the cells."""
    works = len(job.cells) + _YARDSTICKS
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / _DUMP
        for reply in replies(_command(dump), _environment(), job, halt):
            if not isinstance(reply, Counted):
                continue
            first = 1 + 2 * works * reply.block
            dumps = [_take_dump(dump, number) for number in range(first, first + 2 * works)]
            labels = [f"{reply.block}/{work}/{times}" for work in range(works) for times in (1, 2)]
            if [found.label for found in dumps] != labels:
                raise EnvironmentFault(f"{tool_version()} did not write the counts that were asked of it")
            pairs = zip(dumps[0::2], dumps[1::2], strict=True)
            yield reply.block, [_difference(once.instructions, twice.instructions) for once, twice in pairs]


def _difference(once: Counter[str], twice: Counter[str]) -> Counter[str]:
    return Counter({place: twice[place] - once[place] for place in once | twice if twice[place] != once[place]})


def _count(instructions: Counter[str]) -> Count:
    repeatable = sum(number for place, number in instructions.items() if not _C_LIBRARY.search(place))
    own = instructions[_OWN]
    return Count(own, repeatable - own)


def _is_apart(place: str) -> bool:
    """The extension itself, or the C library."""
    return bool(_OWN_OBJECT.search(place) or _C_LIBRARY.search(place))


def _command(dump: Path) -> list[str]:
    tool_version()
    if not lib.cal_counting_built():
        raise EnvironmentFault(
            "this build cannot count instructions: install the package valgrind, then build again (make clean setup)"
        )
    return [
        *_fixed_addresses(),
        *(_TOOL, "-q", "--tool=callgrind", "--instr-atstart=no"),
        *("--compress-strings=no", "--compress-pos=no", f"--callgrind-out-file={dump}"),
        *(sys.executable, "-P", "-m", "costmodel.timing.icount_worker"),
    ]


@cache
def _fixed_addresses() -> tuple[str, ...]:
    """What goes before a command so that the kernel does not draw its addresses; nothing where that is forbidden."""
    command = ("setarch", "-R")
    if shutil.which(command[0]) is None:
        return ()
    tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    return command if tried.returncode == 0 else ()


def _environment() -> dict[str, str]:
    """The same for every count: an environment's length moves the stack."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return kept | {"PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(import_path())}


def _take_dump(dump: Path, number: int) -> _Dump:
    path = dump.with_name(f"{dump.name}.{number}")
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        path.unlink()
    except OSError as error:
        raise EnvironmentFault(f"{tool_version()} did not write its counts: {error.strerror}") from error
    return read_dump(text)


def read_dump(text: str) -> _Dump:
    """Sums of a file of callgrind's format (manual of valgrind, "Callgrind Format Specification"), without compression
    of names and positions and with the one event Ir. A function's cost is that of the file that it stands in, what was
    inlined into it included."""
    label, place, source = "", "", ""
    instructions: Counter[str] = Counter()
    inclusive = False  # the line after calls= repeats what the callee's own lines say
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if line.startswith(_TRIGGER):
            label = line.removeprefix(_TRIGGER)
        elif equals and name == "ob":
            place = value
        elif equals and name == "fl":
            source = value
        elif equals and name == "calls":
            inclusive = True
        elif found := _COST_LINE.match(line):
            if not (inclusive or _INTERPRETER.search(place)):
                ours = _OWN_OBJECT.search(place) and _OWN_SOURCE.search(source)
                instructions[_OWN if ours else place] += int(found[1])
            inclusive = False
    return _Dump(label, instructions)
