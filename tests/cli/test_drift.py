"""`calibrate drift` as its user runs it."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from costmodel.model import dump, ledger_model, variant_for
from costmodel.plutus import LedgerLanguage
from tests.cli.command import calibrate, one_line
from tests.timing.counting import needs_counts


@needs_counts
def test_counts_are_renewed_and_then_found_unchanged(tmp_path: Path) -> None:
    stored, summary, cases = tmp_path / "counts.json", tmp_path / "summary.md", tmp_path / "junit.xml"
    assert calibrate("drift", stored, "--renew").returncode == 0
    summary.write_text("before\n")
    result = calibrate("drift", stored, "--markdown", summary, "--junit", cases, "--json")
    assert result.returncode == 0, result.stderr
    verdict = json.loads(result.stdout)
    assert verdict["status"] == "unchanged"
    assert {row["metric"] for row in verdict["operations"]} == {"instructions"}
    provenance = verdict["provenance"]
    assert provenance["inputs"][str(stored)]["bytes"] == stored.stat().st_size
    assert provenance["command_line"][1:3] == ["drift", str(stored)]
    assert provenance["parameters"]["tolerance"] is None
    assert {"calibrate", "native", "libraries"} <= provenance["versions"].keys()
    assert "id" in provenance["machine"]
    assert summary.read_text().startswith("before\n### Drift check (deterministic): unchanged")
    suite = ET.fromstring(cases.read_bytes()).find("testsuite")  # noqa: S314 - written right here
    assert suite is not None
    assert suite.get("tests") == str(len(verdict["operations"]))


@needs_counts
def test_operation_that_was_cheaper_fails_the_check(tmp_path: Path) -> None:
    stored = tmp_path / "counts.json"
    assert calibrate("drift", stored, "--renew").returncode == 0
    document = json.loads(stored.read_text())
    own, libraries = document["counts"]["hashes sha3_256"]
    document["counts"]["hashes sha3_256"] = [own, round(libraries / 1.01)]
    stored.write_text(json.dumps(document))
    result = calibrate("drift", stored, "--json")
    assert result.returncode == 1
    changed = [row for row in json.loads(result.stdout)["operations"] if row["status"] != "unchanged"]
    assert [row["operation"] for row in changed] == ["hashes sha3_256"]


@pytest.mark.parametrize("option", [("--against", "{}"), ("--against={}",)])
def test_validate_with_a_baseline_is_an_alias(option: tuple[str, ...], tmp_path: Path) -> None:
    was, now = write_model(tmp_path / "was.json"), write_model(tmp_path / "now.json", sha3_256=1.2)
    result = calibrate("validate", now, *(each.format(was) for each in option), "--operations", "hashes *", "--json")
    assert result.returncode == 1, result.stderr
    rows = json.loads(result.stdout)["operations"]
    assert [row["operation"] for row in rows if row["status"] == "regressed"] == ["hashes sha3_256"]


def test_baseline_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text("{}")
    assert "is not instruction counts: it has no kind" in one_line(calibrate("drift", path))


def test_options_of_a_timed_check_are_refused_against_a_file(tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    path.write_text("{}")
    assert "--core is for timing" in one_line(calibrate("drift", path, "--core", "0"))


def test_renewal_goes_alone(tmp_path: Path) -> None:
    refused = calibrate("drift", tmp_path / "x.json", "--renew", "--operations", "steps *")
    assert "--renew takes only" in one_line(refused)


def test_renewal_overwrites_no_model(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.json")
    before = model.read_bytes()
    assert "is not a file of instruction counts" in one_line(calibrate("drift", model, "--renew"))
    assert model.read_bytes() == before


def test_pattern_without_a_match_is_refused(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.json")
    assert "'nothing*'" in one_line(calibrate("drift", model, model, "--operations", "nothing*"))


def write_model(path: Path, *, sha3_256: float = 1.0) -> Path:
    """The ledger's prices, with those of one builtin multiplied."""
    document = json.loads(dump(ledger_model(variant_for(LedgerLanguage.PLUTUS_V3, 11))))
    arguments = document["sha3_256"]["cpu"]["arguments"]
    document["sha3_256"]["cpu"]["arguments"] = {name: round(cost * sha3_256) for name, cost in arguments.items()}
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(("factor", "status", "code"), [(1.2, "regressed", 1), (0.8, "improved", 0), (1.0, None, 0)])
def test_models_are_compared_by_what_they_predict(tmp_path: Path, factor: float, status: str, code: int) -> None:
    was, now = write_model(tmp_path / "was.json"), write_model(tmp_path / "now.json", sha3_256=factor)
    result = calibrate("drift", was, now, "--json")
    assert result.returncode == code, result.stderr
    rows = json.loads(result.stdout)["operations"]
    expected = {"hashes sha3_256": status} if status else {}
    assert {row["operation"]: row["status"] for row in rows if row["status"] != "unchanged"} == expected


def test_model_that_lacks_prices_is_refused(tmp_path: Path) -> None:
    was, now = write_model(tmp_path / "was.json"), tmp_path / "now.json"
    document = json.loads(was.read_text())
    del document["sha3_256"]
    now.write_text(json.dumps(document))
    assert "sha3_256" in one_line(calibrate("drift", was, now))
    assert calibrate("drift", was, now, "--operations", "steps *").returncode == 0
