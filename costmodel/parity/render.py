"""A comparison of evaluators as Markdown and as a picture."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from costmodel.records.parity import Parity, Price

_COLOURS: Final = ("#0072b2", "#b04a00", "#00795a", "#a3497c", "#7a6a00", "#3a86b8")  # Okabe and Ito's, darkened
_MARKERS: Final = "osD^vP*X"
_INK: Final = "#1c2024"
_GRID: Final = "#c9ced4"


def one_a_price(found: Parity) -> tuple[Price, ...]:
    """Each price once, at the sizes at which it would have to rise most."""
    first: dict[str, Price] = {}
    for price in found.prices:
        first.setdefault(price.name, price)
    return tuple(first.values())


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


def markdown(found: Parity, most: int) -> str:
    """Tables of the evaluators, of the prices that would have to rise most, and of what is under-priced where."""
    lines = ["## Evaluators side by side", "", *(f"- {_cell(line)}" for line in summary(found)), ""]
    lines += ["| price | charged | worst | over charge | worst over second | needed |", "|---|---:|---|---:|---|---:|"]
    for price in one_a_price(found)[:most]:
        worst = price.times[0]
        cells = (
            _cell(label(price)),
            f"{price.charged_ps:,} ps",
            _cell(worst.node),
            f"{worst.over_charge:.3g}",
            ratio(price),
            f"{price.needed_over_charged:.3g} × = {price.needed_ps:,.0f} ps",
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"| evaluator | prices over {found.threshold:g} times its pace |", "|---|---|"]
    for node, names in found.underpriced.items():
        lines.append(f"| {_cell(node)} | {_cell(', '.join(names)) or '–'} |")
    return "\n".join(lines) + "\n"


def ratio(price: Price) -> str:
    """Worst over second worst with its interval."""
    if price.worst_over_second is None:
        return "–"
    low, high = price.interval or (None, None)
    bounds = " … ".join("∞" if bound is None else f"{bound:.3g}" for bound in (low, high))
    return f"{price.worst_over_second:.3g} ({bounds})"


def picture(found: Parity, most: int) -> bytes:
    """SVG: time over charge of each evaluator, a row a price, on a logarithmic scale."""
    prices = one_a_price(found)[:most]
    figure = Figure(figsize=(9, 1.4 + 0.26 * len(prices)), layout="constrained")
    axes = figure.subplots()
    for number, node in enumerate(found.nodes):
        points = [(row, time) for row, price in enumerate(prices) for time in price.times if time.node == node.name]
        if not points:
            continue
        values = np.array([time.over_charge for _, time in points])
        bounds = np.array([[bound or time.ps for bound in time.interval_ps] for _, time in points])
        reach = bounds.T / np.array([time.ps for _, time in points]) * values
        axes.errorbar(
            values,
            [row for row, _ in points],
            xerr=np.maximum([values - reach[0], reach[1] - values], 0.0),
            fmt=_MARKERS[number % len(_MARKERS)],
            color=_COLOURS[number % len(_COLOURS)],
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


def _cell(text: str) -> str:
    escaped = "".join(f"\\{c}" if c in "\\`*_{}[]()#+!|<>~&" else c for c in " ".join(text.split()))
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in escaped)
