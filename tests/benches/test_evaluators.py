"""Which evaluators are there, and what is said of those that are not."""

import pytest

from benches import evaluators
from benches.evaluators import prepare
from costmodel.errors import EnvironmentFault
from costmodel.evaluators import Driver
from costmodel.records.run import NATIVE


def test_the_native_machine_is_always_there() -> None:
    assert [ready.name for ready in prepare(()).ready] == [NATIVE]


def test_what_cannot_be_built_leaves_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(driver: Driver) -> None:
        raise EnvironmentFault(f"building {driver.name} needs cargo, which is not installed")

    monkeypatch.setattr(evaluators, "build", refuse)
    prepared = prepare(("amaru",))
    assert [ready.name for ready in prepared.ready] == [NATIVE]
    assert prepared.left_out == ["amaru is left out: building amaru needs cargo, which is not installed"]
