"""A page as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from costmodel.report.page_model import Page
from costmodel.report.plots import inline_svg

_TEMPLATES: Final = "templates"
_FILTERED: Final = 12
"""Rows from which a table gets a field to filter it by."""


def render_html(page: Page) -> str:
    """The page as HTML: no request to any network, which its content security policy holds it to."""
    environment = Environment(
        loader=PackageLoader("costmodel.report", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _text("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html").render(
        page=page,
        inline_svg=inline_svg,
        filtered=_FILTERED,
        folds=_folds(page),
        style=_text("page.css"),
        script=script,
        script_hash=digest,
    )


def _folds(page: Page) -> dict[str, str]:
    """Where what can be opened is found: the names of elements by title, of the first that has it."""
    found: dict[str, str] = {}
    for number, section in enumerate(page.sections, 1):
        for place, fold in enumerate(section.folds, 1):
            found.setdefault(fold.title, f"fold-{number}-{place}")
    return found


def _text(name: str) -> str:
    return (files("costmodel.report") / _TEMPLATES / name).read_text(encoding="utf-8")
