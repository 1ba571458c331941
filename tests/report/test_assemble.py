"""What becomes of the files that a report is made of."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from costmodel.errors import InputError
from costmodel.model import Variant, ledger_model
from costmodel.records.model import ExpressedModel, Flag, HeldOut, Scale
from costmodel.rendering.tables import TableCell
from costmodel.report.assemble import assemble
from costmodel.report.charts import Axis, Chart, Mark, Panel, to_builtins
from costmodel.report.drawing import picture
from costmodel.report.html import render_html
from costmodel.report.markdown import render_markdown
from costmodel.report.page_model import LEVELS, Page
from tests.report import sources

NO_NODE = b"""{"profile": "p", "blocks": 1, "transactions": 1, "nodes": [{"repeat": 0, "node": 0, "blocks": 1,
    "disturbed": 0, "percentiles_ns": {"most": 1.0}, "tx_ns": 1.0}]}"""


def cells(page: Page, caption: str) -> dict[str, tuple[TableCell, ...]]:
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
    assert cells(page, "Step costs of model.json")["cekLamCost"][1] == TableCell("7 ns", 7000)


def test_what_larger_programs_cost_is_beside_the_steps(tmp_path: Path) -> None:
    page = assemble([sources.fitted_model(tmp_path / "model.json")])
    caption = "Extra step cost by footprint (distinct nodes of a program that are run)"
    _, more, _, *nodes = cells(page, caption)["per doubling of the footprint"]
    assert more.sort == 300
    assert [cell.text for cell in nodes] == ["2,000", "400", "9,000"]


def test_a_model_in_other_picoseconds_has_its_factors(tmp_path: Path) -> None:
    held = HeldOut(
        rounds=20, predictions=9, median_error=0.04, p90_error=0.1, covered=0.95, interval_factor_above_50_ns=None
    )
    expressed = ExpressedModel(
        reference="r",
        builtins={"sha2_256": Scale(family="hashes", factor=1.5, predicted=1.4, interval=(1.2, 1.9), known=True)},
        families={},
        refused={},
        most_factor=None,
        steps_factor=2.0,
        ratios={},
        held_out=held,
        inputs=(),
        warnings=(),
    )
    page = assemble([sources.model_file(tmp_path / "m.json", expressed)])
    rows = cells(page, "Scale factors to the reference machine")
    assert [cell.text for cell in rows["sha2_256"]] == ["sha2_256", "hashes", "1.5", "1.2 … 1.9", ""]
    assert cells(page, "Machine steps")["scale factor"][1].text == "2"


def test_scores_are_in_a_table_with_their_verdicts(tmp_path: Path) -> None:
    page = assemble([sources.verdict(tmp_path / "verdict.json")])
    rows = cells(page, "Programs, worst first")
    assert next(iter(rows)) == "slow"
    assert [cell.text for cell in rows["slow"][2:7]] == ["fail", "1.500", "1.400 … 1.600", "1 µs", "1.5 µs"]


def test_a_regression_of_a_drift_check_is_an_error(tmp_path: Path) -> None:
    page = assemble([sources.drift(tmp_path / "drift.json")])
    assert [(flag.level, flag.where) for flag in page.flagged] == [("error", "sha2_256")]
    assert cells(page, "Operations")["sha2_256"][2].text == "+5.00 %"


def test_a_comparison_has_its_changes_and_variances(tmp_path: Path) -> None:
    path = sources.comparison(tmp_path)
    row = json.loads(path.read_bytes())["comparisons"][0]["rows"][0]
    page = assemble([path])
    assert [plot.name for plot in page.plots()] == ["changes-comparison.json-1"]
    shown = next(table for section in page.sections for table in section.tables)
    assert row["change"] in [cells[2].sort for cells in shown.rows]
    assert "Where the variance comes from" in [section.title for section in page.sections]
    (origin,) = (section for section in page.sections if section.title.startswith("Provenance"))
    facts = {row[0].text: row[1].text for row in origin.tables[0].rows}
    assert "sha256" in facts["files: samples.parquet"]
    assert "timing.session/block" in facts["messages: counts"]


def test_what_is_odd_about_a_models_runs_is_flagged(tmp_path: Path) -> None:
    odd = msgspec.structs.replace(sources.section(), warnings=("run/messages.jsonl: the clock jumped",))
    page = assemble([sources.model_file(tmp_path / "model.json", odd)])
    assert "run/messages.jsonl: the clock jumped" in [flag.text for flag in page.flagged]


def test_prices_that_are_undercharged_most_come_first(tmp_path: Path) -> None:
    flag = (Flag(flag="poor fit", reason="r", material=True),)
    cheap = sources.builtin(20, flag)
    worse = tuple(msgspec.structs.replace(point, charged_ps=point.charged_ps // 4) for point in cheap.points)
    builtins = {"dear": cheap, "cheap": msgspec.structs.replace(cheap, points=worse)}
    section = msgspec.structs.replace(sources.section(), builtins=builtins, unfitted={})
    page = assemble([sources.model_file(tmp_path / "model.json", section)])
    assert [each.where for each in page.flagged] == ["cheap", "dear"]
    assert [conclusion.status for conclusion in page.answer.conclusions] == ["fail"]
    assert "cheap the most (×4)" in page.answer.conclusions[0].text
    assert page.answer.lead is not None
    assert page.answer.lead.chart.panels[0].y.names[0][1] == "cheap"


def test_the_key_figures_are_answered_from_the_files_that_have_them(tmp_path: Path) -> None:
    runs, _ = sources.batches(tmp_path, runs=1)
    page = assemble([sources.fitted_model(tmp_path / "m.json"), sources.verdict(tmp_path / "v.json"), runs])
    figures = {figure.name: figure.value for figure in page.answer.figures}
    assert figures["Material flags"] == "1 of 4"
    assert figures["Accuracy on contracts"] == "±4 %"
    assert list(figures) == ["Material flags", "Accuracy on contracts", "Precision", "Noise"]
    alone = {figure.name: figure.value for figure in assemble([tmp_path / "m.json"]).answer.figures}
    assert alone["Accuracy on contracts"] == "–"
    assert alone["Precision"] == "±10 %"
    assert alone["Noise"] == "1 %"


def test_curves_show_the_chains_price_beside_the_fit_or_another_models(tmp_path: Path) -> None:
    model, other = sources.fitted_model(tmp_path / "m.json"), tmp_path / "other.json"
    document = json.loads(model.read_bytes())
    del document["calibrate"]
    other.write_text(json.dumps(document))

    def curve(*paths: Path) -> dict[str, Mark]:
        plot = next(plot for plot in assemble(paths).plots() if plot.name == "curve-addInteger")
        return {mark.label: mark for mark in plot.chart.panels[0].marks}

    ledger = ledger_model(Variant.E).builtins["addInteger"].cpu
    expected = [ledger.evaluate((size, 1)) / 1000 for size in (1, 10, 100)]
    assert list(curve(model)["chain's present price"].y) == pytest.approx(expected)
    assert curve(model, other)[str(other)].y == curve(model, other)["charged"].y


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
    above, below = plot.chart.panels
    assert max(len(mark.x) for mark in below.marks) <= 400
    assert max(len(mark.x) for mark in above.marks) <= 800
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


def test_a_run_that_lacks_a_file_is_not_called_complete(tmp_path: Path) -> None:
    folder, _ = sources.batches(tmp_path, runs=1)
    next(folder.glob("*/samples.parquet")).unlink()
    (conclusion,) = assemble([folder]).answer.conclusions
    assert (conclusion.status, conclusion.text) == ("fail", "1 run damaged or incomplete")


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
            document["scores"][0] |= {"label": name, "uncertain": name}
            document["scores"][1]["observed_ns"] = {"value": 1e308, "interval": [None, None]}
        elif "operations" in document:
            document["operations"][0] |= {"operation": name, "note": name, "ratio": 1e308}
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


def test_a_plot_is_written_as_png_and_svg(tmp_path: Path) -> None:
    for plot in assemble([sources.fitted_model(tmp_path / "m.json"), sources.drift(tmp_path / "d.json")]).plots():
        assert picture(plot, "png").startswith(b"\x89PNG")
        assert b"<svg" in picture(plot, "svg")
        with pytest.raises(InputError, match=r"\.png or \.svg"):
            picture(plot, "pdf")


def test_a_plot_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    plot = next(assemble([sources.fitted_model(tmp_path / "m.json")]).plots())
    assert picture(plot, "svg") == picture(plot, "svg")


def test_what_no_axis_reaches_is_no_number_in_the_page() -> None:
    marks = (Mark("points", "data", x=(1.0, math.inf), y=(math.nan, 2.0)),)
    built = to_builtins(Chart((Panel(Axis("x"), Axis("y"), marks),)))
    assert built["panels"][0]["marks"][0] == {"kind": "points", "ink": "data", "x": [1, None], "y": [None, 2]}


RENAMED = [
    *(("model", path) for path in ("builtins", "flagged", "steps.coefficients", "builtins.addInteger.points")),
    *(("model", path) for path in ("builtins.addInteger.points.0.fitted.ps", "picoseconds_of.evaluator")),
    *(("verdict", path) for path in ("scores.0.observed_ns", "scores.0.ratio.value", "works", "works.0.summary")),
    *(("comparison", path) for path in ("comparisons.0.rows", "comparisons.0.rows.0.change", "variance", "batches")),
    *(("drift", path) for path in ("operations.0.ratio", "operations.0.status", "operations.0.tolerance", "notes")),
    *(("cluster", path) for path in ("observed.nodes.0.percentiles_ns", "observed.nodes.0.late", "observed.spread")),
]


@pytest.mark.parametrize(("kind", "path"), RENAMED)
def test_a_renamed_key_is_an_error_and_no_empty_table(tmp_path: Path, kind: str, path: str) -> None:
    file = tmp_path / "file.json"
    makers: dict[str, Callable[[Path], Path]] = {
        "model": sources.fitted_model,
        "verdict": sources.verdict,
        "drift": sources.drift,
        "cluster": sources.cluster,
        "comparison": lambda _: sources.comparison(tmp_path),
    }
    file = makers[kind](file)
    assert assemble([file]).sections
    document = json.loads(file.read_bytes())
    node = document["calibrate"] if kind == "model" else document
    *above, last = path.split(".")
    for name in above:
        node = node[int(name)] if isinstance(node, list) else node[name]
    node[f"{last}_renamed"] = node.pop(last)
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match=file.name):
        assemble([file])
