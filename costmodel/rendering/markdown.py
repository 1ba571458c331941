"""Tables as GitHub's Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from costmodel.rendering.tables import Table
from costmodel.rendering.text import escape_markdown


def render_markdown(table: Table) -> Iterator[str]:
    """The lines of the table with its caption and an empty line after it; nothing where there are no rows."""
    if not table.rows:
        return
    if table.caption:
        yield f"**{escape_markdown(table.caption)}**"
        yield ""
    yield _row(column.heading for column in table.columns)
    yield "|" + "|".join("---:" if column.numeric else "---" for column in table.columns) + "|"
    for row in table.rows:
        yield _row(cell.text for cell in row)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(escape_markdown, cells)) + " |"
