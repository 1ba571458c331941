import numpy as np
import pytest

from costmodel.fit.envelope import LEDGER_DOMAIN, beyond, corners, grid, reads
from costmodel.model import ShapeId, Variant, ledger_model
from costmodel.plutus.builtins import BUILTIN_BY_NAME

MODELS = {variant: ledger_model(variant).builtins for variant in Variant}
ADD = MODELS[Variant.E]["addInteger"].cpu


def test_every_builtin_whose_cost_depends_on_sizes_has_a_domain() -> None:
    varying = {
        name
        for builtins in MODELS.values()
        for name, cost in builtins.items()
        if cost.cpu.shape.id is not ShapeId.CONSTANT_COST
    }
    assert varying == LEDGER_DOMAIN.keys()


@pytest.mark.parametrize("name", sorted(LEDGER_DOMAIN))
def test_domain_has_every_size_that_a_shape_reads(name: str) -> None:
    read = [reads(builtins[name].cpu) for builtins in MODELS.values() if name in builtins]
    assert max(axis for axes in read for axis in axes) < len(LEDGER_DOMAIN[name]) <= BUILTIN_BY_NAME[name].arity


def test_measured_end_of_the_domain_leaves_nothing_beyond() -> None:
    assert beyond("addInteger", ADD, [(1, 1), (967, 967)]) is None


def test_domain_far_beyond_the_points_is_told() -> None:
    reason = beyond("addInteger", ADD, [(1, 1), (967, 40)])
    assert reason == "argument 2 is measured up to size 40, and priced up to 967"


def test_corners_are_the_ends_on_every_axis_that_is_read() -> None:
    assert corners("addInteger", ADD, [(1, 2), (500, 1000)]) == ((1, 2), (1, 1000), (967, 2), (967, 1000))


def test_constant_cost_has_one_corner() -> None:
    function = MODELS[Variant.E]["verifyEcdsaSecp256k1Signature"].cpu
    assert corners("verifyEcdsaSecp256k1Signature", function, [(5, 4, 8)]) == ((5, 4, 8),)


def test_grid_has_the_diagonal_where_the_shape_has_one() -> None:
    function = MODELS[Variant.E]["equalsByteString"].cpu
    points = grid("equalsByteString", function, [(7, 7), (1000, 2)])
    assert (points[:, 0] == points[:, 1]).sum() > 5
    assert {(7.0, 7.0), (1000.0, 2.0)} <= set(map(tuple, points.tolist()))
    assert np.array_equal(points.max(axis=0), [1500, 1500])
