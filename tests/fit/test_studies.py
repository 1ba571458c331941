"""What authors of builtins are told: which measure of size, which points are mispriced, and how far sizes reach."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import msgspec
import numpy as np

from costmodel.fit.builtins import Applications, BuiltinFit
from costmodel.fit.envelope import Points
from costmodel.fit.observations import ObservedCell
from costmodel.fit.studies import settle_shapes, study_builtins
from costmodel.model import ExUnits, Variant, ledger_model, proposed_model, proposed_shapes
from costmodel.model.reach import built, carried
from costmodel.plutus import BUILTIN_BY_NAME, UPLC_1_1_0, VALUE, Const, Constant, Program, encode_flat
from costmodel.plutus.builtins import SizeMeasure
from costmodel.records.fit import BuiltinStudy
from tests.fit.test_shapes import points as points_of

LEDGER = ledger_model(Variant.E).builtins
LIMIT = ExUnits(10**10, 165 * 10**5)
GRID = [(4**a, 4**b) for a in range(6) for b in range(6 - a)]


def policies_points(cost: Callable[[int, int], float]) -> tuple[Points, Applications]:
    """`policies` at values of 4^a policies with 4^b tokens each, where it takes what `cost` says of policies and
    entries, give or take a percent."""
    sizes = [(policies,) for policies, _ in GRID]
    found = points_of(proposed_shapes("policies")[0], LEDGER["sha2_256"].cpu, sizes)
    noise = np.exp(0.01 * np.random.default_rng(2).normal(size=len(GRID)))
    costs = np.array([cost(policies, policies * tokens) for policies, tokens in GRID]) * noise
    cells = [
        ObservedCell(
            "builtins",
            "policies",
            (policies,),
            9,
            (0,) * 9,
            (),
            0,
            Variant.E,
            sizes_by_measure=(("VALUE_ENTRIES", (policies * tokens,)),),
        )
        for policies, tokens in GRID
    ]
    every = np.ones(len(GRID), np.bool_)
    applied = Applications(
        sizes=found.sizes,
        times_ps=costs[None],
        own_ps=costs[None],
        paired=every,
        known=every,
        apart=np.ones(len(GRID)),
        unpaired=0,
        cells=tuple((cell,) for cell in cells),
    )
    return replace(found, costs_ps=costs[None], scales_ps=0.02 * costs), applied


def study_of(points: Points, applied: Applications) -> BuiltinStudy:
    """The study of the price 20,000 + 5,000·x."""
    price = points.function.with_values([20_000, 5_000])
    places = [
        SimpleNamespace(sizes=at, charged_ps=price.evaluate(at), measured=SimpleNamespace(ps=float(cost)))
        for at, cost in zip(points.sizes, points.costs_ps[0], strict=True)
    ]
    fit = SimpleNamespace(
        name="policies", record=SimpleNamespace(points=places), priced=SimpleNamespace(function=price)
    )
    study = study_builtins({"policies": points}, {"policies": applied}, [cast("BuiltinFit", fit)], Variant.E)[
        "policies"
    ]
    assert msgspec.convert(msgspec.to_builtins(study), BuiltinStudy) == study
    return study


def test_time_by_policies_makes_policies_the_measure() -> None:
    points, applied = policies_points(lambda policies, entries: 20_000 + 5_000 * policies)
    study = study_of(points, applied)
    assert study.compared[0].measures == ("VALUE_POLICIES",)
    assert study.better_measures is None
    by_name = {each.measures: each for each in study.compared}
    assert by_name["VALUE_POLICIES",].most_apart is not None
    assert by_name["VALUE_POLICIES",].most_apart < 1.1
    assert (by_name["VALUE_ENTRIES",].most_apart or 0) > 100
    assert by_name["VALUE_ENTRIES",].held_out_error > 5 * by_name["VALUE_POLICIES",].held_out_error


def test_time_by_entries_makes_entries_the_better_measure() -> None:
    points, applied = policies_points(lambda policies, entries: 20_000 + 5_000 * entries)
    assert study_of(points, applied).better_measures == ("VALUE_ENTRIES",)


def test_mispriced_points_are_counted_to_both_sides() -> None:
    points, applied = policies_points(lambda policies, entries: 20_000 + 5_000 * policies)
    study = study_of(points, applied)
    assert study.undercharged.points + study.overcharged.points == len(points.sizes)
    assert study.undercharged.worst_factor is not None
    assert 1 < study.undercharged.worst_factor < 1.2


def test_parameters_of_a_builtin_that_the_ledger_has_not() -> None:
    points, applied = policies_points(lambda policies, entries: 20_000 + 5_000 * policies)
    names = [f"policies-{part}-arguments-{name}" for part in ("cpu", "memory") for name in ("intercept", "slope")]
    assert list(study_of(points, applied).parameters) == names


def test_a_constant_time_settles_for_the_constant_shape() -> None:
    points, _ = policies_points(lambda policies, entries: 20_000)
    settled = settle_shapes({"policies": points})["policies"]
    assert settled.function.shape.id.tag == "constant_cost"


def test_a_builtin_with_a_price_keeps_its_shape() -> None:
    points, _ = policies_points(lambda policies, entries: 20_000)
    assert settle_shapes({"valueData": points})["valueData"] is points


def test_what_a_script_builds_fits_its_budget() -> None:
    model = ledger_model(Variant.E)
    most = built("value", SizeMeasure.VALUE_POLICIES, model, LIMIT)
    assert most is not None
    assert 10_000 < most < 20_000  # authors count 14,000 applications of insertCoin
    assert built("value", SizeMeasure.VALUE_OUTER_DEPTH, model, LIMIT) == most.bit_length()
    half = built("value", SizeMeasure.VALUE_POLICIES, model, ExUnits(LIMIT.cpu // 2, LIMIT.mem // 2))
    assert half is not None
    assert most / 2 < half < most
    assert built("integer", SizeMeasure.INTEGER_WORDS, model, LIMIT) is None


def test_what_a_transaction_carries_is_the_most_that_fits() -> None:
    most = carried("value", SizeMeasure.VALUE_POLICIES, 16_384)
    assert most is not None
    assert carried("value", SizeMeasure.VALUE_OUTER_DEPTH, 16_384) == most.bit_length() == 12

    def length(count: int) -> int:
        keys = sorted([b"", *(n.to_bytes(1) for n in range(256)), *(n.to_bytes(2) for n in range(count - 257))])
        value = Constant(VALUE, tuple((key, ((b"", 1),)) for key in keys))
        return len(encode_flat(Program(UPLC_1_1_0, Const(value))))

    assert length(most) <= 16_384 < length(most + 1)


def test_every_unpriced_builtin_has_shapes_that_it_can_be_priced_by() -> None:
    model = proposed_model(Variant.E)
    for name, builtin in BUILTIN_BY_NAME.items():
        assert bool(proposed_shapes(name)) is not builtin.costed, name
        assert name in model.builtins
        assert all(shape.arity_needed <= builtin.arity for shape in proposed_shapes(name))
