"""The documentation builds without a warning, its links lead somewhere, and its commands exist."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
import typer
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from costmodel.cli.app import app
from costmodel.drift.limits import METRICS
from costmodel.model import Variant
from costmodel.model.formats import FORMATS
from costmodel.plutus import LedgerLanguage
from costmodel.timing.clock import CLOCKS

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for folder in (".", "docs", "benches", "fuzz")
    for path in (ROOT / folder).glob("**/*.md" if folder == "docs" else "*.md")
    if path.name not in ("commands.md", "schemas.md")  # written by the build
)
# What options take that are not files, numbers or patterns. Commands read these values themselves.
CHOICES: dict[str, set[str]] = {
    "--clock": {*CLOCKS},
    "--complete-from": {each.value for each in Variant},
    "--experiment": {"builtins", "steps", "calls"},
    "--format": {*FORMATS, "upstream", "text"},
    "--language": {each.value for each in LedgerLanguage},
    "--metrics": {*METRICS},
}
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
    text = path.read_text("utf-8")
    problems = {line: misused(line) for line in shown_commands(text)}
    problems |= {line: misused(line, named=True) for line in named_commands(text)}
    assert {line: problem for line, problem in problems.items() if problem} == {}


def test_commands_of_every_kind_of_place_are_found() -> None:
    block = "```sh\ncalibrate fit \\\n  RUN\nmake\n```\n"
    page = block + "| `calibrate eval X`, `calibrate doctor` | `no` | `calibrate memory …` |\n"
    assert [line.split() for line in shown_commands(page)] == [["calibrate", "fit", "RUN"]]
    assert list(named_commands(page)) == ["calibrate eval X", "calibrate doctor", "calibrate memory X"]
    assert len(list(named_commands((ROOT / "README.md").read_text("utf-8")))) > 15
    assert sum(1 for path in PAGES for _ in shown_commands(path.read_text("utf-8"))) > 100


@pytest.mark.parametrize(
    "wrong",
    [
        "params show --epochs 530",
        "paramz show",
        "params shown",
        "measure --clock sundial",
        "eval --jobs x y.uplc",
        "validate",
    ],
)
def test_what_does_not_exist_is_noticed(wrong: str) -> None:
    assert misused(f"calibrate {wrong}")


def test_what_is_named_may_lack_arguments_but_not_exist() -> None:
    assert misused("calibrate import --json", named=True) is None
    assert misused("calibrate import --jason", named=True)


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
    """Those of shell blocks, with continued lines joined."""
    for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("calibrate "):
                yield line


def named_commands(text: str) -> Iterator[str]:
    """Those of cells of tables that begin with one, such as `calibrate fit --json`; an ellipsis stands for any word."""
    for row in re.findall(r"^\|.*\|$", text, flags=re.MULTILINE):
        for cell in row.split("|"):
            if cell.strip().startswith("`calibrate "):
                yield from (each.replace("…", "X") for each in re.findall(r"`(calibrate [^`]+)`", cell))


def misused(line: str, *, named: bool = False) -> str | None:
    """What is wrong with a command; one that is merely `named` may lack what it has to be given."""
    try:
        words = shlex.split(line, comments=True)[1:]
        parse(typer.main.get_command(app), words)
    except typer.exceptions.TyperException as error:
        return None if named and type(error).__name__ == "MissingParameter" else error.format_message()
    for option, value in pairwise(words):
        unknown = set(value.split(",")) - CHOICES.get(option, set(value.split(",")))
        if unknown and value != "X":
            return f"{option} has no {unknown}"
    return None


def parse(command: Any, arguments: list[str], parent: Any = None) -> None:
    """Parses as the process would, and runs nothing."""
    if hasattr(command, "commands") and arguments:
        context = command.make_context(command.name, [], parent=parent, resilient_parsing=True)
        context.resilient_parsing = False  # or a command that does not exist is none
        _, below, rest = command.resolve_command(context, arguments)
        parse(below, rest, context)
        return
    with suppress(typer.Exit):  # of --help and --version
        command.make_context(command.name, arguments, parent=parent)
