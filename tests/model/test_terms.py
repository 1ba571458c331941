"""Terms of costing functions that no protocol shape has."""

import numpy as np
import pytest

from costmodel.errors import ModelError
from costmodel.model.terms import term

SIZES = np.array([[1.0, 1.0], [40.0, 3.0], [3.0, 40.0], [17.0, 17.0]])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1", [1, 1, 1, 1]),
        ("x", [1, 40, 3, 17]),
        ("x*y", [1, 120, 120, 289]),
        ("max(x,y)", [1, 40, 40, 17]),
        ("min(x,y)", [1, 3, 3, 17]),
        ("upto(x,17)", [1, 17, 3, 17]),
        ("over(x,17)", [0, 23, 0, 0]),
        ("over(x+y,34)", [0, 9, 9, 0]),
        ("beyond(x,y,1)", [0, 1, 1, 1]),
        ("beyond(y,17)", [0, 0, 1, 0]),
        ("blocks(x,128,0)", [1, 3, 1, 2]),
        ("blocks(x,136,1)", [1, 3, 1, 2]),
        ("long(x,y)", [1, 3 * 38, 0, 17]),
        ("least(x,y)", [0, 0, 1, 0]),
        ("most(x,y)*y", [1, 3, 0, 17]),
        ("y*log(x)", [0, 3 * np.log2(40), 40 * np.log2(3), 17 * np.log2(17)]),
    ],
)
def test_value_is_that_of_its_definition(name: str, expected: list[float]) -> None:
    assert term(name, SIZES) == pytest.approx(np.array(expected, np.float64))


@pytest.mark.parametrize(
    "name", ["", "x**y", "exec(x)", "x;y", "blocks(x,99999,1)", "over(x,-1)", "x*x*x*x*x", "x " * 99]
)
def test_anything_else_is_no_term(name: str) -> None:
    with pytest.raises(ModelError, match="no term"):
        term(name, SIZES)


def test_argument_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelError, match="argument 3"):
        term("z", SIZES)
