"""The recipes of docs/extending.md, followed to the letter in a copy of the package."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.docs.package_copy import copy_of_package

ROOT = Path(__file__).resolve().parents[2]
STEP = re.compile(
    r"^(?:In `(?P<inside>[^`]+)`, after the line `(?P<anchor>[^`]+)`|At the end of `(?P<end>[^`]+)`)[^\n]*:\n\n"
    r"```\w+\n(?P<text>.*?)```$",
    re.MULTILINE | re.DOTALL,
)

USE = """
from costmodel._native import ffi, lib
from costmodel.experiments.domains import DOMAINS
from costmodel.experiments.points import choose, shapes_of
from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.model.shapes import ShapeId, SHAPES
from costmodel.model.formats import FORMATS
from costmodel.plutus import BUILTINS, LedgerLanguage, decode_flat, encode_flat, parse_program

assert len(BUILTINS) == lib.CAL_BUILTINS
assert ffi.string(lib.cal_builtins[len(BUILTINS) - 1].name) == b"reverseByteString"
text = "(program 1.1.0 [(builtin reverseByteString) (con bytestring #010203)])"
machine = NativeMachine(ledger_model(Variant.E), Variant.E)
outcome = machine.evaluate(Script.decode(encode_flat(parse_program(text)), None), ExUnits(10**9, 10**6), result=True)
assert outcome.status is EvaluationStatus.SUCCESS, outcome.error
assert decode_flat(outcome.result).term.constant.value == bytes([3, 2, 1])
assert outcome.spent == ExUnits(100 + 3 * 16_000 + 100_100, 100 + 300 + 1), outcome.spent
assert choose(shapes_of("reverseByteString"), DOMAINS["reverseByteString"].candidates)

arrays = {LedgerLanguage.PLUTUS_V3: (1, 2, 3)}
lines = FORMATS["lines"].write(arrays)
assert lines.startswith(b"addInteger-cpu-arguments-intercept 1\\n"), lines
assert FORMATS["lines"].read(lines, "x", LedgerLanguage.PLUTUS_V3).arrays == arrays

row = ffi.new("int64_t[12]", [int(ShapeId.QUADRATIC_IN_U), 0, 7, 5, 3])
shape = SHAPES["quadratic_in_u"]
for size in (0, 1, 1000, 2**40):
    sizes = ffi.new("int64_t[6]", [9, 9, 9, size])
    assert lib.cal_cost(row, sizes) == shape.cost((7, 5, 3), (9, 9, 9, size))
assert ShapeId.QUADRATIC_IN_U.tag == "quadratic_in_u" and shape.reads == (3,)
"""


class Step(NamedTuple):
    file: str
    anchor: str | None
    text: str


def steps() -> list[Step]:
    recipes = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    found = [Step(m["inside"] or m["end"], m["anchor"], m["text"]) for m in STEP.finditer(recipes)]
    assert len(found) == len(re.findall(r"^```\w", recipes, re.MULTILINE)), "a code block that no step introduces"
    return found


def follow(step: Step, tree: Path) -> None:
    path = tree / step.file
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    at = len(lines)
    if step.anchor is not None:
        places = [number for number, line in enumerate(lines) if line.strip() == step.anchor]
        assert places, f"{step.file} has no line {step.anchor!r}"
        at = places[0] + 1
    path.write_text("".join([*lines[:at], step.text, *lines[at:]]), encoding="utf-8")


def test_a_builtin_takes_at_most_six_files() -> None:
    section = steps()[: next(i for i, step in enumerate(steps()) if step.file.endswith("shapes.py"))]
    assert len({step.file for step in section}) + 1 <= 6  # and one of tests


def test_recipes_make_a_builtin_a_shape_and_a_format(tmp_path: Path) -> None:
    copy_of_package(tmp_path)
    for step in steps():
        follow(step, tmp_path)
    environment = {**os.environ, "CALIBRATE_CFLAGS": "-O0 -g0"}
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace", "--parallel", "2"]
    built = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    used = subprocess.run(
        [sys.executable, "-P", "-c", USE],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert used.returncode == 0, used.stderr
