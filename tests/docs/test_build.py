"""The documentation builds without a warning, its links lead somewhere, and its commands exist."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import pytest
import typer
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from costmodel.cli.app import app

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for folder in (".", "docs", "benches", "fuzz")
    for path in (ROOT / folder).glob("**/*.md" if folder == "docs" else "*.md")
    if path.name not in ("commands.md", "schemas.md")  # written by the build
)
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    result = subprocess.run([ROOT / "scripts" / "docs", folder], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return folder


def test_every_command_has_its_place_in_the_reference(built: Path) -> None:
    page = (built / "reference" / "commands.html").read_text("utf-8")
    names = [" ".join(names) for names, _ in commands(typer.main.get_command(app), ("calibrate",))]
    assert len(names) > 5
    assert [name for name in names if f">{name}<a" not in page] == []


def test_every_schema_has_its_table_and_can_be_had(built: Path) -> None:
    page = (built / "reference" / "schemas.html").read_text("utf-8")
    names = {path.name for path in (ROOT / "docs" / "schemas").iterdir()}
    assert names
    assert names == {path.name for path in (built / "_downloads").rglob("*.json")}
    assert [name for name in names if name not in page] == []


def test_pages_fetch_nothing_from_elsewhere(built: Path) -> None:
    fetched = re.compile(r"""(?:src|href)=["'](?:https?:)?//[^"']+\.(?:js|css|woff2?|png|svg)["']|@import|url\(http""")
    pages = [*built.rglob("*.html"), *built.rglob("*.svg")]
    assert pages
    assert [path.name for path in pages if fetched.search(path.read_text("utf-8"))] == []


@pytest.mark.skipif(CHROMIUM is None, reason="Debian's package chromium is not installed")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_first_pages(built: Path, theme: Literal["light", "dark"]) -> None:
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) as browser,
    ):
        for name in ("index.html", "tutorials/first.html"):
            page = browser.new_page(color_scheme=theme)
            page.goto((built / name).as_uri())
            found = Axe().run(page).response["violations"]
            assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == [], name


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    wrong = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not leads_somewhere(path, link)]
    assert wrong == []


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_commands_that_are_shown_can_be_given(path: Path) -> None:
    for line in shown_commands(path.read_text("utf-8")):
        try:
            parse(typer.main.get_command(app), shlex.split(line, comments=True)[1:])
        except typer.exceptions.TyperException as error:
            pytest.fail(f"{line}: {error.format_message()}")


def test_an_option_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(typer.exceptions.TyperException):
        parse(typer.main.get_command(app), ["params", "show", "--epochs", "530"])


def commands(command: Any, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield names, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*names, name))


def leads_somewhere(page: Path, link: str) -> bool:
    if re.match(r"https?://", link):
        return True  # not ours to keep; nothing is fetched here
    name, _, anchor = link.removeprefix("path:").partition("#")
    target = page.parent / name if name else page
    if target.name in ("commands.md", "schemas.md"):
        return True  # the build would say so
    return target.exists() and (not anchor or anchor in anchors(target.read_text("utf-8")))


def anchors(text: str) -> set[str]:
    """The names that headings get on GitHub, and by myst_heading_anchors."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def shown_commands(text: str) -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
        for line in block.splitlines():
            if line.startswith("calibrate "):
                yield line


def parse(command: Any, arguments: list[str], parent: Any = None) -> None:
    """Parses as the process would, and runs nothing."""
    if hasattr(command, "commands") and arguments:
        context = command.make_context(command.name, [], parent=parent, resilient_parsing=True)
        name, below, rest = command.resolve_command(context, arguments)
        assert name is not None
        parse(below, rest, context)
        return
    with suppress(typer.Exit):  # of --help and --version
        command.make_context(command.name, arguments, parent=parent)
