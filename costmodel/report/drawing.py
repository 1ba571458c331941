"""Charts as files of their own: PNG and SVG by matplotlib."""

from __future__ import annotations

import io
import warnings
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, NullFormatter

from costmodel.errors import InputError
from costmodel.rendering.text import shortened
from costmodel.report.charts import Axis, Ink, Mark, Panel
from costmodel.report.page_model import Plot

# Okabe and Ito's palette, which people with any common colour vision can tell apart, darkened to stand on white.
_SERIES: Final = ("#0072b2", "#b04a00", "#00795a", "#a3497c", "#7a6a00", "#3a86b8")
_COLOURS: Final[dict[Ink, str]] = {
    "ink": "#1c2024",
    "faint": "#c9ced4",
    "data": _SERIES[0],
    "fit": _SERIES[1],
    "alarm": "#b3261e",
    "series-0": _SERIES[0],
    "series-1": _SERIES[1],
    "series-2": _SERIES[2],
    "series-3": _SERIES[3],
    "series-4": _SERIES[4],
    "series-5": _SERIES[5],
}
# An open dictionary: matplotlib's types know every key by name, and those vary by version.
_STYLE: Final[Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same widths everywhere
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.6,
    "grid.color": _COLOURS["faint"],
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.0,
    "svg.fonttype": "none",
    "text.parse_math": False,  # names from files are no formulas
}
_PNG_DPI: Final = 200
_PIXELS: Final = 90.0  # of a page, for an inch
_WIDTH: Final = 7.0  # inches


def picture(plot: Plot, form: str) -> bytes:
    """The plot as a file of its own, "svg" or "png". InputError for another form.

    The same plot gives the same bytes: names of elements come from the plot's own, and no date is kept.
    """
    if form not in ("svg", "png"):
        raise InputError(f"a plot is written as .png or .svg, not as {form or 'a file without an ending'!r}")
    style = _STYLE | {"svg.hashsalt": plot.name}
    # Files may hold characters that no font has, and numbers that no axis reaches.
    with mpl.rc_context(style), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing|constrained_layout not applied", UserWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="matplotlib")
        try:
            return _saved(plot, _drawn(plot), form)
        except OverflowError:
            canvas = Canvas(figsize=(_WIDTH, 2.0))
            canvas.text(0.5, 0.5, "These figures are too large to be drawn.", ha="center")
            return _saved(plot, canvas, form)


def _saved(plot: Plot, canvas: Canvas, form: str) -> bytes:
    canvas.suptitle(shortened(plot.title), fontsize=10)
    sink = io.BytesIO()
    if form == "svg":
        FigureCanvasSVG(canvas)
        canvas.savefig(sink, format="svg", facecolor="white", metadata={"Date": None})
    else:
        FigureCanvasAgg(canvas)
        canvas.savefig(sink, format="png", dpi=_PNG_DPI, facecolor="white", metadata={"Software": None})
    return sink.getvalue()


def _drawn(plot: Plot) -> Canvas:
    panels = plot.chart.panels
    canvas = Canvas(figsize=(_WIDTH, 0.6 + plot.chart.height / _PIXELS), layout="constrained")
    rows = canvas.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=[panel.height for panel in panels])
    for panel, axes in zip(panels, rows[:, 0], strict=True):
        _panel(axes, panel)
    rows[-1, 0].set_xlabel(panels[-1].x.label)
    if any(mark.label for panel in panels for mark in panel.marks):
        canvas.legend(loc="outside lower center", ncols=4)  # the title is above
    return canvas


def _panel(axes: Axes, panel: Panel) -> None:
    for mark in panel.marks:
        _mark(axes, mark)
    _scaled(axes, "x", panel.x)
    _scaled(axes, "y", panel.y)
    axes.set_ylabel(panel.y.label)


def _scaled(axes: Axes, side: str, axis: Axis) -> None:
    set_scale = axes.set_xscale if side == "x" else axes.set_yscale
    ticks = axes.xaxis if side == "x" else axes.yaxis
    if axis.names:
        (axes.set_xticks if side == "x" else axes.set_yticks)(
            [place for place, _ in axis.names], [shortened(name) for _, name in axis.names]
        )
        return
    if axis.scale == "log":
        set_scale("log")
    elif axis.scale == "log1p":
        set_scale("symlog", linthresh=1)
    if axis.scale != "linear":
        # matplotlib would write powers as formulas, which are no text in SVG.
        ticks.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        ticks.set_minor_formatter(NullFormatter())


def _mark(axes: Axes, mark: Mark) -> None:
    colour = _COLOURS[mark.ink]
    # matplotlib's legends leave out what begins with an underscore.
    name: dict[str, Any] = {"label": shortened(mark.label) if mark.label else "_"}
    style = "--" if mark.dashed else "-"
    match mark.kind:
        case "line":
            axes.plot(mark.x, mark.y, style, color=colour, **name)
        case "points":
            error = _error(mark.y, mark)
            axes.errorbar(mark.x, mark.y, yerr=error, fmt="o", color=colour, elinewidth=1, alpha=0.85, **name)
        case "rows":
            error = _error(mark.x, mark)
            axes.errorbar(mark.x, mark.y, xerr=error, fmt="o", color=colour, elinewidth=1, **name)
        case "band":
            axes.fill_between(mark.x, mark.low, mark.high, color=colour, alpha=0.2, linewidth=0, **name)
        case "bars":
            axes.bar(mark.x, mark.y, color=colour, width=_width(mark.x), linewidth=0, **name)
        case "rule":
            for number, place in enumerate(mark.x or mark.y):
                rule = axes.axvline if mark.x else axes.axhline
                rule(place, color=colour, linestyle=style, linewidth=0.8, label="_" if number else name["label"])
        case "span":
            axes.axvspan(mark.low[0], mark.high[0], color=colour, alpha=0.12, linewidth=0, **name)


def _error(middle: tuple[float, ...], mark: Mark) -> Any:
    if not mark.low:
        return None
    return np.abs(np.array([mark.low, mark.high]) - np.array(middle))


def _width(places: tuple[float, ...]) -> float:
    gaps = np.diff(np.unique(places))
    return float(gaps.min()) if len(gaps) else 1.0
