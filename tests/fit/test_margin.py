"""Safety margins: what they raise, what they leave, and that they are recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.errors import InputError
from costmodel.fit import Fit, fit_runs
from costmodel.fit.margin import described_margins, parse_margins, with_policy, without_margin
from costmodel.records.fit import Witness
from costmodel.runs.store import Run
from tests.fit.synthetic import VARIANT, Machine, all_cells, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("measurements"), all_cells(), machine=Machine(), seed=2)


def fitted(run: Run, *margins: str) -> Fit:
    return fit_runs([run], variant=VARIANT, replicates=100, margins=parse_margins(margins))


@pytest.fixture(scope="module")
def plain(run: Run) -> Fit:
    return fitted(run)


def test_a_factor_raises_every_price(run: Run, plain: Fit) -> None:
    raised = fitted(run, "20%")
    for name, cost in raised.cost_model.builtins.items():
        for point in plain.section.builtins[name].points:
            was, now = point.charged_ps, cost.cpu.evaluate(point.sizes)
            assert now >= 1.2 * was
            assert now <= 1.2 * was + sum(point.sizes) ** 2 + 2  # every coefficient is rounded up
    assert raised.section.settings is not None
    assert described_margins(raised.section.settings.margins) == "20 %"


def test_a_pattern_raises_some_alone(run: Run, plain: Fit) -> None:
    name = next(iter(plain.cost_model.builtins))
    raised = fitted(run, f"{name}=50%")
    changed = {each for each, cost in raised.cost_model.builtins.items() if cost != plain.cost_model.builtins[each]}
    assert changed == {name}
    assert raised.cost_model.steps == plain.cost_model.steps
    assert raised.section.before_margin.keys() == {name}


def test_the_upper_end_of_intervals_is_reached_at_every_point(run: Run, plain: Fit) -> None:
    raised = fitted(run, "interval")
    for name, fit in raised.section.builtins.items():
        function = raised.cost_model.builtins[name].cpu
        for point in (*fit.points, *fit.corners):
            assert point.fitted.interval_ps is not None
            assert function.evaluate(point.sizes) >= point.fitted.interval_ps[1] * (1 - 1e-5)
            assert point.charged_ps == function.evaluate(point.sizes)
    for name, price in raised.section.steps.coefficients.items():
        before = plain.section.steps.coefficients[name].charged_ps
        assert price.charged_ps is not None
        assert before is not None
        assert price.charged_ps >= before


def test_what_was_charged_before_is_known(run: Run, plain: Fit) -> None:
    raised = fitted(run, "20%", "cek*=interval")
    back = without_margin(raised.cost_model, raised.section)
    assert back.builtins == plain.cost_model.builtins
    assert (back.steps, back.startup) == (plain.cost_model.steps, plain.cost_model.startup)
    again = with_policy(back, raised.section, parse_margins(["20%", "cek*=interval"]))
    assert again.builtins == raised.cost_model.builtins
    assert (again.steps, again.startup) == (raised.cost_model.steps, raised.cost_model.startup)


def test_the_worst_witness_is_charged_and_little_else(run: Run, plain: Fit) -> None:
    name = "sha2_256"
    small, large = (1,), (400,)
    prices = plain.cost_model.builtins[name].cpu
    witnesses = [
        Witness(price=name, sizes=small, ps=9e6, search="one"),
        Witness(price=name, sizes=large, ps=5e6, search="one"),
    ]
    raised = fit_runs([run], variant=VARIANT, replicates=100, margins=parse_margins(["worst"]), witnesses=witnesses)
    charged = raised.cost_model.builtins[name].cpu
    assert charged.evaluate(small) >= witnesses[0].ps
    assert charged.evaluate(large) < 2 * prices.evaluate(large)
    assert raised.section.builtins[name].witnesses == tuple(witnesses)
    others = raised.cost_model.builtins.keys() - {name}
    assert all(raised.cost_model.builtins[each] == plain.cost_model.builtins[each] for each in others)
    assert raised.cost_model.steps == plain.cost_model.steps
    back = without_margin(raised.cost_model, raised.section)
    assert back.builtins == plain.cost_model.builtins
    assert with_policy(back, raised.section, parse_margins(["worst"])).builtins == raised.cost_model.builtins


def test_without_a_witness_there_is_nothing_to_charge(run: Run) -> None:
    with pytest.raises(InputError, match="no witness of such a builtin"):
        fitted(run, "worst")


@pytest.mark.parametrize("text", ["", "0%", "-5%", "abc", "x=", "20000%", "1e3"])
def test_what_is_no_margin_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="invalid margin"):
        parse_margins([text])


def test_a_pattern_of_nothing_is_refused(run: Run, tmp_path: Path) -> None:
    del tmp_path
    with pytest.raises(InputError, match="no builtin and no step"):
        fitted(run, "noSuchBuiltin=20%")
