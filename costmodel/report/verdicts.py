"""Sections about what `validate`, `drift` and `compare` found."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from costmodel.records.comparison import (
    BatchPairRecord,
    ComparedRowRecord,
    ComparisonDocument,
    ComponentRecord,
    SplitRecord,
)
from costmodel.records.drift import Drift, Operation
from costmodel.records.figures import EstimateRecord
from costmodel.records.validation import Limit, ScoreRecord, ValidationDocument
from costmodel.rendering import numbers
from costmodel.rendering.tables import Row as Cells
from costmodel.rendering.tables import Table, TableCell, change_cell, count_cell, number, ratio_cell, time_cell
from costmodel.report.charts import SERIES, Axis, Chart, Ink, Mark, Panel, scale_for, values
from costmodel.report.models import origin_table
from costmodel.report.page_model import Conclusion, Flagged, KeyFigure, Level, Plot, Section

_PS_PER_NS: Final = 1e3
_NS_PER_US: Final = 1e3
_LEVELS: Final[dict[str, Level]] = {
    "fail": "error",
    "regressed": "error",
    "inconclusive": "warning",
    "improved": "info",
    "pass": "info",
}
_GENERATED: Final = ("secp", "random")  # workloads that calibrate makes itself; others are contracts
_MOST_ROWS: Final = 40  # of a plot of changes


def verdict_flags(name: str, verdict: ValidationDocument) -> Iterator[Flagged]:
    """Gates that were not passed, programs that missed, and what limits the comparison."""
    for work in verdict.works:
        for status in ("fail", "inconclusive"):
            if texts := [_gate_words(gate) for gate in work.gates if gate.status == status]:
                kind = f"{numbers.plural(len(texts), 'gate')} {status}"
                yield Flagged(_level(status), kind, f"{name}: {work.summary.work}", "; ".join(texts), math.inf)
    for score in verdict.scores:
        if score.status == "fail":
            text = f"observed is {numbers.ratio(score.ratio.value)} of predicted ({_interval(score.ratio)})"
            effect = abs((score.ratio.value or 1.0) - 1)
            yield Flagged("error", "program fail", f"{score.label} ({score.work})", text, effect)
    for note in verdict.notes:
        yield Flagged("info", "note", name, note)


def _gate_words(gate: Limit) -> str:
    """What a gate found and what it allows, in the words of the field."""
    form = _gate_form(gate)
    named = {
        "median": "the median error is",
        "p95": "95 % of errors are within",
        "r2": "R² is",
        "tolerance": "observed over predicted of the worst program is",
        "max-undercharge": "observed over predicted of the worst program is",
    }[gate.gate]
    limit = {
        "median": f"at most {form(gate.limit)}",
        "p95": f"at most {form(gate.limit)}",
        "r2": f"at least {form(gate.limit)}",
        "tolerance": f"1 ± {numbers.percent(gate.limit)}",
        "max-undercharge": f"at most {numbers.ratio(1 + gate.limit)}",
    }[gate.gate]
    if gate.found is None or gate.found.value is None:
        return f"{named} unknown; allowed is {limit}"
    return f"{named} {form(gate.found.value)} ({numbers.interval(*gate.found.interval, form)}); allowed is {limit}"


def _gate_form(gate: Limit) -> Callable[[float], str]:
    """How figures of a gate are written: errors as percentages, the rest as ratios and R²."""
    if gate.gate == "r2":
        return numbers.r_squared
    return numbers.percent if gate.gate in ("median", "p95") else numbers.ratio


def verdict_conclusion(verdict: ValidationDocument) -> Conclusion:
    """Whether the model predicts the workload."""
    open_gates = [gate for work in verdict.works for gate in work.gates if gate.status != "pass"]
    words = {"pass": "predicts", "fail": "does not predict"}.get(verdict.status, "may or may not predict")
    if open_gates:
        # One that failed says more than one that is undecided.
        first = min(open_gates, key=lambda gate: gate.status != "fail")
        more = f", and {len(open_gates) - 1} more" if len(open_gates) > 1 else ""
        reason = f": {_gate_words(first)} ({first.gate}, {first.work}{more})"
    else:
        reason = "; every gate is passed"
    return Conclusion(verdict.status, f"{Path(verdict.model).name} {words} {Path(verdict.workload).name}{reason}")


def verdict_figure(verdicts: Sequence[ValidationDocument]) -> KeyFigure:
    """How well programs are predicted, at worst: of contracts, or where none were replayed, of what was."""
    contracts = [each for each in verdicts if each.workload not in _GENERATED] or verdicts
    found = [(work.summary, each) for each in contracts for work in each.works]
    if not found:
        return KeyFigure("Accuracy on contracts", numbers.MISSING, "no program was replayed")
    worst, verdict = max(found, key=lambda each: each[0].median.value or 0.0)
    note = (
        f"median error of {numbers.plural(worst.programs, 'program')} of {Path(verdict.workload).name}; "
        f"95 % within {numbers.percent(worst.p95.value)}"
    )
    return KeyFigure("Accuracy on contracts", f"±{numbers.percent(worst.median.value)}", note, verdict.status)


def verdict_lead(name: str, verdict: ValidationDocument) -> Plot | None:
    scores = _drawable(verdict)
    if not scores:
        return None
    ratios = [score.ratio.value for score in scores if score.ratio.value is not None]
    programs = len({score.label for score in scores})
    words = f"{numbers.plural(programs, 'program')} of the workload {Path(verdict.workload).name}."
    if ratios:
        words += f" Observed over predicted goes from {numbers.ratio(min(ratios))} to {numbers.ratio(max(ratios))}."
    return Plot(f"scatter-{name}", "Predicted and observed time", words, _scatter(scores))


def _drawable(verdict: ValidationDocument) -> list[ScoreRecord]:
    return [score for score in verdict.scores if score.predicted_ns.value and score.observed_ns.value]


def verdict_sections(name: str, verdict: ValidationDocument, *, lead: bool) -> Iterator[Section]:
    """Gates and programs; the plot too unless it leads the page."""
    plot = None if lead else verdict_lead(name, verdict)
    model, workload = Path(verdict.model).name, Path(verdict.workload).name
    intro = f"Model {model}, workload {workload}, run {verdict.run}: {verdict.status}."
    tables = (_gates(verdict), _scores(verdict))
    yield Section(f"Predicted and observed: {name}", intro, (plot,) if plot else (), tables)


def _found(gate: Limit) -> TableCell:
    value = gate.found.value if gate.found else None
    return TableCell(numbers.MISSING if value is None else _gate_form(gate)(value), value)


def _gates(verdict: ValidationDocument) -> Table:
    columns = ("gate", "timed", "verdict", number("found"), "95 %", number("limit"))
    rows = [
        (
            gate.gate,
            gate.work,
            TableCell(gate.status, status=gate.status),
            _found(gate),
            numbers.interval(*gate.found.interval, _gate_form(gate)) if gate.found else "",
            TableCell(numbers.ratio(gate.limit) if gate.gate == "r2" else numbers.percent(gate.limit), gate.limit),
        )
        for work in verdict.works
        for gate in work.gates
    ]
    return Table.of("Gates (acceptance limits)", columns, rows)


def _scores(verdict: ValidationDocument) -> Table:
    headings = ("observed/predicted", "95 %", "predicted", "observed")
    columns = ("program", "timed", "verdict", *map(number, headings), *map(number, ("ExUnits CPU (ps)", "memory")))
    ordered = sorted(verdict.scores, key=lambda score: -abs(math.log(score.ratio.value or 1.0)))
    rows = [
        (
            score.label,
            score.work,
            TableCell(score.status or "–", status=score.status or ""),
            ratio_cell(score.ratio.value),
            _interval(score.ratio),
            _time(score.predicted_ns),
            _time(score.observed_ns),
            count_cell(score.ex_units.cpu),
            count_cell(score.ex_units.mem),
        )
        for score in ordered
    ]
    return Table.of("Programs, worst first", columns, rows)


def _scatter(scores: list[ScoreRecord]) -> Chart:
    works = sorted({score.work for score in scores})
    above, below = [], []
    for ink, work in zip(SERIES, works, strict=False):
        chosen = [score for score in scores if score.work == work]
        x = values((score.predicted_ns.value or 0.0) / _NS_PER_US for score in chosen)
        y = values((score.observed_ns.value or 0.0) / _NS_PER_US for score in chosen)
        texts = tuple(f"{score.label}: {numbers.ratio(score.ratio.value)}" for score in chosen)
        above.append(Mark("points", ink, x=x, y=y, label=work, texts=texts))
        low, high = (values(100 * (_bound(score.ratio, side) - 1) for score in chosen) for side in (0, 1))
        off = values(100 * ((score.ratio.value or 1.0) - 1) for score in chosen)
        below.append(Mark("points", ink, x=x, y=off, low=low, high=high, texts=texts))
    every = values((score.predicted_ns.value or 0.0) / _NS_PER_US for score in scores)
    ends = (min(every), max(every))
    equal = Mark("line", "ink", x=ends, y=ends, label="observed = predicted", dashed=True)
    scale = scale_for(every)
    observed = [y for mark in above for y in mark.y]
    return Chart(
        (
            Panel(Axis("", scale), Axis("observed (µs)", scale_for(observed)), (equal, *above), 2),
            Panel(Axis("predicted (µs)", scale), Axis("error (%)"), (Mark("rule", "ink", y=(0.0,)), *below)),
        ),
        460,
    )


def _bound(estimate: EstimateRecord, side: int) -> float:
    bound = estimate.interval[side]
    return (estimate.value or 1.0) if bound is None else bound


class _RelativeChange(NamedTuple):
    """A relative change with its interval, and its verdict."""

    label: str
    change: float
    low: float | None
    high: float | None
    status: str


def comparison_flags(name: str, comparison: ComparisonDocument) -> Iterator[Flagged]:
    """Changes, and what could not be decided."""
    for warning in comparison.warnings:
        yield Flagged("warning", "warning", name, warning)
    for pair in comparison.comparisons:
        if pair.caution:
            yield Flagged("warning", "caution", name, pair.caution)
        changed = [row for row in pair.rows if row.verdict in ("regressed", "improved")]
        for row in changed:
            text = (
                f"{numbers.change(row.change)} ({_shares(*row.interval)}) in {pair.candidate} against {pair.baseline}"
            )
            yield Flagged(_level(row.verdict), row.verdict, _label(row), text, abs(row.change))
        undecided = sum(row.verdict == "inconclusive" for row in pair.rows)
        if undecided:
            repeats = f"{pair.counts[0]} and {pair.counts[1]} {pair.unit}s"
            text = f"{undecided} of {len(pair.rows)} rows are undecided with {repeats}"
            yield Flagged("warning", "inconclusive", f"{pair.candidate} against {pair.baseline}", text)


def comparison_conclusion(name: str, comparison: ComparisonDocument) -> Conclusion:
    """Whether something regressed."""
    rows = [row for pair in comparison.comparisons for row in pair.rows]
    return _changes_conclusion(name, comparison.status, [row.verdict for row in rows])


def comparison_lead(name: str, comparison: ComparisonDocument) -> Plot | None:
    return next(_comparison_plots(name, comparison), None)


def _comparison_plots(name: str, comparison: ComparisonDocument) -> Iterator[Plot]:
    for place, pair in enumerate(comparison.comparisons, 1):
        changes = [_RelativeChange(_label(row), row.change, *row.interval, row.verdict) for row in pair.rows]
        if changes:
            yield _changes_plot(f"changes-{name}-{place}", changes, comparison.tolerance)


def comparison_sections(name: str, comparison: ComparisonDocument, *, lead: bool) -> Iterator[Section]:
    """Changes of each pair of batches, the split of the variance, and the runs."""
    plots = list(_comparison_plots(name, comparison))
    for place, pair in enumerate(comparison.comparisons):
        title = f"{pair.candidate} against {pair.baseline}"
        band = numbers.percent(comparison.tolerance)
        intro = f"Changes within ±{band} count as unchanged; the result is {comparison.status}."
        shown = tuple(plots[place : place + 1]) if place or not lead else ()
        yield Section(title, intro, shown, (_rows(pair),))
    if comparison.variance:
        yield Section("Where the variance comes from", tables=(_splits(comparison),))
    runs = {run.run: msgspec.to_builtins(run) for batch in comparison.batches for run in batch.inputs}
    if runs:
        tables = tuple(origin_table(place, run) for place, run in enumerate(runs.values(), 1))
        yield Section(f"Provenance of {name}", tables=tables, folded=True)


def _rows(pair: BatchPairRecord) -> Table:
    columns = (
        "operation",
        "verdict",
        *map(number, ("change", "95 %", f"more {pair.unit}s needed", "cells")),
        "experiment",
    )
    rows = [
        (
            _label(row),
            TableCell(row.verdict, status=row.verdict),
            change_cell(row.change),
            _shares(*row.interval),
            count_cell(row.more),
            count_cell(row.cells),
            row.experiment,
        )
        for row in sorted(pair.rows, key=lambda row: -abs(row.change))
    ]
    return Table.of(f"Changes of {pair.candidate} against {pair.baseline}", columns, rows)


def _splits(comparison: ComparisonDocument) -> Table:
    headings = ("between processes of a run", "between runs", "between machines")
    rows = [
        (
            _label(row),
            row.experiment,
            *(_deviation(each) for each in (row.within_runs, row.between_runs, row.between_machines)),
        )
        for row in comparison.variance
    ]
    return Table.of(
        "Standard deviations, with 95 % intervals", ("operation", "experiment", *map(number, headings)), rows
    )


def drift_flags(name: str, drift: Drift) -> Iterator[Flagged]:
    """Operations that changed or could not be decided."""
    for row in drift.operations:
        if row.status != "unchanged":
            change = (row.ratio or 1.0) - 1
            text = f"{numbers.change(change)} against {drift.baseline}" + (f": {row.note}" if row.note else "")
            yield Flagged(_level(row.status), row.status, _drift_label(drift, row), text, abs(change))
        elif row.warned or row.accepted:
            change = (row.ratio or 1.0) - 1
            kind = "accepted" if row.accepted else "slower than the limit of warnings"
            text = f"{numbers.change(change)} against {drift.baseline}" + (f": {row.note}" if row.note else "")
            yield Flagged("info" if row.accepted else "warning", kind, _drift_label(drift, row), text, abs(change))
    for note in drift.notes:
        yield Flagged("info", "note", name, note)


def drift_conclusion(name: str, drift: Drift) -> Conclusion:
    """Whether something became slower."""
    return _changes_conclusion(name, drift.status, [row.status for row in drift.operations])


def _changes_conclusion(name: str, status: str, verdicts: list[str]) -> Conclusion:
    counts = ", ".join(f"{verdicts.count(each)} {each}" for each in dict.fromkeys(sorted(verdicts)))
    words = {
        "regressed": "something became slower",
        "improved": "something became faster, and nothing slower",
        "unchanged": "nothing changed",
        "inconclusive": "the measurements cannot tell whether something changed",
    }.get(status, status)
    level = {"regressed": "fail", "improved": "pass", "unchanged": "pass"}.get(status, "inconclusive")
    return Conclusion(level, f"{name}: {words} ({counts})")


def drift_lead(name: str, drift: Drift) -> Plot | None:
    changes = _drift_changes(drift)
    bands = {row.tolerance for row in drift.operations}
    return _changes_plot(f"changes-{name}", changes, max(bands)) if changes else None


def _drift_label(drift: Drift, row: Operation) -> str:
    """The operation, and the metric where there are several."""
    several = len({each.metric for each in drift.operations}) > 1
    return f"{row.operation} {row.metric}" if several else row.operation


def _drift_changes(drift: Drift) -> list[_RelativeChange]:
    changes = []
    for row in drift.operations:
        low, high = (None if end is None else end - 1 for end in row.interval)
        changes.append(_RelativeChange(_drift_label(drift, row), (row.ratio or 1.0) - 1, low, high, row.status))
    return changes


def drift_sections(name: str, drift: Drift, *, lead: bool) -> Iterator[Section]:
    """Every operation."""
    headings = ("change", "95 %", "tolerance", "baseline", "candidate")
    changes = _drift_changes(drift)
    pairs = sorted(zip(drift.operations, changes, strict=True), key=lambda pair: -abs(pair[1].change))
    rows: list[Cells] = [
        (
            each.label,
            TableCell(row.status, status=row.status),
            change_cell(each.change),
            _shares(each.low, each.high),
            f"±{numbers.percent(row.tolerance)}",
            count_cell(row.baseline),
            count_cell(row.candidate),
            row.note,
        )
        for row, each in pairs
    ]
    intro = f"{drift.mode} check of {drift.evaluator} on {drift.workload} against {drift.baseline}: {drift.status}."
    plot = None if lead else drift_lead(name, drift)
    table = Table.of("Operations", ("operation", "verdict", *map(number, headings), "note"), rows)
    yield Section(f"Drift check: {name}", intro, (plot,) if plot else (), (table,))


def _changes_plot(name: str, changes: list[_RelativeChange], band: float) -> Plot:
    shown = sorted(changes, key=lambda each: -abs(each.change))[:_MOST_ROWS]
    few = "" if len(shown) == len(changes) else f" The {len(shown)} largest of {len(changes)} are drawn."
    largest = shown[0]
    words = (
        f"The largest change is {numbers.change(largest.change)}, of {largest.label}, which is {largest.status}.{few}"
    )
    return Plot(name, "Changes with 95 % intervals and the tolerance", words, _changes_chart(shown, band))


def _changes_chart(changes: list[_RelativeChange], band: float) -> Chart:
    inks: dict[str, Ink] = {"regressed": "alarm", "improved": "series-2", "unchanged": "data"}
    places = {each: len(changes) - place for place, each in enumerate(changes)}
    marks = [
        Mark("span", "data", low=(-100 * band,), high=(100 * band,), label="tolerance"),
        Mark("rule", "ink", x=(0.0,)),
    ]
    for status in dict.fromkeys(each.status for each in changes):
        chosen = [each for each in changes if each.status == status]
        marks.append(
            Mark(
                "rows",
                inks.get(status, "series-4"),
                x=values(100 * each.change for each in chosen),
                y=values(places[each] for each in chosen),
                low=values(100 * (each.change if each.low is None else each.low) for each in chosen),
                high=values(100 * (each.change if each.high is None else each.high) for each in chosen),
                label=status,
                texts=tuple(f"{each.label}: {numbers.change(each.change)}" for each in chosen),
            )
        )
    names = tuple((float(place), each.label) for each, place in places.items())
    return Chart((Panel(Axis("change (%)"), Axis("", names=names), tuple(marks)),), 70 + 20 * len(changes))


def _label(row: ComparedRowRecord | SplitRecord) -> str:
    """The operation, and how it was timed if that is not the usual way; a row without one is of all operations."""
    name = row.operation or f"all of {row.experiment}"
    return name if row.work in ("", "evaluate", row.operation) else f"{name} ({row.work})"


def _deviation(found: ComponentRecord | None) -> TableCell:
    if found is None:
        return TableCell("not repeated")
    return TableCell(f"{numbers.percent(found.sd)} ({numbers.interval(*found.interval, numbers.percent)})", found.sd)


def _level(status: str) -> Level:
    return _LEVELS.get(status, "info")


def _time(estimate: EstimateRecord) -> TableCell:
    return time_cell(None if estimate.value is None else estimate.value * _PS_PER_NS)


def _interval(estimate: EstimateRecord) -> str:
    return numbers.interval(*estimate.interval)


def _shares(low: float | None, high: float | None) -> str:
    return numbers.interval(low, high, numbers.change)
