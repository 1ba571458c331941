"""What authors of builtins look at beside a price (`--shape free`): is time equal at equal sizes, and by which measures
of size; how many points the price under- and overcharges, and by how much; how large sizes can be; which parameters a
ledger would append.

Measures are compared as shapes are, by the error at points held out: with each choice of measures for the arguments,
the simplest of the best shapes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from costmodel.fit.builtins import Applications, BuiltinFit
from costmodel.fit.costing import LEAST_BUILTIN_PS, shape_name
from costmodel.fit.envelope import Points, Sizes
from costmodel.fit.shapes import candidates, is_better, shape_errors, simplest
from costmodel.model import CostModel, Variant, ledger_model, proposed_model, proposed_shapes
from costmodel.model.parameters import parameter_names_of
from costmodel.model.reach import built, carried
from costmodel.model.timeline import last_change, parameters_at
from costmodel.plutus import BUILTIN_BY_NAME, Builtin, LedgerLanguage, available
from costmodel.plutus.builtins import SizeMeasure
from costmodel.plutus.sizes import RIVALS
from costmodel.records.fit import BuiltinStudy, LargestSize, MeasureComparison, Mispriced

_LIVE_AT = 11  # the protocol version of the chain


def settle_shapes(points: Mapping[str, Points]) -> dict[str, Points]:
    """The points of every builtin with the shape to fit: for one without a price, the simplest of the proposed shapes
    that predict points held out best."""
    return {name: _settled(name, at) for name, at in points.items()}


def _settled(name: str, points: Points) -> Points:
    shapes = {shape_name(each): each for each in proposed_shapes(name)}
    errors = shape_errors(points, shapes)
    if not errors:
        return points
    best = simplest(errors, {shape: len(shapes[shape].names) for shape in errors})
    return replace(points, function=shapes[best])


def study_builtins(
    points: Mapping[str, Points], applied: Mapping[str, Applications], fits: Sequence[BuiltinFit], variant: Variant
) -> dict[str, BuiltinStudy]:
    """A study of every fitted builtin."""
    return {fit.name: _study(points[fit.name], applied[fit.name], fit, variant) for fit in fits}


def _study(points: Points, applied: Applications, fit: BuiltinFit, variant: Variant) -> BuiltinStudy:
    builtin = BUILTIN_BY_NAME[fit.name]
    own = builtin.size_measures(variant.value)
    compared = tuple(sorted(_compared(builtin, own, points, applied), key=lambda each: each.held_out_error))
    under, over = _mispriced(fit)
    return BuiltinStudy(
        measures=tuple(each.name for each in own),
        compared=compared,
        better_measures=_better_measures(compared, tuple(each.name for each in own)),
        undercharged=under,
        overcharged=over,
        reach=tuple(_reaches(builtin, own, points, ledger_model(variant))),
        parameters=_appended(builtin, fit),
    )


def _compared(
    builtin: Builtin, own: Sequence[SizeMeasure], points: Points, applied: Applications
) -> Iterator[MeasureComparison]:
    """Each choice of measures that gives different sizes than those before it."""
    rivals = [
        (mine, *(each for each in RIVALS.get(head, ()) if each is not mine))
        for mine, head in zip(own, (kind.split(" ")[0] for kind in builtin.argument_types), strict=True)
    ]
    others = [dict(cells[-1].sizes_by_measure) for cells in applied.cells]
    seen: set[tuple[Sizes, ...]] = set()
    for measures in product(*rivals):
        sizes = tuple(
            tuple(
                size if measure is mine else by.get(measure.name, at)[place]
                for place, (size, measure, mine) in enumerate(zip(at, measures, own, strict=True))
            )
            for at, by in zip(points.sizes, others, strict=True)
        )
        if sizes in seen:
            continue
        seen.add(sizes)
        errors, coefficients = _every_shape(replace(points, sizes=sizes), builtin)
        if errors:
            best = simplest(errors, coefficients)
            alike, apart = _at_equal_sizes(points, sizes)
            yield MeasureComparison(
                measures=tuple(each.name for each in measures),
                shape=best,
                held_out_error=errors[best],
                alike=alike,
                most_apart=apart,
            )


def _every_shape(points: Points, builtin: Builtin) -> tuple[dict[str, float], dict[str, int]]:
    functions = {shape_name(each): each for each in (points.function, *candidates(builtin.arity))}
    return shape_errors(points, functions), {name: len(each.names) for name, each in functions.items()}


def _at_equal_sizes(points: Points, sizes: Sequence[Sizes]) -> tuple[int, float | None]:
    """How many points share their sizes with others, and the greatest ratio of two of their times."""
    groups: dict[Sizes, list[float]] = defaultdict(list)
    for at, cost in zip(sizes, points.costs_ps[0].tolist(), strict=True):
        groups[at].append(max(cost, LEAST_BUILTIN_PS))
    shared = [costs for costs in groups.values() if len(costs) > 1]
    return sum(map(len, shared)), max((max(costs) / min(costs) for costs in shared), default=None)


def _better_measures(compared: Sequence[MeasureComparison], own: tuple[str, ...]) -> tuple[str, ...] | None:
    present = next((each.held_out_error for each in compared if each.measures == own), None)
    if present is None or not compared or not is_better(compared[0].held_out_error, present):
        return None
    return compared[0].measures


def _mispriced(fit: BuiltinFit) -> tuple[Mispriced, Mispriced]:
    """The points that are charged less than was measured, and those that are charged more."""
    under: list[tuple[float, Sizes]] = []
    over: list[tuple[float, Sizes]] = []
    for point in fit.record.points:
        if point.measured is not None:
            measured = max(point.measured.ps, LEAST_BUILTIN_PS)
            factor = measured / max(point.charged_ps, LEAST_BUILTIN_PS)
            (under if factor > 1 else over).append((max(factor, 1 / factor), point.sizes))
    return _side(under), _side(over)


def _side(found: Sequence[tuple[float, Sizes]]) -> Mispriced:
    if not found:
        return Mispriced(points=0, median_factor=None, worst_factor=None, worst_sizes=())
    worst, sizes = max(found)
    middle = float(np.median([factor for factor, _ in found]))
    return Mispriced(points=len(found), median_factor=middle, worst_factor=worst, worst_sizes=sizes)


def _reaches(builtin: Builtin, own: Sequence[SizeMeasure], points: Points, ledger: CostModel) -> Iterator[LargestSize]:
    limits = parameters_at(last_change())
    for place, (kind, measure) in enumerate(zip(builtin.argument_types, own, strict=True)):
        budget = limits.max_tx_execution_units
        by_building = built(kind, measure, ledger, budget) if budget is not None else None
        by_bytes = carried(kind, measure, limits.max_tx_size)
        if by_building is not None or by_bytes is not None:
            yield LargestSize(
                argument=place + 1,
                measure=measure.name,
                measured=max(at[place] for at in points.sizes),
                built=by_building,
                carried=by_bytes,
            )


def _appended(builtin: Builtin, fit: BuiltinFit) -> dict[str, int]:
    if available(builtin, LedgerLanguage.PLUTUS_V3, _LIVE_AT):
        return {}
    memory = proposed_model(Variant.E).builtins[builtin.name].memory
    values = (*fit.priced.function.values, *memory.values)
    return dict(zip(parameter_names_of(builtin.name, fit.priced.function, memory), values, strict=True))
