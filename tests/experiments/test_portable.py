"""Designs for any evaluator."""

import os

import pytest

from costmodel.experiments import design_cells
from costmodel.experiments.portable import portable_cells, sized
from costmodel.machine import EvaluationStatus, Script, exact_machine
from costmodel.machine.driver import BUDGET, started
from costmodel.model import Variant
from costmodel.plutus import LedgerLanguage
from costmodel.runs.design import Cell
from tests.evaluators.drivers import fake

SIGNATURES = ("verifyEd25519Signature", "verifyEcdsaSecp256k1Signature", "verifySchnorrSecp256k1Signature")


@pytest.fixture(scope="module")
def cells() -> tuple[Cell, ...]:
    names = ",".join(("addInteger", "sha2_256", "ifThenElse", *SIGNATURES))
    return portable_cells(cell for name in names.split(",") for cell in design_cells(["builtins"], name, 0))


def test_nothing_of_the_native_machine_is_left(cells: tuple[Cell, ...]) -> None:
    assert not any(cell.nops or any(name.startswith("nop") for name in cell.builtins) for cell in cells)
    calls = portable_cells(design_cells(["calls"], "*", 0))
    assert {cell.work for cell in calls} == {"decode", "apply"}


def test_every_point_has_two_programs(cells: tuple[Cell, ...]) -> None:
    points: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for cell in cells:
        points.setdefault((cell.operation, cell.sizes), []).append(cell.repeats)
    assert all(len(repeats) == 2 and min(repeats) == max(repeats) // 2 for repeats in points.values())


def test_what_varies_changes_no_count(cells: tuple[Cell, ...]) -> None:
    varied = [cell for cell in cells if cell.operation in SIGNATURES]
    machine = exact_machine(Variant.E)
    for cell in varied:
        assert len(cell.vary) == cell.repeats
        flat = bytearray(cell.flat)
        for place in cell.vary:
            flat[place : place + 4] = os.urandom(4)
        assert flat != cell.flat
        outcome = machine.evaluate(Script.decode(bytes(flat), LedgerLanguage.PLUTUS_V3, 11), BUDGET, result=True)
        assert outcome.status is EvaluationStatus.SUCCESS
        assert outcome.builtins == cell.builtins
        assert outcome.steps == cell.steps
    assert not any(cell.vary for cell in cells if cell.operation not in SIGNATURES)


def test_an_older_protocol_version_leaves_builtins_out() -> None:
    cells = design_cells(["builtins"], "dropList", 0)
    assert portable_cells(cells, 11)
    assert not [cell for cell in portable_cells(cells, 10) if cell.operation == "dropList"]


def test_a_design_fits_into_its_time(cells: tuple[Cell, ...]) -> None:
    with started(fake(), max(os.sched_getaffinity(0))) as driver:
        everything = sized(cells, driver, None)
        little = sized(cells, driver, 2.0)
    assert everything.cells == cells
    assert everything.settings["blocks_per_process"] > little.settings["blocks_per_process"]
    assert 0 < len(little.cells) < len(cells)
    assert {cell.operation for cell in little.cells} == {cell.operation for cell in cells}
    by_point: dict[tuple[str, tuple[int, ...]], int] = {}
    for cell in little.cells:
        by_point[cell.operation, cell.sizes] = by_point.get((cell.operation, cell.sizes), 0) + 1
    assert set(by_point.values()) == {2}
