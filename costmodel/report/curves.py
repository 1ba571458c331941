"""Builtins of a fitted model: a table, and a curve for each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from math import prod
from typing import Final

from costmodel.model import CostModel
from costmodel.records.model import Figure, FittedBuiltin, FittedModel, Point
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, TableCell, change_cell, number, ratio_cell, share_cell, time_cell, wide
from costmodel.report.charts import Axis, Chart, Mark, Panel, scale_for, values
from costmodel.report.page_model import Fold, Plot, Section
from costmodel.report.prices import prices_table

_PS_PER_NS: Final = 1e3
_SAME: Final = 1e-3  # relative difference of fitted costs that counts as none

Driver = tuple[str, Callable[[Sequence[int]], float]]


def charge_factors(builtin: FittedBuiltin) -> list[float]:
    """The logarithm of measured over charged at every measured point."""
    return [factor for point in builtin.points if math.isfinite(factor := undercharge_of(point))]


def undercharge_of(point: Point) -> float:
    """The logarithm of measured over charged; −∞ where one of both is unknown."""
    if point.measured is None or point.measured.ps <= 0 or point.charged_ps <= 0:
        return -math.inf
    return math.log(point.measured.ps / point.charged_ps)


def builtin_section(name: str, fitted: FittedModel, beside: CostModel | None, label: str) -> Section:
    columns = (
        "builtin",
        number("measured / charged, most"),
        number("least"),
        "flags",
        number("cost at the centre"),
        number("±"),
        wide("shape"),
        wide(number("R²")),
    )
    order = sorted(fitted.builtins, key=lambda each: -max(charge_factors(fitted.builtins[each]), default=-math.inf))
    rows = [_builtin_row(each, fitted.builtins[each]) for each in order]
    folds = tuple(_builtin_fold(each, fitted.builtins[each], beside, label) for each in order)
    intro = (
        "Points are measurements with 95 % intervals. The line is the fit with its 95 % band, the dashed line is what "
        f"the model charges, and the thin line is the {label}. Below are the residuals: measured less fitted. Sizes "
        "are in the units of the costing functions. The most undercharged builtin comes first."
    )
    return Section(f"Cost curves of {name}", intro, tables=(Table.of("Builtins", columns, rows),), folds=folds)


def material_flags(builtin: FittedBuiltin) -> str:
    """The kinds of flags that call its price into question."""
    flags = [*builtin.flags, *(flag for price in builtin.coefficients.values() for flag in price.flags)]
    return ", ".join(dict.fromkeys(flag.flag for flag in flags if flag.material))


def _builtin_row(name: str, fit: FittedBuiltin) -> tuple[str | TableCell, ...]:
    flags = material_flags(fit)
    factors = charge_factors(fit)
    return (
        name,
        ratio_cell(math.exp(max(factors)) if factors else None),
        ratio_cell(math.exp(min(factors)) if factors else None),
        TableCell(flags or "none", status="warning" if flags else ""),
        time_cell(fit.cost_at_centre.ps),
        share_cell(fit.cost_at_centre.relative_half_width),
        fit.shape,
        TableCell(numbers.r_squared(fit.r2), fit.r2),
    )


def _builtin_fold(name: str, fit: FittedBuiltin, beside: CostModel | None, label: str) -> Fold:
    columns = (
        "sizes",
        *map(number, ("measured", "fitted", "charged", "residual", label)),
    )
    rows = [
        (
            TableCell(numbers.sizes(point.sizes), float(prod(point.sizes))),
            time_cell(point.measured.ps if point.measured else None),
            time_cell(point.fitted.ps),
            time_cell(point.charged_ps),
            change_cell(point.residual),
            time_cell(_price(beside, name, point)),
        )
        for point in (*fit.points, *(corner for corner in fit.corners if _new(corner, fit)))
    ]
    plots = (_curve(name, fit, beside, label),) if fit.points else ()
    flags = material_flags(fit)
    prices = prices_table(f"Coefficients of {name}, {fit.shape}", fit.coefficients, "coefficient")
    return Fold(name, flags, bool(flags), plots, (prices, Table.of(f"Points of {name}", columns, rows)))


def _new(corner: Point, fit: FittedBuiltin) -> bool:
    return all(corner.sizes != point.sizes for point in fit.points)


def _price(model: CostModel | None, builtin: str, point: Point) -> float | None:
    """What another model charges there, in ps."""
    if model is None or builtin not in model.builtins:
        return None
    return float(model.builtins[builtin].cpu.evaluate(point.sizes))


def _curve(name: str, fit: FittedBuiltin, beside: CostModel | None, label: str) -> Plot:
    by, driver = _driver(fit)
    words = (
        f"Time of {name} by {by}: {len(fit.points)} measured points, and the fit of shape {fit.shape}; the worst "
        f"residual is {numbers.percent(fit.worst_relative_residual)}."
    )
    return Plot(f"curve-{name}", f"{name}: cost by {by}", words, _curve_chart(name, fit, (by, driver), beside, label))


def _curve_chart(name: str, fit: FittedBuiltin, by: Driver, beside: CostModel | None, label: str) -> Chart:
    driver = by[1]
    places = sorted((*fit.points, *fit.corners), key=lambda point: (driver(point.sizes), point.fitted.ps))
    at = values(driver(point.sizes) for point in places)
    measured = [(driver(point.sizes), point, point.measured) for point in fit.points if point.measured]
    marks = [
        Mark("band", "fit", x=at, low=_ends(places, 0), high=_ends(places, 1), label="95 % band"),
        Mark("line", "fit", x=at, y=nanoseconds(point.fitted.ps for point in places), label="fit"),
        Mark("line", "ink", x=at, y=nanoseconds(point.charged_ps for point in places), label="charged", dashed=True),
    ]
    prices = [_price(beside, name, point) for point in places]
    if all(price is not None for price in prices):
        marks.append(Mark("line", "series-2", x=at, y=nanoseconds(price or 0.0 for price in prices), label=label))
    xs = values(x for x, _, _ in measured)
    sizes = tuple(numbers.sizes(point.sizes) for _, point, _ in measured)
    marks.append(
        Mark(
            "points",
            "data",
            x=xs,
            y=nanoseconds(figure.ps for _, _, figure in measured),
            low=nanoseconds(interval_of(figure)[0] for _, _, figure in measured),
            high=nanoseconds(interval_of(figure)[1] for _, _, figure in measured),
            label="measured",
            texts=tuple(
                f"{size}: {numbers.time_ps(figure.ps)}" for size, (_, _, figure) in zip(sizes, measured, strict=True)
            ),
        )
    )
    scale = scale_for(at)
    above = Panel(Axis("", scale), Axis("time (ns)", scale_for([y for mark in marks for y in mark.y])), tuple(marks), 2)
    residuals = Mark(
        "points",
        "data",
        x=xs,
        y=values(100 * (point.residual or 0.0) for _, point, _ in measured),
        texts=tuple(
            f"{size}: {numbers.change(point.residual)}" for size, (_, point, _) in zip(sizes, measured, strict=True)
        ),
    )
    below = Panel(Axis(by[0], scale), Axis("residual (%)"), (Mark("rule", "ink", y=(0.0,)), residuals))
    return Chart((above, below), 420)


def nanoseconds(times_ps: Iterable[float]) -> tuple[float, ...]:
    return values(ps / _PS_PER_NS for ps in times_ps)


def interval_of(figure: Figure) -> tuple[float, float]:
    return figure.interval_ps or (figure.ps, figure.ps)


def _ends(places: Sequence[Point], side: int) -> tuple[float, ...]:
    return nanoseconds(interval_of(point.fitted)[side] for point in places)


def _driver(fit: FittedBuiltin) -> Driver:
    """What the cost depends on, in words and as a function of the sizes: the first of which fitted costs are a
    function, or else the fitted cost itself."""
    places = (*fit.points, *fit.corners)
    costs = {point.sizes: point.fitted.ps for point in places}
    counts = {len(point.sizes) for point in places}
    for label, driver in _drivers(counts.pop() if len(counts) == 1 else 0, fit):
        known: dict[float, float] = {}
        if all(abs(known.setdefault(driver(sizes), cost) - cost) <= _SAME * abs(cost) for sizes, cost in costs.items()):
            return label, driver
    return "fitted cost (ns)", lambda sizes: costs[tuple(sizes)] / _PS_PER_NS


def _drivers(count: int, fit: FittedBuiltin) -> Iterator[Driver]:
    combined: dict[str, Driver] = {
        "max": ("largest size", max),
        "min": ("smallest size", min),
        "added": ("sum of sizes", sum),
        "multiplied": ("product of sizes", prod),
    }
    for word, driver in combined.items():
        if count > 1 and fit.shape.startswith(word):
            yield driver
    varying = sorted(range(count), key=lambda i: -len({point.sizes[i] for point in fit.points}))
    for i in varying:
        yield (f"size of argument {i + 1}" if count > 1 else "size"), partial(_size, i)


def _size(place: int, sizes: Sequence[int]) -> float:
    return float(sizes[place])
