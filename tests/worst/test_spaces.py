"""Spaces of inputs: every price has one, and its points become programs that a transaction can hold."""

import random

import pytest

from costmodel.experiments.builtins import LIVE_BUILTINS
from costmodel.machine import EvaluationStatus, Script, exact_machine
from costmodel.model import ExUnits, Variant, ledger_model, parameters_at
from costmodel.plutus import LedgerLanguage
from costmodel.worst.proof import planned
from costmodel.worst.space import Number, Option, Unfit
from costmodel.worst.spaces import SPACES
from costmodel.worst.target import ChargedPrices, Target, targets

TARGETS = targets("*")


@pytest.fixture(scope="module")
def prices() -> ChargedPrices:
    return ChargedPrices(ledger_model(Variant.E), parameters_at(645))


def test_every_builtin_of_the_chain_has_a_space() -> None:
    assert set(SPACES) == set(LIVE_BUILTINS)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_points_become_programs_within_a_transaction(target: Target, prices: ChargedPrices) -> None:
    rng, made = random.Random(target.name), 0
    for _ in range(20):
        if made == 2:
            break
        try:
            probe = target.probe({each.name: each.drawn(rng) for each in target.parameters}, "0", prices)
        except Unfit:
            continue
        made += 1
        assert len(probe.flat) <= 16_384
        script = Script.decode(probe.flat, LedgerLanguage.PLUTUS_V3, 11)
        outcome = exact_machine(Variant.E).evaluate(script, ExUnits(10**10, 16_500_000))
        assert outcome.status is EvaluationStatus.SUCCESS
        assert outcome.spent == probe.spent
        if target.name in SPACES:
            assert 1 <= probe.applications <= outcome.builtins[target.name]
            if probe.values.get("operand sets") == 1:
                assert probe.charge_ps == ledger_model(Variant.E).builtins[target.name].cpu.evaluate(probe.sizes)
    assert made


@pytest.mark.parametrize("target", TARGETS[::9], ids=lambda target: target.name)
def test_a_point_and_seed_make_the_same_program(target: Target, prices: ChargedPrices) -> None:
    plain = target.plain
    assert target.probe(plain, "1", prices).flat == target.probe(plain, "1", prices).flat


def test_simpler_numbers_come_closer_from_the_plain_one() -> None:
    assert list(Number("n", 1, 100).simpler(9)) == [1, 5, 7, 8]
    assert list(Number("n", 0, 100, at=100).simpler(97)) == [100, 98]
    assert list(Option("o", ("a", "b", "c")).simpler("c")) == ["a", "b"]


def test_ordinary_input_of_other_evaluators_has_the_steps_of_an_application(prices: ChargedPrices) -> None:
    portable = ChargedPrices(ledger_model(Variant.E), parameters_at(645), portable=True)
    chosen = targets("addInteger,bls12_381_millerLoop")
    plan = planned([target.probe(target.plain, "0", portable) for target in chosen], portable, 0)
    for name, timing in plan.ordinary.items():
        many, few = timing.cells
        assert timing.applications == many.repeats - few.repeats > 0
        alone = prices.application_price(name, many.sizes)
        assert alone < timing.charge_ps < alone + 20 * 16_000
