"""Drift over time: how operations' times moved from run to run, a series for each machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from costmodel.judging.change_points import Floats, joint_changes
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, TableCell, change_cell, count_cell, number
from costmodel.report.charts import SERIES, Axis, Chart, Mark, Panel, values
from costmodel.report.page_model import Flagged, Plot, Section
from costmodel.report.run_summary import Digest

_MOST_LINES: Final = 6  # operations in the plot: as many as there are colours
_MOST_DATES: Final = 5  # on an axis
_ALARMS: Final = 0.05
_FLAGGED: Final = 0.01  # a step from here on is worth to be told first


class Step(NamedTuple):
    """From run `first` on (counted from 0), an operation's times are another than before by `change`, a share."""

    first: int
    change: float


class _Series(NamedTuple):
    """The runs of one machine, oldest first. Rows of `moved` are operations, the one that moved most first."""

    machine: str
    digests: tuple[Digest, ...]
    moved: pd.DataFrame
    steps: dict[str, tuple[Step, ...]]


def drift_flags(digests: Sequence[Digest]) -> Iterator[Flagged]:
    """Steps of operations' times that chance does not explain, and runs that have nothing in common."""
    for series in _series(digests):
        if not len(series.moved):
            text = "no two runs timed the same program, so there is no drift to show: a seed draws its own operands"
            yield Flagged("info", "nothing in common", f"{len(series.digests)} runs of {series.machine}", text)
        for name, steps in series.steps.items():
            largest = max(steps, key=lambda step: abs(step.change))
            if abs(largest.change) >= _FLAGGED:
                told = ", ".join(
                    f"{numbers.change(step.change)} from {series.digests[step.first].run.name} on" for step in steps
                )
                text = f"{told}, over {len(series.digests)} runs of one machine"
                yield Flagged("warning", "step over time", name, text, abs(largest.change))


def drift_sections(digests: Sequence[Digest]) -> Iterator[Section]:
    """All runs in order, then the drift on each machine that has more than one run."""
    ordered = _ordered(digests)
    first: dict[str, float] = {}
    rows = []
    for digest in ordered:
        yard = digest.yardstick_ns
        known = not np.isnan(yard)
        change = yard / first.setdefault(digest.machine, yard) - 1 if known else 0.0
        rows.append(
            (
                TableCell(digest.run.name),
                TableCell(_moment(digest)),
                TableCell(digest.machine[:12]),
                TableCell(digest.run.manifest.evaluator.get("sha256", "unknown")[:12]),
                count_cell(round(yard, 1) if known else None),
                change_cell(change if known else None),
            )
        )
    columns = ("run", "began (UTC)", "machine", "build", number("hash yardstick (ns)"), number("against the first"))
    every = list(_series(digests))
    intro = (
        "Median, over an operation's cells, of the change since the machine's first run that has the cell, measured "
        "against the hash yardstick. Steps are reported where fewer than one in twenty random orders of the runs would "
        "show one as clear in any operation; between them others are looked for in the same way."
    )
    plots = tuple(plot for number, series in enumerate(every) for plot in _plots(series, number, len(every)))
    tables = tuple(_changes(series) for series in every if len(series.moved))
    yield Section("Drift over time", intro, plots, (Table.of("Runs, oldest first", columns, rows), *tables))


def _ordered(digests: Sequence[Digest]) -> list[Digest]:
    return sorted(digests, key=lambda digest: (digest.run.manifest.created, digest.run.name))


def _series(digests: Sequence[Digest]) -> Iterator[_Series]:
    ordered = _ordered(digests)
    for machine in dict.fromkeys(digest.machine for digest in ordered):
        mine = tuple(digest for digest in ordered if digest.machine == machine)
        if len(mine) < 2:
            continue
        moved = _moved([digest.logs for digest in mine])
        if len(moved):
            moved = moved.loc[moved.apply(_last, axis=1).abs().sort_values(ascending=False, kind="stable").index]
        whole = moved.dropna()
        found = zip(whole.index, joint_changes(whole.to_numpy(float), _ALARMS), strict=True)
        steps = {str(name): _steps(whole.loc[name].to_numpy(float), places) for name, places in found if places}
        yield _Series(machine, mine, moved, steps)


