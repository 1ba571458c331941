"""Charts as data. A page draws them in the browser, `--plot` draws them with matplotlib."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Scale = Literal["linear", "log", "log1p"]
Kind = Literal["line", "points", "band", "bars", "rows", "rule", "span"]
Ink = Literal[
    "ink", "faint", "data", "fit", "alarm", "series-0", "series-1", "series-2", "series-3", "series-4", "series-5"
]

SERIES: Final[tuple[Ink, ...]] = ("series-0", "series-1", "series-2", "series-3", "series-4", "series-5")

_WIDE: Final = 20.0  # ratio of values from which an axis is logarithmic
_DIGITS: Final = 5  # significant, of what is drawn


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis. `log1p` is a logarithmic scale that has room for 0. `names` are places with a text each, in place of
    numbers."""

    label: str
    scale: Scale = "linear"
    names: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """Something drawn: values `x` and `y`, and for intervals the ends `low` and `high`.

    line: y over x. points: y over x, with intervals of y. band: from low to high over x. bars: from 0 to y over x.
    rows: x at the place y, with intervals of x. rule: a line at each x, or at each y where there is no x. span: the
    stripe from low to high of x. `label` puts it into the legend, `texts` say what each point is.
    """

    kind: Kind
    ink: Ink
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    label: str = ""
    dashed: bool = False
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """Marks over one pair of axes; `height` is relative to the chart's other panels."""

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    height: float = 1.0


@dataclass(frozen=True, slots=True)
class Chart:
    """Panels, one below the other, whose x axes are the same. `height` is in pixels."""

    panels: tuple[Panel, ...]
    height: int = 300


def values(numbers: Iterable[Any]) -> tuple[float, ...]:
    """Numbers of any kind, numpy's among them."""
    return tuple(float(number) for number in numbers)


def scale_for(numbers: Sequence[float]) -> Scale:
    """A logarithmic scale where values span a wide range, so that small ones can be told apart."""
    finite = [number for number in numbers if abs(number) < float("inf")]
    if not finite or min(finite) < 0:
        return "linear"
    smallest = min((number for number in finite if number > 0), default=0.0)
    if max(finite) <= _WIDE * smallest or not smallest:
        return "linear"
    return "log" if min(finite) > 0 else "log1p"


def to_builtins(chart: Chart) -> dict[str, Any]:
    """The chart as JSON has it, without what is empty."""
    return {
        "height": chart.height,
        "panels": [
            {
                "x": _axis(panel.x),
                "y": _axis(panel.y),
                "height": panel.height,
                "marks": [_mark(mark) for mark in panel.marks],
            }
            for panel in chart.panels
        ],
    }


def _axis(axis: Axis) -> dict[str, Any]:
    built: dict[str, Any] = {"label": axis.label, "scale": axis.scale}
    return built | ({"names": [list(name) for name in axis.names]} if axis.names else {})


def _mark(mark: Mark) -> dict[str, Any]:
    built: dict[str, Any] = {"kind": mark.kind, "ink": mark.ink}
    for name in ("x", "y", "low", "high"):
        if numbers := getattr(mark, name):
            built[name] = [_rounded(number) for number in numbers]
    if mark.label:
        built["label"] = mark.label
    if mark.dashed:
        built["dashed"] = True
    if mark.texts:
        built["texts"] = list(mark.texts)
    return built


def _rounded(number: float) -> float | int | None:
    if not abs(number) < float("inf"):
        return None  # JSON has no infinity, and no axis reaches it
    short = float(f"{number:.{_DIGITS}g}")
    return int(short) if short == int(short) and abs(short) < 1e15 else short
