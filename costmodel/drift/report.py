"""Drift verdicts for the eyes and tools of continuous integration."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from itertools import accumulate, compress
from typing import Any, Final

import msgspec

from costmodel.drift.verdict import UNITS, DriftVerdict, OperationDrift
from costmodel.judging.estimate import Change
from costmodel.rendering import numbers
from costmodel.rendering.markup import render_markdown
from costmodel.rendering.tables import Row, Table, TableCell, change_cell, count_cell, number, wide
from costmodel.rendering.text import escape_markdown

# In the order in which they are shown.
_MARKS: Final = {
    "regressed": "🔴",
    "inconclusive": "🟡",
    "warned": "🟠",
    "accepted": "🔵",
    "improved": "🟢",
    "unchanged": "⚪",
}
# A comment of GitHub has at most 65,536 characters.
_LONGEST_TABLE: Final = 40_000
_MOST_NOTES: Final = 20
_LONGEST: Final = 200
_MOST_ANNOTATIONS: Final = 10
# Characters that XML 1.0 cannot hold at all (W3C recommendation, production 2).
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def drift_table(verdict: DriftVerdict, *, changed_first: bool = False) -> Table:
    """A row for each figure."""
    drifts = verdict.drifts
    if changed_first:
        drifts = tuple(sorted(drifts, key=_order))
    units = {UNITS[drift.metric] for drift in drifts}
    columns = {
        "operation": True,
        "verdict": True,
        number("change"): True,
        number("95 %"): any(drift.ratio.low != drift.ratio.high for drift in drifts),
        wide(number("baseline" if len(units) != 1 else f"baseline ({units.pop()})")): True,
        wide(number("candidate")): True,
        "note": any(drift.note for drift in drifts),
    }
    rows = [list(compress(_row(verdict, drift), columns.values())) for drift in drifts]
    return Table.of(f"Against {verdict.baseline}", list(compress(columns, columns.values())), rows)


def _order(drift: OperationDrift) -> tuple[int, float]:
    """What needs attention first, worst first."""
    shown = _shown(drift)
    size = abs(math.log(drift.ratio.value)) if 0 < drift.ratio.value < math.inf else math.inf
    return (list(_MARKS).index(shown), -size)


def _shown(drift: OperationDrift) -> str:
    """What a drift is called: its status, or why that is no more than unchanged."""
    if drift.warned:
        return "warned"
    return "accepted" if drift.accepted else drift.status.value


def _row(verdict: DriftVerdict, drift: OperationDrift) -> Row:
    low, high = drift.ratio.low, drift.ratio.high
    known = math.isfinite(drift.ratio.value)
    return (
        verdict.name(drift),
        TableCell(_shown(drift), status=drift.status.value),
        change_cell(drift.ratio.value - 1 if known else None),
        "" if low == high else _interval(drift),
        count_cell(drift.baseline if math.isfinite(drift.baseline) else None),
        count_cell(drift.candidate if math.isfinite(drift.candidate) else None),
        drift.note,
    )


def markdown(verdict: DriftVerdict) -> str:
    """A summary for a step of a workflow, or a comment: the verdict, then a table with what needs attention first. It
    has as many rows as a comment of GitHub holds."""
    facts = f"{verdict.evaluator} on {verdict.workload}, against {verdict.baseline}"
    lines = [f"### Drift check ({verdict.mode}): {verdict.status.value}", ""]
    lines += [escape_markdown(_cut(verdict.summary)), "", escape_markdown(_cut(facts)), ""]
    lines += [f"- {escape_markdown(_cut(note))}" for note in verdict.notes[:_MOST_NOTES]]
    table = drift_table(verdict, changed_first=True)
    marked = tuple(
        tuple(
            cell._replace(text=f"{_MARKS.get(cell.text, '')} {cell.text}" if cell.status else _cut(cell.text))
            for cell in row
        )
        for row in table.rows
    )
    rendered = list(render_markdown(Table(_cut(table.caption), table.columns, marked)))
    lengths = accumulate(len(line) + 1 for line in rendered)
    kept = [line for line, length in zip(rendered, lengths, strict=True) if length <= _LONGEST_TABLE]
    left = len(rendered) - len(kept)
    lines += ["", *kept]
    lines += ["", f"{left} more rows are in the page and in the JSON of the check."] if left else []
    return "\n".join(lines) + "\n"


def github_annotations(verdict: DriftVerdict) -> bytes:
    """GitHub's workflow commands: an error for what failed, a warning for what cannot be told or is slower than the
    limit of warnings, a notice for what is accepted. GitHub shows ten of a kind and step."""
    kinds = {"regressed": "error", "inconclusive": "warning", "warned": "warning", "accepted": "notice"}
    found: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for drift in sorted(verdict.drifts, key=_order):
        kind = kinds.get(_shown(drift))
        if kind:
            title = _property(f"Drift: {verdict.name(drift)}")
            found[kind].append(f"::{kind} title={title}::{_message(_sentence(drift))}")
    lines = []
    for kind, commands in found.items():
        shown = commands if len(commands) <= _MOST_ANNOTATIONS else commands[: _MOST_ANNOTATIONS - 1]
        lines += shown
        if left := len(commands) - len(shown):
            lines.append(f"::{kind} title=Drift::{left} more, see the summary of this step")
    if not verdict.drifts:
        lines.append(f"::warning title=Drift::{_message('; '.join((verdict.summary, *verdict.notes)))}")
    return "".join(f"{line}\n" for line in lines).encode()


def outputs(verdict: DriftVerdict) -> str:
    """NAME=VALUE lines, as GitHub's outputs and GitLab's dotenv reports have them."""
    counts = msgspec.structs.asdict(verdict.counts)
    values = {"verdict": verdict.status.value, "exit_code": verdict.exit_code, **counts}
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _message(text: str) -> str:
    """The text of a workflow command, in which % and line breaks are escaped."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


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
        case = ET.SubElement(suite, "testcase", {"classname": "drift", "name": _xml(verdict.name(drift))})
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
                "name": verdict.name(drift),
                "unit": UNITS[drift.metric],
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
    found: dict[str, dict[str, dict[str, float]]] = {}
    for drift in _known(verdict):
        measure = "latency" if UNITS[drift.metric] == "ns" else drift.metric
        found.setdefault(drift.operation, {})[measure] = _metric(drift)
    return _json(found)


def _known(verdict: DriftVerdict) -> list[OperationDrift]:
    """Without the operations of which no pair of processes was undisturbed."""
    return [drift for drift in verdict.drifts if math.isfinite(drift.candidate) and drift.candidate > 0]


def _metric(drift: OperationDrift) -> dict[str, float]:
    scale = drift.candidate / drift.ratio.value
    bounds = {"lower_value": drift.ratio.low * scale, "upper_value": drift.ratio.high * scale}
    return {"value": drift.candidate} | {name: bound for name, bound in bounds.items() if math.isfinite(bound)}


def _sentence(drift: OperationDrift) -> str:
    note = f"; {drift.note}" if drift.note else ""
    low, high = drift.ratio.low, drift.ratio.high
    if not math.isfinite(drift.ratio.value) or not math.isfinite(drift.baseline):
        return f"{_shown(drift)}{note}"
    between = "" if low == high else f" ({_interval(drift)})"
    return f"{_shown(drift)}: {numbers.change(drift.ratio.value - 1)}{between}{note}"


def _interval(drift: OperationDrift) -> str:
    return numbers.interval(drift.ratio.low - 1, drift.ratio.high - 1, numbers.change)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _json(document: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
