import numpy as np
import pytest

from costmodel.predict.fitted import Part
from costmodel.validate.attribution import attribute
from costmodel.validate.summary import Floats

NAMES = ["cekVarCost", "addInteger", "sha2_256", "decode bytes"]


def workload(programs: int = 30) -> tuple[list[str], list[list[Part]], Floats]:
    """Programs whose parts vary independently of one another."""
    ns = np.random.default_rng(0).lognormal(3, 1, (programs, len(NAMES)))
    parts = [[Part(name, float(value)) for name, value in zip(NAMES, row, strict=True)] for row in ns]
    return [f"program {number}" for number in range(programs)], parts, ns


def test_a_price_that_is_off_gets_the_blame() -> None:
    labels, parts, ns = workload()
    observed = ns @ np.array([1, 1, 1.5, 1])
    misses = attribute(labels, parts, observed)
    assert misses
    for miss in misses:
        row = ns[labels.index(miss.program)]
        blame = miss.blames[0]
        assert (blame.part, blame.kind) == ("sha2_256", "builtin")
        assert blame.alone == pytest.approx(1.5)
        assert blame.explains == pytest.approx(0.5 * row[2] / observed[labels.index(miss.program)], rel=0.1)
        assert miss.unexplained == pytest.approx(0, abs=0.02)


def test_misses_come_worst_first_and_small_ones_not_at_all() -> None:
    labels, parts, ns = workload()
    factors = np.ones(len(labels))
    factors[[3, 7, 9]] = 1.15, 0.6, 1.09
    misses = attribute(labels, parts, ns.sum(axis=1) * factors)
    assert [miss.program for miss in misses] == ["program 7", "program 3"]


def test_what_one_program_has_for_itself_stays_unexplained() -> None:
    labels, parts, ns = workload()
    factors = np.ones(len(labels))
    factors[5] = 1.5
    (miss,) = attribute(labels, parts, ns.sum(axis=1) * factors)
    assert miss.unexplained is not None
    assert miss.unexplained > 0.2


def test_the_kinds_of_parts_are_told() -> None:
    labels, parts, ns = workload()
    misses = attribute(labels, parts, ns @ np.array([2, 1, 1, 2]))
    kinds = {blame.part: blame.kind for miss in misses for blame in miss.blames}
    assert kinds.items() >= {"cekVarCost": "step", "decode bytes": "call overhead"}.items()


def test_no_price_makes_a_program_shorter_than_the_rest_of_it() -> None:
    parts = [[Part("cekVarCost", 90.0), Part("addInteger", 10.0)]]
    (miss,) = attribute(["a"], parts, np.array([50.0]))
    assert [(blame.part, blame.explains) for blame in miss.blames] == [("cekVarCost", None), ("addInteger", None)]
    assert [blame.alone for blame in miss.blames] == [pytest.approx(40 / 90), None]
    assert miss.unexplained is None
