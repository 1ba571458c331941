"""A page as Markdown: what is flagged, and the tables. Plots stay with the HTML and with `--plot`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from costmodel.report.page_model import Fold, Page, Section, Table

# What starts markup in Markdown as GitHub reads it, in table cells too.
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()#+!|<>~&@-])")


def render_markdown(page: Page) -> str:
    """The page's text as GitHub's Markdown."""
    lines = [f"# {_escaped(page.title)}", "", "## Flagged", ""]
    lines += [
        f"- **{flag.level}**, {_escaped(flag.kind)}: {_escaped(flag.where)} – {_escaped(flag.text)}"
        for flag in page.flagged
    ] or ["Nothing is flagged."]
    for section in page.sections:
        lines += ["", *_section(section)]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {_escaped(section.title)}"
    yield ""
    if section.intro:
        yield _escaped(section.intro)
        yield ""
    for plot in section.plots:
        yield f"*{_escaped(plot.title)}.* {_escaped(plot.description)}"
        yield ""
    for table in section.tables:
        yield from _table(table)
    for fold in section.folds:
        yield from _fold(fold)


def _fold(fold: Fold) -> Iterator[str]:
    """Folded there as well; GitHub reads Markdown between the tags if empty lines part it from them."""
    note = f" ({fold.note})" if fold.note else ""
    yield f"<details><summary>{escape(' '.join(f'{fold.title}{note}'.split()))}</summary>"
    yield ""
    for plot in fold.plots:
        yield _escaped(plot.description)
        yield ""
    for table in fold.tables:
        yield from _table(table)
    yield "</details>"
    yield ""


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    yield f"**{_escaped(table.caption)}**"
    yield ""
    yield _row(column.heading for column in table.columns)
    yield _rule(table)
    for row in table.rows:
        yield _row(cell.text for cell in row)
    yield ""


def _rule(table: Table) -> str:
    return "|" + "|".join("---:" if column.numeric else "---" for column in table.columns) + "|"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
