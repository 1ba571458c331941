"""The test build with a delay planted in one builtin."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
from costmodel.machine import build_info
from costmodel.timing.session import measure
from costmodel import _native
print(_native.__file__)
print(build_info().flags)
"""


def planted(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([ROOT / "scripts" / "planted", *arguments], capture_output=True, text=True, check=False)


def test_a_planted_build_stands_beside_the_usual_one_and_says_so() -> None:
    folder = planted("sha2_256", "7").stdout.strip()
    said = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": folder},
    )
    module, flags = said.stdout.splitlines()
    assert module.startswith(f"{folder}/costmodel/")
    assert "-DCAL_PLANT_BUILTIN=18 -DCAL_PLANT_TURNS=7" in flags


def test_what_cannot_be_planted_is_one_line() -> None:
    refused = planted("sha2", "7")
    assert (refused.returncode, refused.stderr) == (2, "planted: sha2 is no builtin\n")
