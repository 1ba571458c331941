"""Terms of costing functions that no protocol shape has, by name: what times are predicted from.

A term is a function of a builtin's argument sizes, which x, y, z and u name in order: `1`, a size, a product of factors
such as `x*y`, and

- `max(x,y)`, `min(x,y)`
- `upto(x,k)`, `over(x,k)`: what of x is below k and what is above, so that a line can bend there; also of a sum, `x+y`
- `beyond(x,y,k)`: 1 where the greater of x and y is above k: above 1 where integers of one word have a path of their
  own, or where memory comes from elsewhere
- `blocks(x,b,p)`: how many blocks of b bytes a hash takes for x words, with p bytes of padding at least
- `long(x,y)`: the steps of a long division, y·(x − y + 1) where x ≥ y
- `least(x,y)`, `most(x,y)`: 1 where x < y, and where x ≥ y
- `log(x)`: the binary logarithm of x, 0 below 2
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costmodel.errors import ModelError

Floats = NDArray[np.float64]

_SIZES: Final = "xyzu"
_FACTOR: Final = re.compile(
    r"1|[xyzu]|(?:max|min|long|least|most)\([xyzu],[xyzu]\)|log\([xyzu]\)"
    r"|(?:upto|over)\([xyzu](?:\+[xyzu])?,\d{1,9}\)|beyond\([xyzu](?:,[xyzu])?,\d{1,9}\)|blocks\([xyzu],\d{1,4},\d{1,4}\)"
)
_MOST_FACTORS: Final = 4


def term(name: str, sizes: Floats) -> Floats:
    """A term at n points; `sizes` is n × arity. ModelError for a name that is no term, or of an argument that is not
    there."""
    found = np.ones(len(sizes))
    for factor, arguments in _parsed(name):
        at = [_SIZES.index(each) for each in arguments if each in _SIZES]
        if at and max(at) >= sizes.shape[1]:
            raise ModelError(f"the term {name!r} needs the size of argument {max(at) + 1}, which is not there")
        numbers = [float(each) for each in arguments if each not in _SIZES]
        found = found * _FUNCTIONS[factor]([sizes[:, i] for i in at], numbers)
    return found


@lru_cache(maxsize=1024)
def _parsed(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The factors of a term: each with its function and arguments."""
    factors = name.split("*")
    if len(factors) > _MOST_FACTORS or not all(_FACTOR.fullmatch(each) for each in factors):
        raise ModelError(f"{name[:80]!r} is no term of a costing function")
    parsed: list[tuple[str, tuple[str, ...]]] = []
    for each in factors:
        function, _, arguments = each.rstrip(")").partition("(")
        if each == "1":
            parsed.append(("one", ()))
        elif not arguments:
            parsed.append(("size", (each,)))
        else:
            parsed.append((function, tuple(arguments.replace("+", ",").split(","))))
    return tuple(parsed)


_FUNCTIONS: Final[dict[str, Callable[[Sequence[Floats], Sequence[float]], Floats | float]]] = {
    "one": lambda v, k: 1.0,
    "size": lambda v, k: v[0],
    "max": lambda v, k: np.maximum(v[0], v[-1]),
    "min": lambda v, k: np.minimum(v[0], v[-1]),
    "upto": lambda v, k: np.minimum(sum(v), k[0]),
    "over": lambda v, k: np.maximum(sum(v) - k[0], 0.0),
    "beyond": lambda v, k: (np.maximum(v[0], v[-1]) > k[0]).astype(np.float64),
    "blocks": lambda v, k: np.maximum(np.ceil((8 * v[0] + k[1]) / k[0]), 1.0),
    "long": lambda v, k: np.where(v[0] >= v[-1], v[-1] * (v[0] - v[-1] + 1), 0.0),
    "least": lambda v, k: (v[0] < v[-1]).astype(np.float64),
    "most": lambda v, k: (v[0] >= v[-1]).astype(np.float64),
    "log": lambda v, k: np.log2(np.maximum(v[0], 1.0)),
}
