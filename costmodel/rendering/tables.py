"""A table before it is text for a terminal, Markdown or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from costmodel.rendering import numbers


class TableCell(NamedTuple):
    """A cell. `sort` orders it, where that is not its text; `status`, such as "fail", gives it a colour."""

    text: str
    sort: float | None = None
    status: str = ""


class Column(NamedTuple):
    """A heading. `numeric` columns are aligned to the right; `wide` ones are left out of a narrow terminal table."""

    heading: str
    numeric: bool = False
    wide: bool = False


Row = Sequence[object]


def number(heading: str) -> Column:
    """A column of numbers."""
    return Column(heading, numeric=True)


def wide(column: str | Column) -> Column:
    """A column that a terminal shows only with --wide."""
    return (Column(column) if isinstance(column, str) else column)._replace(wide=True)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption, which may be empty."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[TableCell, ...], ...]

    @classmethod
    def of(cls, caption: str, columns: Sequence[object], rows: Sequence[Row]) -> Table:
        """A table of columns and cells, each of which may be just its text."""
        return cls(
            caption,
            tuple(each if isinstance(each, Column) else Column(str(each)) for each in columns),
            tuple(tuple(each if isinstance(each, TableCell) else TableCell(str(each)) for each in row) for row in rows),
        )

    def narrow(self) -> Table:
        """Without the wide columns."""
        return self._of([place for place, column in enumerate(self.columns) if not column.wide])

    def first_columns(self, count: int) -> Table:
        """The first columns only."""
        return self._of(range(count))

    def _of(self, places: Sequence[int]) -> Table:
        return Table(
            self.caption,
            tuple(self.columns[place] for place in places),
            tuple(tuple(row[place] for place in places) for row in self.rows),
        )

    def top(self, count: int | None) -> Table:
        """The first rows only."""
        return self if count is None else replace(self, rows=self.rows[:count])


def facts(caption: str, known: dict[str, str]) -> Table:
    """Names and values."""
    return Table.of(caption, ("", ""), list(known.items()))


def time_cell(ps: float | None) -> TableCell:
    """A time given in ps."""
    return TableCell(numbers.time_ps(ps), ps)


def count_cell(count: float | None) -> TableCell:
    return TableCell(numbers.count(count), count)


def share_cell(share: float | None, status: str = "") -> TableCell:
    """A share as a percentage."""
    return TableCell(numbers.percent(share), share, status)


def change_cell(share: float | None, status: str = "") -> TableCell:
    """A relative change."""
    return TableCell(numbers.change(share), share, status)


def ratio_cell(value: float | None, status: str = "") -> TableCell:
    return TableCell(numbers.ratio(value), value, status)
