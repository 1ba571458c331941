"""Fits in another machine's picoseconds."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from costmodel.fit.families import FAMILIES, FAMILY_OF

from costmodel.errors import InputError
from costmodel.fit.reference import express, hold_out, scales
from costmodel.model import BuiltinCost, CostModel, ExUnits, Variant, dump, ledger_model, load
from costmodel.model.costing import costing_function
from costmodel.plutus import BUILTIN_BY_NAME
from tests.cli.command import calibrate
from tests.fit.synthetic import QUIET, all_cells, make_run

LEDGER = ledger_model(Variant.E)
POINT = (40, 30, 20, 10, 5, 5)


def fitted(source: CostModel = LEDGER) -> CostModel:
    """The ledger's model as if it had been fitted, with the sizes at which that was."""
    builtins = {name: {"points": [{"sizes": list(POINT[: BUILTIN_BY_NAME[name].arity])}]} for name in source.builtins}
    return replace(source, extras={"builtins": builtins, "machine": {"cpu": "own"}})


def faster(model: CostModel, factors: dict[str, float], steps: float = 0.5) -> CostModel:
    """A machine on which each family takes its factor of the time."""
    return replace(
        model,
        builtins={
            name: BuiltinCost(
                cost.cpu.with_values([round(value * factors[FAMILY_OF[name]]) for value in cost.cpu.values]),
                cost.memory,
            )
            for name, cost in model.builtins.items()
        },
        steps={kind: ExUnits(round(units.cpu * steps), units.mem) for kind, units in model.steps.items()},
    )


FACTORS = {family: 0.5 + 0.1 * i for i, family in enumerate(FAMILIES)}


def test_every_builtin_is_in_one_family() -> None:
    assert Counter(name for members in FAMILIES.values() for name in members) == Counter(BUILTIN_BY_NAME.keys())


def test_families_get_their_own_factors() -> None:
    found = express(fitted(), faster(LEDGER, FACTORS))
    for family, scale in found.scales.items():
        assert scale.factor == pytest.approx(FACTORS[family], rel=0.01), family
    assert found.steps == pytest.approx(0.5, rel=0.001)


def test_costs_are_the_references() -> None:
    reference = faster(LEDGER, FACTORS)
    model = express(fitted(), reference).cost_model
    for name, cost in model.builtins.items():
        sizes = POINT[: BUILTIN_BY_NAME[name].arity]
        assert cost.cpu.evaluate(sizes) == pytest.approx(reference.builtins[name].cpu.evaluate(sizes), rel=0.02), name
        assert cost.memory == LEDGER.builtins[name].memory
    assert {units.cpu for units in model.steps.values()} == {8000}


def test_one_builtin_that_is_way_off_moves_nothing() -> None:
    reference = faster(LEDGER, FACTORS)
    odd = reference.builtins["sha3_256"]
    builtins = dict(reference.builtins)
    builtins["sha3_256"] = BuiltinCost(odd.cpu.with_values([20 * value for value in odd.cpu.values]), odd.memory)
    found = express(fitted(), replace(reference, builtins=builtins))
    assert found.scales["hashes"].factor == pytest.approx(FACTORS["hashes"], rel=0.05)


def test_a_builtin_that_the_reference_lacks_is_scaled_with_its_family() -> None:
    reference = faster(LEDGER, FACTORS)
    lacking = replace(reference, builtins={k: v for k, v in reference.builtins.items() if k != "ripemd_160"})
    model = express(fitted(), lacking).cost_model
    assert "ripemd_160" not in lacking.builtins
    expected = reference.builtins["ripemd_160"].cpu.evaluate((40,))
    assert model.builtins["ripemd_160"].cpu.evaluate((40,)) == pytest.approx(expected, rel=0.02)


def test_an_unknown_family_has_the_interval_of_the_spread_between_families() -> None:
    ratios = {name: float(np.log(FACTORS[FAMILY_OF[name]])) for name in LEDGER.builtins if FAMILY_OF[name] != "values"}
    found = scales(ratios)
    unknown, known = found["values"], found["hashes"]
    assert unknown.known == 0
    assert unknown.low < FACTORS["arithmetic"] < FACTORS["values"] < unknown.high
    assert np.log(known.high / known.low) < 0.2 * np.log(unknown.high / unknown.low)


