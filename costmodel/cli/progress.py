"""How work is shown while it goes on: live on a terminal, by a plain line now and then elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from costmodel.cli.output import stderr
from costmodel.rendering.numbers import percent

if TYPE_CHECKING:
    from costmodel.timing.session import Observer, Progress

_PLAIN_SECONDS: Final = 10.0
_FIRST_SECONDS: Final = 2.0  # what is done by then needs no line


@contextmanager
def shown(what: str) -> Iterator[Observer]:
    """An observer for a session; what it shows goes to stderr."""
    with lines() as tell:
        yield lambda progress: tell(_line(what, progress))


@contextmanager
def lines() -> Iterator[Callable[[str], None]]:
    """Shows the last of the lines that it is told; goes to stderr."""
    console = stderr()
    if console.is_terminal:
        from rich.live import Live
        from rich.text import Text

        with Live(console=console, refresh_per_second=4, transient=True) as live:
            yield lambda line: live.update(Text(line))
        return
    said = time.monotonic()

    def say(line: str) -> None:
        nonlocal said
        if time.monotonic() - said >= _PLAIN_SECONDS:
            said = time.monotonic()
            console.print(line, markup=False, soft_wrap=True)

    yield say


@contextmanager
def counted(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Shows how many of how many are done, as it is told; goes to stderr."""
    console = stderr()
    if console.is_terminal:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
        with Bar(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    began = time.monotonic()
    due = began + _FIRST_SECONDS

    def say(done: int, total: int) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due and done:
            due = now + _PLAIN_SECONDS
            left = (now - began) * (total - done) / done
            console.print(
                f"{what}: {done:,} of {total:,} {unit}, about {left:.0f} s left", markup=False, soft_wrap=True
            )

    yield say


def _line(what: str, progress: Progress) -> str:
    parts = [
        f"{what}: {progress.cells_done} of {progress.cells} cells precise enough",
        f"{progress.processes} processes, {progress.blocks} blocks",
    ]
    if math.isfinite(progress.worst_half_width):
        parts.append(f"±{percent(progress.median_half_width)} (worst ±{percent(progress.worst_half_width)})")
    parts.append(f"{percent(progress.discard_rate)} discarded")
    parts.append(_time(progress))
    return ", ".join(parts)


def _time(progress: Progress) -> str:
    if progress.seconds_expected is not None:
        return f"about {progress.seconds_expected:.0f} s left"
    if progress.seconds_left is not None:
        return f"at most {progress.seconds_left:.0f} s left"
    return f"{progress.seconds:.0f} s so far"
