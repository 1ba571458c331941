"""What the commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NamedTuple

from costmodel.records import Document, encode
from costmodel.rendering.text import fact_lines, json_visible, one_line, visible

if TYPE_CHECKING:
    from rich.console import Console

    from costmodel.rendering.tables import Table


class View(NamedTuple):
    """How much of a table is printed: every column, and how many rows."""

    wide: bool = False
    top: int | None = None


_EVERYTHING: Final = View()
VIEW: Final[ContextVar[View]] = ContextVar("VIEW", default=_EVERYTHING)
"""What --wide and --top asked for."""

_LONGEST: Final = 1000  # characters of a message
_UNCERTAIN_SHOWN: Final = 10
_STYLES: Final = {"red": "31", "green": "32", "yellow": "33", "bold": "1"}


def complain(message: str) -> None:
    """One line on stderr, whatever a file name or a decoder put into it."""
    if sys.stderr is not None:  # print would take stdout instead
        with suppress(OSError):
            print(f"calibrate: {quoted(message)}", file=sys.stderr, flush=True)


def quoted(message: str) -> str:
    """A message on one line, cut where it quotes too much of an input."""
    line = one_line(message)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} … {line[-_LONGEST // 2 :]}"


def stderr() -> Console:
    """Where progress goes."""
    from rich.console import Console  # loaded late: most of what commands take to start

    return Console(stderr=True, highlight=False)


def say(*lines: str, style: str = "") -> None:
    """Prints lines of a result. A line break within one stays; other control characters become escapes."""
    for line in lines:
        text = "\n".join(map(visible, line.split("\n")))
        print(f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and _coloured() else text)


def show(table: Table) -> None:
    """Prints a table, as wide as the terminal is and as long as --top says."""
    from costmodel.rendering.terminal import render_terminal

    sys.stdout.write(render_terminal(table, wide=VIEW.get().wide, top=VIEW.get().top, colour=_coloured()))


def show_uncertain(reasons: Mapping[str, str], elsewhere: str) -> None:
    """Prints what missed its precision and why: the first ten, as a short run leaves hundreds, which would hide what
    comes after them. `elsewhere` is where all of them stand."""
    from costmodel.rendering.tables import Table

    if not reasons:
        return
    rows = sorted(reasons.items())
    most = VIEW.get().top or (len(rows) if VIEW.get().wide else _UNCERTAIN_SHOWN)
    show(Table.of("Less precise than asked", ("cell", "reason"), rows[:most]))
    if len(rows) > most:
        say(f"and {len(rows) - most:,} more; --wide shows them all, and so does {elsewhere}")
    say("")


def show_facts(facts: Mapping[str, str]) -> None:
    """Prints names and values, without waiting for what draws tables."""
    print("\n".join(fact_lines(facts, None if VIEW.get().wide else shutil.get_terminal_size().columns)))


def print_json(document: Document) -> None:
    """One JSON document on stdout, stable for the same content."""
    sys.stdout.write(json_visible(encode(document).decode()))


def _coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
