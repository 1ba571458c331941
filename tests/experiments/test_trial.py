"""How long an evaluator takes for the cells of a design."""

import math
import os
from types import SimpleNamespace
from typing import Any

import pytest

from costmodel.experiments import design_cells
from costmodel.experiments.portable import portable_cells
from costmodel.experiments.trial import interpolated, pilot, place_of
from costmodel.machine.driver import started
from costmodel.runs.design import Cell
from tests.evaluators.drivers import fake


def designed(name: str) -> tuple[Cell, ...]:
    return portable_cells(design_cells(["builtins"], name, 0))


def test_times_between_those_that_were_tried_lie_on_a_line_of_logarithms() -> None:
    places = {"least": 0.0, "between": 1.0, "most": 2.0}
    found = interpolated(places, {"least": 10.0, "most": 1_000.0})
    assert found == pytest.approx({"least": 10.0, "between": 100.0, "most": 1_000.0})


def test_a_cheap_cell_is_not_as_slow_for_its_charge_as_a_dear_one() -> None:
    """An evaluator of integers in loops took 7 s where three times as much was charged as where it took 1 ms."""
    places = {"small": 0.0, "next": 0.05, "large": math.log(3)}
    found = interpolated(places, {"small": 1e6, "large": 7e9})
    assert found["next"] < 2e6


def test_beyond_what_was_tried_times_go_on_as_before() -> None:
    places = {"a": 0.0, "b": 1.0, "c": 2.0}
    assert interpolated(places, {"a": 1.0, "b": 100.0})["c"] == pytest.approx(10_000.0)
    assert interpolated(places, {"a": 1.0, "b": 1.0})["c"] == pytest.approx(math.e)
    assert interpolated(places, {"a": 1.0})["b"] == pytest.approx(math.e)
    assert interpolated(places, {}) == {}


def test_of_cells_charged_alike_the_slowest_counts() -> None:
    assert interpolated({"a": 0.0, "b": 0.0, "c": 0.0}, {"a": 1.0, "b": 3.0})["c"] == pytest.approx(3.0)


def test_nothing_is_tried_beyond_what_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = designed("sha2_256")
    places = sorted(place_of(one) for one in cells)
    asked: list[float] = []

    def timed(one: Cell, _: Any) -> float:
        asked.append(place_of(one))
        return 1.0 if asked[-1] < places[2] else 1e9

    monkeypatch.setattr("costmodel.experiments.trial.run_ns", timed)
    found = pilot(cells, SimpleNamespace(), 5.0, most_ns=1e8)  # type: ignore[arg-type]
    too_long = [place for place in asked if place >= places[2]]
    assert too_long == sorted(too_long, reverse=True)  # each is cheaper than what took too long before
    assert len(asked) < len(cells)
    assert found.run_ns.keys() == {one.id for one in cells}


def test_a_pilot_of_a_driver_finds_its_times() -> None:
    """The clock of this driver counts what is charged: a nanosecond for 1,000 ps, and 1 µs."""
    cells = designed("lengthOfByteString")
    with started(fake(), max(os.sched_getaffinity(0))) as driver:
        found = pilot(cells, driver, 0.0)
        tried = {one.id: driver.prepare(one).spent for one in cells}
    for one in cells:
        spent = tried[one.id]
        assert spent is not None
        assert found.run_ns[one.id] == pytest.approx(1_000 + spent.cpu / 1_000, rel=0.05)
