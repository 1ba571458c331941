"""`calibrate fit --method official` as its user runs it."""

import json
from pathlib import Path

from tests.cli.command import calibrate, one_line


def test_published_rows_give_upstreams_file_and_a_report(shared_data: Path, tmp_path: Path) -> None:
    source, out = shared_data / "official" / "benching-conway.csv", tmp_path / "new" / "model.json"
    result = calibrate("fit", "--method", "official", "--criterion", source, "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["equal"], report["differ"]) == (93, 9)
    upstream = json.loads((shared_data / "official" / "builtinCostModelE.json").read_text())
    written = json.loads(out.read_text())
    assert list(written) == [*upstream, "calibrate"]
    equal = [each["builtin"] for each in report["entries"] if each["equal"]]
    assert all(written[name] == upstream[name] for name in equal)


def test_its_model_is_of_the_ledgers_picoseconds(shared_data: Path, tmp_path: Path) -> None:
    source, out = shared_data / "official" / "benching-conway.csv", tmp_path / "model.json"
    assert calibrate("fit", "--method", "official", "--criterion", source, "--out", out).returncode == 0
    emit = ("params", "emit", "--model", out, "--language", "PlutusV3", "--complete-from", "E", "--format", "array")
    refused = calibrate(*emit, "--out", tmp_path / "no")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "prices are not safe (appendByteString" in refused.stderr
    target = tmp_path / "array.json"
    assert calibrate(*emit, "--allow", "unsafe", "--out", target).returncode == 0
    origin = json.loads((tmp_path / "array.json.origin.json").read_text())
    assert (origin["basis"]["evaluator"], origin["basis"]["reference"]) == ("plutus-core", True)


def test_a_csv_of_others_is_not_the_references(shared_data: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "mine.csv", tmp_path / "model.json"
    source.write_bytes((shared_data / "official" / "benching-conway.csv").read_bytes() + b"\n")
    assert calibrate("fit", "--method", "official", "--criterion", source, "--out", out).returncode == 0
    emit = ("params", "emit", "--model", out, "--language", "PlutusV3", "--complete-from", "E", "--format", "array")
    refused = calibrate(*emit)
    assert refused.returncode == 1
    assert "mine.csv is not what the ledger's team published, and names no machine" in refused.stderr


def test_report_names_what_differs(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "official" / "benching-conway.csv"
    result = calibrate("fit", "--method", "official", "--criterion", source, "--out", tmp_path / "model.json")
    assert "93 of 102 CPU entries equal the ledger's model E; 9 differ" in result.stdout
    assert "model.c11 549 → 960" in result.stdout


def test_malformed_csv_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("benchmark,t,t.mean.ub\nFstPair/1,quick,1e-6\n")
    complaint = one_line(calibrate("fit", "--method", "official", "--criterion", path, "--out", tmp_path / "out.json"))
    assert "line 2: 'quick' is no time in seconds" in complaint
    assert not (tmp_path / "out.json").exists()


def test_inputs_of_the_other_method_are_refused(tmp_path: Path) -> None:
    assert "--criterion" in one_line(calibrate("fit", "--method", "official"))
    assert "--criterion" in one_line(calibrate("fit", "--method", "official", tmp_path, "--criterion", tmp_path))
    assert "name runs to fit" in one_line(calibrate("fit"))
    assert "name runs to fit" in one_line(calibrate("fit", tmp_path, "--criterion", tmp_path))
    for option in (["--strict"], ["--reference", tmp_path], ["--coverage", "99%"], ["--shape", "free"]):
        complaint = one_line(calibrate("fit", "--method", "official", "--criterion", tmp_path, *option))
        assert "need the own method" in complaint
    assert "unknown method" in one_line(calibrate("fit", tmp_path, "--method", "magic"))
