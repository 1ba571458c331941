"""A comparison of evaluators as Markdown and as a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from costmodel.records.evaluator import Parity, Price, PriceTime
from costmodel.rendering import numbers
from costmodel.rendering.markup import render_markdown
from costmodel.rendering.tables import Column, Table, TableCell, count_cell, number, ratio_cell, time_cell, wide
from costmodel.rendering.text import escape_markdown

_COLOURS: Final = ("#0072b2", "#b04a00", "#00795a", "#a3497c", "#7a6a00", "#3a86b8")  # Okabe and Ito's, darkened
_BESIDE: Final = 3  # evaluators beside which a terminal has room for the worst
_MARKERS: Final = "osD^vP*X"
_INK: Final = "#1c2024"
_GRID: Final = "#c9ced4"


def first(found: Parity, most: int) -> tuple[Price, ...]:
    """Each price once, at the sizes at which it would have to rise most; the first of these."""
    worst: dict[str, Price] = {}
    for price in found.prices:
        worst.setdefault(price.name, price)
    return tuple(worst.values())[:most]


def label(price: Price) -> str:
    return price.name if not price.sizes else f"{price.name} {'/'.join(map(str, price.sizes))}"


def summary(found: Parity) -> list[str]:
    """What the tables rest on, a line each."""
    ways = {
        "yardstick": "times are those of one machine, by the hash yardstick",
        "pace": "times are over each evaluator's own pace",
    }
    paces = ", ".join(f"{node.name} {node.pace:.3g}" for node in sorted(found.nodes, key=lambda node: -node.pace))
    return [
        f"charged by {found.against}; {ways[found.speed]}",
        f"pace, the median of time over charge: {paces}; a node keeps up at {found.allowed_pace:.3g}",
        *found.notes,
    ]


def tables(found: Parity, most: int) -> tuple[Table, Table]:
    """The prices that would have to rise most, each at its worst sizes, and what is too cheap for whom."""
    nodes = _short([node.name for node in found.nodes])
    worst = (Column("worst"), number("over second"))
    columns: tuple[str | Column, ...] = (
        "price",
        number("charged"),
        *(number(f"{node}: over charge") for node in nodes.values()),
        *(worst if len(nodes) <= _BESIDE else (wide(each) for each in worst)),
        wide(number("95 %")),
        number("needed over charged"),
        wide(number("needed (ps)")),
    )
    prices = Table.of(
        "Prices that would have to rise most", columns, [_row(each, nodes) for each in first(found, most)]
    )
    cheap = [(node, ", ".join(names) or numbers.MISSING) for node, names in found.underpriced.items()]
    return prices, Table.of("", ("evaluator", f"over {found.threshold:g} times its own pace"), cheap)


def _short(nodes: Sequence[str]) -> dict[str, str]:
    """Names of evaluators as tables have them: the first word of each, where that tells them apart."""
    words = [(node.replace("-", " ").split() or [node])[0] for node in nodes]
    return dict(zip(nodes, words if len(set(words)) == len(nodes) else nodes, strict=True))


def _row(price: Price, nodes: Mapping[str, str]) -> tuple[str | TableCell, ...]:
    times = {time.node: time for time in price.times}
    low, high = price.interval or (None, None)
    return (
        label(price),
        time_cell(price.charged_ps),
        *(_time(times[node]) if node in times else TableCell(numbers.MISSING) for node in nodes),
        nodes[price.times[0].node],
        ratio_cell(price.worst_over_second),
        "" if price.interval is None else numbers.interval(low, high),
        ratio_cell(price.needed_over_charged),
        count_cell(round(price.needed_ps)),
    )


def _time(time: PriceTime) -> TableCell:
    """A star says that the price is too low for the evaluator."""
    return TableCell(f"{time.over_charge:.3g}{'*' * time.underpriced}", time.over_charge, "fail" * time.underpriced)


def markdown(found: Parity, most: int) -> str:
    """The tables and what they rest on."""
    lines = ["## Evaluators side by side", "", *(f"- {escape_markdown(line)}" for line in summary(found)), ""]
    return "\n".join([*lines, *(line for table in tables(found, most) for line in render_markdown(table))]) + "\n"


def picture(found: Parity, most: int) -> bytes:
    """SVG: time over charge of each evaluator, a row a price, on a logarithmic scale."""
    prices = first(found, most)
    figure = Figure(figsize=(9, 1.4 + 0.26 * len(prices)), layout="constrained")
    axes = figure.subplots()
    for place, node in enumerate(found.nodes):
        points = [(row, time) for row, price in enumerate(prices) for time in price.times if time.node == node.name]
        if not points:
            continue
        values = np.array([time.over_charge for _, time in points])
        bounds = np.array([[bound or time.ps for bound in time.interval_ps] for _, time in points])
        charges = np.array([time.ps / time.over_charge if time.over_charge else 1.0 for _, time in points])
        reach = bounds.T / charges
        axes.errorbar(
            values,
            [row for row, _ in points],
            xerr=np.maximum([values - reach[0], reach[1] - values], 0.0),
            fmt=_MARKERS[place % len(_MARKERS)],
            color=_COLOURS[place % len(_COLOURS)],
            markersize=5,
            linewidth=1,
            label=node.name,
        )
    axes.axvline(found.allowed_pace, color=_INK, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.set_yticks(range(len(prices)), [label(price) for price in prices], fontsize=8)
    axes.set_ylim(len(prices) - 0.5, -0.5)
    axes.grid(color=_GRID, linewidth=0.5)
    axes.set_xlabel("time over charge; dashed: at which a node keeps up")
    figure.legend(loc="outside upper center", ncols=max(1, min(len(found.nodes), 4)))
    buffer = io.BytesIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()
