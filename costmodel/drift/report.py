"""Drift verdicts for the eyes and tools of continuous integration."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from typing import Any, Final

import msgspec

from costmodel.drift.verdict import Drift, DriftVerdict
from costmodel.judging.change import Change

_MARKS: Final = {Change.REGRESSED: "🔴", Change.IMPROVED: "🟢", Change.UNCHANGED: "⚪", Change.INCONCLUSIVE: "🟡"}
# What starts markup in GitHub's Markdown, table cells included.
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()#+!|<>~&@-])")
# Characters that XML 1.0 cannot hold at all (W3C recommendation, production 2).
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def markdown(verdict: DriftVerdict) -> str:
    """A summary for a step of a workflow: the verdict, then a table with what changed first."""
    lines = [f"### Drift check ({verdict.mode}): {verdict.status.value}", "", _escaped(verdict.summary), ""]
    lines += [f"- {_escaped(note)}" for note in verdict.notes]
    lines += [
        "",
        f"| | operation | baseline ({verdict.unit}) | candidate | change | 95 % |",
        "|---|---|---:|---:|---:|---|",
    ]
    for drift in sorted(verdict.drifts, key=lambda drift: list(Change).index(drift.status)):
        cells = (
            f"{_MARKS[drift.status]} {drift.status.value}",
            _escaped(f"{drift.operation} ({drift.note})" if drift.note else drift.operation),
            f"{drift.baseline:,.6g}",
            f"{drift.candidate:,.6g}",
            change(drift.ratio.value),
            _interval(drift),
        )
        lines.append(f"| {' | '.join(cells)} |")
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
                "extra": f"{change(drift.ratio.value)} against {verdict.baseline}: {drift.status.value}",
            }
            for drift in _known(verdict)
        ]
    )


def bencher(verdict: DriftVerdict) -> bytes:
    """The candidate's figures in Bencher Metric Format: name, measure, value with its bounds, of operations that have
    one."""
    measure = "instructions" if verdict.unit == "instructions" else "latency"
    return _json({drift.operation: {measure: _metric(drift)} for drift in _known(verdict)})


def _known(verdict: DriftVerdict) -> list[Drift]:
    """Without the operations of which no pair of processes was undisturbed."""
    return [drift for drift in verdict.drifts if math.isfinite(drift.candidate)]


def change(ratio: float) -> str:
    """A ratio as a signed percentage."""
    return f"{100 * (ratio - 1):+.2f} %"


def _metric(drift: Drift) -> dict[str, float]:
    scale = drift.candidate / drift.ratio.value
    bounds = {"lower_value": drift.ratio.low * scale, "upper_value": drift.ratio.high * scale}
    return {"value": drift.candidate} | {name: bound for name, bound in bounds.items() if math.isfinite(bound)}


def _sentence(drift: Drift) -> str:
    note = f"; {drift.note}" if drift.note else ""
    return f"{drift.status.value}: {change(drift.ratio.value)} ({_interval(drift)}){note}"


def _interval(drift: Drift) -> str:
    return f"{change(drift.ratio.low)} … {change(drift.ratio.high)}"


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _json(document: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
