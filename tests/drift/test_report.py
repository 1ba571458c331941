"""Drift verdicts as Markdown, JUnit and the benchmark services' JSON."""

import json
import math
import xml.etree.ElementTree as ET
from dataclasses import replace

from costmodel.drift.report import bencher, benchmark_action, junit, markdown
from costmodel.drift.verdict import DriftVerdict, OperationDrift
from costmodel.judging.estimate import Change, Estimate


def drift(operation: str, ratio: float, status: Change, note: str = "") -> OperationDrift:
    return OperationDrift(
        operation, "", 200.0, 200.0 * ratio, Estimate(ratio, ratio - 0.01, ratio + 0.01), status, note
    )


VERDICT = DriftVerdict(
    "timed",
    "ns",
    "main",
    0.01,
    (
        drift("same", 1.0, Change.UNCHANGED),
        drift("slow", 1.05, Change.REGRESSED, "a note"),
        drift("fast", 0.95, Change.IMPROVED),
        drift("noisy", 1.01, Change.INCONCLUSIVE),
    ),
)
HOSTILE = DriftVerdict("timed", "ns", "b", 0.01, (drift("<b>|`x` & \x00\n|", 1.05, Change.REGRESSED, '"]]>'),))


def test_markdown_puts_regressions_first() -> None:
    rows = [line for line in markdown(VERDICT).splitlines() if "🔴" in line or "unchanged |" in line]
    assert rows[0] == r"| slow | 🔴 regressed | \+5.00 % | \+4.00 % … \+6.00 % | 200 | 210 | a note |"
    assert "same" in rows[-1]


def test_markdown_is_escaped() -> None:
    (row,) = [line for line in markdown(HOSTILE).splitlines() if "regressed |" in line]
    assert r"\<b\>\|\`x\` \&" in row
    assert "\x00" not in row
    assert row.count("|") - row.count(r"\|") == 8


def test_junit_counts_regressions_as_failures_and_inconclusive_ones_as_errors() -> None:
    suite = ET.fromstring(junit(VERDICT)).find("testsuite")  # noqa: S314 - written right here
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "1")
    assert [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None] == ["slow"]
    assert [case.get("name") for case in suite.iter("testcase") if case.find("error") is not None] == ["noisy"]


def test_junit_of_hostile_names_is_well_formed() -> None:
    (case,) = ET.fromstring(junit(HOSTILE)).iter("testcase")  # noqa: S314 - written right here
    assert str(case.get("name")).startswith("<b>|`x` & �")


def test_benchmark_action_has_its_fields() -> None:
    first = json.loads(benchmark_action(VERDICT))[1]
    assert first["name"] == "slow"
    assert first["unit"] == "ns"
    assert first["value"] == 210
    assert set(first) == {"name", "unit", "value", "range", "extra"}


def test_bencher_bounds_surround_the_value() -> None:
    metric = json.loads(bencher(VERDICT))["slow"]["latency"]
    assert metric["lower_value"] < metric["value"] == 210 < metric["upper_value"]


def test_verdict_is_inconclusive_only_without_a_regression() -> None:
    assert VERDICT.exit_code == 1
    rest = tuple(drift for drift in VERDICT.drifts if drift.status is not Change.REGRESSED)
    assert DriftVerdict("timed", "ns", "main", 0.01, rest).exit_code == 3
    assert DriftVerdict("timed", "ns", "main", 0.01, rest[:2]).exit_code == 0


def test_operation_without_a_figure_is_left_out_of_the_services_json() -> None:
    nothing = OperationDrift(
        "disturbed", "", math.nan, math.nan, Estimate(1.0, 0.0, math.inf), Change.INCONCLUSIVE, "0 pairs"
    )
    once = OperationDrift("once", "", 200.0, 200.0, Estimate(1.0, 0.0, math.inf), Change.INCONCLUSIVE, "1 pairs")
    verdict = replace(VERDICT, drifts=(nothing, once))
    assert [row["value"] for row in json.loads(benchmark_action(verdict))] == [200.0]
    assert json.loads(bencher(verdict)) == {"once": {"latency": {"value": 200.0, "lower_value": 0.0}}}
