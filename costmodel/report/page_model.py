"""What a page consists of, before it is HTML or Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from costmodel.rendering.tables import Table
from costmodel.report.charts import Chart

Level = Literal["error", "warning", "info"]

LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "info")
"""From what matters most to what matters least."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot. `name` is what `--plot` takes; `description` says in words what there is to see, for those who do not
    see it."""

    name: str
    title: str
    description: str
    chart: Chart


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
    """A part of the page about one thing, with a heading. `folded` sections open on a click."""

    title: str
    intro: str = ""
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    folds: tuple[Fold, ...] = ()
    folded: bool = False


class Flagged(NamedTuple):
    """Something that the reader should know first: what it is about, and what is the matter.

    `effect` says how much it matters among others of its level: the share by which a price or a time is off.
    """

    level: Level
    kind: str
    where: str
    text: str
    effect: float = 0.0


class Conclusion(NamedTuple):
    """The answer, in a sentence. `status` is pass, fail, inconclusive or info."""

    status: str
    text: str


class KeyFigure(NamedTuple):
    """One of the page's key figures: what it is, its value, and where it stands or what is missing."""

    name: str
    value: str
    note: str
    status: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    """What the page begins with."""

    title: str
    facts: tuple[tuple[str, str], ...]
    conclusions: tuple[Conclusion, ...]
    figures: tuple[KeyFigure, ...]
    lead: Plot | None


@dataclass(frozen=True, slots=True)
class PriceTrial:
    """What the reader can change in the page: prices of builtins, with what was measured and what real scripts use.

    `data` is JSON for trial.js. `chart` is drawn anew with each change."""

    data: dict[str, Any]
    chart: Plot


@dataclass(frozen=True, slots=True)
class Page:
    """The whole of a report."""

    answer: Headline
    version: str
    flagged: tuple[Flagged, ...]
    sections: tuple[Section, ...]
    trial: PriceTrial | None = None

    @property
    def title(self) -> str:
        return self.answer.title

    def plots(self) -> Iterator[Plot]:
        """Every plot, in the order of the page."""
        if self.answer.lead is not None:
            yield self.answer.lead
        if self.trial is not None:
            yield self.trial.chart
        for section in self.sections:
            yield from section.plots
            for fold in section.folds:
                yield from fold.plots
