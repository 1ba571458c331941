"""`calibrate report` as its user runs it."""

import json
from pathlib import Path

from tests.cli.command import calibrate, one_line
from tests.report import sources


def test_a_page_is_written_and_told_of(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    result = calibrate("report", sources.fitted_model(tmp_path / "m.json"), "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["written"] == [str(out)]
    assert {plot["name"] for plot in told["plots"]} >= {"curve-addInteger", "steps-m.json"}
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_markdown_alone_writes_no_page(tmp_path: Path) -> None:
    out = tmp_path / "page.md"
    result = calibrate("report", sources.drift(tmp_path / "d.json"), "--markdown", out)
    assert result.returncode == 0, result.stderr
    assert "## Needs attention" in out.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.json", "page.md"]


def test_one_plot_is_written_as_a_picture(tmp_path: Path) -> None:
    model, out = sources.fitted_model(tmp_path / "m.json"), tmp_path / "plot.png"
    result = calibrate("report", model, "--plot", "curve-addInteger", "--out", out)
    assert result.returncode == 0, result.stderr
    assert out.read_bytes().startswith(b"\x89PNG")


def test_an_unknown_plot_is_refused_with_those_there_are(tmp_path: Path) -> None:
    model = sources.fitted_model(tmp_path / "m.json")
    result = calibrate("report", model, "--plot", "pie", "--out", tmp_path / "x.png")
    assert "curve-addInteger" in one_line(result)
    assert not (tmp_path / "x.png").exists()


def test_a_file_that_the_report_is_made_of_is_not_overwritten(tmp_path: Path) -> None:
    model = sources.fitted_model(tmp_path / "m.json")
    before = model.read_bytes()
    assert "m.json" in one_line(calibrate("report", model, "--out", model))
    folder, _ = sources.batches(tmp_path, runs=1)
    run = next(folder.iterdir())
    assert run.name in one_line(calibrate("report", run, "--markdown", run / "design.json"))
    assert model.read_bytes() == before


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    model = sources.fitted_model(tmp_path / "m.json")
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in one_line(calibrate("report", model, "--out", tmp_path / "file" / "page.html"))
    for out in (tmp_path, Path("/dev/full")):
        assert str(out) in one_line(calibrate("report", model, "--out", out))


def test_the_folder_of_the_page_is_made(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder" / "page.html"
    assert calibrate("report", sources.drift(tmp_path / "d.json"), "--out", out).returncode == 0
    assert out.is_file()


def test_a_plot_is_no_markdown(tmp_path: Path) -> None:
    options = ("--plot", "curve-addInteger", "--out", tmp_path / "x.png", "--markdown", tmp_path / "x.md")
    assert "--markdown" in one_line(calibrate("report", sources.fitted_model(tmp_path / "m.json"), *options))


def test_nothing_to_report_on_is_refused() -> None:
    assert "name runs" in one_line(calibrate("report"))


def test_verify_passes_what_runs_wrote_and_fails_a_changed_byte(tmp_path: Path) -> None:
    folder, _ = sources.batches(tmp_path, runs=1)
    whole = calibrate("report", "--verify", folder)
    assert (whole.returncode, whole.stdout) == (0, "1 run checked: every file is as its run wrote it\n")
    design = next(folder.glob("*/design.json"))
    design.write_bytes(design.read_bytes() + b" ")
    result = calibrate("report", "--verify", folder, "--json")
    assert result.returncode == 1
    assert [(each["kind"], each["severity"]) for each in json.loads(result.stdout)["findings"]][:1] == [
        ("changed checksum", "error")
    ]


def test_impact_and_parity_have_their_sections(shared_data: Path, tmp_path: Path) -> None:
    corpus = shared_data / "scripts" / "mainnet" / "corpus.json"
    impact, parity, out = (tmp_path / name for name in ("impact.json", "parity.json", "page.md"))
    impact.write_text(calibrate("impact", "C", "E", "--corpus", corpus, "--json").stdout)
    model = sources.fitted_model(tmp_path / "m.json")
    parity.write_text(calibrate("parity", model, "--json").stdout)
    result = calibrate("report", impact, parity, "--markdown", out, "--json")
    assert result.returncode == 0, result.stderr
    page = out.read_text(encoding="utf-8")
    for heading in ("All evaluations", "Change by price", "Evaluations that are affected most", "**Prices**"):
        assert heading in page
    assert [plot["name"] for plot in json.loads(result.stdout)["plots"]] == ["parity-parity.json"]
