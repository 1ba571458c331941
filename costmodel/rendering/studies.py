"""Tables of builtins' studies: size measures compared, mispriced points, reach of sizes, parameters to append."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from costmodel.records.fit import BuiltinStudy, Mispriced
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, TableCell, count_cell, number, ratio_cell, share_cell, wide

_COMPARED = 4
"""Choices of measures that are shown of each builtin, beside the present one."""


def study_tables(studies: Mapping[str, BuiltinStudy]) -> Iterator[Table]:
    """The tables that have rows."""
    tables = (_measures(studies), _mispriced(studies), _reach(studies), _parameters(studies))
    yield from (table for table in tables if table.rows)


def _measures(studies: Mapping[str, BuiltinStudy]) -> Table:
    rows: list[tuple[str | TableCell, ...]] = []
    for name, study in studies.items():
        if len(study.compared) < 2:
            continue
        for place, each in enumerate(study.compared):
            present = each.measures == study.measures
            if place >= _COMPARED and not present:
                continue
            better = each.measures == study.better_measures
            rows.append(
                (
                    name,
                    _measured(each.measures),
                    TableCell("better", status="pass") if better else "present" if present else "",
                    share_cell(each.held_out_error),
                    ratio_cell(each.most_apart),
                    each.shape,
                )
            )
    columns = (
        "builtin",
        "measures of size",
        "",
        number("error"),
        number("most apart"),
        wide("shape"),
    )
    return Table.of("Size measures: error at held-out points, greatest ratio of times at equal sizes", columns, rows)


def _mispriced(studies: Mapping[str, BuiltinStudy]) -> Table:
    columns = (
        "builtin",
        number("undercharged"),
        number("median"),
        number("worst"),
        wide("at"),
        number("overcharged"),
        number("median"),
        number("worst"),
        wide("at"),
    )
    rows = [(name, *_side(study.undercharged), *_side(study.overcharged)) for name, study in studies.items()]
    return Table.of("Measured points that prices under- and overcharge, by what factor", columns, rows)


def _side(side: Mispriced) -> tuple[str | TableCell, ...]:
    return (
        count_cell(side.points),
        ratio_cell(side.median_factor),
        ratio_cell(side.worst_factor),
        numbers.sizes(side.worst_sizes) if side.worst_sizes else "",
    )


def _reach(studies: Mapping[str, BuiltinStudy]) -> Table:
    columns = ("builtin", "argument", "measure", *map(number, ("measured", "built", "carried")))
    rows = [
        (
            name,
            str(each.argument),
            _measured((each.measure,)),
            count_cell(each.measured),
            *(numbers.MISSING if size is None else count_cell(size) for size in (each.built, each.carried)),
        )
        for name, study in studies.items()
        if study.parameters
        for each in study.reach
    ]
    return Table.of("Largest sizes that scripts can reach, of builtins without a price", columns, rows)


def _parameters(studies: Mapping[str, BuiltinStudy]) -> Table:
    rows = [(key, count_cell(value)) for study in studies.values() for key, value in study.parameters.items()]
    return Table.of("Parameters to append (provisional names and order)", ("name", number("value")), rows)


def _measured(measures: tuple[str, ...]) -> str:
    return ", ".join(each.lower().replace("_", " ") for each in measures)
