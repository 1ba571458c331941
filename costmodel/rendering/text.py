"""Text from outside, made safe to show: no control character reaches a terminal, a page or Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Final

_LONGEST_LABEL: Final = 40
# What starts markup in Markdown as GitHub reads it, in table cells too.
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()#+!|<>~&@-])")


def visible(text: str) -> str:
    """A text on one line. Characters that a terminal or a browser would obey are written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def json_visible(text: str) -> str:
    """The same JSON with escapes for characters that a terminal would obey, such as those that turn its direction."""
    lines = text.split("\n")
    return "\n".join(line if line.isprintable() else "".join(map(_json_character, line)) for line in lines)


def _json_character(c: str) -> str:
    return c if c.isprintable() else json.dumps(c)[1:-1]


def one_line(text: str) -> str:
    """A text with every run of white space as one space, and other control characters written as escapes."""
    return visible(" ".join(text.split()))


def first_names(names: Sequence[str], most: int = 5) -> str:
    """The first of many names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def shortened(text: str) -> str:
    """A name that fits on a plot."""
    line = one_line(text)
    return line if len(line) <= _LONGEST_LABEL else line[: _LONGEST_LABEL - 1] + "…"


def fact_lines(facts: Mapping[str, str], width: int | None) -> Iterator[str]:
    """Names and values in two columns, the values broken at `width` characters."""
    column = max(map(len, facts), default=0)
    for name, value in facts.items():
        start = f"{name:<{column}}  "
        if width is None:
            yield start + visible(value)
        else:
            yield from wrap(
                visible(value), max(width, column + 20), initial_indent=start, subsequent_indent=" " * len(start)
            )


def escape_markdown(text: str) -> str:
    """A text that GitHub's Markdown shows as it is, in a table cell too."""
    return _MARKUP.sub(r"\\\1", one_line(text))
