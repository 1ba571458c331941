"""Numbers as a reader wants them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from costmodel.report.page_model import Cell

_LONGEST_LABEL: Final = 40


def time_text(ps: float) -> str:
    """A time given in ps, in the unit that keeps it readable."""
    for unit, scale in (("s", 1e12), ("ms", 1e9), ("µs", 1e6), ("ns", 1e3)):
        if abs(ps) >= scale:
            return f"{ps / scale:.4g} {unit}"
    return f"{ps:.4g} ps"


def percent(share: float | None) -> str:
    """A share as a percentage; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.3g} %".replace("-", "−")


def signed(share: float) -> str:
    """A relative change."""
    return f"{100 * share:+.2f} %".replace("-", "−")


def time_cell(ps: float | None) -> Cell:
    return Cell("–") if ps is None else Cell(time_text(ps), ps)


def count_cell(count: float | None) -> Cell:
    return Cell("–") if count is None else Cell(f"{count:,.6g}" if count % 1 else f"{count:,.0f}", count)


def share_cell(share: float | None, status: str = "") -> Cell:
    return Cell(percent(share), share, status)


def interval_text(low: float | None, high: float | None, form: str = "{:.3f}") -> str:
    """Both ends of an interval; ∞ where it has none."""
    ends = f"{'−∞' if low is None else form.format(low)} … {'∞' if high is None else form.format(high)}"
    return ends.replace("-", "−")


def label_text(text: str) -> str:
    """A name as a plot has room for it: one line, and not a long one."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= _LONGEST_LABEL else line[: _LONGEST_LABEL - 1] + "…"


def sizes_text(sizes: Sequence[int]) -> str:
    return ", ".join(f"{size:,}" for size in sizes) or "–"
