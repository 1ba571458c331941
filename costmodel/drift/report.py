"""Drift verdicts for the eyes and tools of continuous integration."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from typing import Any, Final

import msgspec

from costmodel.drift.verdict import DriftVerdict, OperationDrift
from costmodel.judging.estimate import Change
from costmodel.rendering import numbers
from costmodel.rendering.markup import render_markdown
from costmodel.rendering.tables import Row, Table, TableCell, change_cell, count_cell, number, wide
from costmodel.rendering.text import escape_markdown

_MARKS: Final = {Change.REGRESSED: "🔴", Change.IMPROVED: "🟢", Change.UNCHANGED: "⚪", Change.INCONCLUSIVE: "🟡"}
# Characters that XML 1.0 cannot hold at all (W3C recommendation, production 2).
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def drift_table(verdict: DriftVerdict, *, changed_first: bool = False) -> Table:
    """A row for each operation."""
    drifts = verdict.drifts
    if changed_first:
        drifts = tuple(sorted(drifts, key=lambda drift: list(Change).index(drift.status)))
    columns = (
        "operation",
        "verdict",
        number("change"),
        number("95 %"),
        wide(number(f"baseline ({verdict.unit})")),
        wide(number("candidate")),
        *(["note"] if any(drift.note for drift in drifts) else []),
    )
    rows = [_row(drift)[: len(columns)] for drift in drifts]
    return Table.of(f"Against {verdict.baseline}", columns, rows)


def _row(drift: OperationDrift) -> Row:
    low, high = drift.ratio.low, drift.ratio.high
    return (
        drift.operation,
        TableCell(drift.status.value, status=drift.status.value),
        change_cell(drift.ratio.value - 1),
        "" if low == high else _interval(drift),
        count_cell(drift.baseline),
        count_cell(drift.candidate),
        drift.note,
    )


def markdown(verdict: DriftVerdict) -> str:
    """A summary for a step of a workflow: the verdict, then a table with what changed first."""
    lines = [f"### Drift check ({verdict.mode}): {verdict.status.value}", "", escape_markdown(verdict.summary), ""]
    lines += [f"- {escape_markdown(note)}" for note in verdict.notes]
    table = drift_table(verdict, changed_first=True)
    marked = tuple(
        tuple(cell._replace(text=f"{_MARKS[Change(cell.status)]} {cell.text}") if cell.status else cell for cell in row)
        for row in table.rows
    )
    lines += ["", *render_markdown(Table(table.caption, table.columns, marked))]
    return "\n".join(lines) + "\n"


def junit(verdict: DriftVerdict) -> bytes:
    """JUnit's XML: a test case an operation; a regression is a failure, an inconclusive one an error."""
    failures, errors = (
        sum(drift.status is status for drift in verdict.drifts) for status in (Change.REGRESSED, Change.INCONCLUSIVE)
    )
    name = f"calibrate drift ({verdict.mode})"
    counts = {"tests": str(len(verdict.drifts)), "failures": str(failures), "errors": str(errors)}
    root = ET.Element("testsuites", {"name": name, **counts})
    suite = ET.SubElement(root, "testsuite", {"name": name, **counts})
    for drift in verdict.drifts:
        case = ET.SubElement(suite, "testcase", {"classname": "drift", "name": _xml(drift.operation)})
        kind = {Change.REGRESSED: "failure", Change.INCONCLUSIVE: "error"}.get(drift.status)
        if kind:
            ET.SubElement(case, kind, {"type": drift.status.value, "message": _xml(_sentence(drift))})
        else:
            ET.SubElement(case, "system-out").text = _xml(_sentence(drift))
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def benchmark_action(verdict: DriftVerdict) -> bytes:
    """The candidate's figures as github-action-benchmark's `customSmallerIsBetter` reads them, of operations that have
    one."""
    return _json(
        [
            {
                "name": drift.operation,
                "unit": verdict.unit,
                "value": drift.candidate,
                "range": _interval(drift),
                "extra": f"{numbers.change(drift.ratio.value - 1)} against {verdict.baseline}: {drift.status.value}",
            }
            for drift in _known(verdict)
        ]
    )


def bencher(verdict: DriftVerdict) -> bytes:
    """The candidate's figures in Bencher Metric Format: name, measure, value with its bounds, of operations that have
    one."""
    measure = "instructions" if verdict.unit == "instructions" else "latency"
    return _json({drift.operation: {measure: _metric(drift)} for drift in _known(verdict)})


def _known(verdict: DriftVerdict) -> list[OperationDrift]:
    """Without the operations of which no pair of processes was undisturbed."""
    return [drift for drift in verdict.drifts if math.isfinite(drift.candidate)]


def _metric(drift: OperationDrift) -> dict[str, float]:
    scale = drift.candidate / drift.ratio.value
    bounds = {"lower_value": drift.ratio.low * scale, "upper_value": drift.ratio.high * scale}
    return {"value": drift.candidate} | {name: bound for name, bound in bounds.items() if math.isfinite(bound)}


def _sentence(drift: OperationDrift) -> str:
    note = f"; {drift.note}" if drift.note else ""
    return f"{drift.status.value}: {numbers.change(drift.ratio.value - 1)} ({_interval(drift)}){note}"


def _interval(drift: OperationDrift) -> str:
    return numbers.interval(drift.ratio.low - 1, drift.ratio.high - 1, numbers.change)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _json(document: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
