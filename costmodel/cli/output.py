"""What the commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

Row = Sequence[str | Text]


def complain(message: str) -> None:
    """One line on stderr, whatever characters a file name or a decoder put into it."""
    line = " ".join(message.split())
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    if sys.stderr is not None:  # print would take stdout instead
        with suppress(OSError):
            print(f"calibrate: {printable}", file=sys.stderr, flush=True)


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError  # rich would end the process by itself, with an exit code of its choice


def stdout() -> Console:
    """Where results go. Unlike rich's default, a result that is piped is not cut to 80 columns."""
    return _Console(highlight=False, width=None if sys.stdout.isatty() else 200, soft_wrap=False)


def stderr() -> Console:
    """Where progress and logs go."""
    return Console(stderr=True, highlight=False)


def visible(text: str) -> str:
    """A text from outside on one line, its control characters written as escapes: a terminal would obey them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def print_json(document: Any, *, ordered: bool = False) -> None:
    """One JSON document on stdout, stable for the same content: keys sorted, or in their own order."""
    text = msgspec.json.format(msgspec.json.encode(document, order=None if ordered else "sorted"), indent=2)
    sys.stdout.write(text.decode() + "\n")


def table(title: str | None, columns: Sequence[tuple[str, str]], rows: Sequence[Row]) -> Table:
    """A table; `columns` are headings with "left" or "right"."""
    made = Table(
        title=title,
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="bold",
        show_header=any(heading for heading, _ in columns),
    )
    for heading, side in columns:
        made.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return made


def percent(share: float) -> str:
    """A relative number as a percentage of three significant digits."""
    return f"{100 * share:.3g} %"


def time_ns(ns: float) -> str:
    """A time in the unit that keeps it readable."""
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(ns) >= scale:
            return f"{ns / scale:.4g} {unit}"
    return f"{ns:.4g} ns"
