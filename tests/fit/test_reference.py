"""Fits in another machine's picoseconds."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from costmodel.errors import InputError
from costmodel.fit.envelope import FAMILIES, FAMILY_OF
from costmodel.fit.reference import SharedBuiltin, express, hold_out
from costmodel.model import BuiltinCost, CostModel, ExUnits, Variant, dump, ledger_model, load
from costmodel.model.costing import costing_function
from costmodel.plutus import BUILTIN_BY_NAME
from costmodel.records.model import ExpressedModel, parse_section
from tests.cli.command import calibrate
from tests.fit.synthetic import QUIET, all_cells, make_run
from tests.records.sections import section

LEDGER = ledger_model(Variant.E)
POINT = (40, 30, 20, 10, 5, 5)


def fitted(source: CostModel = LEDGER) -> CostModel:
    """The ledger's model as if it had been fitted, with the sizes at which that was."""
    one = section()["builtins"]["addInteger"]
    builtins = {
        name: one | {"points": [one["points"][0] | {"sizes": list(POINT[: BUILTIN_BY_NAME[name].arity])}]}
        for name in source.builtins
    }
    return replace(source, extras=section(builtins=builtins))


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


def test_builtins_get_the_ratio_that_both_models_show() -> None:
    found = express(fitted(), faster(LEDGER, FACTORS)).section
    for name, scale in found.builtins.items():
        assert scale.known
        assert scale.factor == pytest.approx(FACTORS[FAMILY_OF[name]], rel=0.01), name
    assert found.steps_factor == pytest.approx(0.5, rel=0.001)


def test_costs_are_the_references() -> None:
    reference = faster(LEDGER, FACTORS)
    model = express(fitted(), reference).cost_model
    for name, cost in model.builtins.items():
        sizes = POINT[: BUILTIN_BY_NAME[name].arity]
        assert cost.cpu.evaluate(sizes) == pytest.approx(reference.builtins[name].cpu.evaluate(sizes), rel=0.02), name
        assert cost.memory == LEDGER.builtins[name].memory
    assert {units.cpu for units in model.steps.values()} == {8000}


def test_a_builtin_that_the_reference_lacks_is_scaled_as_its_family() -> None:
    reference = faster(LEDGER, FACTORS)
    lacking = replace(reference, builtins={k: v for k, v in reference.builtins.items() if k != "ripemd_160"})
    found = express(fitted(), lacking)
    scale = found.section.builtins["ripemd_160"]
    assert not scale.known
    assert scale.factor == pytest.approx(FACTORS["hashes"], rel=0.05)
    expected = reference.builtins["ripemd_160"].cpu.evaluate((40,))
    assert found.cost_model.builtins["ripemd_160"].cpu.evaluate((40,)) == pytest.approx(expected, rel=0.05)


def ratios(rng: np.random.Generator, noise: float) -> dict[str, SharedBuiltin]:
    """Builtins of two builds: those that take little gain most, and each family has a factor of its own."""
    between = {family: rng.normal(0, 0.1) for family in FAMILIES}
    known = {}
    for name in sorted(BUILTIN_BY_NAME):
        log_cost = rng.uniform(np.log(1e3), np.log(1e8))
        log_ratio = 2.5 / (1 + np.exp((log_cost - np.log(1e5)) / 1.5)) + between[FAMILY_OF[name]]
        known[name] = SharedBuiltin(log_cost, float(log_ratio + rng.normal(0, noise)))
    return known


def test_held_out_builtins_lie_in_their_intervals_as_often_as_stated() -> None:
    found = [hold_out(ratios(np.random.default_rng(seed), 0.08), seed) for seed in range(4)]
    assert np.mean([each.covered for each in found]) == pytest.approx(0.95, abs=0.03)


def test_the_ratio_follows_the_cost() -> None:
    # One factor for each family would miss by more than half: the ratio falls from 12 to 1.
    found = hold_out(ratios(np.random.default_rng(9), 0.02), 0)
    assert found.median_error < 0.08


def test_families_that_are_alike_on_both_machines_have_narrow_intervals() -> None:
    """A library's hashes take the same time in any build, and the machine's own loops do not."""
    rng = np.random.default_rng(4)
    spreads = {"hashes": 0.01}
    factors = {name: float(np.exp(rng.normal(0, spreads.get(FAMILY_OF[name], 0.6)))) for name in LEDGER.builtins}
    builtins = {
        name: BuiltinCost(cost.cpu.with_values([round(each * factors[name]) for each in cost.cpu.values]), cost.memory)
        for name, cost in LEDGER.builtins.items()
        if name not in ("sha3_256", "countSetBits")
    }
    scales = express(fitted(), replace(LEDGER, builtins=builtins)).section.builtins
    reach = {name: scales[name].interval[1] / scales[name].predicted for name in ("sha3_256", "countSetBits")}
    assert reach["sha3_256"] < 0.7 * reach["countSetBits"]


def test_a_builtin_that_is_hardly_known_is_left_out_unless_asked_for() -> None:
    reference = faster(LEDGER, {family: 8.0**i for i, family in enumerate(FAMILIES)})
    lacking = replace(reference, builtins={k: v for k, v in reference.builtins.items() if FAMILY_OF[k] != "values"})
    found = express(fitted(), lacking)
    assert "unionValue" in found.section.refused
    assert "unionValue" not in found.cost_model.builtins
    assert "unionValue" in express(fitted(), lacking, factor=1e30).cost_model.builtins


def test_a_size_is_not_scaled() -> None:
    # The minimum of subtracted_sizes is a size, that of a quadratic in two sizes is a cost.
    names = LEDGER.builtins["divideInteger"].cpu.names
    model = express(fitted(), faster(LEDGER, dict.fromkeys(FAMILIES, 0.5))).cost_model
    own = dict(zip(names, model.builtins["divideInteger"].cpu.values, strict=True))
    was = dict(zip(names, LEDGER.builtins["divideInteger"].cpu.values, strict=True))
    (minimum,) = [name for name in names if name.endswith("minimum")]
    assert own[minimum] == pytest.approx(was[minimum] * 0.5, rel=0.01)
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
    with pytest.raises(InputError, match="is not a fitted model"):
        express(LEDGER, LEDGER)


def test_it_is_written_without_what_holds_for_its_own_machine_only(tmp_path: Path) -> None:
    path = tmp_path / "models" / "there.json"
    express(fitted(), faster(LEDGER, FACTORS)).write(path)
    back = load([path])
    assert isinstance(parse_section(back.extras, "there.json"), ExpressedModel)
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
    account = json.loads(result.stdout)
    assert account["kind"] == "expressed fit"
    assert all(scale["factor"] == pytest.approx(3, rel=0.01) for scale in account["builtins"].values())
    assert account["held_out"]["median_error"] < 0.01
    priced, model = load([own]), load([out])
    for name, cost in model.builtins.items():
        sizes = POINT[: BUILTIN_BY_NAME[name].arity]
        assert cost.cpu.evaluate(sizes) == pytest.approx(3 * priced.builtins[name].cpu.evaluate(sizes), rel=0.01)
