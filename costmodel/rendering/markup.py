"""Tables as GitHub's Markdown and as HTML, which the page's style sheet and script make sortable and scrollable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from markupsafe import Markup, escape

from costmodel.rendering.tables import Column, Table, TableCell
from costmodel.rendering.text import escape_markdown, one_line


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


_LONG: Final = 34  # characters from which a cell may be broken over lines


def render_html(table: Table, links: Mapping[str, str] | None = None) -> Markup:
    """The table as an element. `links` has the names of elements that a first cell of that text leads to."""
    headings = Markup("").join(map(_heading, table.columns))
    rows = Markup("\n").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                _cell(cell, column, place == 0, links or {})
                for place, (cell, column) in enumerate(zip(row, table.columns, strict=True))
            )
        )
        for row in table.rows
    )
    head = Markup("<thead><tr>{}</tr></thead>").format(headings) if any(c.heading for c in table.columns) else ""
    caption = Markup("<caption>{}</caption>").format(one_line(table.caption)) if table.caption else ""
    return Markup("<table>{}{}<tbody>\n{}\n</tbody></table>").format(caption, head, rows)


def _heading(column: Column) -> Markup:
    # A long word such as "observed/predicted" may break at its slash.
    text = escape(one_line(column.heading)).replace("/", Markup("/<wbr>"))
    return Markup('<th scope="col"{}>{}</th>').format(Markup(' class="number"') if column.numeric else "", text)


def _cell(cell: TableCell, column: Column, first: bool, links: Mapping[str, str]) -> Markup:
    text = one_line(cell.text)
    shown: Markup | str = text
    if cell.status:
        shown = Markup('<span class="mark {}">{}</span>').format(cell.status.replace(" ", "-"), text)
    elif first and (target := links.get(cell.text)):
        shown = Markup('<a href="#{}">{}</a>').format(target, text)
    kind = "number" if column.numeric else "short" if len(text) <= _LONG else "long"
    sort = "" if cell.sort is None else Markup(' data-sort="{}"').format(cell.sort)
    form = '<th scope="row" class="{}"{}>{}</th>' if first else '<td class="{}"{}>{}</td>'
    return Markup(form).format(kind, sort, shown)  # noqa: S704 - one of two forms; what fills them is escaped
