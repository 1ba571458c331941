"""What becomes of the files that a report is made of."""

import json
import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from costmodel.errors import InputError
from costmodel.report import Page, assemble, picture, render_html, render_markdown
from costmodel.report.colours import PRINTED, Palette
from costmodel.report.page_model import LEVELS, Cell, Plot
from costmodel.report.plots import inline_svg
from tests.records.sections import old
from tests.report import sources

NO_NODE = b"""{"profile": "p", "blocks": 1, "transactions": 1, "nodes": [{"repeat": 0, "node": 0, "blocks": 1,
    "disturbed": 0, "percentiles_ns": {"most": 1.0}, "tx_ns": 1.0}]}"""


def cells(page: Page, caption: str) -> dict[str, tuple[Cell, ...]]:
    """The rows of a table by their first cell."""
    found = [table for section in page.sections for table in section.tables if table.caption == caption]
    assert len(found) == 1
    return {row[0].text: row for row in found[0].rows}


def test_what_is_flagged_in_a_model_comes_first_and_worst_first(tmp_path: Path) -> None:
    page = assemble([sources.fitted_model(tmp_path / "model.json")])
    assert [(flag.level, flag.where) for flag in page.flagged] == [("error", "sha2_256"), ("warning", "addInteger")]


def test_flags_of_several_files_are_sorted_together(tmp_path: Path) -> None:
    page = assemble([sources.fitted_model(tmp_path / "m.json"), sources.verdict(tmp_path / "v.json")])
    levels = [LEVELS.index(flag.level) for flag in page.flagged]
    assert levels == sorted(levels)
    assert {flag.where for flag in page.flagged if flag.level == "error"} == {"sha2_256", "slow (evaluate)"}


def test_a_flagged_builtin_is_shown_before_others(tmp_path: Path) -> None:
    page = assemble([sources.fitted_model(tmp_path / "model.json")])
    assert [(fold.title, fold.flagged) for fold in page.sections[0].folds] == [
        ("addInteger", True),
        ("subtractInteger", False),
    ]


def test_step_costs_are_in_a_table(tmp_path: Path) -> None:
    page = assemble([sources.fitted_model(tmp_path / "model.json")])
    assert cells(page, "Step costs of model.json")["cekLamCost"][1] == Cell("7 ns", 7000)


def test_what_larger_programs_cost_is_beside_the_steps(tmp_path: Path) -> None:
    page = assemble([sources.fitted_model(tmp_path / "model.json")])
    _, more, _, *nodes = cells(page, "Extra step cost by footprint")["each doubling"]
    assert more.sort == 300
    assert [cell.text for cell in nodes] == ["2,000", "400", "9,000"]


def test_a_model_in_other_picoseconds_has_its_factors(tmp_path: Path) -> None:
    path = sources.fitted_model(tmp_path / "m.json")
    document = json.loads(path.read_bytes())
    document["calibrate"] = old("expressed-version-0")
    path.write_text(json.dumps(document))
    page = assemble([path])
    rows = cells(page, "Scale factors to the picoseconds of official.json")
    assert [cell.text for cell in rows["arithmetic"]] == ["arithmetic", "11", "1", "0.998 … 1.002", ""]
    assert rows["machine steps"][2].sort == 1.0


def test_scores_are_in_a_table_with_their_verdicts(tmp_path: Path) -> None:
    page = assemble([sources.verdict(tmp_path / "verdict.json")])
    slow = cells(page, "Programs")["slow"]
    assert [cell.text for cell in slow[4:]] == ["1 µs", "1.5 µs", "1.500", "1.400 … 1.600", "fail"]


def test_a_regression_of_a_drift_check_is_an_error(tmp_path: Path) -> None:
    page = assemble([sources.drift(tmp_path / "drift.json")])
    assert [(flag.level, flag.where) for flag in page.flagged] == [("error", "sha2_256")]
    assert cells(page, "Operations")["sha2_256"][3].text == "+5.00 %"


