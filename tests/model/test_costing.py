import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import ModelError
from costmodel.model import SHAPES, CostingFunction, costing_function
from costmodel.model.costing import from_json, to_json
from tests.model.formulas import PLAIN_FORMULAS, costing_functions

coefficients = st.integers(-(10**6), 10**6)
sizes = st.integers(0, 300)


@given(costing_functions(coefficients))
def test_json_reads_back_as_the_same_function(costing: CostingFunction) -> None:
    assert from_json(to_json(costing), "f") == costing


@given(costing_functions(coefficients), st.lists(st.tuples(sizes, sizes, sizes, sizes), min_size=1, max_size=8))
def test_linear_features_predict_the_exact_cost(
    costing: CostingFunction, points: list[tuple[int, int, int, int]]
) -> None:
    points += [(x, x, z, u) for x, _, z, u in points] + [(x, y, x, u) for x, y, _, u in points]
    exact = [costing.evaluate(point) for point in points]
    # Only expModInteger's half is rounded.
    np.testing.assert_allclose(costing.predict(np.array(points, np.float64)), exact, rtol=1e-12, atol=0.5)


@pytest.mark.parametrize("tag", PLAIN_FORMULAS)
def test_linear_features_predict_every_corner_of_a_plain_shape(tag: str) -> None:
    shape = SHAPES[tag]
    costing = CostingFunction(shape, (20, 30, 50, 70, 110, 130, 170)[: len(shape.fields)])
    points = list(itertools.product(range(4), repeat=4))
    assert costing.predict(np.array(points, np.float64)).tolist() == [costing.evaluate(point) for point in points]


def test_features_of_a_quadratic_are_its_six_monomials() -> None:
    quadratic = dict.fromkeys(("c00", "c01", "c02", "c10", "c11", "c20"), 1) | {"minimum": 85848}
    design = costing_function("quadratic_in_x_and_y", quadratic, None, "f").design(np.array([[2.0, 3.0]]))
    assert design.names == ("c00", "c01", "c02", "c10", "c11", "c20")
    assert design.matrix.tolist() == [[1, 3, 9, 2, 6, 4]]
    assert design.floor.tolist() == [85848]


def test_features_above_a_diagonal_address_the_constant_and_below_it_the_model() -> None:
    model = costing_function("multiplied_sizes", {"intercept": 1, "slope": 1}, None, "f")
    costing = costing_function("const_above_diagonal", {"constant": 1}, model, "f")
    design = costing.design(np.array([[2.0, 3.0], [3.0, 2.0], [2.0, 2.0]]))
    assert design.names == ("constant", "model.intercept", "model.slope")
    assert design.matrix.tolist() == [[1, 0, 0], [0, 1, 6], [0, 1, 4]]


def test_a_models_floor_does_not_hold_where_the_constant_does() -> None:
    quadratic = dict.fromkeys(("c00", "c01", "c02", "c10", "c11", "c20"), 0) | {"minimum": 50}
    model = costing_function("quadratic_in_x_and_y", quadratic, None, "f")
    costing = costing_function("const_above_diagonal", {"constant": 7}, model, "f")
    assert costing.predict(np.array([[2.0, 3.0], [3.0, 2.0]])).tolist() == [7, 50]


def test_a_constant_that_plays_no_part_has_no_column() -> None:
    model = costing_function("linear_in_x", {"intercept": 1, "slope": 1}, None, "f")
    design = costing_function("above_and_below_diagonal", {"constant": 1}, model, "f").design(np.array([[2.0, 3.0]]))
    assert design.names == ("model.intercept", "model.slope")
    assert design.matrix.tolist() == [[1, 3]]


def test_a_literal_width_is_an_offset() -> None:
    costing = costing_function("literal_in_y_or_linear_in_z", {"intercept": 1, "slope": 1}, None, "f")
    design = costing.design(np.array([[1.0, 0.0, 5.0], [1.0, 4.0, 5.0]]))
    assert design.matrix.tolist() == [[1, 5], [0, 0]]
    assert design.offset.tolist() == [0, 4]


@given(costing_functions(coefficients), st.data())
def test_coefficients_can_be_replaced_in_the_order_of_their_names(
    costing: CostingFunction, data: st.DataObject
) -> None:
    values = tuple(data.draw(coefficients) for _ in costing.names)
    replaced = costing.with_values(values)
    assert replaced.values == values
    assert replaced.names == costing.names


@given(costing_functions(coefficients))
def test_another_number_of_coefficients_is_refused(costing: CostingFunction) -> None:
    with pytest.raises(ValueError, match=f"{len(costing.values) + 1} values for the coefficients"):
        costing.with_values([*costing.values, 0])


LINEAR = {"arguments": {"intercept": 1, "slope": 2}, "type": "linear_in_x"}
DIAGONAL = {"arguments": {"constant": 1, "model": LINEAR}, "type": "const_above_diagonal"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"arguments": 1, "type": "cubic_in_x"}, "unknown shape|must be an object"),
        ({"arguments": {"a": 1}, "type": "cubic_in_x"}, "unknown shape of costing function 'cubic_in_x'"),
        ({"arguments": {"a": 1}, "type": ["linear_in_x"]}, "unknown shape of costing function a list"),
        ({"arguments": {"intercept": 1}, "type": "linear_in_x"}, "linear_in_x lacks the field 'slope'"),
        ({"arguments": {"intercept": 1, "slope": 2, "c": 3}, "type": "linear_in_x"}, "linear_in_x has no field 'c'"),
        ({"arguments": {"intercept": 1.5, "slope": 2}, "type": "linear_in_x"}, "intercept must be an integer, not 1.5"),
        ({"arguments": {"intercept": True, "slope": 2}, "type": "linear_in_x"}, "must be an integer, not True"),
        ({"arguments": "12", "type": "constant_cost"}, "constant must be an integer, not '12'"),
        ({"arguments": 2**63, "type": "constant_cost"}, "does not fit in 64 bits: 9223372036854775808"),
        ({"arguments": 1, "type": "linear_in_x"}, "arguments of 'linear_in_x' must be an object, not 1"),
        ({"type": "linear_in_x"}, "exactly the fields 'arguments' and 'type'"),
        (7, "exactly the fields 'arguments' and 'type'"),
        ({"arguments": {"constant": 1}, "type": "const_above_diagonal"}, "lacks the field 'model'"),
        (
            {"arguments": {"intercept": 1, "slope": 2, "model": LINEAR}, "type": "linear_in_x"},
            "linear_in_x has no field 'model'",
        ),
        (
            {"arguments": {"constant": 1, "model": DIAGONAL}, "type": "const_above_diagonal"},
            "cannot hold another model",
        ),
        (
            {"arguments": {"constant": 1, "model": LINEAR | {"type": "linear_in_z"}}, "type": "const_above_diagonal"},
            "linear_in_z reads a size that const_above_diagonal does not hand to its model",
        ),
        (
            {"arguments": {"constant": 1, "model": LINEAR | {"type": "linear_in_y"}}, "type": "const_off_diagonal"},
            "linear_in_y reads a size that const_off_diagonal does not hand to its model",
        ),
    ],
)
def test_what_is_no_costing_function_is_refused_in_one_line(data: object, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        from_json(data, "addInteger cpu")
    assert str(caught.value).startswith("addInteger cpu")
    assert "\n" not in str(caught.value)
