"""What the table of domains promises: every builtin of the chain, at the sizes that its cells state."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from costmodel.experiments import DESIGNED_BUILTINS, design_cells
from costmodel.experiments.builtins import LIVE_BUILTINS, points_of
from costmodel.experiments.design import matching_builtins
from costmodel.experiments.domains import DOMAINS
from costmodel.experiments.points import choose, information, shapes_of
from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.model import CostingFunction, ExUnits, Variant, proposed_model
from costmodel.model.costing import costing_function
from costmodel.plutus import BUILTIN_BY_NAME, BUILTINS, LedgerLanguage, SizeMeasure, available
from costmodel.runs.design import Cell

UNLIMITED = ExUnits(2**63 - 1, 2**63 - 1)
NOTHING = costing_function("constant_cost", {"constant": 0}, None, "test")
READERS = tuple(
    costing_function(f"linear_in_{axis}", {"intercept": 0, "slope": 1}, None, "test") for axis in ("x", "y", "z", "u")
)


@cache
def _cells(name: str) -> tuple[Cell, ...]:
    return tuple(cell for cell in design_cells(["builtins"], name, 0) if cell.operation == name)


def _machine(name: str, reader: CostingFunction) -> NativeMachine:
    """A machine on which a run costs the sizes of one argument, and nothing else."""
    model = proposed_model(Variant.E)
    free = {other: replace(cost, cpu=NOTHING, memory=NOTHING) for other, cost in model.builtins.items()}
    free[name] = replace(free[name], cpu=reader)
    steps = dict.fromkeys(model.steps, ExUnits(0, 0))
    return NativeMachine(replace(model, builtins=free, steps=steps, startup=ExUnits(0, 0)), Variant.E)


def _readable(name: str) -> Iterator[int]:
    """The arguments whose sizes a costing function may read."""
    measures = BUILTIN_BY_NAME[name].size_measures("E")
    if len(measures) <= len(READERS):
        yield from (at for at, measure in enumerate(measures) if measure is not SizeMeasure.PAIR_UNUSABLE)


def test_every_builtin_has_a_domain() -> None:
    assert set(DESIGNED_BUILTINS) == {builtin.name for builtin in BUILTINS}
    assert set(LIVE_BUILTINS) == {b.name for b in BUILTINS if available(b, LedgerLanguage.PLUTUS_V3, 11)}


def test_a_star_stands_for_what_runs_on_the_chain() -> None:
    assert matching_builtins("*") == list(LIVE_BUILTINS)
    assert matching_builtins("*, keep*") == [*LIVE_BUILTINS, "keepPolicies"]
    assert matching_builtins("*Policies") == ["keepPolicies", "dropPolicies"]


def test_explored_sizes_agree_by_one_measure_and_differ_by_another() -> None:
    by_entries: dict[int, set[int]] = {}
    for cell in _cells("policies"):
        by_entries.setdefault(cell.sizes_by_measure.get("VALUE_ENTRIES", cell.sizes)[0], set()).add(cell.sizes[0])
    assert max(len(policies) for policies in by_entries.values()) >= 5


@pytest.mark.parametrize("name", DESIGNED_BUILTINS)
def test_stated_sizes_are_those_that_the_machine_takes(name: str) -> None:
    for argument in _readable(name):
        machine = _machine(name, READERS[argument])
        for cell in _cells(name):
            script = Script.decode(cell.flat, LedgerLanguage.PLUTUS_V3, cell.protocol_version, measuring=True)
            outcome = machine.evaluate(script, UNLIMITED)
            assert outcome.status is EvaluationStatus.SUCCESS
            assert outcome.spent.cpu == cell.builtins.get(name, 0) * cell.sizes[argument], (cell.id, argument)


@pytest.mark.parametrize("name", DESIGNED_BUILTINS)
def test_points_tell_the_coefficients_of_every_shape(name: str) -> None:
    points = points_of(name)
    for function in shapes_of(name):
        # What no point of the domain could tell, such as the slope in a size that never varies, is not asked for.
        tellable = np.linalg.matrix_rank(information(function, DOMAINS[name].candidates))
        singular = np.linalg.svd(information(function, points), compute_uv=False)
        assert np.linalg.matrix_rank(information(function, points)) == tellable
        assert singular[0] / singular[tellable - 1] < 300


@pytest.mark.parametrize("name", ["addInteger", "sha2_256", "divideInteger", "equalsByteString"])
def test_more_points_than_coefficients_show_a_wrong_shape(name: str) -> None:
    for function in shapes_of(name):
        assert len(points_of(name)) > information(function, points_of(name)).shape[1]


@pytest.mark.parametrize("name", ["addInteger", "quotientInteger", "equalsString", "valueContains", "unionValue"])
def test_points_lie_on_both_sides_of_the_diagonal(name: str) -> None:
    sides = {(x > y) - (x < y) for x, y in points_of(name)}
    assert sides == {-1, 0, 1}


def test_ends_of_a_line_tell_most_about_it() -> None:
    (line,) = shapes_of("sha2_256")
    assert {(1,), (8192,)} <= set(choose([line], [(x,) for x in (1, 7, 90, 1000, 8192)]))


def test_a_point_between_them_checks_it() -> None:
    (line,) = shapes_of("sha2_256")
    assert (90,) in choose([line], [(x,) for x in (1, 7, 90, 1000, 8192)])
