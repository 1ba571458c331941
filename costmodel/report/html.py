"""A page as one HTML file that needs nothing else. Its charts are drawn in the browser from the data in the page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from costmodel.rendering.markup import render_html as render_table
from costmodel.rendering.text import one_line
from costmodel.report.charts import to_builtins
from costmodel.report.page_model import Page

_TEMPLATES: Final = "templates"
_SCRIPTS: Final = ("chart.js", "page.js", "trial.js")
_FILTERED: Final = 12
"""Rows from which a table gets a field to filter it by."""
_SHOWN: Final = 8
"""Entries of what needs attention that are shown; the rest is folded."""


def render_html(page: Page) -> str:
    """The page as HTML: no request to any network, which its content security policy enforces."""
    environment = Environment(
        loader=PackageLoader("costmodel.report", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["line"] = one_line
    script = "".join(map(_text, _SCRIPTS))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    attention = [flag for flag in page.flagged if flag.level != "info"]
    return environment.get_template("page.html").render(
        page=page,
        attention=attention[:_SHOWN],
        others=[*attention[_SHOWN:], *(flag for flag in page.flagged if flag.level == "info")],
        charts=_json({plot.name: to_builtins(plot.chart) for plot in page.plots()}),
        trial=_json(page.trial.data if page.trial is not None else {}),
        table=render_table,
        filtered=_FILTERED,
        folds=dict(reversed(list(_folds(page)))),
        style=Markup(_text("page.css")),  # noqa: S704 - our own
        script=Markup(script),  # noqa: S704 - our own
        script_hash=digest,
    )


def _json(value: object) -> Markup:
    """Data as JSON that no element of HTML can end."""
    data = msgspec.json.encode(value).decode()
    for character in "<>&\u2028\u2029":
        data = data.replace(character, f"\\u{ord(character):04x}")
    return Markup(data)  # noqa: S704 - what could end the element was replaced


def _folds(page: Page) -> Iterator[tuple[str, str]]:
    """Where what can be opened is found: titles, and the names of elements."""
    for number, section in enumerate(page.sections, 1):
        for place, fold in enumerate(section.folds, 1):
            yield fold.title, f"fold-{number}-{place}"


def _text(name: str) -> str:
    return (files("costmodel.report") / _TEMPLATES / name).read_text(encoding="utf-8")
