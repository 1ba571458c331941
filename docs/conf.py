"""How the documentation is built: `make docs`. Pages of commands and formats are written first, by generate.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from costmodel import __version__
from docs.generate import write_reference

project = "calibrate"
author = "the calibrate authors"
copyright = author  # noqa: A001 - the name that Sphinx reads
version = release = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
# The notebook runs whenever the pages are built, so what it shows is what it does.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
exclude_patterns = ["build"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "calibrate"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
# Prompts and what a command prints are not copied with it.
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .go"


def _name_levels(_app: Any, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Gives headings of the sidebar the level that screen readers ask for; Sphinx writes the role alone."""
    tree = context.get("furo_navigation_tree")
    if tree is not None:
        context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("html-page-context", _name_levels, priority=900)  # after the theme


# Before Sphinx looks for pages, so that it finds these.
write_reference(Path(__file__).parent)
