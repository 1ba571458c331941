"""Pages that people look at: runs, models, verdicts and comparisons, from their files alone."""

from costmodel.report.assemble import assemble
from costmodel.report.html import render_html
from costmodel.report.markdown import render_markdown
from costmodel.report.page_model import Page, Plot
from costmodel.report.plots import picture

__all__ = ["Page", "Plot", "assemble", "picture", "render_html", "render_markdown"]