def test_a_comparison_has_its_changes_and_variances(tmp_path: Path) -> None:
    path = sources.comparison(tmp_path)
    row = json.loads(path.read_bytes())["comparisons"][0]["rows"][0]
    page = assemble([path])
    assert [plot.name for plot in page.plots()] == ["changes-comparison.json-1"]
    shown = next(table for section in page.sections for table in section.tables).rows[0]
    assert shown[3].sort == row["change"]
    assert "Where the variance comes from" in [section.title for section in page.sections]
    (origin,) = (section for section in page.sections if section.title.startswith("Provenance"))
    facts = {row[0].text: row[1].text for row in origin.tables[0].rows}
    assert "sha256" in facts["files: samples.parquet"]
    assert "timing.session/block" in facts["messages: counts"]


def test_what_is_odd_about_a_models_runs_is_flagged(tmp_path: Path) -> None:
    path = sources.fitted_model(tmp_path / "model.json")
    document = json.loads(path.read_bytes())
    document["calibrate"]["warnings"] = ["run/messages.jsonl: the clock jumped"]
    path.write_text(json.dumps(document))
    assert "run/messages.jsonl: the clock jumped" in [flag.text for flag in assemble([path]).flagged]


def test_runs_of_a_folder_are_shown_with_drift_and_sessions(tmp_path: Path) -> None:
    folder, _ = sources.batches(tmp_path, runs=3)
    page = assemble([folder])
    names = [plot.name for plot in page.plots()]
    assert names[0] == "drift"
    assert [section.title for section in page.sections] == ["Drift over time", "Sessions", "Provenance"]
    assert len([name for name in names if name.startswith("session-")]) == 3


def test_of_a_long_session_the_extremes_are_drawn(tmp_path: Path) -> None:
    run = sources.cluster_run(tmp_path, nodes=5, blocks=1000)
    plot = next(plot for plot in assemble([run]).plots() if plot.name.startswith("session-"))
    canvas = Figure()
    plot.draw(canvas, PRINTED)
    above, below = canvas.axes
    assert len(below.patches) <= 400
    assert max(len(line.get_xdata()) for line in above.lines) <= 800  # type: ignore[arg-type]
    assert "extremes are drawn" in plot.description


def test_a_run_named_twice_is_shown_once(tmp_path: Path) -> None:
    folder, _ = sources.batches(tmp_path, runs=1)
    run = next(folder.iterdir())
    assert [plot.name for plot in assemble([folder, run]).plots()] == [f"session-{run.name}"]


def test_a_changed_byte_of_a_run_is_the_first_thing_flagged(tmp_path: Path) -> None:
    folder, _ = sources.batches(tmp_path, runs=1)
    samples = next(folder.glob("*/samples.parquet"))
    samples.with_name("design.json").write_bytes(samples.with_name("design.json").read_bytes() + b" ")
    flag = assemble([folder]).flagged[0]
    assert (flag.level, flag.kind) == ("error", "changed checksum")
    assert flag.where.endswith("design.json")


@pytest.mark.parametrize("name", ["manifest.json", "design.json", "samples.parquet"])
def test_a_damaged_run_is_named_and_the_others_are_shown(tmp_path: Path, name: str) -> None:
    folder, _ = sources.batches(tmp_path, runs=2)
    damaged, whole = sorted(folder.iterdir())
    content = (damaged / name).read_bytes()
    (damaged / name).write_bytes(content[: len(content) // 2])
    page = assemble([folder])
    assert {flag.where.split("/")[-1] for flag in page.flagged if flag.level == "error"} & {damaged.name, name}
    assert f"session-{whole.name}" in [plot.name for plot in page.plots()]
    assert damaged.name in render_html(page)


def test_plots_of_files_of_one_name_can_be_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    paths = [sources.verdict(tmp_path / folder / "v.json") for folder in ("a", "b")]
    paths += [sources.fitted_model(tmp_path / name) for name in ("m.json", "n.json")]
    names = [plot.name for plot in assemble(paths).plots()]
    assert len(names) == len(set(names))
    assert {"scatter-v.json", "scatter-v.json-2", "curve-addInteger", "curve-addInteger-2"} <= set(names)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"scores": 3}', b'{"nonsense": {}}', b'{"comparisons": []}', NO_NODE]
)
def test_other_files_are_refused_with_their_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"other\.json"):
        assemble([path])


