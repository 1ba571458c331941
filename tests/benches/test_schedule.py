"""Whole runs over drivers that are scripts of these tests, without a word about how long anything takes."""

import sys
from pathlib import Path

import pytest

from benches.contracts import Contract
from benches.estimates import Cell
from benches.evaluators import Evaluator, Ready
from benches.schedule import Benchmark, Observed, Plan
from costmodel.errors import CheckFailed

# Answers at once; refuses contracts called no, and dies of contracts called die.
DRIVER = """
import os, sys
from benches.driver import Timing, serve
def answer(request):
    if request.flat == b"no":
        raise ValueError("not this one")
    if request.flat == b"die":
        os._exit(1)
    return Timing(1000 * request.iterations, 5, 7)
serve("fake 1", "by hand", answer)
"""


def run(tmp_path: Path, script: str, contents: list[str]) -> Observed:
    contracts = []
    for content in contents:
        (tmp_path / content).write_text(content)
        contracts.append(Contract(content, tmp_path / content))
    command = (sys.executable, "-c", script)
    ready = Ready(Evaluator("fake", sys.executable, run=command), command, "none")
    plan = Plan(rounds=2, blocks=3, batch_ms=0.01, seed=1)
    return Benchmark([ready], contracts, plan, tmp_path).run(lambda text: None)


def test_every_cell_is_timed_in_every_block_of_every_round(tmp_path: Path) -> None:
    observed = run(tmp_path, DRIVER, ["yes", "too"])
    timed = [(sample.cell, sample.round) for sample in observed.samples]
    for cell in (Cell("fake", work, contract) for work in ("decode", "evaluate") for contract in ("yes", "too")):
        assert min(timed.count((cell, number)) for number in (0, 1)) >= 3
    assert observed.versions == {"fake": ("fake 1", "by hand")}


def test_iterations_fill_the_batch(tmp_path: Path) -> None:
    assert {sample.iterations for sample in run(tmp_path, DRIVER, ["yes"]).samples} == {10}


def test_refusal_is_kept_with_its_reason(tmp_path: Path) -> None:
    observed = run(tmp_path, DRIVER, ["yes", "no"])
    assert observed.refusals[Cell("fake", "evaluate", "no")] == "ValueError: not this one"
    assert {sample.cell.contract for sample in observed.samples} == {"yes"}


def test_crash_is_a_refusal_and_the_rest_goes_on(tmp_path: Path) -> None:
    observed = run(tmp_path, DRIVER, ["yes", "die"])
    assert observed.refusals[Cell("fake", "decode", "die")] == "ended before its answer"
    assert {sample.cell.contract for sample in observed.samples} == {"yes"}


def test_driver_that_does_not_start_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="fake does not start"):
        run(tmp_path, "print('hello')", ["yes"])
