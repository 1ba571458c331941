"""Tables of fitted coefficients: of builtins, steps and calls."""

from __future__ import annotations

from collections.abc import Mapping

from costmodel.records.model import Coefficient, Figure
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, TableCell, count_cell, number, share_cell, time_cell


def bounds(figure: Figure) -> str:
    """The 95 % interval of a time."""
    low, high = figure.interval_ps or (None, None)
    return numbers.MISSING if low is None else numbers.interval(low, high, numbers.time_ps)


def prices_table(
    caption: str, prices: Mapping[str, Coefficient], what: str, others: Mapping[str, int] | None = None, label: str = ""
) -> Table:
    """Coefficients with their intervals, beside another model's prices of the same names."""
    columns = (
        what,
        *map(number, ("fitted", "95 %", "±", "charged (ps)", *([f"{label} (ps)"] if others else []))),
        "flags",
    )
    rows = [
        (
            key,
            time_cell(price.ps),
            bounds(price),
            share_cell(price.relative_half_width),
            count_cell(price.charged_ps),
            *([count_cell(others.get(key))] if others else []),
            _flagged(price),
        )
        for key, price in prices.items()
    ]
    return Table.of(caption, columns, rows)


def _flagged(price: Coefficient) -> TableCell:
    material = any(flag.material for flag in price.flags)
    return TableCell(", ".join(flag.flag for flag in price.flags) or "none", status="warning" if material else "")
