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
_HALF_SECONDS: Final = 15.0
_NAMED: Final = 2  # operations that a line names
_MINUTE: Final = 60.0
_FIRST_SECONDS: Final = 2.0  # what is done by then needs no line


@contextmanager
def shown(what: str) -> Iterator[Observer]:
    """An observer for a session; what it shows goes to stderr. Something is shown at once."""
    estimate = _SmoothedEnd()
    with lines(f"{what}: preparing") as tell:
        yield lambda progress: tell(_line(what, progress, estimate))


@contextmanager
def lines(first: str) -> Iterator[Callable[[str], None]]:
    """Shows `first`, and then the last of the lines that it is told; goes to stderr."""
    console = stderr()
    if console.is_terminal:
        from rich.live import Live
        from rich.text import Text

        with Live(Text(first), console=console, refresh_per_second=4, transient=True) as live:
            yield lambda line: live.update(Text(line))
        return
    said = time.monotonic()
    console.print(first, markup=False, soft_wrap=True)

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


class _SmoothedEnd:
    """When a session is likely to end. Each look at the samples moves it, so it follows them slowly: half of a change
    after `_HALF_SECONDS`."""

    def __init__(self) -> None:
        self._at = 0.0
        self._end: float | None = None

    def left(self, progress: Progress) -> float | None:
        """Seconds until then, and never more than the time budget leaves."""
        if progress.seconds_expected is None:
            return None
        end = progress.seconds + progress.seconds_expected
        if self._end is not None:
            end = self._end + (end - self._end) * (1 - 0.5 ** ((progress.seconds - self._at) / _HALF_SECONDS))
        self._at, self._end = progress.seconds, end
        left = max(0.0, end - progress.seconds)
        return left if progress.seconds_left is None else min(left, progress.seconds_left)


def _line(what: str, progress: Progress, estimate: _SmoothedEnd) -> str:
    parts = [
        f"{what}: {progress.cells_done} of {progress.cells} cells precise enough",
        f"process {progress.processes + 1}, block {progress.blocks + 1}: {_now(progress.now)}",
    ]
    if math.isfinite(progress.worst_half_width):
        parts.append(f"±{percent(progress.median_half_width)} (worst ±{percent(progress.worst_half_width)})")
    parts.append(f"{percent(progress.discard_rate)} discarded")
    parts.append(_time(progress, estimate))
    return ", ".join(parts)


def _now(operations: tuple[str, ...]) -> str:
    """The operations that are being measured, the first of many by name."""
    named = " ".join(operations[:_NAMED]) or "none"
    return named if len(operations) <= _NAMED else f"{named} and {len(operations) - _NAMED} more"


def _time(progress: Progress, estimate: _SmoothedEnd) -> str:
    left = estimate.left(progress)
    if left is not None:
        return f"about {_rounded(left)} left"
    if progress.seconds_left is not None:
        return f"at most {_rounded(progress.seconds_left)} left"
    return f"{_rounded(progress.seconds)} so far"


def _rounded(seconds: float) -> str:
    """A time no finer than it is known."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds >= 10 * _MINUTE else f"{seconds / _MINUTE:.1f} min"
