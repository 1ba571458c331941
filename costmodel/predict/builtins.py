"""What calls of builtins are predicted to take: by what was fitted, and not by what is charged.

A charge is whole picoseconds in the shape that the protocol has, raised where that is safer. A time is best predicted
from the coefficients as they were fitted, and from a better shape where the points support one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costmodel.machine.usage import Call
from costmodel.model import CostingFunction, ps_to_ns
from costmodel.model.terms import term
from costmodel.records.model import FittedBuiltin

Floats = NDArray[np.float64]

_MINIMUM: Final = "minimum"  # the one coefficient that a cost is not linear in


@dataclass(frozen=True, slots=True)
class CallTimes:
    """Nanoseconds by builtin, and by coefficient ("addInteger.slope") how many picoseconds more one more makes."""

    ns: dict[str, float]
    weights: dict[str, float]


def call_times(
    calls: Mapping[Call, int], functions: Mapping[str, CostingFunction], fits: Mapping[str, FittedBuiltin]
) -> CallTimes:
    """What calls take by the fits of their builtins, and by the prices in `functions` where there is no fit."""
    by_name: dict[str, list[tuple[tuple[int, ...], int]]] = {}
    for (name, sizes), count in calls.items():
        by_name.setdefault(name, []).append((sizes, count))
    times = CallTimes({}, {})
    for name, made in by_name.items():
        counts = np.array([count for _, count in made], np.float64)
        linear = _linear(functions[name], fits.get(name), np.array([sizes for sizes, _ in made], np.float64))
        costs = linear.matrix @ linear.values + linear.offset
        held = costs < linear.floor
        times.ns[name] = ps_to_ns(1) * float(counts @ np.maximum(costs, linear.floor))
        for coefficient, column in zip(linear.names, linear.matrix.T, strict=True):
            times.weights[f"{name}.{coefficient}"] = float((counts * ~held) @ column)
    return times


@dataclass(frozen=True, slots=True)
class _Linear:
    """Costs of n calls in ps: max(`floor`, `matrix` @ `values` + `offset`)."""

    names: tuple[str, ...]
    matrix: Floats
    values: Floats
    offset: Floats
    floor: Floats


def _linear(function: CostingFunction, fit: FittedBuiltin | None, sizes: Floats) -> _Linear:
    if fit is not None and fit.better_shape is not None:
        terms = fit.better_shape.terms_ps
        return _Linear(
            names=tuple(terms),
            matrix=np.column_stack([term(name, sizes) for name in terms]),
            values=np.array([*terms.values()]),
            offset=np.zeros(len(sizes)),
            floor=np.zeros(len(sizes)),
        )
    design = function.design(sizes)
    values = {name: float(value) for name, value in zip(function.names, function.values, strict=True)}
    floor = design.floor
    if fit is not None:
        values |= {name: each.ps for name, each in fit.coefficients.items()}
        fitted = [each.ps for name, each in fit.coefficients.items() if name.endswith(_MINIMUM)]
        floor = np.where(np.isfinite(floor), fitted[0], floor) if fitted else floor
    return _Linear(
        names=design.names,
        matrix=design.matrix,
        values=np.array([values[name] for name in design.names]),
        offset=design.offset,
        floor=floor,
    )
