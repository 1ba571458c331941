"""Whole runs over the native machine and a driver of these tests, without a word about how long anything takes."""

from pathlib import Path

import pytest

from benches.contracts import Contract
from benches.estimates import Cell
from benches.evaluators import Ready
from benches.schedule import Benchmark, Observed, Plan
from costmodel.errors import EnvironmentFault
from costmodel.plutus import encode_flat, parse_program
from costmodel.records.run import NATIVE
from costmodel.timing.plan import choose_core
from tests.evaluators.drivers import command

TEXTS = {
    "add": "[(builtin addInteger) (con integer 2) (con integer 3)]",
    "multiply": "[(builtin multiplyInteger) (con integer 2) (con integer 3)]",
}


def run(tmp_path: Path, fault: str) -> Observed:
    contracts = []
    for name, text in TEXTS.items():
        path = tmp_path / f"{name}.flat"
        path.write_bytes(encode_flat(parse_program(f"(program 1.1.0 {text})")))
        contracts.append(Contract(name, path))
    ready = [Ready(NATIVE, NATIVE), Ready("fake", command(fault))]
    plan = Plan(rounds=2, blocks=3, batch_ms=0.01, seed=1)
    return Benchmark(ready, contracts, plan, choose_core()).run(lambda text: None)


def test_every_cell_is_timed_in_every_block_of_every_round(tmp_path: Path) -> None:
    observed = run(tmp_path, "")
    timed = [(sample.cell, sample.round) for sample in observed.samples]
    for name in (NATIVE, "fake"):
        for cell in (Cell(name, work, contract) for work in ("decode", "evaluate") for contract in TEXTS):
            assert min(timed.count((cell, number)) for number in (0, 1)) >= 3
    assert observed.facts["fake"]["version"] == "1.0"
    spent = {cell.evaluator: units for cell, units in observed.spent.items() if cell.contract == "add"}
    assert spent["fake"] == spent[NATIVE]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("refused builtin", "refused: no such builtin"), ("killed during a batch", "its driver was killed by SIGKILL")],
)
def test_a_refusal_is_kept_with_its_reason_and_the_rest_goes_on(fault: str, reason: str, tmp_path: Path) -> None:
    observed = run(tmp_path, fault)
    assert observed.refusals[Cell("fake", "evaluate", "multiply")].replace("signal ", "") == reason
    assert {sample.cell.contract for sample in observed.samples if sample.cell.evaluator == "fake"} >= {"add"}
    assert {sample.cell.contract for sample in observed.samples if sample.cell.evaluator == NATIVE} == set(TEXTS)


def test_a_driver_that_does_not_start_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="does not start"):
        run(tmp_path, "no hello")
