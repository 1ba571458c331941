"""Colours of plots: fixed ones for a file of its own, and stand-ins that a page replaces by its theme's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Palette:
    """`ink` is for text and axes, `faint` for grids, `data`, `fit` and `alarm` for what is shown."""

    ink: str
    faint: str
    data: str
    fit: str
    alarm: str
    series: tuple[str, ...]


# Okabe and Ito's palette, which people with any common colour vision can tell apart, darkened to stand on white.
_SERIES: Final = ("#0072b2", "#b04a00", "#00795a", "#a3497c", "#7a6a00", "#3a86b8")

PRINTED: Final = Palette("#1c2024", "#c9ced4", _SERIES[0], _SERIES[1], "#b3261e", _SERIES)

# No plot has these colours by accident.
THEMED: Final = Palette(
    "#010203", "#010204", "#010205", "#010206", "#010207", tuple(f"#01021{number}" for number in range(len(_SERIES)))
)

VARIABLES: Final = {
    THEMED.ink: "currentColor",
    THEMED.faint: "var(--grid)",
    THEMED.data: "var(--data)",
    THEMED.fit: "var(--fit)",
    THEMED.alarm: "var(--alarm)",
} | {colour: f"var(--series-{number})" for number, colour in enumerate(THEMED.series)}
"""What stands in the page for each colour of THEMED."""
