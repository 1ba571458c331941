"""Limits: bands of operations and metrics, warnings, and regressions that are meant."""

from pathlib import Path

import pytest

from costmodel.drift.limits import NO_LIMITS, DriftLimits, apply_limits, read_limits, with_defaults
from costmodel.drift.verdict import DriftVerdict, OperationDrift
from costmodel.errors import InputError
from costmodel.judging.estimate import Change, Estimate
from costmodel.records.drift import Metric

OPERATIONS = ("hashes sha2_256", "lists mkCons")
TEXT = """
[[limit]]
operation = "hashes *"
metric = "time"
fail = "0.5%"
warn = "0.2%"

[[limit]]
fail = "3%"

[[accepted]]
operation = "lists mkCons"
up_to = "4%"
reason = "lists keep their length now"
"""


def limits(folder: Path, text: str = TEXT) -> DriftLimits:
    path = folder / "limits.toml"
    path.write_text(text)
    found = read_limits(path)
    found.require(OPERATIONS)
    return found


def verdict(
    ratio: float, status: Change, low: float | None = None, operation: str = "lists mkCons", metric: Metric = "time"
) -> DriftVerdict:
    estimate = Estimate(ratio, ratio if low is None else low, ratio)
    return DriftVerdict("timed", "b", (OperationDrift(operation, "", metric, 1, ratio, estimate, 0.01, status),))


def test_first_that_fits_has_the_band(tmp_path: Path) -> None:
    found = limits(tmp_path)
    assert [found.tolerance(name, "time") for name in OPERATIONS] == [0.005, 0.03]
    assert found.tolerance("hashes sha2_256", "cpu") == 0.03
    assert [found.warning(name, "time") for name in OPERATIONS] == [0.002, None]


def test_metrics_have_their_own_defaults() -> None:
    found = {metric: NO_LIMITS.tolerance("x", metric) for metric in ("instructions", "time", "cpu", "memory")}
    assert found == {"instructions": 0.005, "time": 0.01, "cpu": 0, "memory": 0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2%", {"time": 0.02, "cpu": 0.02}),
        ("0.02", {"time": 0.02, "cpu": 0.02}),
        ("3%, time=2%", {"time": 0.02, "cpu": 0.03}),
        ("time=2%,cpu=0%", {"time": 0.02, "cpu": 0}),
    ],
)
def test_option_has_a_share_for_all_or_by_metric(text: str, expected: dict[Metric, float]) -> None:
    found = with_defaults(NO_LIMITS, text, None)
    assert {metric: found.tolerance("x", metric) for metric in expected} == expected


def test_file_goes_before_the_option(tmp_path: Path) -> None:
    assert with_defaults(limits(tmp_path), "9%", None).tolerance("hashes sha2_256", "time") == 0.005


@pytest.mark.parametrize("text", ["2", "x=2%", "100%", "-1%", "", "time=", "nan", "1e-3"])
def test_option_that_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--tolerance"):
        with_defaults(NO_LIMITS, text, None)


def test_warning_above_the_limit_of_failures_is_refused() -> None:
    with pytest.raises(InputError, match="--warn 5% is above the limit"):
        with_defaults(NO_LIMITS, "2%", "5%")


def test_what_is_surely_slower_than_the_warning_is_said_and_passes() -> None:
    asked = with_defaults(NO_LIMITS, "5%", "2%")
    for low, warned in ((1.03, True), (1.01, False)):
        found = apply_limits(verdict(1.04, Change.UNCHANGED, low=low), asked)
        assert (found.drifts[0].warned, found.exit_code) == (warned, 0)
    assert not apply_limits(verdict(1.06, Change.REGRESSED), asked).drifts[0].warned


def test_accepted_regression_passes_with_its_reason(tmp_path: Path) -> None:
    found = apply_limits(verdict(1.03, Change.REGRESSED), limits(tmp_path))
    assert found.exit_code == 0
    assert found.drifts[0].accepted == "lists keep their length now"
    assert found.document().operations[0].accepted == "lists keep their length now"
    assert found.counts.accepted == 1


def test_regression_is_accepted_up_to_the_very_limit(tmp_path: Path) -> None:
    assert apply_limits(verdict(104 / 100, Change.REGRESSED), limits(tmp_path)).exit_code == 0


def test_more_than_was_accepted_fails(tmp_path: Path) -> None:
    assert apply_limits(verdict(1.05, Change.REGRESSED), limits(tmp_path)).exit_code == 1
    assert apply_limits(verdict(1.05, Change.REGRESSED, low=1.03), limits(tmp_path)).exit_code == 0


def test_regression_of_one_metric_is_accepted_alone(tmp_path: Path) -> None:
    text = TEXT.replace("up_to", 'metric = "time"\nup_to')
    assert apply_limits(verdict(1.03, Change.REGRESSED), limits(tmp_path, text)).exit_code == 0
    assert apply_limits(verdict(1.03, Change.REGRESSED, metric="cpu"), limits(tmp_path, text)).exit_code == 1


def test_entry_that_nothing_needs_is_said(tmp_path: Path) -> None:
    found = apply_limits(verdict(1.0, Change.UNCHANGED), limits(tmp_path))
    assert found.notes == ("lists mkCons is not slower any more: remove its accepted regression",)
    assert apply_limits(verdict(1.0, Change.UNCHANGED, operation="other"), limits(tmp_path)).notes == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = ", "is not a file of limits"),
        ("[bands]\n", "is not a file of limits: .*bands"),
        ('[[limit]]\nfail = "2"\n', "'2'; use a share"),
        ('[[limit]]\nfail = "100%"\n', "'100%'; use a share"),
        ('[[limit]]\nmetric = "speed"\nfail = "1%"\n', "is not a file of limits: .*speed"),
        ('[[limit]]\noperation = "*"\n', "neither fail nor warn"),
        ('[[limit]]\noperation = "sorts *"\nfail = "2%"\n', "operations 'sorts \\*', and none"),
        (TEXT.replace("lists mkCons", "lists"), "'lists', which is not an operation"),
        (TEXT.replace("lists keep their length now", " "), "accepted without a reason"),
        (TEXT.replace("reason =", "because ="), "is not a file of limits"),
    ],
)
def test_malformed_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        limits(tmp_path, text)
