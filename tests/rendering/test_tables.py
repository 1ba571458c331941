"""One table for terminal, Markdown and HTML."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.rendering.markup import render_html, render_markdown
from costmodel.rendering.tables import Table, TableCell, number, wide
from costmodel.rendering.terminal import render_terminal
from costmodel.rendering.text import escape_markdown, visible

LONG = "a shape that cannot follow what the machine does, " * 4
TABLE = Table.of(
    "Builtins",
    ("builtin", number("cost"), "flags", wide("coefficients")),
    [
        ("addInteger", TableCell("1.5 ns", 1500.0), TableCell(LONG, status="warning"), "slope 3"),
        ("sha2_256", "2 µs", "none", ""),
    ],
)
HOSTILE = "\x1b[2J\x07<script>|`x`\u202e\r\n"


@pytest.mark.parametrize("columns", [50, 80, 200])
def test_a_table_fits_the_terminal_and_has_no_trailing_blanks(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = render_terminal(TABLE).splitlines()
    assert max(map(len, lines)) <= columns
    assert [line for line in lines if line != line.rstrip()] == []
    assert "1.5 ns" in "\n".join(lines)


def test_columns_without_room_are_left_out_and_numbers_are_never_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    table = Table.of("", ["name", *(number(f"evaluator-{n}") for n in range(6))], [["x", *range(6)]])
    heading, row, left = render_terminal(table).splitlines()
    assert heading.split() == ["name", "evaluator-0", "evaluator-1"]
    assert row.split() == ["x", "0", "1"]
    assert left == "(4 more columns with --wide)"
    assert "evaluator-5" in render_terminal(table, wide=True)


def test_what_is_left_out_is_said_and_wide_shows_it() -> None:
    assert render_terminal(TABLE, top=1).endswith("(1 more row, 1 more column with --wide)\n")
    text = render_terminal(TABLE, wide=True)
    assert "slope 3" in text
    assert LONG.strip() in text
    assert "more" not in text


def test_numbers_are_aligned_to_the_right() -> None:
    heading, first, *_ = render_terminal(Table.of("", (number("n"), "x"), [("1", "a"), ("1,000", "b")])).splitlines()
    assert (heading, first) == ("    n  x", "    1  a")


def test_statuses_have_colours_only_where_they_are_wanted() -> None:
    table = Table.of("", ("verdict",), [(TableCell("fail", status="fail"),)])
    assert "\x1b[31mfail" in render_terminal(table, colour=True)
    assert "\x1b" not in render_terminal(table)


def test_no_control_character_reaches_any_output() -> None:
    table = Table.of(HOSTILE, (HOSTILE,), [(TableCell(HOSTILE, status="fail"),), (HOSTILE,)])
    for text in (render_terminal(table), "\n".join(render_markdown(table)), str(render_html(table))):
        assert [c for c in text if not c.isprintable() and c != "\n"] == []
    assert "<script>" not in render_html(table)
    row = list(render_markdown(table))[-2]
    assert row.count("|") - row.count(r"\|") == 2


def test_html_sorts_by_numbers_marks_statuses_and_links_first_cells() -> None:
    html = render_html(TABLE, {"sha2_256": "fold-1", "2 µs": "fold-2"})
    assert 'data-sort="1500.0"' in html
    assert '<span class="mark warning">' in html
    assert re.findall(r'<a href="#([^"]*)">([^<]*)</a>', html) == [("fold-1", "sha2_256")]


def test_markdown_has_no_table_without_rows() -> None:
    assert list(render_markdown(Table.of("c", ("a",), []))) == []


@given(st.text())
def test_visible_text_is_printable_and_leaves_printable_text_alone(text: str) -> None:
    assert visible(text).isprintable()
    assert visible(visible(text)) == visible(text)
    assert "\n" not in escape_markdown(text)
