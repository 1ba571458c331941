"""The difference of two models in costs at typical sizes."""

import math
from dataclasses import replace

from costmodel.model import BuiltinCost, ExUnits, StepKind, Variant, costing_function, ledger_model
from costmodel.model.diff import compare_costs, typical_sizes
from costmodel.plutus.builtins import BUILTINS

E = ledger_model(Variant.E)


def test_equal_models_do_not_differ() -> None:
    assert compare_costs(E, E, Variant.E) == ()


def test_change_is_of_costs_and_not_of_integers() -> None:
    old = E.builtins["sha2_256"]
    cpu = old.cpu.with_values((old.cpu.values[0] + old.cpu.values[1], old.cpu.values[1]))
    (entry,) = compare_costs(
        E, replace(E, builtins={**E.builtins, "sha2_256": BuiltinCost(cpu, old.memory)}), Variant.E
    )
    assert (entry.name, entry.resource) == ("sha2_256", "cpu")
    assert [cost.sizes for cost in entry.costs] == [(4,), (64,), (1000,)]
    assert entry.worst.sizes == (4,)
    assert entry.worst.before == 270652 + 4 * 22588
    assert entry.worst.change == 22588 / (270652 + 4 * 22588)


def test_greatest_change_comes_first() -> None:
    changes = compare_costs(ledger_model(Variant.C), E, Variant.E)
    shares = [abs(each.worst.change) for each in changes]
    assert shares == sorted(shares, reverse=True)
    assert changes[0].name == "divideInteger"
    assert {each.name for each in changes} >= {"divideInteger", "modInteger", "equalsByteString"}


def test_coefficient_that_no_typical_size_feels_is_no_change() -> None:
    division = E.builtins["divideInteger"]
    assert division.cpu.names[0] == "constant"  # which above_and_below_diagonal ignores
    other = BuiltinCost(division.cpu.with_values((1, *division.cpu.values[1:])), division.memory)
    assert compare_costs(E, replace(E, builtins={**E.builtins, "divideInteger": other}), Variant.E) == ()


def test_steps_are_compared() -> None:
    dearer = replace(E, steps={**E.steps, StepKind.CASE: ExUnits(32000, 100)})
    (entry,) = compare_costs(E, dearer, Variant.E)
    assert (entry.name, entry.resource, entry.worst.change) == ("cekCaseCost", "cpu", 1.0)


def test_entry_that_only_one_has_is_new_or_gone() -> None:
    without = replace(E, builtins={name: cost for name, cost in E.builtins.items() if name != "trace"})
    gone = compare_costs(E, without, Variant.E)
    assert [(each.name, each.worst.after, each.worst.change) for each in gone] == [("trace", None, -math.inf)] * 2
    assert compare_costs(without, E, Variant.E)[0].worst.change == math.inf


def test_every_builtin_has_typical_sizes() -> None:
    for builtin in BUILTINS:
        sizes = typical_sizes(builtin.name, Variant.E)
        assert sizes
        assert {len(each) for each in sizes} == {builtin.arity}


def test_uncosted_zero_memory_is_not_divided_by() -> None:
    nothing = costing_function("constant_cost", {"constant": 0}, None, "f")
    free = replace(E, builtins={"iData": BuiltinCost(nothing, nothing)}, steps={}, startup=None)
    dear = replace(free, builtins={"iData": E.builtins["iData"]})
    assert {each.worst.change for each in compare_costs(free, dear, Variant.E)} == {math.inf}