def test_held_out_builtins_lie_in_their_intervals_as_often_as_stated() -> None:
    rng = np.random.default_rng(1)
    covered, errors = [], []
    for seed in range(5):
        between = {family: rng.normal(0, 0.3) for family in FAMILIES}
        ratios = {name: between[FAMILY_OF[name]] + rng.normal(0, 0.1) for name in BUILTIN_BY_NAME}
        found = hold_out(ratios, seed)
        covered.append(found.covered)
        errors.append(found.median_error)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)
    # The median of |normal| is 0.674 standard deviations; the family's own median adds a little.
    assert np.mean(errors) == pytest.approx(0.0674, abs=0.015)


def test_a_size_is_not_scaled() -> None:
    # The minimum of subtracted_sizes is a size, that of a quadratic in two sizes is a cost.
    names = LEDGER.builtins["divideInteger"].cpu.names
    model = express(fitted(), faster(LEDGER, dict.fromkeys(FAMILIES, 0.5))).cost_model
    own = dict(zip(names, model.builtins["divideInteger"].cpu.values, strict=True))
    was = dict(zip(names, LEDGER.builtins["divideInteger"].cpu.values, strict=True))
    (minimum,) = [name for name in names if name.endswith("minimum")]
    assert own[minimum] == pytest.approx(was[minimum] * 0.5, abs=1)
    shape = {"intercept": 100_000, "slope": 2_000, "minimum": 6}
    by_size = costing_function("subtracted_sizes", shape, None, "here")
    builtins = {**LEDGER.builtins, "divideInteger": BuiltinCost(by_size, by_size)}
    model = express(fitted(replace(LEDGER, builtins=builtins)), faster(LEDGER, dict.fromkeys(FAMILIES, 0.5))).cost_model
    assert dict(zip(by_size.names, model.builtins["divideInteger"].cpu.values, strict=True))["minimum"] == 6


def test_too_few_common_builtins_are_refused() -> None:
    few = replace(LEDGER, builtins={"addInteger": LEDGER.builtins["addInteger"]})
    with pytest.raises(InputError, match="1 builtins in common"):
        express(fitted(), few)


def test_a_model_that_was_not_fitted_is_refused() -> None:
    with pytest.raises(InputError, match="at which sizes"):
        express(LEDGER, LEDGER)


def test_it_is_written_without_what_holds_for_its_own_machine_only(tmp_path: Path) -> None:
    path = tmp_path / "models" / "there.json"
    express(fitted(), faster(LEDGER, FACTORS)).write(path)
    back = load([path])
    assert set(back.extras) == {"expressed_in"}
    assert back.builtins.keys() == LEDGER.builtins.keys()


def test_the_command_writes_the_expressed_model(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", all_cells(), machine=QUIET)
    own, there, out = (tmp_path / f"{name}.json" for name in ("own", "there", "out"))
    language = ("--language", "PlutusV2")
    assert calibrate("fit", run.path, "--out", own, *language).returncode == 0
    # The other machine is three times as slow in everything.
    there.write_bytes(dump(faster(replace(load([own]), extras={}), dict.fromkeys(FAMILIES, 3.0), steps=3.0)))
    result = calibrate("fit", run.path, "--reference", there, "--out", out, "--json", *language)
    assert result.returncode == 0, result.stderr
    account = json.loads(result.stdout)["expressed_in"]
    assert all(family["factor"] == pytest.approx(3, rel=0.01) for family in account["families"].values())
    assert account["held_out"]["median_error"] < 0.01
    priced, model = load([own]), load([out])
    for name, cost in model.builtins.items():
        sizes = POINT[: BUILTIN_BY_NAME[name].arity]
        assert cost.cpu.evaluate(sizes) == pytest.approx(3 * priced.builtins[name].cpu.evaluate(sizes), rel=0.01)
