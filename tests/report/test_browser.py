"""The page in a real browser: it is clicked, filtered and listened to."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from costmodel.report.assemble import assemble
from costmodel.report.html import render_html
from tests.report import sources
from tests.runs.test_anomalies import make, rewrite, shifted

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TEXT = ("--ink", "--soft", "--link", "--alarm", "--warn", "--good")
DRAWN = ("--data", "--fit", *(f"--series-{number}" for number in range(6)))
GROUNDS = ("--paper", "--card")
COLOUR = """(name) => {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(${name})`;
  const parts = getComputedStyle(probe).color.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255);
  probe.remove();
  return parts;
}"""
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's package chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    runs, _ = sources.batches(folder, runs=2)
    document = sources.cluster(folder / "c.json")
    paths = [sources.fitted_model(folder / "m.json"), sources.verdict(folder / "v.json"), document, runs]
    path = folder / "page.html"
    path.write_text(render_html(assemble(paths)), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    """The page as it is opened, which must neither complain nor ask for anything else."""
    context = browser.new_context(color_scheme="light", viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(report.as_uri())
    yield opened
    context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == [report.as_uri()]


def shown(page: Page, caption: str) -> list[str]:
    """First cells of the rows of a table that are not hidden."""
    table = page.locator("table", has=page.locator("caption", has_text=caption)).first
    return table.locator("tbody tr:not([hidden]) > :first-child").all_inner_texts()


def test_the_page_is_small(report: Path) -> None:
    assert report.stat().st_size < 3_000_000


def test_the_theme_follows_the_system_and_is_toggled(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(ground) != light
    page.get_by_role("button", name="Dark theme").press("Enter")
    assert page.evaluate(ground) == light
    page.emulate_media(color_scheme="light")


def test_plots_take_the_colours_of_the_theme(page: Page) -> None:
    ink = "getComputedStyle(document.querySelector('svg text')).fill"
    light = page.evaluate(ink)
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(ink) != light


def test_a_long_table_is_filtered(page: Page) -> None:
    frame = page.locator(".table[data-filter]", has=page.locator("caption", has_text="Programs"))
    frame.get_by_role("searchbox").fill("SLOW")
    assert shown(page, "Programs") == ["slow"]
    frame.get_by_role("searchbox").fill("")
    assert len(shown(page, "Programs")) == 21


def test_a_table_is_sorted_by_numbers_both_ways(page: Page) -> None:
    table = page.locator("table", has=page.locator("caption", has_text="Step costs")).first
    heading = table.get_by_role("button", name="fitted")
    heading.click()
    assert shown(page, "Step costs") == ["cekVarCost", "cekLamCost"]
    heading.click()
    assert shown(page, "Step costs") == ["cekLamCost", "cekVarCost"]
    assert heading.locator("..").get_attribute("aria-sort") == "descending"


def test_a_builtin_opens_on_its_curve(page: Page) -> None:
    fold = page.locator("details", has_text="addInteger").first
    plot = fold.get_by_role("img")
    assert not plot.is_visible()
    fold.locator("summary").press("Enter")
    assert plot.is_visible()
    assert "addInteger" in (plot.get_attribute("aria-label") or "")


def test_a_point_says_what_it_is_under_the_pointer_and_to_the_keys(page: Page) -> None:
    chart = page.locator("#answer .chart")
    tip = chart.locator(".tip")
    expect(tip).to_be_hidden()
    slow = chart.locator("circle").filter(visible=True).last
    slow.hover(force=True)
    expect(tip).to_contain_text(re.compile(r"(good × \d+|slow): "))
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    chart.focus()
    page.keyboard.press("ArrowRight")
    expect(tip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_a_curve_has_the_fit_the_charge_the_chains_price_and_residuals(page: Page) -> None:
    fold = page.locator("details", has_text="addInteger").first
    fold.locator("summary").click()
    legend = fold.locator(".legend span")
    expect(legend).to_have_text(["95 % band", "fit", "charged", "chain's present price", "measured"])
    assert "residual (%)" in fold.locator("svg text").all_text_contents()
    assert fold.locator("svg circle").count() >= 6


def test_charts_follow_the_width_of_the_window(page: Page) -> None:
    width = "Number(document.querySelector('#answer .chart').dataset.width)"
    wide = page.evaluate(width)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function(f"{width} < {wide} / 2")


def test_all_builtins_open_and_close_together(page: Page) -> None:
    section = page.locator("section", has=page.get_by_role("heading", name="Cost curves"))
    section.get_by_role("button", name="Open all of Cost curves").click()
    assert section.locator("details:not([open])").count() == 0
    assert page.locator("details:not([open])").count() > 0
    section.get_by_role("button", name="Close all").click()
    assert page.locator("details[open]").count() == 0


def test_a_phone_need_not_scroll_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for button in page.get_by_role("button", name="Open all").all():
        button.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_everything_has_a_name_for_a_screen_reader(page: Page) -> None:
    unnamed = "[...document.querySelectorAll('table')].filter((table) => !table.caption.textContent.trim()).length"
    assert page.evaluate(unnamed) == 0
    assert page.locator("svg:not([aria-hidden=true])").count() == 0
    assert page.get_by_role("main").count() == page.get_by_role("navigation").count() == 1


def test_printing_opens_what_is_folded(page: Page) -> None:
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_a_link_opens_the_builtin_that_it_names(page: Page) -> None:
    fold = page.locator("details", has_text="addInteger").first
    page.locator("#attention").get_by_role("link", name="addInteger").click()
    expect(fold).to_have_attribute("open", "")
    page.get_by_role("button", name="Close all").first.click()
    page.get_by_role("table", name="Builtins").get_by_role("link", name="subtractInteger").press("Enter")
    expect(page.locator("details", has_text="subtractInteger").first).to_have_attribute("open", "")


def test_of_a_hundred_builtins_those_are_left_that_are_looked_for(browser: Browser, tmp_path: Path) -> None:
    model = sources.fitted_model(tmp_path / "m.json")
    document = json.loads(model.read_bytes())
    builtins = document["calibrate"]["builtins"]
    builtins |= {f"builtin{number}": builtins["subtractInteger"] for number in range(98)}
    model.write_text(json.dumps(document))
    path = tmp_path / "page.html"
    path.write_text(render_html(assemble([model])), encoding="utf-8")
    with browser.new_page() as opened:
        opened.goto(path.as_uri())
        opened.get_by_role("searchbox", name="Filter by name").fill("INTEGER")
        assert opened.locator(".folds details:visible > summary").all_inner_texts() == [
            "addInteger poor fit",
            "subtractInteger",
        ]
        opened.get_by_role("button", name="Open all").click()
        assert opened.locator("details[open]").count() == 2


def test_keys_alone_lead_through_the_page(page: Page) -> None:
    """Every stop can be seen: it has an outline of its own."""
    stops = []
    for _ in range(12):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate("[document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]")
        )
    assert stops[0] == ["A", "solid"]
    assert ["BUTTON", "solid"] in stops
    assert {style for _, style in stops} == {"solid"}


def test_a_changed_byte_a_missing_kind_and_a_clock_jump_are_named_in_the_page(browser: Browser, tmp_path: Path) -> None:
    run = make(tmp_path)
    rewrite(run, lambda log: [message for message in log if message.kind != "process_begin"])
    rewrite(run, shifted(-3600, 2))
    path = tmp_path / "page.html"
    path.write_text(render_html(assemble([run])), encoding="utf-8")
    with browser.new_page() as opened:
        opened.goto(path.as_uri())
        rows = opened.locator("#attention li").all_inner_texts()
    for words in ("changed checksum", "missing message kind", "clock jump"):
        assert [row for row in rows if words in row and "messages.jsonl" in row]


def test_text_of_both_themes_can_be_read(page: Page) -> None:
    """Contrast by WCAG 2.2: 4.5 for text, 3 for what is drawn."""
    page.add_style_tag(content="* { transition: none !important; }")
    for theme in ("light", "dark"):
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        colours = {name: page.evaluate(COLOUR, name) for name in (*TEXT, *DRAWN, *GROUNDS)}
        for names, least in ((TEXT, 4.5), (DRAWN, 3.0)):
            low = [name for name in names for ground in GROUNDS if contrast(colours[name], colours[ground]) < least]
            assert low == [], theme


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, report: Path, theme: Literal["light", "dark"]) -> None:
    # The page's policy would refuse the script of the check.
    with browser.new_page(color_scheme=theme, bypass_csp=True) as opened:
        opened.goto(report.as_uri())
        opened.get_by_role("button", name="Open all").first.click()
        found = Axe().run(opened).response["violations"]
    serious = [(each["id"], node["html"]) for each in found for node in each["nodes"] if serious_of(each)]
    assert serious == []


def serious_of(violation: dict[str, Any]) -> bool:
    return violation["impact"] in ("serious", "critical")


def contrast(one: list[float], other: list[float]) -> float:
    """The ratio of relative luminances, as WCAG defines it."""

    def luminance(colour: list[float]) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
