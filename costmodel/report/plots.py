"""Figures as SVG to stand in a page, and as files of their own."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from costmodel.errors import InputError
from costmodel.report.colours import PRINTED, THEMED, VARIABLES, Palette
from costmodel.report.page_model import Plot
from costmodel.report.text import label_text

# An open dictionary: matplotlib's types know every key by name, and those vary by version.
_STYLE: Final[Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same widths everywhere
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.0,
    "svg.fonttype": "none",
    "text.parse_math": False,  # names from files are no formulas
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}
_PNG_DPI: Final = 200
_FEW_POWERS: Final = 300.0  # a logarithmic axis from here on is labelled at powers of ten alone
# Where things are. Labels and opacities are left as they are.
_PLACES: Final = re.compile(r' (?:d|x|y|x1|x2|y1|y2|width|height|transform|points)="[^"]*"')
_NUMBER: Final = re.compile(r"-?\d+\.\d{2,}")
_ID: Final = re.compile(r' id="([^"]*)"')
_USED: Final = re.compile(r'(?:url\(#|href="#)([^")]*)')


def inline_svg(plot: Plot) -> Markup:
    """The plot as an element of a page, in the colours of the page's theme, with its title and description."""
    text = _save(plot, "svg", THEMED).decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    used = set(_USED.findall(text))
    text = _ID.sub(lambda found: found[0] if found[1] in used else "", text)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = _PLACES.sub(lambda place: _NUMBER.sub(_rounded, place[0]), text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, variable)
    text = re.sub(r"\n\s*", "\n", text)
    head = re.compile(r"<svg[^>]*viewBox=\"([^\"]*)\"[^>]*>")
    title = f"<title>{escape(plot.title)}</title><desc>{escape(plot.description)}</desc>"
    label = escape(f"{plot.title}. {plot.description}")
    start = f'<svg viewBox="\\1" role="img" aria-label="{_literal(label)}">{_literal(title)}'
    return Markup(head.sub(start, text, count=1))  # noqa: S704 - all that comes from outside was escaped


def picture(plot: Plot, form: str) -> bytes:
    """The plot as a file of its own, "svg" or "png". InputError for another form."""
    if form not in ("svg", "png"):
        raise InputError(f"a plot is written as .png or .svg, not as {form or 'a file without an ending'!r}")
    return _save(plot, form, PRINTED)


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found[0]):.1f}".removesuffix(".0")


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\")


def _save(plot: Plot, form: str, palette: Palette) -> bytes:
    """The same plot gives the same bytes: names of elements come from the plot's own, and no date is kept."""
    ink = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), palette.ink)
    style = _STYLE | ink | {"grid.color": palette.faint, "svg.hashsalt": plot.name}
    # Files may hold what no font has, and numbers that no axis reaches: such a plot is as it is.
    with mpl.rc_context(style), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing|constrained_layout not applied", UserWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="matplotlib")
        try:
            return _drawn(plot, plot.draw, form, palette)
        except OverflowError:
            return _drawn(plot, _apology, form, palette)


def _drawn(plot: Plot, draw: Callable[[Figure, Palette], None], form: str, palette: Palette) -> bytes:
    figure = Figure(figsize=plot.size, layout="constrained")
    draw(figure, palette)
    if palette is not THEMED:  # a page has it below the plot
        figure.suptitle(label_text(plot.title), fontsize=10)
    sink = io.BytesIO()
    # A page has a ground of its own; a picture may come to lie on any.
    ground = "none" if palette is THEMED else "white"
    if form == "svg":
        FigureCanvasSVG(figure)
        figure.savefig(sink, format="svg", facecolor=ground, metadata={"Date": None})
    else:
        FigureCanvasAgg(figure)
        figure.savefig(sink, format="png", dpi=_PNG_DPI, facecolor=ground, metadata={"Software": None})
    return sink.getvalue()


def _apology(figure: Figure, palette: Palette) -> None:
    figure.text(0.5, 0.5, "These figures are too large to be drawn.", ha="center", color=palette.ink)


def log_if_wide(axes: Axes, axis: str, values: Sequence[float], ratio: float = 20.0) -> None:
    """A logarithmic axis where the values span more than `ratio` and have a logarithm, its ticks in plain numbers."""
    if not values or min(values) <= 0 or max(values) <= ratio * min(values):
        return
    (axes.set_xscale if axis == "x" else axes.set_yscale)("log")
    ticks = axes.xaxis if axis == "x" else axes.yaxis
    # matplotlib would write powers as formulas, which are no text in SVG.
    ticks.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    # Over few powers of ten a label at each leaves one or two.
    ticks.set_major_locator(LogLocator(subs=(1, 2, 5) if max(values) < _FEW_POWERS * min(values) else (1,)))
    ticks.set_minor_formatter(NullFormatter())
