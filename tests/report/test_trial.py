"""Prices that the reader changes in the page, in a real browser."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from costmodel.fit import fit_runs
from costmodel.impact.run import impact, open_corpus, terms_at
from costmodel.model import PlainShape
from costmodel.model.costing import costing_function
from costmodel.model.shapes import SHAPES
from costmodel.model.sources import open_source
from costmodel.records import encode
from costmodel.report.assemble import assemble
from costmodel.report.html import render_html
from costmodel.workloads.rows import here
from tests.fit.synthetic import VARIANT, all_cells, make_run
from tests.report.test_browser import CHROMIUM, browser
from tests.workloads.rows import row, write

__all__ = ["browser"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's package chromium is not installed")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trial")
    model = folder / "m.json"
    run = make_run(folder / "measurements", all_cells())
    fit_runs([run], variant=VARIANT, replicates=100).write(model)
    corpus = open_corpus(str(write(folder / "corpus.parquet", [row(), row(id="other")])))
    found = impact(open_source(["C"]), open_source(["E"]), corpus, terms=terms_at(645), spreader=here)
    (folder / "impact.json").write_bytes(encode(found))
    path = folder / "page.html"
    path.write_text(render_html(assemble([model, folder / "impact.json"])), encoding="utf-8")
    return path


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Page]:
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=width < 500)
    opened = context.new_page()
    opened.set_default_timeout(60_000)  # of a busy machine
    complaints: list[str] = []
    requests: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(report.as_uri())
    yield opened
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == [report.as_uri()]


def test_the_page_is_small(report: Path) -> None:
    assert report.stat().st_size < 3_000_000


def test_a_lower_price_undercharges_points_at_once(page: Page) -> None:
    name = page.locator("#trial-builtin").input_value()
    data = page.evaluate("JSON.parse(document.getElementById('trial-data').textContent)")
    points = sum(ps >= 5000 for _, ps in data["builtins"][name]["points"])
    assert points > 0
    for field in page.locator("#trial-inputs input").all():
        field.fill("1")
    expect(page.locator("#trial-under")).to_have_text(f"{points} of {points}")
    expect(page.locator("#trial-over")).to_have_text(f"0 of {points}")
    expect(page.locator("#trial-changed")).to_have_text(f"changed: {name}")
    edits = json.loads(page.locator("#trial-edits").input_value())
    assert set(edits["builtins"]) == {name}
    page.locator("#trial-reset").click()
    expect(page.locator("#trial-changed")).to_have_text("nothing changed")
    assert page.locator("#trial-edits").input_value() == ""


def test_the_keyboard_alone_changes_a_price(page: Page) -> None:
    page.locator("#trial-builtin").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.field !== undefined")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#trial-changed")).to_contain_text("changed: ")
    page.locator("#trial-reset-all").press("Enter")
    expect(page.locator("#trial-changed")).to_have_text("nothing changed")


def test_a_new_shape_is_fitted_to_the_points(page: Page) -> None:
    page.locator("#trial-shape").select_option("quadratic_in_x")
    assert page.locator("#trial-inputs input").count() == 3
    values = [float(field.input_value()) for field in page.locator("#trial-inputs input").all()]
    assert any(value > 0 for value in values)
    assert all(value >= 0 for value in values)
    worst = page.locator("#trial-worst-under").inner_text()
    assert float(worst.removesuffix("×")) < 3


def test_what_is_no_number_is_marked_and_changes_nothing(page: Page) -> None:
    before = page.locator("#trial-under").inner_text()
    field = page.locator("#trial-inputs input").first
    field.fill("")
    assert field.get_attribute("aria-invalid") == "true"
    expect(page.locator("#trial-under")).to_have_text(before)


def test_every_shape_costs_in_the_page_what_it_costs_here(browser: Browser, report: Path) -> None:
    """The page's formulas are the ledger's, on random coefficients and sizes."""
    rng = random.Random(7)
    opened = browser.new_page()
    opened.goto(report.as_uri())
    cases: list[tuple[dict[str, Any], list[int], int]] = []
    for tag, shape in SHAPES.items():
        inner = None if isinstance(shape, PlainShape) else "linear_in_x"
        for _ in range(20):
            own = {name: rng.randrange(0, 10_000) for name in shape.fields}
            below = {name: rng.randrange(0, 10_000) for name in SHAPES["linear_in_x"].fields} if inner else {}
            model = costing_function(inner, below, None, "inner") if inner else None
            function = costing_function(tag, own, model, "shape")
            sizes = [rng.choice([0, 1, 2, 7, 7, 500]) for _ in range(4)]
            values = dict(zip(function.names, function.values, strict=True))
            cases.append(({"type": tag, "inner": inner, "values": values}, sizes, function.evaluate(sizes)))
    found = opened.evaluate(
        "(cases) => cases.map(([price, sizes]) => document.getElementById('trial').calibrate.cost(price, sizes))",
        [[price, sizes] for price, sizes, _ in cases],
    )
    opened.close()
    assert [int(each) for each in found] == [cost for _, _, cost in cases]


def test_the_impact_of_a_change_is_that_of_the_calls(browser: Browser, report: Path) -> None:
    opened = browser.new_page()
    opened.goto(report.as_uri())
    data = opened.evaluate("JSON.parse(document.getElementById('trial-data').textContent)")
    used = {name: each["used"] for name, each in data["builtins"].items() if each["used"]}
    assert data["corpus"]["evaluations"] == 2
    for name, calls in used.items():
        opened.locator("#trial-builtin").select_option(name)
        field = opened.locator("#trial-inputs input").first
        field.fill(str(int(field.input_value()) + 1000))
        more = 1000 * sum(count for _, count in calls)
        shown = opened.locator("#trial-fees-note").inner_text()
        assert shown.startswith(f"+{round(more * data['corpus']['price']):,} lovelace")
        opened.locator("#trial-reset").click()
    opened.close()
