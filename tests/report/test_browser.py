"""The page in a real browser: it is clicked, filtered and listened to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from costmodel.report import assemble, render_html
from tests.report import sources

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
    paths = [sources.fitted_model(folder / "m.json"), sources.verdict(folder / "v.json"), runs]
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
    assert report.stat().st_size < 5_000_000


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


def test_all_builtins_open_and_close_together(page: Page) -> None:
    page.get_by_role("button", name="Open all").click()
    assert page.locator("details:not([open])").count() == 0
    page.get_by_role("button", name="Close all").click()
    assert page.locator("details[open]").count() == 0


def test_a_phone_need_not_scroll_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Open all").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_everything_has_a_name_for_a_screen_reader(page: Page) -> None:
    unnamed = "[...document.querySelectorAll('table')].filter((table) => !table.caption.textContent.trim()).length"
    assert page.evaluate(unnamed) == 0
    assert page.locator("svg:not([role=img])").count() == 0
    assert page.get_by_role("main").count() == page.get_by_role("navigation").count() == 1


def test_printing_opens_what_is_folded(page: Page) -> None:
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
