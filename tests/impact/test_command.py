"""`calibrate impact` as its user runs it."""

import json
from pathlib import Path

from tests.cli.command import calibrate
from tests.workloads.rows import row, write


def test_recorded_usages_are_repriced_by_a_process_of_their_own(tmp_path: Path) -> None:
    corpus = write(tmp_path / "corpus.parquet", [row()])
    usages = tmp_path / "usages.parquet"
    evaluated = calibrate("impact", "C", "E", "--corpus", corpus, "--record", usages, "--json")
    repriced = calibrate("impact", "C", "E", "--corpus", usages, "--json")
    assert repriced.returncode == 0, repriced.stderr
    found = [json.loads(each.stdout) for each in (evaluated, repriced)]
    assert found[0]["totals_after"] == found[1]["totals_after"]
    assert found[1]["method"] == "repriced"
    assert found[1]["provenance"]["inputs"][str(usages)]["sha256"]
