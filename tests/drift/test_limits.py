"""Limits: bands of single operations, and regressions that are meant."""

from pathlib import Path

import pytest

from costmodel.drift.limits import DriftLimits, accept, read_limits
from costmodel.drift.verdict import DriftVerdict, OperationDrift
from costmodel.errors import InputError
from costmodel.judging.estimate import Change, Estimate

OPERATIONS = ("hashes sha2_256", "lists mkCons")
TEXT = """
[tolerance]
"hashes *" = "0.5%"
"*" = "3%"

[[accepted]]
operation = "lists mkCons"
up_to = "4%"
reason = "lists keep their length now"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "limits.toml"
    path.write_text(text)
    return path


def limits(folder: Path, text: str = TEXT) -> DriftLimits:
    return read_limits(written(folder, text), OPERATIONS)


def verdict(ratio: float, status: Change, low: float | None = None) -> DriftVerdict:
    estimate = Estimate(ratio, ratio if low is None else low, ratio)
    return DriftVerdict(
        "timed", "ns", "b", 0.01, (OperationDrift("lists mkCons", "mkCons", 1, ratio, estimate, status),)
    )


def test_first_pattern_that_fits_has_the_band(tmp_path: Path) -> None:
    found = limits(tmp_path)
    assert [found.band(name, 0.01) for name in OPERATIONS] == [0.005, 0.03]
    assert limits(tmp_path, "").band("lists mkCons", 0.01) == 0.01


def test_accepted_regression_passes_with_its_reason(tmp_path: Path) -> None:
    found = accept(verdict(1.03, Change.REGRESSED), limits(tmp_path))
    assert found.exit_code == 0
    assert found.drifts[0].note == "accepted up to +4%: lists keep their length now"


def test_more_than_was_accepted_fails(tmp_path: Path) -> None:
    assert accept(verdict(1.05, Change.REGRESSED), limits(tmp_path)).exit_code == 1
    assert accept(verdict(1.05, Change.REGRESSED, low=1.03), limits(tmp_path)).exit_code == 0


def test_entry_that_nothing_needs_is_said(tmp_path: Path) -> None:
    found = accept(verdict(1.0, Change.UNCHANGED), limits(tmp_path))
    assert found.notes == ("lists mkCons is unchanged: its accepted regression can be removed",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = ", "is not a file of limits"),
        ("[bands]\n", "is not a file of limits: .*bands"),
        ('[tolerance]\n"*" = "2"\n', "'2' is not a share such as 2%"),
        ('[tolerance]\n"*" = "0%"\n', "'0%' is not a share"),
        ('[tolerance]\n"sorts *" = "2%"\n', "no operation of the suite fits the pattern 'sorts \\*'"),
        (TEXT.replace("lists mkCons", "lists"), "'lists' is not an operation of the suite"),
        (TEXT.replace("lists keep their length now", " "), "accepted without a reason"),
        (TEXT.replace("reason =", "because ="), "is not a file of limits"),
    ],
)
def test_malformed_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        limits(tmp_path, text)