def test_the_same_files_give_the_same_page(tmp_path: Path) -> None:
    paths = [sources.fitted_model(tmp_path / "m.json"), sources.verdict(tmp_path / "v.json")]
    assert render_html(assemble(paths)) == render_html(assemble(paths))


def test_text_from_files_is_escaped_in_the_page(tmp_path: Path) -> None:
    html = render_html(assemble([sources.fitted_model(tmp_path / "m.json")]))
    assert sources.HOSTILE not in html
    assert "&lt;script&gt;alert(1)" in html


@pytest.mark.parametrize(
    "name", [sources.HOSTILE, '"><img src=x onerror=alert(1)>', "日本語 🎉\x00\x1b[2J\r\n", "x" * 5000, ""]
)
def test_any_name_and_number_makes_a_page(tmp_path: Path, name: str) -> None:
    """Without a warning, too, which the tests' settings make an error."""
    paths = [
        sources.verdict(tmp_path / "v.json"),
        sources.drift(tmp_path / "d.json"),
        sources.cluster(tmp_path / "c.json"),
    ]
    for path in paths:
        document = json.loads(path.read_bytes())
        if "scores" in document:
            document["scores"][0] |= {"label": name, "work": name, "status": name}
            document["scores"][1]["observed_ns"] = {"value": 1e308, "interval": [None, None]}
        elif "operations" in document:
            document["operations"][0] |= {"operation": name, "status": name, "ratio": 1e308}
        else:
            document |= {"profile": name}
        path.write_text(json.dumps(document))
    html = render_html(assemble(paths))
    assert "<script>alert" not in html
    assert "<img" not in html


def test_text_from_files_is_escaped_in_markdown(tmp_path: Path) -> None:
    markdown = render_markdown(assemble([sources.fitted_model(tmp_path / "m.json")]))
    assert sources.HOSTILE not in markdown
    assert r"\<script\>" in markdown


def test_what_can_be_opened_is_in_markdown_too(tmp_path: Path) -> None:
    markdown = render_markdown(assemble([sources.fitted_model(tmp_path / "m.json")]))
    assert "<details><summary>addInteger (poor fit)</summary>" in markdown
    assert "**Points of addInteger**" in markdown


def test_names_of_elements_are_unique_in_the_page(tmp_path: Path) -> None:
    html = render_html(assemble([sources.fitted_model(tmp_path / "m.json"), sources.verdict(tmp_path / "v.json")]))
    names = re.findall(r'\bid="([^"]*)"', html)
    assert len(names) == len(set(names))


def test_a_plot_is_written_as_png_and_svg_with_fixed_colours(tmp_path: Path) -> None:
    plot = next(assemble([sources.fitted_model(tmp_path / "m.json")]).plots())
    assert picture(plot, "png").startswith(b"\x89PNG")
    svg = picture(plot, "svg")
    assert b"<svg" in svg and b"var(--" not in svg
    assert b"fill: #ffffff" in svg  # dark text must not come to lie on a dark ground
    assert "#ffffff" not in inline_svg(plot)
    with pytest.raises(InputError, match=r"\.png or \.svg"):
        picture(plot, "pdf")


def test_what_no_axis_reaches_is_said() -> None:
    def draw(canvas: Figure, palette: Palette) -> None:
        raise OverflowError("cannot convert float infinity to integer")

    assert "too large to be drawn" in inline_svg(Plot("name", "title", "description", draw))


def test_labels_in_the_page_are_those_of_the_picture() -> None:
    def draw(canvas: Figure, palette: Palette) -> None:
        canvas.subplots().set_yticks([0.25, 0.125])

    plot = Plot("name", "title", "description", draw)
    texts = re.compile(r"<text[^>]*>([^<]*)</text>")
    alone = texts.findall(picture(plot, "svg").decode())
    assert {"0.250", "0.125"} <= set(alone)
    assert [*texts.findall(inline_svg(plot)), "title"] == alone
