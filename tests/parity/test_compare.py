"""Evaluators side by side: known slow-downs are found, whatever the machines' speed."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costmodel.errors import InputError, ModelError
from costmodel.model import Variant
from costmodel.parity.compare import compare_evaluators, read_evaluators
from costmodel.records.evaluator import Parity, Price
from tests.parity.models import BUILTINS, LEDGER, write_model


def compared(paths: list[Path], **options: object) -> Parity:
    return compare_evaluators(read_evaluators(paths), LEDGER, Variant.E, **options)  # type: ignore[arg-type]


def price(found: Parity, name: str) -> Price:
    return next(each for each in found.prices if each.name == name)


def test_slow_builtin_of_one_evaluator_is_found(tmp_path: Path) -> None:
    found = compared(
        [
            write_model(tmp_path / "a.json", "amaru", pace=0.1),
            write_model(tmp_path / "b.json", "plutigo", pace=0.3, slow={"sha2_256": 5.0}),
        ]
    )
    worst = price(found, "sha2_256")
    assert found.prices[0].name == "sha2_256"
    assert worst.times[0].node == "plutigo"
    assert worst.times[0].over_pace == pytest.approx(5)
    assert worst.worst_over_second == pytest.approx(15)
    assert worst.interval == pytest.approx((14.8, 15.2), rel=1e-2)
    assert found.underpriced == {"amaru": (), "plutigo": ("sha2_256",)}


def test_slowest_pace_is_allowed_and_what_is_slower_needs_a_higher_price(tmp_path: Path) -> None:
    found = compared(
        [
            write_model(tmp_path / "a.json", "amaru", pace=0.1, slow={"addInteger": 2.0, "ifThenElse": 12.0}),
            write_model(tmp_path / "b.json", "plutigo", pace=0.3),
        ]
    )
    assert found.allowed_pace == pytest.approx(0.3)
    assert price(found, "addInteger").needed_over_charged == pytest.approx(1)
    assert price(found, "ifThenElse").needed_over_charged == pytest.approx(4)
    assert price(found, "ifThenElse").needed_ps == pytest.approx(4 * price(found, "ifThenElse").charged_ps)


def test_yardstick_takes_the_machine_out(tmp_path: Path) -> None:
    slow = write_model(tmp_path / "b.json", "on a slow machine", pace=0.2, yardstick_ns=40_000.0)
    found = compared([write_model(tmp_path / "a.json", "here", pace=0.1), slow])
    assert price(found, "sha2_256").worst_over_second == pytest.approx(1)
    assert [node.factor for node in found.nodes] == [1.0, 0.5]


def test_without_a_yardstick_each_evaluator_has_its_own_pace(tmp_path: Path) -> None:
    other = write_model(tmp_path / "b.json", "imported", pace=2.0, slow={"sha2_256": 3.0}, yardstick_ns=None)
    found = compared([write_model(tmp_path / "a.json", "here", pace=0.1), other])
    assert found.speed == "pace"
    assert "no yardstick in the model of imported" in found.notes[0]
    assert price(found, "sha2_256").worst_over_second == pytest.approx(3)
    assert price(found, "sha2_256").needed_over_charged == pytest.approx(3)
    with pytest.raises(InputError, match="the model of imported has no yardstick"):
        compared([tmp_path / "a.json", other], speed="yardstick")


def test_slow_down_within_its_error_is_not_called_underpriced(tmp_path: Path) -> None:
    models = [
        write_model(tmp_path / f"{error}.json", f"error {error}", slow={"sha2_256": 2.2}, error=error)
        for error in (0.01, 0.2)
    ]
    assert compared(models).underpriced == {"error 0.01": ("sha2_256",), "error 0.2": ()}


def test_price_that_one_model_lacks_has_no_second(tmp_path: Path) -> None:
    few = write_model(tmp_path / "b.json", "few", builtins=BUILTINS[:3])
    found = compared([write_model(tmp_path / "a.json", "all"), few])
    assert price(found, "ifThenElse").worst_over_second is None
    assert len(price(found, "ifThenElse").times) == 1


def test_allowed_pace_may_be_given(tmp_path: Path) -> None:
    found = compared([write_model(tmp_path / "a.json", "one", pace=0.5)], allowed_pace=0.25)
    assert price(found, "sha2_256").needed_over_charged == pytest.approx(2)


def test_like_names_are_told_apart(tmp_path: Path) -> None:
    paths = [
        write_model(tmp_path / "a.json", "amaru", version="1", pace=0.1),
        write_model(tmp_path / "b.json", "amaru", version="2", pace=0.2),
        write_model(tmp_path / "c.json", "amaru", version="2", pace=0.3),
    ]
    assert [each.name for each in read_evaluators(paths)] == ["amaru 1", "amaru (b)", "amaru (c)"]


def test_model_is_refused_twice_or_without_times(tmp_path: Path) -> None:
    path = write_model(tmp_path / "a.json", "amaru")
    with pytest.raises(InputError, match="named twice"):
        read_evaluators([path, path])
    plain = tmp_path / "plain.json"
    from costmodel.model.files import dump

    plain.write_bytes(dump(LEDGER))
    with pytest.raises(ModelError, match="does not hold one evaluator's own times"):
        read_evaluators([plain])


def test_models_without_a_common_price_are_refused(tmp_path: Path) -> None:
    import json

    paths = [write_model(tmp_path / f"{name}.json", name, builtins=(name,)) for name in ("addInteger", "sha2_256")]
    for path in paths:
        document = json.loads(path.read_text())
        document["calibrate"]["steps"]["coefficients"] = {}
        path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="no price in common"):
        compared(paths)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    paces=st.lists(st.floats(0.01, 100), min_size=2, max_size=4),
    slow=st.floats(1.5, 50),
    yardsticks=st.booleans(),
)
def test_slow_down_is_found_at_any_pace(tmp_path: Path, paces: list[float], slow: float, yardsticks: bool) -> None:
    paths = [
        write_model(
            tmp_path / f"{i}.json",
            f"node {i}",
            pace=pace,
            slow={"addInteger": slow} if i == 0 else {},
            yardstick_ns=20_000.0 if yardsticks else None,
        )
        for i, pace in enumerate(paces)
    ]
    found = compared(paths)
    add = next(time for time in price(found, "addInteger").times if time.node == "node 0")
    assert add.over_pace == pytest.approx(slow, rel=1e-6)
    assert all(each.needed_over_charged >= 1 - 1e-9 for each in found.prices) or yardsticks
    assert [time.ps for each in found.prices for time in each.times[:1]] == [
        max(time.ps for time in each.times) for each in found.prices
    ]
