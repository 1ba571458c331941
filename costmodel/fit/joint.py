"""The joint stage: steps and builtins adjusted together, within their intervals, to whole programs.

Steps are fitted with the costs of builtins taken as they were measured by themselves. Here both may move, a price of a
step within its interval and the builtins of a family by one factor within all of theirs, to where two thirds of the
generated programs are missed least on the logarithmic scale. The last third decides: the adjustment is kept only where
the mean square miss of those falls by more than one standard error of its fall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from costmodel.fit.builtins import BuiltinFit, Place
from costmodel.fit.cells import Cell, is_nop
from costmodel.fit.coefficient import Interval, interval_of, rounded, whole_ps
from costmodel.fit.families import FAMILY_OF
from costmodel.fit.resample import Replicates
from costmodel.fit.steps import LEAST_STEP_PS, StepsFit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_HELD_OUT = 3
"""Every third program decides."""

_FEWEST = 5
"""Programs below which nothing can be decided."""


@dataclass(frozen=True, slots=True)
class Joint:
    """What became of the joint stage.

    `before` and `after` are the root mean square misses of the `held_out` programs (log time), `fall` is that of the
    mean square with its `standard_error`. `steps_ps` are the adjusted prices by name and `factors` those of builtins by
    family. `reason` says why it was not kept, empty where it was.
    """

    held_out: int = 0
    before: float = 0.0
    after: float = 0.0
    fall: float = 0.0
    standard_error: float = 0.0
    steps_ps: Mapping[str, float] | None = None
    factors: Mapping[str, float] | None = None
    reason: str = ""

    @property
    def kept(self) -> bool:
        return not self.reason

    def to_json(self) -> dict[str, object]:
        return {
            "kept": self.kept,
            "reason": self.reason,
            "held_out": {
                "programs": self.held_out,
                "miss_before": rounded(self.before),
                "miss_after": rounded(self.after),
                "fall_of_square": rounded(self.fall),
                "standard_error": rounded(self.standard_error),
            },
            "steps_ps": {name: rounded(ps) for name, ps in (self.steps_ps or {}).items()},
            "builtin_factors": {name: rounded(factor) for name, factor in (self.factors or {}).items()},
        }


def adjust(
    cells: Sequence[Cell],
    columns: Sequence[int],
    replicates: Replicates,
    steps: StepsFit,
    costs: Mapping[str, Floats],
) -> Joint:
    """The joint stage over the step cells, which are the `columns` of `replicates`.

    `costs` (length N, ps, by name) are those of the builtins that the cells apply, at their smallest sizes.
    """
    if steps.unmeasured:
        return Joint(reason=f"the programs apply builtins without cells of their own: {', '.join(steps.unmeasured)}")
    held_out = np.arange(len(cells)) % _HELD_OUT == _HELD_OUT - 1
    if held_out.sum() < _FEWEST:
        return Joint(reason=f"{int(held_out.sum())} programs to decide by are too few; {_FEWEST} are needed")
    applied = {name for cell in cells for name, _ in cell.builtins if not is_nop(name)}
    families = sorted({FAMILY_OF[name] for name in applied})
    by_family = [_spent(cells, {n: costs[n][0] for n in applied if FAMILY_OF[n] == family}) for family in families]
    counts = np.array([(1, *cell.steps) for cell in cells], np.float64)
    design = np.column_stack([counts, *by_family])
    bounds = [_bounds(each.fitted) for each in steps.coefficients]
    for family in families:
        intervals = [
            interval_of(replicates, costs[name], costs[name], nonnegative=False)
            for name in sorted(applied)
            if FAMILY_OF[name] == family
        ]
        bounds.append(_common(intervals))
    start = np.array([*(each.fitted.point for each in steps.coefficients), *(1.0 for _ in families)])
    # What a step takes more in a large program stays as it was found.
    times = replicates.times_ps[0, list(columns)] - steps.footprint_ps(cells)
    found = _fitted(design[~held_out], times[~held_out], start, np.array(bounds, np.float64))
    old, new = (_missed(design[held_out], times[held_out], at) for at in (start, found))
    falls = old**2 - new**2
    fall, error = float(falls.mean()), float(falls.std(ddof=1) / np.sqrt(len(falls)))
    p = counts.shape[1]
    names = [each.name for each in steps.coefficients]
    return Joint(
        held_out=int(held_out.sum()),
        before=float(np.sqrt(np.mean(old**2))),
        after=float(np.sqrt(np.mean(new**2))),
        fall=fall,
        standard_error=error,
        steps_ps=dict(zip(names, found[:p].tolist(), strict=True)),
        factors=dict(zip(families, found[p:].tolist(), strict=True)),
        reason="" if fall > error else "programs held out are not missed by less, beyond the noise of that",
    )


def adjusted_steps(steps: StepsFit, joint: Joint) -> StepsFit:
    """The steps with what is charged for them after the joint stage, where that was kept."""
    prices = joint.steps_ps if joint.kept else None
    if prices is None:
        return steps
    return replace(
        steps,
        coefficients=tuple(
            replace(each, charged_ps=max(whole_ps(prices[each.name]), LEAST_STEP_PS)) for each in steps.coefficients
        ),
    )


def adjusted_builtins(builtins: Sequence[BuiltinFit], joint: Joint) -> tuple[BuiltinFit, ...]:
    """The builtins with what is charged for them after the joint stage, where that was kept."""
    factors = (joint.factors or {}) if joint.kept else {}
    return tuple(_scaled(fit, factors.get(FAMILY_OF[fit.name], 1.0)) for fit in builtins)


def _scaled(fit: BuiltinFit, factor: float) -> BuiltinFit:
    if factor == 1.0:
        return fit
    old = fit.priced.function
    # Nearest, not the ceiling: a factor of 1.01 must not make two picoseconds of one.
    values = {name: round(value * factor) for name, value in zip(old.names, old.values, strict=True)}
    function = old.with_values(list(values.values()))
    coefficients = tuple(
        each if each.charged_ps is None else replace(each, charged_ps=values[each.name])
        for each in fit.priced.coefficients
    )

    def charged(places: Sequence[Place]) -> tuple[Place, ...]:
        return tuple(replace(place, charged_ps=function.evaluate(place.sizes)) for place in places)

    return replace(
        fit,
        priced=replace(fit.priced, function=function, coefficients=coefficients),
        places=charged(fit.places),
        corners=charged(fit.corners),
    )


def _spent(cells: Sequence[Cell], costs: Mapping[str, float]) -> Floats:
    """What each cell takes for these builtins, ps."""
    return np.array([sum(count * costs.get(name, 0.0) for name, count in cell.builtins) for cell in cells])


def _bounds(interval: Interval) -> tuple[float, float]:
    return max(interval.low, LEAST_STEP_PS), max(interval.high, LEAST_STEP_PS)


def _common(intervals: Sequence[Interval]) -> tuple[float, float]:
    """The factors by which every point stays in its interval; none but 1 where a builtin has no cost."""
    if any(interval.point <= 0 for interval in intervals):
        return 1.0, 1.0
    return (
        max(interval.low / interval.point for interval in intervals),
        min(interval.high / interval.point for interval in intervals),
    )


def _fitted(design: Floats, times: Floats, start: Floats, bounds: Floats) -> Floats:
    """Where the design misses the times least, within `bounds` (p × 2); what has no room stays as it is."""
    low, high = bounds.T
    free = high > low
    if not free.any():
        return start
    scale = np.maximum(start, 1.0)

    def missed(share: Floats) -> Floats:
        at = start.copy()
        at[free] = share * scale[free]
        return _missed(design, times, at)

    first = np.clip(start, low, high)[free] / scale[free]
    found = least_squares(missed, first, bounds=(low[free] / scale[free], high[free] / scale[free]))
    result = start.copy()
    result[free] = found.x * scale[free]
    return result


def _missed(design: Floats, times: Floats, at: Floats) -> Floats:
    """Logarithm of observed over predicted times."""
    missed: Floats = np.log(times / np.maximum(design @ at, 1.0))
    return missed
