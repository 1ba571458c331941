"""As much of a design as an evaluator has time for."""

import os

from costmodel.experiments import design_cells
from costmodel.experiments.pilot import affordable, sized
from costmodel.experiments.portable import portable_cells
from costmodel.experiments.steps import drawn, habits, program
from costmodel.machine.driver import started
from tests.evaluators.drivers import fake

NAMES = ("addInteger", "sha2_256", "ifThenElse", "verifyEd25519Signature")


def test_a_design_fits_into_its_time() -> None:
    cells = tuple(cell for name in NAMES for cell in design_cells(["builtins"], name, 0))
    with started(fake(), max(os.sched_getaffinity(0))) as driver:
        everything = sized(cells, driver, None)
        little = sized(cells, driver, everything.seconds / 7)
    points = {(cell.operation, cell.sizes) for cell in cells if not cell.operation.startswith("nop")}
    assert {(cell.operation, cell.sizes) for cell in everything.cells} == points
    assert everything.of == len(everything.cells)
    assert everything.settings["blocks_per_process"] > little.settings["blocks_per_process"]
    assert 0 < len(little.cells) < len(everything.cells)
    assert {cell.operation for cell in little.cells} == set(NAMES)
    by_point: dict[tuple[str, tuple[int, ...]], int] = {}
    for cell in little.cells:
        by_point[cell.operation, cell.sizes] = by_point.get((cell.operation, cell.sizes), 0) + 1
    assert set(by_point.values()) == {2}


def test_builtins_that_take_too_long_are_left_out_as_a_whole() -> None:
    cells = portable_cells(cell for name in NAMES for cell in design_cells(["builtins"], name, 0))
    costs = {cell.id: 1e9 * (2 if cell.operation == "sha2_256" else 1) for cell in cells}
    seconds = sum(costs.values()) / 1e9
    assert affordable(cells, costs, seconds) == (cells, ())
    kept, left_out = affordable(cells, costs, seconds - 1)
    assert left_out == ("sha2_256",)
    assert {cell.operation for cell in kept} == set(NAMES) - {"sha2_256"}
    assert len(affordable(cells, costs, 1e-6)[1]) == len(NAMES) - 1


def test_what_programs_of_steps_apply_is_left_out_last() -> None:
    programs = (drawn(program, habits(), "program", number, 0) for number in range(40))
    steps = next(one for one in programs if "addInteger" in one.builtins)
    cells = tuple(
        cell for name in ("addInteger", "sha2_256", "chooseUnit") for cell in design_cells(["builtins"], name, 0)
    )
    with started(fake(), max(os.sched_getaffinity(0))) as driver:
        design = sized((*cells, steps), driver, 1e-6)
    assert set(design.left_out) == {"sha2_256", "chooseUnit"}


def test_a_design_says_what_time_it_needs() -> None:
    cells = design_cells(["builtins"], "sha2_256", 0)
    with started(fake(), max(os.sched_getaffinity(0))) as driver:
        assert sized(cells, driver, 600.0).seconds < 600.0
        assert sized(cells, driver, 0.001).seconds > 0.001


def test_what_a_driver_refuses_is_named() -> None:
    cells = design_cells(["builtins"], "sha2_256", 0)
    with started(fake("refused builtin", "sha2_256"), max(os.sched_getaffinity(0))) as driver:
        design = sized(cells, driver, 5.0)
    assert {cell.operation for cell in design.cells} == {"sha2_256"}
    assert all(cell.repeats for cell in design.cells)


def test_builtins_of_earlier_batches_are_kept_before_later_ones() -> None:
    cells = tuple(
        cell for name in ("sha3_256", "keccak_256", "countSetBits") for cell in design_cells(["builtins"], name, 0)
    )
    with started(fake(), max(os.sched_getaffinity(0))) as driver:
        assert sized(cells, driver, 1e-6).left_out == ("countSetBits", "keccak_256")
