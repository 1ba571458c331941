"""What a page consists of, before it is HTML or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from matplotlib.figure import Figure

from costmodel.report.colours import Palette

Level = Literal["error", "warning", "info"]

LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "info")
"""From what matters most to what matters least."""


class Cell(NamedTuple):
    """A cell of a table. `sort` orders it, where that is not its text; `status` gives it a mark and a colour."""

    text: str
    sort: float | None = None
    status: str = ""


class Column(NamedTuple):
    """A heading, and whether the column holds numbers."""

    heading: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; long ones can be filtered and sorted by who reads them."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot, drawn when it is asked for. `name` is what `--plot` takes; `description` says in words what is to be
    seen, for those who do not see it."""

    name: str
    title: str
    description: str
    draw: Callable[[Figure, Palette], None]
    size: tuple[float, float] = (4.8, 3.0)  # inches: so narrow that a phone shows its text in a size to be read


@dataclass(frozen=True, slots=True)
class Fold:
    """Something that opens on a click: a builtin with its plot and figures. `flagged` marks it."""

    title: str
    note: str
    flagged: bool
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page about one thing, with a heading."""

    title: str
    intro: str = ""
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    folds: tuple[Fold, ...] = ()


class Flagged(NamedTuple):
    """Something that the reader should know first: what it is about, and what is the matter."""

    level: Level
    kind: str
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """The whole of a report."""

    title: str
    version: str
    flagged: tuple[Flagged, ...]
    sections: tuple[Section, ...]

    def plots(self) -> Iterator[Plot]:
        """Every plot, in the order of the page."""
        for section in self.sections:
            yield from section.plots
            for fold in section.folds:
                yield from fold.plots
