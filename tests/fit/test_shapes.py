from collections.abc import Sequence

import numpy as np

from costmodel.fit.costing import relative_scales
from costmodel.fit.envelope import Points
from costmodel.fit.shapes import study_shapes
from costmodel.model import CostingFunction, Variant, ledger_model

LEDGER = ledger_model(Variant.E).builtins


def points(
    shape: CostingFunction, truth: CostingFunction, sizes: Sequence[tuple[int, ...]], noise: float = 0.01
) -> Points:
    costs = truth.predict(np.array(sizes, np.float64)) * np.exp(
        noise * np.random.default_rng(1).normal(size=len(sizes))
    )
    known = np.ones(len(sizes), np.bool_)
    return Points(shape, tuple(sizes), costs[None], relative_scales(shape, sizes, costs, noise * costs), costs, known)


SQUARES = [(n, m) for n in (1, 4, 12, 31) for m in (1, 6, 15, 31)]


def test_better_shape_is_suggested() -> None:
    # Multiplication was once priced by the sum of the sizes; its time grows with their product.
    added = ledger_model(Variant.A).builtins["multiplyInteger"].cpu
    study = study_shapes({"multiplyInteger": points(added, LEDGER["multiplyInteger"].cpu, SQUARES)})["multiplyInteger"]
    assert study.present == "added_sizes"
    assert study.suggested == "multiplied_sizes"
    assert study.held_out_errors["multiplied_sizes"] < 0.03 < study.held_out_errors["added_sizes"]


def test_right_shape_is_left_alone() -> None:
    function = LEDGER["multiplyInteger"].cpu
    study = study_shapes({"multiplyInteger": points(function, function, SQUARES)})["multiplyInteger"]
    assert study.suggested is None


def test_shape_with_as_many_coefficients_as_points_is_not_judged() -> None:
    function = LEDGER["sha2_256"].cpu
    assert study_shapes({"sha2_256": points(function, function, [(1,), (10,), (100,)])}) == {}
