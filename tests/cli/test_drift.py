"""`calibrate validate --against` as its user runs it."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.cli.command import calibrate, one_line
from tests.timing.counting import needs_counts


@needs_counts
def test_counts_are_renewed_and_then_found_unchanged(tmp_path: Path) -> None:
    stored, summary, cases = tmp_path / "counts.json", tmp_path / "summary.md", tmp_path / "junit.xml"
    assert calibrate("validate", "--against", stored, "--renew").returncode == 0
    summary.write_text("before\n")
    result = calibrate("validate", "--against", stored, "--markdown", summary, "--junit", cases, "--json")
    assert result.returncode == 0, result.stderr
    verdict = json.loads(result.stdout)
    assert verdict["status"] == "unchanged"
    assert verdict["unit"] == "instructions"
    assert summary.read_text().startswith("before\n### Drift check (deterministic): unchanged")
    suite = ET.fromstring(cases.read_bytes()).find("testsuite")  # noqa: S314 - written right here
    assert suite is not None
    assert suite.get("tests") == str(len(verdict["operations"]))


@needs_counts
def test_operation_that_was_cheaper_fails_the_check(tmp_path: Path) -> None:
    stored = tmp_path / "counts.json"
    assert calibrate("validate", "--against", stored, "--renew").returncode == 0
    document = json.loads(stored.read_text())
    own, libraries = document["counts"]["hashes sha3_256"]
    document["counts"]["hashes sha3_256"] = [own, round(libraries / 1.01)]
    stored.write_text(json.dumps(document))
    result = calibrate("validate", "--against", stored, "--json")
    assert result.returncode == 1
    changed = [row for row in json.loads(result.stdout)["operations"] if row["status"] != "unchanged"]
    assert [row["operation"] for row in changed] == ["hashes sha3_256"]


@pytest.mark.parametrize("options", [["--renew"], ["--junit", "x"], []])
def test_options_of_a_drift_check_need_a_baseline_and_a_replay_a_model(options: list[str]) -> None:
    assert "--against" in one_line(calibrate("validate", *options))


def test_baseline_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text("{}")
    assert "no baseline" in one_line(calibrate("validate", "--against", path))
