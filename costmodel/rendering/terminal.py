"""Tables for a terminal, or for text that is piped."""

from __future__ import annotations

import re
import shutil
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from costmodel.rendering.tables import Table
from costmodel.rendering.text import visible

STYLES: Final = {
    **dict.fromkeys(("ok", "pass", "unchanged", "improved", "exact", "covered"), "green"),
    **dict.fromkeys(("bad", "error", "fail", "regressed", "under"), "red"),
    **dict.fromkeys(("warn", "warning", "inconclusive"), "yellow"),
    **dict.fromkeys(("unseen", "shared"), "dim"),
}
"""Colours of statuses."""

_UNLIMITED: Final = 10_000  # characters in a line of a --wide table: more than any has
_GAP: Final = 2  # blanks between columns
_LEAST: Final = 14  # characters that a column of text keeps
_FEWEST: Final = 2  # columns that are shown, however narrow the terminal is
_TRAILING: Final = re.compile(r" +(\x1b\[0m)?$", flags=re.MULTILINE)


def terminal_width() -> int:
    """What COLUMNS says, or else how wide the terminal is; 80 where the output is piped."""
    return shutil.get_terminal_size().columns


def render_terminal(table: Table, *, wide: bool = False, top: int | None = None, colour: bool = False) -> str:
    """The table as lines without trailing blanks, no longer than the terminal is wide unless `wide`: its last columns
    are left out where there is no room for the least that all need. A last line says what was left out."""
    shown = (table if wide else table.narrow()).top(top)
    width = _UNLIMITED if wide else terminal_width()
    while len(shown.columns) > _FEWEST and sum(_needs(shown)[1]) + _GAP * (len(shown.columns) - 1) > width:
        shown = shown.first_columns(len(shown.columns) - 1)
    grid = Grid(
        box=None,
        pad_edge=False,
        padding=(0, _GAP, 0, 0),
        header_style="bold",
        show_header=any(column.heading for column in shown.columns),
    )
    for column, needed in zip(shown.columns, _widths(shown, width), strict=True):
        side = "right" if column.numeric else "left"
        grid.add_column(Text(visible(column.heading)), justify=side, overflow="fold", width=needed)  # type: ignore[arg-type]
    for row in shown.rows:
        grid.add_row(*(Text(visible(cell.text), style=STYLES.get(cell.status, "")) for cell in row))
    console = Console(width=width, force_terminal=colour, no_color=not colour, highlight=False)
    with console.capture() as captured:
        if shown.caption:
            console.print(Text(visible(shown.caption), style="italic"))
        console.print(grid)
    return _TRAILING.sub(r"\1", captured.get()) + _left_out(table, shown)


def _widths(table: Table, limit: int) -> list[int]:
    """How wide each column is: the widest texts are broken where the table would be too wide."""
    widths, least = _needs(table)
    excess = sum(widths) + _GAP * (len(widths) - 1) - limit
    while excess > 0:
        room = [width - floor for width, floor in zip(widths, least, strict=True)]
        if max(room, default=0) <= 0:
            break
        widest = max(range(len(widths)), key=lambda place: (room[place] > 0, widths[place]))
        widths[widest] -= 1
        excess -= 1
    return widths


def _needs(table: Table) -> tuple[list[int], list[int]]:
    """How wide each column is when nothing is broken, and at least. Numbers are never broken, headings only between
    words."""
    widths, least = [], []
    for place, column in enumerate(table.columns):
        cells = [visible(row[place].text) for row in table.rows]
        content = max(map(cell_len, cells), default=0)
        words = max(map(cell_len, visible(column.heading).split()), default=0)
        whole = max(content, words if column.numeric else cell_len(visible(column.heading)), 1)
        widths.append(whole)
        least.append(whole if column.numeric else min(whole, max(_LEAST, words)))
    return widths, least


def _left_out(table: Table, shown: Table) -> str:
    columns, rows = len(table.columns) - len(shown.columns), len(table.rows) - len(shown.rows)
    parts = [f"{rows:,} more row{'s' if rows > 1 else ''}"] if rows else []
    parts += [f"{columns} more column{'s' if columns > 1 else ''} with --wide"] if columns else []
    return f"({', '.join(parts)})\n" if parts else ""
