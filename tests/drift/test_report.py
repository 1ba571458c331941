"""Drift verdicts as Markdown, JUnit and the benchmark services' JSON."""

import json
import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

from costmodel.drift.report import bencher, benchmark_action, github_annotations, junit, markdown, outputs
from costmodel.drift.verdict import DriftVerdict, OperationDrift
from costmodel.judging.estimate import Change, Estimate


def drift(operation: str, ratio: float, status: Change, note: str = "", **more: Any) -> OperationDrift:
    return OperationDrift(
        operation,
        "",
        "time",
        200.0,
        200.0 * ratio,
        Estimate(ratio, ratio - 0.01, ratio + 0.01),
        0.01,
        status,
        note,
        **more,
    )


VERDICT = DriftVerdict(
    "timed",
    "main",
    (
        drift("same", 1.0, Change.UNCHANGED),
        drift("slow", 1.05, Change.REGRESSED, "a note"),
        drift("fast", 0.95, Change.IMPROVED),
        drift("noisy", 1.01, Change.INCONCLUSIVE),
    ),
)
HOSTILE = DriftVerdict("timed", "b", (drift("<b>|`x` & \x00\n|", 1.05, Change.REGRESSED, '"]]>'),))


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
    assert DriftVerdict("timed", "main", rest).exit_code == 3
    assert DriftVerdict("timed", "main", rest[:2]).exit_code == 0


UNKNOWN = Estimate(1.0, 0.0, math.inf)


def test_operation_without_a_figure_is_left_out_of_the_services_json() -> None:
    nothing = OperationDrift("disturbed", "", "time", math.nan, math.nan, UNKNOWN, 0.01, Change.INCONCLUSIVE, "0 pairs")
    once = OperationDrift("once", "", "time", 200.0, 200.0, UNKNOWN, 0.01, Change.INCONCLUSIVE, "1 pairs")
    verdict = replace(VERDICT, drifts=(nothing, once))
    assert [row["value"] for row in json.loads(benchmark_action(verdict))] == [200.0]
    assert json.loads(bencher(verdict)) == {"once": {"latency": {"value": 200.0, "lower_value": 0.0}}}


def test_what_is_warned_of_and_accepted_has_its_place_and_annotation() -> None:
    more = (
        drift("worse", 1.08, Change.REGRESSED),
        drift("almost", 1.009, Change.UNCHANGED, warned=True),
        drift("meant", 1.05, Change.UNCHANGED, "accepted up to +6%: more checks", accepted="more checks"),
    )
    verdict = replace(VERDICT, drifts=(*VERDICT.drifts, *more))
    rows = [line.split("|")[1].strip() for line in markdown(verdict).splitlines() if "% …" in line]
    assert rows == ["worse", "slow", "noisy", "almost", "meant", "fast", "same"]
    assert github_annotations(verdict).decode().splitlines() == [
        "::error title=Drift%3A worse::regressed: +8.00 %25 (+7.00 %25 … +9.00 %25)",
        "::error title=Drift%3A slow::regressed: +5.00 %25 (+4.00 %25 … +6.00 %25); a note",
        "::warning title=Drift%3A noisy::inconclusive: +1.00 %25 (+0.00 %25 … +2.00 %25)",
        "::warning title=Drift%3A almost::warned: +0.90 %25 (−0.10 %25 … +1.90 %25)",
        "::notice title=Drift%3A meant::accepted: +5.00 %25 (+4.00 %25 … +6.00 %25); accepted up to +6%25: more checks",
    ]


def test_annotations_of_hostile_names_stay_commands_of_one_line() -> None:
    name = "a::error::b,c\r\n::warning::%0A"
    hostile = DriftVerdict("timed", "b", (drift(name, 1.05, Change.REGRESSED, "\n::error::x"),))
    (line,) = github_annotations(hostile).decode().splitlines()
    assert line.startswith("::error title=Drift%3A a%3A%3Aerror%3A%3Ab%2Cc%0D%0A%3A%3Awarning%3A%3A%250A::regressed")


def test_annotations_are_as_many_as_github_shows_and_say_what_is_left() -> None:
    many = replace(VERDICT, drifts=tuple(drift(f"op{number}", 1.05, Change.REGRESSED) for number in range(30)))
    lines = github_annotations(many).decode().splitlines()
    assert len(lines) == 10
    assert lines[-1] == "::error title=Drift::21 more, see the summary of this step"


def test_outputs_have_verdict_and_counts() -> None:
    assert outputs(VERDICT).splitlines() == [
        *("verdict=regressed", "exit_code=1", "regressed=1", "improved=1"),
        *("unchanged=1", "inconclusive=1", "warned=0", "accepted=0"),
    ]


def test_summary_of_a_thousand_contracts_fits_a_comment() -> None:
    drifts = [drift(f"contract {number} {'x_' * 300}", 1.0, Change.UNCHANGED, "|" * 999) for number in range(999)]
    text = markdown(replace(VERDICT, drifts=(drift("slow", 1.05, Change.REGRESSED), *drifts)))
    assert len(text) < 65_536
    assert "slow" in text
    assert "more rows" in text


def test_check_that_compared_nothing_is_inconclusive_and_says_why() -> None:
    nothing = DriftVerdict("timed", "main", (), ("2 pairs are too few",))
    assert (nothing.status, nothing.exit_code) == (Change.INCONCLUSIVE, 3)
    assert "2 pairs are too few" in github_annotations(nothing).decode()
    assert "nothing was compared" in markdown(nothing)


def test_exit_code_of_an_inconclusive_check_is_the_callers() -> None:
    nothing = DriftVerdict("timed", "main", (), inconclusive_code=0)
    assert nothing.exit_code == 0
    assert replace(VERDICT, inconclusive_code=0).exit_code == 1  # it regressed
