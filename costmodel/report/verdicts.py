"""Sections about verdicts: of `validate`, of `validate --against`, and of `compare`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure as Canvas

from costmodel.report.colours import Palette
from costmodel.report.documents import Comparison, Deviation, Drift, Estimate, Pair, Row, Score, Split, Verdict
from costmodel.report.models import origin_table
from costmodel.report.page_model import Cell, Column, Flagged, Level, Plot, Section, Table
from costmodel.report.plots import log_if_wide
from costmodel.report.text import count_cell, interval_text, label_text, percent, signed, time_cell

_PS_PER_NS: Final = 1e3
_NS_PER_US: Final = 1e3
_LEVELS: Final[dict[str, Level]] = {
    "fail": "error",
    "regressed": "error",
    "inconclusive": "warning",
    "improved": "info",
    "pass": "info",
}
_MOST_ROWS: Final = 40  # of a plot of changes


def verdict_flags(verdict: Verdict) -> Iterator[Flagged]:
    """Gates that were not passed, programs that missed, and what limits the comparison."""
    for work in verdict.works:
        for gate in work.gates:
            if gate.status != "pass":
                text = f"found {_number(gate.found.value)} ({_interval(gate.found)}), the limit is {gate.limit}"
                where = f"{verdict.name}: {gate.gate}, {gate.work}"
                yield Flagged(_level(gate.status), f"gate {gate.status}", where, text)
    for score in verdict.scores:
        if score.status == "fail":
            text = f"observed is {_number(score.ratio.value)} of predicted ({_interval(score.ratio)})"
            yield Flagged("error", "program fail", f"{score.label} ({score.work})", text)
    for note in verdict.notes:
        yield Flagged("info", "note", verdict.name, note)


def verdict_sections(verdict: Verdict) -> Iterator[Section]:
    scores = [score for score in verdict.scores if score.predicted_ns.value and score.observed_ns.value]
    ratios = [score.ratio.value for score in scores if score.ratio.value is not None]
    words = f"{len(scores)} programs of the workload {verdict.workload}."
    if ratios:
        words += f" Observed over predicted goes from {min(ratios):.3f} to {max(ratios):.3f}."
    plot = Plot(
        f"scatter-{verdict.name}", "Predicted against observed time", words, partial(_draw_scatter, scores), (4.8, 3.6)
    )
    intro = f"Model {verdict.model}, workload {verdict.workload}, run {verdict.run}: {verdict.status}."
    title = f"Predicted and observed: {verdict.name}"
    yield Section(title, intro, (plot,) if scores else (), (_gates(verdict), _scores(verdict)))


def _gates(verdict: Verdict) -> Table:
    columns = (
        Column("gate"),
        Column("timed"),
        Column("found", True),
        Column("95 %"),
        Column("limit", True),
        Column("verdict"),
    )
    rows = tuple(
        (
            Cell(gate.gate),
            Cell(gate.work),
            Cell(_number(gate.found.value), gate.found.value),
            Cell(_interval(gate.found)),
            count_cell(gate.limit),
            Cell(gate.status, status=gate.status),
        )
        for work in verdict.works
        for gate in work.gates
    )
    return Table("Gates", columns, rows)


def _scores(verdict: Verdict) -> Table:
    numbers = ("ExUnits CPU (ps)", "memory", "predicted", "observed", "observed/predicted")
    columns = (
        Column("program"),
        Column("timed"),
        *(Column(each, True) for each in numbers),
        Column("95 %"),
        Column("verdict"),
    )
    rows = tuple(
        (
            Cell(score.label),
            Cell(score.work),
            count_cell(score.ex_units.cpu),
            count_cell(score.ex_units.mem),
            _time(score.predicted_ns),
            _time(score.observed_ns),
            Cell(_number(score.ratio.value), score.ratio.value),
            Cell(_interval(score.ratio)),
            Cell(score.status or "–", status=score.status or ""),
        )
        for score in verdict.scores
    )
    return Table("Programs", columns, rows)


def _draw_scatter(scores: list[Score], canvas: Canvas, palette: Palette) -> None:
    above, below = canvas.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    works = sorted({score.work for score in scores})
    for colour, marker, work in zip(palette.series, "os^Dvx", works, strict=False):
        chosen = [score for score in scores if score.work == work]
        x = np.array([score.predicted_ns.value or 0.0 for score in chosen]) / _NS_PER_US
        y = np.array([score.observed_ns.value or 0.0 for score in chosen]) / _NS_PER_US
        above.plot(x, y, marker, color=colour, label=label_text(work), alpha=0.85)
        below.plot(x, y / x, marker, color=colour, alpha=0.85)
        low, high = (np.array([_bound(score.ratio, side) for score in chosen]) for side in (0, 1))
        below.vlines(x, low, high, color=colour, linewidth=1)
    every = np.array([score.predicted_ns.value or 0.0 for score in scores]) / _NS_PER_US
    ends = [every.min(), every.max()]
    above.plot(ends, ends, color=palette.ink, linewidth=0.8, linestyle="--", label="equal")
    below.axhline(1, color=palette.ink, linewidth=0.8, linestyle="--")
    log_if_wide(above, "x", list(every))
    log_if_wide(above, "y", [score.observed_ns.value or 0.0 for score in scores])
    above.set_ylabel("observed (µs)")
    below.set_ylabel("ratio")
    below.set_xlabel("predicted (µs)")
    above.legend()


def _bound(estimate: Estimate, side: int) -> float:
    bound = estimate.interval[side]
    return (estimate.value or 1.0) if bound is None else bound


class _Change(NamedTuple):
    """A relative change with its interval, and its verdict."""

    label: str
    change: float
    low: float | None
    high: float | None
    status: str


def comparison_flags(comparison: Comparison) -> Iterator[Flagged]:
    for warning in comparison.warnings:
        yield Flagged("warning", "warning", comparison.name, warning)
    for pair in comparison.comparisons:
        if pair.caution:
            yield Flagged("warning", "caution", comparison.name, pair.caution)
        changed = [row for row in pair.rows if row.verdict in ("regressed", "improved")]
        for row in changed:
            text = f"{signed(row.change)} ({_shares(*row.interval)}) in {pair.candidate} against {pair.baseline}"
            yield Flagged(_level(row.verdict), row.verdict, _label(row), text)
        open_rows = sum(row.verdict == "inconclusive" for row in pair.rows)
        if open_rows:
            repeats = f"{pair.counts[0]} and {pair.counts[1]} {pair.unit}s"
            text = f"{open_rows} of {len(pair.rows)} rows cannot be told with {repeats}"
            yield Flagged("warning", "inconclusive", f"{pair.candidate} against {pair.baseline}", text)


def comparison_sections(comparison: Comparison) -> Iterator[Section]:
    for number, pair in enumerate(comparison.comparisons, 1):
        changes = [_Change(_label(row), row.change, *row.interval, row.verdict) for row in pair.rows]
        plot = _changes_plot(f"changes-{comparison.name}-{number}", changes, comparison.tolerance)
        title = f"{pair.candidate} against {pair.baseline}"
        intro = f"Changes up to ±{percent(comparison.tolerance)} count as none; the whole is {comparison.status}."
        yield Section(title, intro, (plot,) if changes else (), (_rows(pair),))
    if comparison.variance:
        yield Section("Where the variance comes from", tables=(_splits(comparison),))
    runs = {str(run.get("run", "")): run for batch in comparison.batches for run in batch.inputs}
    if runs:
        tables = tuple(origin_table(number, run) for number, run in enumerate(runs.values(), 1))
        yield Section(f"Provenance of {comparison.name}", tables=tables)


def _rows(pair: Pair) -> Table:
    columns = (
        Column("operation"),
        Column("experiment"),
        Column("cells", True),
        Column("change", True),
        Column("95 %"),
        Column("verdict"),
        Column(f"more {pair.unit}s needed", True),
    )
    rows = tuple(
        (
            Cell(_label(row)),
            Cell(row.experiment),
            count_cell(row.cells),
            Cell(signed(row.change), row.change),
            Cell(_shares(*row.interval)),
            Cell(row.verdict, status=row.verdict),
            count_cell(row.more),
        )
        for row in pair.rows
    )
    return Table(f"Changes of {pair.candidate} against {pair.baseline}", columns, rows)


def _splits(comparison: Comparison) -> Table:
    headings = ("between processes of a run", "between runs", "between machines")
    columns = (Column("operation"), Column("experiment"), *(Column(each, True) for each in headings))
    rows = tuple(
        (
            Cell(_label(row)),
            Cell(row.experiment),
            *(_deviation(each) for each in (row.within_runs, row.between_runs, row.between_machines)),
        )
        for row in comparison.variance
    )
    return Table("Standard deviations, with 95 % intervals", columns, rows)


def drift_flags(drift: Drift) -> Iterator[Flagged]:
    for row in drift.operations:
        if row.status != "unchanged":
            text = f"{signed(row.ratio - 1)} against {drift.baseline}" + (f": {row.note}" if row.note else "")
            yield Flagged(_level(row.status), row.status, row.operation, text)
    for note in drift.notes:
        yield Flagged("info", "note", drift.name, note)


def drift_sections(drift: Drift) -> Iterator[Section]:
    low_high = [tuple(None if end is None else end - 1 for end in row.interval) for row in drift.operations]
    changes = [
        _Change(row.operation, row.ratio - 1, low, high, row.status)
        for row, (low, high) in zip(drift.operations, low_high, strict=True)
    ]
    unit = f"({drift.unit})"
    columns = (
        Column("operation"),
        Column(f"baseline {unit}", True),
        Column(f"candidate {unit}", True),
        Column("change", True),
        Column("95 %"),
        Column("verdict"),
    )
    rows = tuple(
        (
            Cell(row.operation),
            count_cell(row.baseline),
            count_cell(row.candidate),
            Cell(signed(each.change), each.change),
            Cell(_shares(each.low, each.high)),
            Cell(row.status, status=row.status),
        )
        for row, each in zip(drift.operations, changes, strict=True)
    )
    intro = f"{drift.mode} check against {drift.baseline}, band ±{percent(drift.tolerance)}: {drift.status}."
    plots = (_changes_plot(f"changes-{drift.name}", changes, drift.tolerance),) if changes else ()
    yield Section(f"Drift check: {drift.name}", intro, plots, (Table("Operations", columns, rows),))


def _changes_plot(name: str, changes: list[_Change], band: float) -> Plot:
    shown = sorted(changes, key=lambda each: -abs(each.change))[:_MOST_ROWS]
    few = "" if len(shown) == len(changes) else f" The {len(shown)} largest of {len(changes)} are drawn."
    largest = shown[0]
    words = f"The largest change is {signed(largest.change)}, of {largest.label}, which is {largest.status}.{few}"
    size = (4.8, 1.3 + 0.22 * len(shown))
    return Plot(name, "Changes with 95 % intervals and the band", words, partial(_draw_changes, shown, band), size)


def _draw_changes(changes: list[_Change], band: float, canvas: Canvas, palette: Palette) -> None:
    axes = canvas.subplots()
    axes.axvspan(-100 * band, 100 * band, color=palette.data, alpha=0.12, linewidth=0)
    axes.axvline(0, color=palette.ink, linewidth=0.8)
    colours = {"regressed": palette.alarm, "improved": palette.series[2], "unchanged": palette.data}
    told: set[str] = set()
    for place, each in enumerate(reversed(changes)):
        colour = colours.get(each.status, palette.series[4])
        label = "_" if each.status in told else label_text(each.status)  # matplotlib's legends leave out what begins so
        told.add(each.status)
        ends = [100 * (each.change if end is None else end) for end in (each.low, each.high)]
        axes.plot(ends, [place, place], color=colour)
        axes.plot(100 * each.change, place, "o", color=colour, label=label)
    axes.set_yticks(range(len(changes)), [label_text(each.label) for each in reversed(changes)])
    axes.set_ylim(-0.6, len(changes) - 0.4)
    axes.set_xlabel("change (%)")
    canvas.legend(loc="outside upper right", ncols=3)
    axes.grid(axis="y", visible=False)


def _label(row: Row | Split) -> str:
    """The operation, and how it was timed if that is not the usual way; a row without one is of all operations."""
    name = row.operation or f"all of {row.experiment}"
    return name if row.work in ("", "evaluate", row.operation) else f"{name} ({row.work})"


def _deviation(found: Deviation | None) -> Cell:
    if found is None:
        return Cell("not repeated")
    return Cell(f"{percent(found.sd)} ({_shares(*found.interval)})", found.sd)


def _level(status: str) -> Level:
    return _LEVELS.get(status, "info")


def _time(estimate: Estimate) -> Cell:
    return time_cell(None if estimate.value is None else estimate.value * _PS_PER_NS)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(estimate: Estimate) -> str:
    return interval_text(*estimate.interval)


def _shares(low: float | None, high: float | None) -> str:
    low, high = (None if end is None else 100 * end for end in (low, high))
    return interval_text(low, high, "{:.2f} %")