def _steps(row: Floats, places: Sequence[int]) -> tuple[Step, ...]:
    """What a series of logarithms changes by at each of its change points: the mean behind against the mean before."""
    levels = [row[first:end].mean() for first, end in pairwise([0, *places, len(row)])]
    return tuple(
        Step(place, float(np.expm1(after - before)))
        for place, (before, after) in zip(places, pairwise(levels), strict=True)
    )


def _moved(logs: Sequence[pd.Series[float]]) -> pd.DataFrame:
    """Rows are operations, columns are runs: the median, over the cells that an operation has in this run and in one
    before it, of the logarithmic change since the first run that has the cell. NaN where there is none."""
    some = {i: log for i, log in enumerate(logs) if len(log)}
    if not some:
        return pd.DataFrame(columns=range(len(logs)), dtype=float)
    cells = pd.concat(list(some.values()), axis=1, keys=list(some))
    repeated = cells[cells.notna().sum(axis=1) > 1]
    changes = repeated.sub(repeated.bfill(axis=1).iloc[:, 0], axis=0)
    return changes.groupby(level="operation").median().reindex(columns=range(len(logs)))


def _moment(digest: Digest) -> str:
    """When a run began, to the minute."""
    return digest.run.manifest.created[:16].replace("T", " ")


def _last(row: pd.Series[float]) -> float:
    return float(np.expm1(row.dropna().iloc[-1]))


def _plots(series: _Series, number: int, machines: int) -> Iterator[Plot]:
    if not len(series.moved):
        return
    name, title = "drift", "Drift over the runs"
    if machines > 1:
        name, title = f"drift-{number + 1}", f"Drift over the runs of machine {series.machine[:12]}"
    most, few = series.moved.index[0], len(series.moved) > _MOST_LINES
    words = (
        f"The largest change from the first of {len(series.digests)} runs to the last is "
        f"{numbers.change(_last(series.moved.iloc[0]))}, of {most}."
        + (f" The {_MOST_LINES} of {len(series.moved)} operations that moved most are drawn." if few else "")
    )
    dates = [_moment(digest) for digest in series.digests]
    chart = _chart(series.moved.iloc[:_MOST_LINES], dates, series.steps)
    yield Plot(name, title, words, chart)


def _changes(series: _Series) -> Table:
    rows = []
    for name, row in series.moved.iterrows():
        last = _last(row)
        steps = series.steps.get(str(name), ())
        words = ", ".join(f"{numbers.change(step.change)} from run {step.first + 1} on" for step in steps)
        told = TableCell(words, status="warning") if steps else TableCell("none")
        rows.append((TableCell(str(name)), count_cell(int(row.notna().sum())), change_cell(last), told))
    columns = ("operation", number("runs"), number("last against first"), "steps")
    caption = f"Change of each operation on machine {series.machine[:12]}"
    return Table.of(caption, columns, rows)


def _chart(moved: pd.DataFrame, dates: Sequence[str], steps: dict[str, tuple[Step, ...]]) -> Chart:
    marks = [Mark("rule", "ink", y=(0.0,))]
    for ink, name in zip(SERIES, moved.index, strict=False):
        known = moved.loc[name].dropna()
        at, change = values(known.index), values(100 * np.expm1(known.to_numpy(float)))
        marks += [Mark("line", ink, x=at, y=change, label=str(name)), Mark("points", ink, x=at, y=change)]
        first = tuple(step.first - 0.5 for step in steps.get(str(name), ()))
        if first:
            marks.append(Mark("rule", ink, x=first, dashed=True))
    shown = range(0, len(dates), -(-len(dates) // _MOST_DATES))
    names = tuple((float(place), f"{place + 1}: {dates[place]}") for place in shown)
    x = Axis("run, oldest first, and when it began (UTC)", names=names)
    return Chart((Panel(x, Axis("change (%)"), tuple(marks)),), 340)
