"""The costing functions once more, as plain unbounded arithmetic, and strategies that make costing functions."""

from collections.abc import Callable

from hypothesis import strategies as st

from costmodel.model import SHAPES, CostingFunction, DiagonalShape, PlainShape

Formula = Callable[[dict[str, int], int, int, int, int], int]


def _quadratic(k: dict[str, int], a: int, b: int) -> int:
    total = k["c00"] + k["c10"] * a + k["c01"] * b + k["c20"] * a * a + k["c11"] * a * b + k["c02"] * b * b
    return max(k["minimum"], total)


def _exp_mod(k: dict[str, int], a: int, e: int, m: int) -> int:
    total = k["coefficient00"] + k["coefficient11"] * e * m + k["coefficient12"] * e * m * m
    return total + total // 2 if a > m else total


PLAIN_FORMULAS: dict[str, Formula] = {
    "constant_cost": lambda k, x, y, z, u: k["constant"],
    "linear_in_x": lambda k, x, y, z, u: k["intercept"] + k["slope"] * x,
    "linear_in_y": lambda k, x, y, z, u: k["intercept"] + k["slope"] * y,
    "linear_in_z": lambda k, x, y, z, u: k["intercept"] + k["slope"] * z,
    "linear_in_u": lambda k, x, y, z, u: k["intercept"] + k["slope"] * u,
    "quadratic_in_x": lambda k, x, y, z, u: k["c0"] + k["c1"] * x + k["c2"] * x * x,
    "quadratic_in_y": lambda k, x, y, z, u: k["c0"] + k["c1"] * y + k["c2"] * y * y,
    "quadratic_in_z": lambda k, x, y, z, u: k["c0"] + k["c1"] * z + k["c2"] * z * z,
    "linear_in_x_and_y": lambda k, x, y, z, u: k["intercept"] + k["slope1"] * x + k["slope2"] * y,
    "linear_in_y_and_z": lambda k, x, y, z, u: k["intercept"] + k["slope1"] * y + k["slope2"] * z,
    "added_sizes": lambda k, x, y, z, u: k["intercept"] + k["slope"] * (x + y),
    "multiplied_sizes": lambda k, x, y, z, u: k["intercept"] + k["slope"] * x * y,
    "min_size": lambda k, x, y, z, u: k["intercept"] + k["slope"] * min(x, y),
    "max_size": lambda k, x, y, z, u: k["intercept"] + k["slope"] * max(x, y),
    "subtracted_sizes": lambda k, x, y, z, u: k["intercept"] + k["slope"] * max(k["minimum"], x - y),
    "linear_in_y2": lambda k, x, y, z, u: k["intercept"] + k["slope"] * y,
    "linear_on_diagonal": lambda k, x, y, z, u: k["intercept"] + k["slope"] * x if x == y else k["constant"],
    "quadratic_in_x_and_y": lambda k, x, y, z, u: _quadratic(k, x, y),
    "quadratic_in_y_and_z": lambda k, x, y, z, u: _quadratic(k, y, z),
    "with_interaction_in_x_and_y": lambda k, x, y, z, u: k["c00"] + k["c10"] * x + k["c01"] * y + k["c11"] * x * y,
    "linear_in_max_yz": lambda k, x, y, z, u: k["intercept"] + k["slope"] * max(y, z),
    "literal_in_y_or_linear_in_z": lambda k, x, y, z, u: k["intercept"] + k["slope"] * z if y == 0 else y,
    "exp_mod_cost": lambda k, x, y, z, u: _exp_mod(k, x, y, z),
}


def unbounded_cost(function: CostingFunction, sizes: tuple[int, int, int, int]) -> int:
    """The cost at four sizes without saturation."""
    tag, own = function.shape.id.tag, dict(zip(function.shape.fields, function.coefficients, strict=True))
    if function.model is None:
        return PLAIN_FORMULAS[tag](own, *sizes)
    x, y, z, u = sizes
    if tag == "above_and_below_diagonal":
        return unbounded_cost(function.model, (max(x, y), min(x, y), z, u))
    constant = {"const_off_diagonal": x != y, "const_above_diagonal": x < y, "const_below_diagonal": x > y}[tag]
    return own["constant"] if constant else unbounded_cost(function.model, sizes)


@st.composite
def costing_functions(draw: st.DrawFn, coefficients: st.SearchStrategy[int]) -> CostingFunction:
    """Any costing function, the diagonal shapes with any model that they take."""
    shape = draw(st.sampled_from(list(SHAPES.values())))
    own = tuple(draw(coefficients) for _ in shape.fields)
    if isinstance(shape, PlainShape):
        return CostingFunction(shape, own)
    inner = draw(st.sampled_from(_models_for(shape)))
    return CostingFunction(shape, own, CostingFunction(inner, tuple(draw(coefficients) for _ in inner.fields)))


def _models_for(shape: DiagonalShape) -> list[PlainShape]:
    return [
        inner
        for inner in SHAPES.values()
        if isinstance(inner, PlainShape) and set(inner.reads) <= set(shape.model_reads)
    ]
