"""The manual page says what the help says, and man can show it."""

import re
import shutil
import subprocess

import pytest

from costmodel.cli.app import ENTRIES
from docs.man import manual, roff


@pytest.fixture(scope="module")
def page() -> str:
    return manual()


def test_every_command_has_its_section_and_its_options(page: str) -> None:
    headings = [line.removeprefix(".SH ") for line in page.splitlines() if line.startswith(".SH ")]
    assert [name for name in ENTRIES if f"CALIBRATE {name.upper()}" not in headings] == []
    assert "CALIBRATE PARAMS DIFF" in headings
    measure = page[page.index(".SH CALIBRATE MEASURE") :]
    assert ".B \\-\\-time\\-budget TIME" in measure[: measure.index(".SH", 4)]


def test_no_text_is_taken_for_a_request() -> None:
    assert roff(".TH of\n'x") == "\\&.TH of 'x"
    assert roff("a\\b --c") == "a\\eb \\-\\-c"


@pytest.mark.skipif(shutil.which("groff") is None, reason="Debian's package groff-base is not installed")
def test_groff_shows_it_without_a_warning(page: str) -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-rLL=100n"], input=page, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "--time-budget" in re.sub(".\b", "", done.stdout)  # bold letters are printed twice
