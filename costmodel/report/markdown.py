"""A page as Markdown: the answer, what needs attention, and the tables. Plots stay with the HTML and with `--plot`."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from costmodel.rendering.markup import render_markdown as render_table
from costmodel.rendering.text import escape_markdown, one_line
from costmodel.report.page_model import Fold, Page, Section


def render_markdown(page: Page) -> str:
    """The page's text as GitHub's Markdown."""
    answer = page.answer
    lines = [f"# {escape_markdown(page.title)}", ""]
    lines += [f"- {escape_markdown(name)}: {escape_markdown(fact)}" for name, fact in answer.facts]
    lines += [
        "",
        *(f"**{escape_markdown(each.status)}**: {escape_markdown(each.text)}" for each in answer.conclusions),
        "",
    ]
    lines += [
        f"- {escape_markdown(each.name)}: {escape_markdown(each.value)} ({escape_markdown(each.note)})"
        for each in answer.figures
    ]
    lines += ["", "## Needs attention", ""]
    lines += [
        f"- **{flag.level}**, {escape_markdown(f'{flag.kind}: {flag.where} – {flag.text}')}" for flag in page.flagged
    ] or ["Nothing."]
    for section in page.sections:
        lines += ["", *_section(section)]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {escape_markdown(section.title)}"
    yield ""
    if section.intro:
        yield escape_markdown(section.intro)
        yield ""
    for plot in section.plots:
        yield f"*{escape_markdown(plot.title)}.* {escape_markdown(plot.description)}"
        yield ""
    for table in section.tables:
        yield from render_table(table)
    for fold in section.folds:
        yield from _fold(fold)


def _fold(fold: Fold) -> Iterator[str]:
    """Folded there as well; GitHub reads Markdown between the tags if empty lines separate it from them."""
    note = f" ({fold.note})" if fold.note else ""
    yield f"<details><summary>{escape(one_line(f'{fold.title}{note}'))}</summary>"
    yield ""
    for plot in fold.plots:
        yield escape_markdown(plot.description)
        yield ""
    for table in fold.tables:
        yield from render_table(table)
    yield "</details>"
    yield ""
