"""Envelopes cover inputs that they have not seen."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from costmodel.fit.costing import relative_scales
from costmodel.fit.envelope import Points, envelopes
from costmodel.model import CostingFunction, Variant, ledger_model

Floats = NDArray[np.float64]
LEDGER = ledger_model(Variant.E).builtins
FUNCTIONS: dict[str, tuple[CostingFunction, Sequence[tuple[int, ...]]]] = {
    "sha2_256": (LEDGER["sha2_256"].cpu, [(n,) for n in (1, 5, 20, 100, 400, 1500, 4000, 9800)]),
    "addInteger": (LEDGER["addInteger"].cpu, [(n, m) for n in (1, 10, 100, 967) for m in (1, 30, 967)]),
    "equalsData": (LEDGER["equalsData"].cpu, [(n, n) for n in (4, 30, 100, 300, 1000, 3000, 10_000)] * 3),
    "multiIndexArray": (LEDGER["multiIndexArray"].cpu, [(100, n) for n in (1, 5, 20, 80, 200, 500, 800, 1024)]),
}


def made(function: CostingFunction, sizes: tuple[tuple[int, ...], ...], costs: Floats, scales: Floats) -> Points:
    return Points(function, sizes, costs[None], scales, costs, np.ones(len(sizes), np.bool_))


def inputs(name: str, rng: np.random.Generator, copies: int = 1) -> Points:
    """Costs of inputs that spread about the ledger's price as log-normal, wider for equalsData."""
    function, some = FUNCTIONS[name]
    sizes = [*some] * copies
    spread = 0.2 if name == "equalsData" else 0.03
    costs = function.predict(np.array(sizes, np.float64)) * np.exp(spread * rng.normal(size=len(sizes)))
    errors = 0.005 * costs
    return made(function, tuple(sizes), costs, relative_scales(function, sizes, costs, errors))


def undercharged(seeds: range, copies: int = 1, coverage: float = 0.99) -> float:
    """Share of new inputs that cost more than the envelope of others charges."""
    short, total = 0, 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        names = [(name, i) for name in FUNCTIONS for i in range(10)]
        points = {f"{name} {i}": inputs(name, rng, copies) for name, i in names}
        for key, envelope in envelopes(points, coverage, seed).items():
            unseen = inputs(key.split()[0], rng, 5)
            design = unseen.function.design(np.array(unseen.sizes, np.float64))
            short += int((unseen.costs_ps[0] > design.matrix @ envelope.values_ps).sum())
            total += len(unseen.sizes)
    return short / total


@pytest.mark.parametrize("copies", [1, 3])
def test_envelope_of_99_percent_undercharges_at_most_1_5_percent_of_unseen_inputs(copies: int) -> None:
    assert undercharged(range(3), copies) <= 0.015


def test_envelope_of_half_undercharges_a_good_part() -> None:
    assert 0.2 < undercharged(range(2), coverage=0.5) < 0.6


def test_regression_quantile_of_many_points_needs_hardly_a_margin() -> None:
    rng = np.random.default_rng(1)
    sizes = tuple((int(n),) for n in rng.integers(1, 9800, 300))
    function = LEDGER["sha2_256"].cpu
    costs = function.predict(np.array(sizes, np.float64)) * np.exp(0.1 * rng.random(len(sizes)))
    scales = relative_scales(function, sizes, costs, 0.001 * costs)
    (envelope,) = envelopes({"sha2_256": made(function, sizes, costs, scales)}, 0.9, 0).values()
    assert envelope.record.margin < 0.01
    assert 0.9 <= envelope.record.measured_points_covered <= 0.95


def test_seed_decides_the_margin() -> None:
    points = {name: inputs(name, np.random.default_rng(2)) for name in FUNCTIONS}
    first, again = (envelopes(points, 0.99, 7)["sha2_256"] for _ in range(2))
    assert np.array_equal(first.values_ps, again.values_ps)


def test_single_point_is_charged_with_the_margin_of_the_others() -> None:
    points = {name: inputs(name, np.random.default_rng(3)) for name in FUNCTIONS}
    ecdsa = LEDGER["verifyEcdsaSecp256k1Signature"].cpu
    points["verifyEcdsaSecp256k1Signature"] = made(ecdsa, ((5, 4, 8),), np.array([4e7]), np.array([1e5]))
    envelope = envelopes(points, 0.99, 0)["verifyEcdsaSecp256k1Signature"]
    assert envelope.record.margin > 0
    assert envelope.values_ps == pytest.approx([4e7 * (1 + envelope.record.margin)])


def test_a_corner_that_one_point_alone_tells_does_not_raise_the_envelope() -> None:
    """What is cheap up to some size has its slope from the greatest size alone, without which the envelope is flat."""
    function = LEDGER["sha2_256"].cpu
    sizes = tuple((n,) for n in (1, 3, 10, 30, 60, 100, 9800))
    costs = np.array([1e4, 1.02e4, 1e4, 1.01e4, 1.03e4, 1e4, 9e6])
    scales = relative_scales(function, sizes, costs, 0.005 * costs)
    (envelope,) = envelopes({"sha2_256": made(function, sizes, costs, scales)}, 0.99, 0).values()
    assert envelope.record.margin < 3


def test_what_is_below_the_least_price_does_not_raise_the_envelope() -> None:
    function = LEDGER["addInteger"].cpu
    sizes = FUNCTIONS["addInteger"][1]
    costs = np.exp(np.random.default_rng(7).normal(0, 3, len(sizes)))  # ps, of a clock that is not that fine
    (envelope,) = envelopes({"addInteger": made(function, tuple(sizes), costs, costs + 1.0)}, 0.99, 0).values()
    assert envelope.record.margin < 1


def test_a_builtin_that_its_shape_misses_raises_no_other() -> None:
    points = {f"{name} {i}": inputs(name, np.random.default_rng(i)) for name in FUNCTIONS for i in range(6)}
    before = envelopes(points, 0.99, 0)
    sha = points["sha2_256 0"]
    costs = sha.costs_ps[0] * np.where(np.arange(len(sha.sizes)) == 3, 5.0, 1.0)
    points["sha2_256 0"] = made(sha.function, sha.sizes, costs, sha.scales_ps)
    after = envelopes(points, 0.99, 0)
    assert after["sha2_256 0"].record.margin > 10 * before["sha2_256 0"].record.margin
    assert all(
        after[name].record.margin < 1.5 * before[name].record.margin + 0.05 for name in points if name != "sha2_256 0"
    )


def test_an_envelope_overcharges_many_points_a_little_rather_than_one_manifold() -> None:
    """The times of a union of Values follow the smaller one, which its shape has only as the product of both."""
    function = LEDGER["unionValue"].cpu
    sizes = ((1, 1), (1, 1000), (3, 100), (32, 32), (100, 3), (100, 316), (1000, 1), (1000, 32), (1000, 1000))
    costs = np.array([max(x, y) * 7e3 + min(x, y) * 3.7e4 for x, y in sizes])
    scales = relative_scales(function, sizes, costs, 0.01 * costs)
    (envelope,) = envelopes({"unionValue": made(function, sizes, costs, scales)}, 0.99, 0).values()
    design = function.design(np.array(sizes, np.float64))
    over = design.matrix @ envelope.values_ps / (1 + envelope.record.margin) / costs
    assert over.max() < 3.5
