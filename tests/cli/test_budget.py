import json
from pathlib import Path

from tests.cli.command import calibrate, one_line


def test_the_workbenchs_summary_is_one_json_document() -> None:
    result = calibrate("budget", "ecdsa", "--epoch", "600", "--strategy", "txperblock_8", "--scales", "--json")
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["budgetTarget"]["steps"] == 2_500_000_000
    assert summary["projectedTxPerBlock"] == 8
    assert [fit["scaled"] for fit in summary["scales"]] == ["block steps ×1.5", "block steps ×2"]
    assert summary["scriptArgRedeemer"]["fields"][0] == {"int": summary["loopCounter"]}


def test_a_script_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "unknown script" in one_line(calibrate("budget", tmp_path / "missing.plutus"))


def test_an_overlay_changes_the_limits(tmp_path: Path) -> None:
    overlay = tmp_path / "half.json"
    units = {"exUnitsSteps": 10_000_000_000}
    overlay.write_text(json.dumps({"epoch_params": {"alonzo": {"maxBlockExUnits": units}}}))
    result = calibrate(
        "budget", "schnorr", "--epoch", "600", "--strategy", "txperblock_8", "--overlay", overlay, "--json"
    )
    assert json.loads(result.stdout)["budgetTarget"]["steps"] == 1_250_000_000
