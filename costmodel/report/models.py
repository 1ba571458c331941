"""Sections about a fitted model: its curves, its step costs, and how it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import prod
from typing import Any, Final

import msgspec
import numpy as np
from matplotlib.figure import Figure as Canvas

from costmodel.records.model import (
    Builtin,
    Coefficient,
    ExpressedModel,
    Figure,
    Flag,
    FootprintRange,
    Point,
    Prediction,
)
from costmodel.records.model import FittedModel as Fitted
from costmodel.records.run import Origin
from costmodel.report.colours import Palette
from costmodel.report.documents import Model
from costmodel.report.page_model import Cell, Column, Flagged, Fold, Plot, Section, Table
from costmodel.report.plots import log_if_wide
from costmodel.report.text import (
    count_cell,
    interval_text,
    label_text,
    percent,
    share_cell,
    signed,
    sizes_text,
    time_cell,
    time_text,
)

_PS_PER_NS: Final = 1e3
_SAME: Final = 1e-3  # relative difference of fitted costs that counts as none
_FOOTPRINT: Final = "footprint"  # the name of its figure
_DENSE: Final = 60  # points of a curve

Driver = tuple[str, Callable[[Sequence[int]], float]]


def model_flags(model: Model) -> Iterator[Flagged]:
    """What is wrong with a model, and what it lacks."""
    if model.fitted is None:
        text = "is a model without a fit: there is nothing to say of its quality"
        yield Flagged("info", "no intervals", model.name, text)
        return
    if isinstance(model.fitted, ExpressedModel):
        text = "is a fit in the picoseconds of another machine; the fit itself has the curves and flags"
        yield Flagged("info", "other picoseconds", model.name, text)
        for warning in model.fitted.warnings:
            yield Flagged("warning", "odd run", model.name, warning)
        return
    for name, kinds in sorted(model.fitted.flagged.items()):
        reasons = "; ".join(flag.reason for flag in _flags(model.fitted, name) if flag.material)
        yield Flagged("warning", ", ".join(kinds), name, reasons)
    for name, reason in sorted(model.fitted.unfitted.items()):
        yield Flagged("error", "unfitted", name, f"has no price in {model.name}: {reason}")
    for warning in model.fitted.warnings:
        yield Flagged("warning", "odd run", model.name, warning)
    if model.fitted.lost_cells:
        lost = ", ".join(model.fitted.lost_cells[:5])
        text = f"{len(model.fitted.lost_cells)} cells had no process that measured them well enough: {lost} …"
        yield Flagged("warning", "lost cells", model.name, text)


def _flags(fitted: Fitted, name: str) -> Iterator[Flag]:
    if name in fitted.builtins:
        yield from fitted.builtins[name].flags
        for coefficient in fitted.builtins[name].coefficients.values():
            yield from coefficient.flags
    elif name in fitted.steps.coefficients:
        yield from fitted.steps.coefficients[name].flags


def model_sections(model: Model) -> Iterator[Section]:
    """Builtins with their curves, steps, script calls, and where the model comes from."""
    if model.fitted is None:
        yield Section(f"Model {model.name}", f"{len(model.costs.builtins)} builtins, without a fit.")
        return
    fitted = model.fitted
    if isinstance(fitted, ExpressedModel):
        yield _expressed(model.name, fitted)
        return
    yield _builtins(model.name, fitted)
    if fitted.steps.coefficients:
        yield _steps(model.name, fitted)
    if fitted.calls:
        yield _calls(model.name, fitted)
    yield _origin(model.name, fitted)


def _builtins(name: str, fitted: Fitted) -> Section:
    columns = ("builtin", "shape", "coefficients (ps)", "R²", "worst residual", "flags")
    rows = tuple(
        _builtin_row(builtin, fit, fitted.flagged.get(builtin, ())) for builtin, fit in fitted.builtins.items()
    )
    table = Table(f"Builtins of {name}", tuple(Column(each, i in (3, 4)) for i, each in enumerate(columns)), rows)
    order = sorted(fitted.builtins, key=lambda builtin: (builtin not in fitted.flagged, builtin))
    folds = tuple(
        _builtin_fold(builtin, fitted.builtins[builtin], fitted.flagged.get(builtin, ())) for builtin in order
    )
    intro = (
        "Points are what was measured, with 95 % intervals; the line joins the fit at the measured sizes and at the "
        "corners of the domain, the band is its 95 % interval; the dashed line is what is charged. Sizes are counted "
        "as the costing functions count them. What is flagged comes first. Open a builtin for its curve."
    )
    return Section(f"Cost curves of {name}", intro, tables=(table,), folds=folds)


def _builtin_row(builtin: str, fit: Builtin, flags: Sequence[str]) -> tuple[Cell, ...]:
    prices = ", ".join(f"{key} {value.charged_ps or value.ps:,.0f}" for key, value in fit.coefficients.items())
    return (
        Cell(builtin),
        Cell(fit.shape),
        Cell(prices),
        Cell("–" if fit.r2 is None else f"{fit.r2:.4f}", fit.r2),
        share_cell(fit.worst_relative_residual),
        Cell(", ".join(flags) or "none", status="warning" if flags else ""),
    )


def _builtin_fold(builtin: str, fit: Builtin, flags: Sequence[str]) -> Fold:
    rows = tuple(
        (
            Cell(sizes_text(place.sizes), float(prod(place.sizes))),
            time_cell(place.measured.ps if place.measured else None),
            time_cell(place.fitted.ps),
            time_cell(place.charged_ps),
            Cell("–") if place.residual is None else Cell(signed(place.residual), place.residual),
        )
        for place in (*fit.points, *(corner for corner in fit.corners if _new(corner, fit)))
    )
    columns = (Column("sizes"), *(Column(each, True) for each in ("measured", "fitted", "charged", "residual")))
    plots = (_curve(builtin, fit),) if fit.points else ()
    return Fold(builtin, ", ".join(flags), bool(flags), plots, (Table(f"Points of {builtin}", columns, rows),))


def _new(corner: Point, fit: Builtin) -> bool:
    return all(corner.sizes != place.sizes for place in fit.points)


def _curve(builtin: str, fit: Builtin) -> Plot:
    label, _ = _driver(fit)
    worst = percent(fit.worst_relative_residual)
    description = (
        f"Time of {builtin} by {label}: {len(fit.points)} measured points with the fit of shape {fit.shape}; "
        f"the worst residual is {worst}."
    )
    return Plot(f"curve-{builtin}", f"{builtin}: cost by {label}", description, partial(_draw_curve, fit))


def _draw_curve(fit: Builtin, canvas: Canvas, palette: Palette) -> None:
    label, driver = _driver(fit)
    axes = canvas.subplots()
    places = sorted((*fit.points, *fit.corners), key=lambda place: (driver(place.sizes), place.fitted.ps))
    at = np.array([driver(place.sizes) for place in places])
    wide = at.min() > 0 and at.max() > 20 * at.min()
    if at.max() > at.min():
        dense = np.geomspace(at.min(), at.max(), _DENSE) if wide else np.linspace(at.min(), at.max(), _DENSE)
    else:
        dense = np.array([at[0] * 0.9 or -0.1, at[0] * 1.1 or 0.1])
    # np.interp joins points in linear scales, as the shapes go, whatever scale the axes have.
    ends = np.array([(*_ends(place.fitted), place.fitted.ps) for place in places]) / _PS_PER_NS
    low, high, line = (np.interp(dense, at, column) for column in ends.T)
    axes.fill_between(dense, low, high, color=palette.fit, alpha=0.2, linewidth=0, label="95 % band")
    axes.plot(dense, line, color=palette.fit, label="fit")
    if all(place.charged_ps is not None for place in places):
        charged = np.interp(dense, at, np.array([place.charged_ps for place in places], float) / _PS_PER_NS)
        axes.plot(dense, charged, color=palette.ink, linestyle="--", linewidth=0.9, label="charged")
    measured = [(driver(place.sizes), place.measured) for place in fit.points if place.measured]
    _points(axes, measured, palette)
    log_if_wide(axes, "x", list(at))
    log_if_wide(axes, "y", [each.ps for _, each in measured] + [place.fitted.ps for place in places])
    axes.set_xlabel(label)
    axes.set_ylabel("time (ns)")
    axes.legend()


def _points(axes: Any, measured: Sequence[tuple[float, Figure]], palette: Palette) -> None:
    at = [x for x, _ in measured]
    value = np.array([each.ps for _, each in measured]) / _PS_PER_NS
    bounds = np.array([_ends(each) for _, each in measured]).reshape(-1, 2).T / _PS_PER_NS
    error = np.abs(bounds - value)
    axes.errorbar(at, value, yerr=error, fmt="o", color=palette.data, elinewidth=1, label="measured")


def _ends(figure: Figure) -> tuple[float, float]:
    """The interval, or the figure itself where one process measured it."""
    return figure.interval_ps or (figure.ps, figure.ps)


def _driver(fit: Builtin) -> Driver:
    """What the cost goes by, in words and as a function of the sizes: the first of which fitted costs are a function,
    or else the fitted cost itself."""
    places = (*fit.points, *fit.corners)
    costs = {place.sizes: place.fitted.ps for place in places}
    counts = {len(place.sizes) for place in places}
    for label, driver in _drivers(counts.pop() if len(counts) == 1 else 0, fit):
        values: dict[float, float] = {}
        if all(
            abs(values.setdefault(driver(sizes), cost) - cost) <= _SAME * abs(cost) for sizes, cost in costs.items()
        ):
            return label, driver
    return "fitted cost (ns)", lambda sizes: costs[tuple(sizes)] / _PS_PER_NS


def _drivers(count: int, fit: Builtin) -> Iterator[Driver]:
    combined: dict[str, tuple[Driver, ...]] = {
        "max": (("largest size", max),),
        "min": (("smallest size", min),),
        "added": (("sum of sizes", sum),),
        "multiplied": (("product of sizes", prod),),
    }
    for word, drivers in combined.items():
        if count > 1 and fit.shape.startswith(word):
            yield from drivers
    varying = sorted(range(count), key=lambda i: -len({place.sizes[i] for place in fit.points}))
    for i in varying:
        yield (f"size of argument {i + 1}" if count > 1 else "size"), partial(_size, i)


def _size(number: int, sizes: Sequence[int]) -> float:
    return float(sizes[number])


def _steps(name: str, fitted: Fitted) -> Section:
    steps = fitted.steps.coefficients
    table = _prices(f"Step costs of {name}", steps, "step")
    cheapest, dearest = (pick(steps, key=lambda step: steps[step].ps) for pick in (min, max))
    ends = " to ".join(f"{step} ({time_text(steps[step].ps)})" for step in (cheapest, dearest))
    words = f"{len(steps)} steps, from {ends}."
    plot = Plot(f"steps-{name}", "Step costs with 95 % intervals", words, partial(_draw_bars, steps))
    tables = [table]
    if more := _features(fitted.steps.prediction, steps):
        tables.append(
            _prices(f"What times are predicted from beside the steps of {name} (never charged)", more, "feature")
        )
    if (footprint := fitted.steps.prediction.footprint) is not None:
        tables.append(_footprint(footprint, fitted.steps.prediction))
    if fitted.no_ops:
        columns = (
            Column("no-op"),
            *(Column(each, True) for each in ("measured", "95 %", "by the steps", "difference")),
        )
        rows = tuple(
            (
                Cell(key),
                time_cell(value.ps),
                Cell(_times(value.interval_ps)),
                time_cell(value.predicted_ps),
                share_cell(None if not value.predicted_ps else value.ps / value.predicted_ps - 1),
            )
            for key, value in fitted.no_ops.items()
        )
        tables.append(Table("Calls of builtins that do nothing, against what their steps cost", columns, rows))
    return Section(f"Steps of {name}", "What each step of the machine costs.", (plot,), tuple(tables))


def _features(found: Prediction, steps: dict[str, Coefficient]) -> dict[str, Coefficient]:
    return {name: each for name, each in found.coefficients.items() if name not in steps and name != _FOOTPRINT}


def _footprint(found: FootprintRange, prediction: Prediction) -> Table:
    columns = (
        Column("nodes of a program that are run"),
        *(Column(each, True) for each in ("a step takes more", "95 %", "prices hold at", "from", "to")),
    )
    nodes = [Cell(f"{value:,.0f}", value) for value in (found.typical, found.least, found.most)]
    value = prediction.coefficients[_FOOTPRINT]
    row = (Cell("each doubling"), time_cell(value.ps), Cell(_times(value.interval_ps)), *nodes)
    return Table("Extra step cost by footprint", columns, (row,))


def _draw_bars(steps: dict[str, Coefficient], canvas: Canvas, palette: Palette) -> None:
    axes = canvas.subplots()
    names = sorted(steps, key=lambda step: steps[step].ps)
    value = np.array([steps[step].ps for step in names]) / _PS_PER_NS
    bounds = np.array([_ends(steps[step]) for step in names]).T / _PS_PER_NS
    axes.barh([label_text(name) for name in names], value, color=palette.data, height=0.6, alpha=0.75)
    axes.errorbar(
        value, np.arange(len(names)), xerr=np.abs(bounds - value), fmt="none", ecolor=palette.ink, elinewidth=1
    )
    axes.set_xlabel("time (ns)")
    axes.grid(axis="y", visible=False)


def _calls(name: str, fitted: Fitted) -> Section:
    tables = tuple(
        _prices(f"{kind} (R² {'–' if part.r2 is None else format(part.r2, '.4f')})", part.coefficients, "coefficient")
        for kind, part in fitted.calls.items()
    )
    intro = "What a script call costs beside the evaluation. The ledger does not charge it."
    return Section(f"Script calls of {name}", intro, tables=tables)


def _prices(caption: str, prices: dict[str, Coefficient], what: str) -> Table:
    columns = (Column(what), *(Column(each, True) for each in ("fitted", "95 %", "±", "charged (ps)")), Column("flags"))
    rows = tuple(
        (
            Cell(key),
            time_cell(price.ps),
            Cell(_times(price.interval_ps)),
            share_cell(price.relative_half_width),
            count_cell(price.charged_ps),
            Cell(
                ", ".join(flag.flag for flag in price.flags) or "none",
                status="warning" if any(flag.material for flag in price.flags) else "",
            ),
        )
        for key, price in prices.items()
    )
    return Table(caption, columns, rows)


def _expressed(name: str, expressed: ExpressedModel) -> Section:
    factors = {
        **{
            builtin: (scale.factor, scale.interval, "yes" if scale.known else "no")
            for builtin, scale in expressed.builtins.items()
        },
        **{family: (scale.factor, scale.interval, str(scale.known)) for family, scale in expressed.families.items()},
    }
    columns = (
        Column("builtin" if expressed.builtins else "family"),
        Column("in both models", True),
        Column("scale factor", True),
        Column("95 %"),
        Column("left out"),
    )
    rows = tuple(
        (
            Cell(key),
            Cell(known),
            Cell(f"{factor:.4g}", factor),
            Cell(interval_text(*interval, "{:.4g}")),
            Cell(expressed.refused.get(key, "")),
        )
        for key, (factor, interval, known) in factors.items()
    )
    steps = (
        Cell("machine steps"),
        Cell("–"),
        Cell(f"{expressed.steps_factor:.4g}", expressed.steps_factor),
        Cell("–"),
        Cell(""),
    )
    held = {
        key.replace("_", " "): f"{value:.4g}"
        for key, value in msgspec.structs.asdict(expressed.held_out).items()
        if value is not None
    }
    tables = (
        Table(f"Scale factors to the picoseconds of {expressed.reference}", columns, (*rows, steps)),
        facts_table("How well builtins that were held out were predicted", held),
        *(origin_table(number, _facts(run)) for number, run in enumerate(expressed.inputs, 1)),
    )
    return Section(f"{name} in picoseconds of {expressed.reference}", tables=tables)


def _facts(run: Origin) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(run)
    return facts


def _origin(name: str, fitted: Fitted) -> Section:
    method = {key: str(value) for key, value in msgspec.structs.asdict(fitted.method).items()}
    machine = {
        key: str(value)
        for key, value in msgspec.structs.asdict(fitted.machine).items()
        if not isinstance(value, dict | tuple)
    }
    tables = (
        facts_table(f"How {name} was made", {"variant": fitted.variant, "calibrate": fitted.tool_version} | method),
        facts_table("Machine", machine),
        facts_table("Evaluator", fitted.evaluator),
        *(origin_table(number, _facts(run)) for number, run in enumerate(fitted.inputs, 1)),
    )
    return Section(f"Provenance of {name}", tables=tables)


def origin_table(number: int, run: dict[str, Any]) -> Table:
    """A run that something was made from."""
    facts: dict[str, str] = {}
    for key, fact in run.items():
        parts = fact.items() if isinstance(fact, dict) else [("", fact)]
        facts |= {f"{key}: {name}" if name else key: _words(part) for name, part in parts}
    return facts_table(f"Input {run.get('run', number)}", facts)


def _words(fact: object) -> str:
    match fact:
        case dict():
            return ", ".join(f"{name} {_words(part)}" for name, part in fact.items())
        case list():
            return " ".join(map(_words, fact)) or "none"
        case _:
            return str(fact)


def _times(interval_ps: tuple[float, float] | None) -> str:
    if interval_ps is None:
        return "one process"
    return " … ".join(time_text(end) for end in interval_ps)


def facts_table(caption: str, facts: dict[str, str]) -> Table:
    """Names and values."""
    rows = tuple((Cell(key), Cell(value)) for key, value in facts.items())
    return Table(caption, (Column("what"), Column("is")), rows)
