"""Sections about a fitted model: its curves, its step and call costs, and how it was made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from costmodel.model import CostModel, StepKind, Variant, ledger_model
from costmodel.model.basis import basis_of_model, described
from costmodel.records.model import (
    Coefficient,
    ExpressedModel,
    FamilyScale,
    FittedBuiltin,
    FittedModel,
    ModelVerdict,
    Scale,
)
from costmodel.rendering import numbers
from costmodel.rendering.studies import study_tables
from costmodel.rendering.tables import (
    Table,
    TableCell,
    change_cell,
    count_cell,
    facts,
    number,
    time_cell,
)
from costmodel.report.charts import Axis, Chart, Mark, Panel, scale_for, values
from costmodel.report.curves import (
    builtin_section,
    charge_factors,
    interval_of,
    material_flags,
    nanoseconds,
    undercharge_of,
)
from costmodel.report.documents import Model
from costmodel.report.page_model import Conclusion, Flagged, KeyFigure, Plot, Section
from costmodel.report.prices import bounds, prices_table

_MOST_ROWS: Final = 25  # of the plot of undercharges
_STUDIED: Final = (
    "For authors of builtins. A measure of size is good where times are equal at equal sizes, and where a simple shape "
    "predicts points that it was not fitted to."
)
_MANY_OFF: Final = 0.5  # a price that is off by more than this makes a model doubtful


def model_flags(model: Model) -> Iterator[Flagged]:
    """What is wrong with a model, and what it lacks."""
    fitted = model.section
    if fitted is None:
        yield Flagged("info", "no fit", model.name, "has prices without a fit, so nothing is known of their accuracy")
        return
    for warning in fitted.warnings:
        yield Flagged("warning", "odd run", model.name, warning)
    if isinstance(fitted, ExpressedModel):
        text = "is in the picoseconds of another machine; the fit itself has the curves and flags"
        yield Flagged("info", "other picoseconds", model.name, text)
        return
    for name, builtin in fitted.builtins.items():
        yield from _builtin_flags(name, builtin)
    for name, price in fitted.steps.coefficients.items():
        yield from _flags_of(name, price.flags, price.relative_half_width or 0.0)
    for name, reason in sorted(fitted.unfitted.items()):
        yield Flagged("error", "unfitted", name, f"has no price in {model.name}: {reason}", math.inf)
    if fitted.lost_cells:
        lost = ", ".join(fitted.lost_cells[:5])
        text = f"{numbers.plural(len(fitted.lost_cells), 'cell')} without a process that measured well enough: {lost}"
        yield Flagged("warning", "lost cells", model.name, text)


def _builtin_flags(name: str, builtin: FittedBuiltin) -> Iterator[Flagged]:
    flags = [*builtin.flags, *(flag for price in builtin.coefficients.values() for flag in price.flags)]
    # What is charged too little matters most: it is what an attacker would use.
    factor = math.exp(max(charge_factors(builtin), default=0.0))
    if factor > 1 + _MANY_OFF and not any(flag.material for flag in flags):
        yield Flagged("warning", "undercharged", name, _undercharge(builtin, factor), factor - 1)
    for flagged in _flags_of(name, flags, factor - 1):
        material = flagged.level == "warning" and factor > 1
        yield flagged._replace(text=f"{_undercharge(builtin, factor)}; {flagged.text}") if material else flagged


def _undercharge(builtin: FittedBuiltin, factor: float) -> str:
    """Where a builtin is undercharged most, and by how much."""
    worst = max(builtin.points, key=undercharge_of)
    return f"takes {factor:.3g} times its price at sizes {numbers.sizes(worst.sizes)}"


def _flags_of(name: str, flags: Iterable[Any], effect: float) -> Iterator[Flagged]:
    """One entry for what is material, and one for the rest."""
    flags = tuple(flags)
    for material in (True, False):
        chosen = [flag for flag in flags if flag.material is material]
        if chosen:
            kinds = ", ".join(dict.fromkeys(flag.flag for flag in chosen))
            reasons = "; ".join(dict.fromkeys(flag.reason for flag in chosen))
            yield Flagged("warning" if material else "info", kinds, name, reasons, effect)


def _material_names(fitted: FittedModel) -> set[str]:
    """The builtins and steps with a material flag."""
    builtins = {name for name, each in fitted.builtins.items() if material_flags(each)}
    steps = fitted.steps.coefficients.items()
    return builtins | {name for name, each in steps if any(flag.material for flag in each.flags)}


def model_conclusions(model: Model) -> Iterator[Conclusion]:
    """Whether the model can be used, and why."""
    fitted = model.section
    if not isinstance(fitted, FittedModel):
        return
    if fitted.verdict is not None:
        status = {"usable": "pass", "unsafe": "fail"}.get(fitted.verdict.status, "inconclusive")
        reasons = "; ".join(fitted.verdict.reasons[:3]) or _usable(fitted, fitted.verdict)
        yield Conclusion(status, f"{model.name} is {fitted.verdict.status}: {reasons}")
        return
    factors = {name: max(charge_factors(builtin), default=0.0) for name, builtin in fitted.builtins.items()}
    off = {name: factor for name, factor in factors.items() if math.expm1(factor) > _MANY_OFF}
    if off:
        name = max(off, key=off.__getitem__)
        text = (
            f"{model.name} should not be used as it is: {len(off)} of {len(factors)} builtins take over "
            f"{numbers.percent(_MANY_OFF)} more than they are charged at some size, {name} the most "
            f"({numbers.change(math.expm1(off[name]))})"
        )
        yield Conclusion("fail", text)
    elif fitted.unfitted:
        yield Conclusion("inconclusive", f"{model.name} is incomplete: {', '.join(sorted(fitted.unfitted))} unpriced")
    else:
        yield Conclusion("pass", f"{model.name} charges every measured point within {numbers.percent(_MANY_OFF)}")


def _usable(fitted: FittedModel, verdict: ModelVerdict) -> str:
    """Why a model can be used, and which of its prices is the most worrying."""
    reason = f"no measured point of 5 ns or more takes over {verdict.most_factor:g} times its price"
    if verdict.worst:
        first = verdict.worst[0]
        reason += f"; {first.builtin} takes the most, {first.factor:.3g} times, at sizes {numbers.sizes(first.sizes)}"
    flagged = len(_material_names(fitted))
    return reason + (
        f". {numbers.plural(flagged, 'price')} with a material flag should be looked at" if flagged else ""
    )


def model_figures(model: Model) -> Iterator[tuple[str, KeyFigure]]:
    """Key figures by what they answer."""
    fitted = model.section
    if not isinstance(fitted, FittedModel):
        return
    prices = len(fitted.builtins) + len(fitted.steps.coefficients)
    flagged = len(_material_names(fitted))
    status = "warning" if flagged else "pass"
    yield "flags", KeyFigure("Material flags", f"{flagged} of {prices}", "prices that need a second look", status)
    widths = sorted(
        width for each in fitted.builtins.values() if (width := each.cost_at_centre.relative_half_width) is not None
    )
    if widths:
        note = f"median 95 % interval of a builtin's cost; widest ±{numbers.percent(widths[-1])}"
        yield "precision", KeyFigure("Precision", f"±{numbers.percent(widths[len(widths) // 2])}", note)
    batches = fitted.batches
    share = batches.disturbed / max(batches.disturbed + batches.clean, 1)
    yield "noise", KeyFigure("Noise", numbers.percent(share), "of samples discarded as disturbed")


def model_facts(model: Model) -> Iterator[tuple[str, str]]:
    """Evaluator and machine."""
    fitted = model.section
    if not isinstance(fitted, FittedModel):
        return
    source = fitted.picoseconds_of
    yield "evaluator", " ".join(part for part in (source.evaluator or "native", source.version) if part)
    yield "machine", fitted.machine.cpu.get("model name", fitted.machine.id)
    if fitted.inputs:
        yield "measured", max(run.created for run in fitted.inputs)[:10]


def model_lead(model: Model) -> Plot | None:
    """How far the price of each builtin is below what was measured, at its worst point."""
    if not isinstance(model.section, FittedModel):
        return None
    worst = {name: max(charge_factors(each), default=0.0) for name, each in model.section.builtins.items()}
    names = sorted(worst, key=worst.__getitem__, reverse=True)[:_MOST_ROWS]
    if not names:
        return None
    ratios = [math.exp(worst[name]) for name in names]
    places = list(range(len(names), 0, -1))
    marks = (
        Mark("rule", "ink", x=(1.0,), dashed=True, label="charged = measured"),
        Mark(
            "rows",
            "data",
            x=values(ratios),
            y=values(places),
            label="measured / charged",
            texts=tuple(f"{name}: {numbers.ratio(ratio)}" for name, ratio in zip(names, ratios, strict=True)),
        ),
    )
    x = Axis("measured / charged", scale_for([1.0, *ratios]))
    y = Axis("", names=tuple((float(place), name) for place, name in zip(places, names, strict=True)))
    words = (
        f"The {len(names)} builtins whose price is furthest below what was measured, each at its worst point. That of "
        f"{names[0]} is furthest: measured over charged is {numbers.ratio(ratios[0])}."
    )
    return Plot(
        f"undercharges-{model.name}", "Undercharged most", words, Chart((Panel(x, y, marks),), 60 + 20 * len(names))
    )


def model_sections(model: Model, others: Sequence[CostModel] = ()) -> Iterator[Section]:
    """Builtins with their curves, steps, script calls, and where the model comes from.

    `others` are models to draw beside the fit; without one it is the ledger's, the chain's present prices."""
    fitted = model.section
    if fitted is None:
        whose = described(basis_of_model(model.costs))
        text = f"{numbers.plural(len(model.costs.builtins), 'builtin')}, without a fit of calibrate's own: {whose}"
        yield Section(f"Model {model.name}", text)
        return
    if isinstance(fitted, ExpressedModel):
        yield _expressed(model.name, fitted)
        return
    known = fitted.variant in Variant.__members__
    beside = others[0] if others else ledger_model(Variant(fitted.variant)) if known else None
    label = others[0].source if others else "chain's present price"
    yield builtin_section(model.name, fitted, beside, label)
    if fitted.steps.coefficients:
        yield _steps(model.name, fitted, beside, label)
    if fitted.calls:
        yield _calls(model.name, fitted)
    if tables := tuple(study_tables(fitted.studies)):
        yield Section(f"Pricing of {model.name}", _STUDIED, tables=tables, folded=True)
    yield _origin(model.name, fitted)


def _steps(name: str, fitted: FittedModel, beside: CostModel | None, label: str) -> Section:
    steps = fitted.steps.coefficients
    charged = _step_prices(beside)
    cheapest, dearest = (pick(steps, key=lambda step: steps[step].ps) for pick in (min, max))
    words = (
        f"{len(steps)} prices, from {cheapest} ({numbers.time_ps(steps[cheapest].ps)}) to {dearest} "
        f"({numbers.time_ps(steps[dearest].ps)})."
    )
    chart = _prices_chart(steps, charged, label)
    tables = [prices_table(f"Step costs of {name}", steps, "step", charged, label)]
    predicted = fitted.steps.prediction
    features = {key: price for key, price in predicted.coefficients.items() if key not in {*steps, "footprint"}}
    if features:
        tables.append(prices_table("Further costs that predictions use, which are never charged", features, "feature"))
    if (footprint := predicted.footprint) is not None and "footprint" in predicted.coefficients:
        more = predicted.coefficients["footprint"]
        row = (
            "per doubling of the footprint",
            time_cell(more.ps),
            bounds(more),
            *(count_cell(round(nodes)) for nodes in (footprint.typical, footprint.least, footprint.most)),
        )
        columns = ("extra cost", *map(number, ("of a step", "95 %", "prices hold at", "from", "to")))
        tables.append(
            Table.of("Extra step cost by footprint (distinct nodes of a program that are run)", columns, [row])
        )
    if fitted.no_ops:
        columns = ("builtin call", *map(number, ("measured", "95 %", "predicted from steps", "difference")))
        rows = [
            (
                key,
                time_cell(each.ps),
                bounds(each),
                time_cell(each.predicted_ps),
                change_cell(None if not each.predicted_ps else each.ps / each.predicted_ps - 1),
            )
            for key, each in fitted.no_ops.items()
        ]
        tables.append(Table.of("Calls of builtins that do nothing, against what their steps cost", columns, rows))
    intro = "What each step of the machine costs, with 95 % intervals."
    return Section(f"Steps of {name}", intro, (Plot(f"steps-{name}", "Step costs", words, chart),), tuple(tables))


def _step_prices(model: CostModel | None) -> dict[str, int]:
    """A model's prices of steps in ps, by the keys that fits use."""
    if model is None:
        return {}
    known = {kind.json_key: units.cpu for kind in StepKind if (units := model.steps.get(kind)) is not None}
    return known | ({"cekStartupCost": model.startup.cpu} if model.startup is not None else {})


def _prices_chart(prices: Mapping[str, Coefficient], others: Mapping[str, int], label: str) -> Chart:
    names = sorted(prices, key=lambda name: prices[name].ps)
    places = range(1, len(names) + 1)
    marks = [
        Mark(
            "rows",
            "data",
            x=nanoseconds(prices[name].ps for name in names),
            y=values(places),
            low=nanoseconds(interval_of(prices[name])[0] for name in names),
            high=nanoseconds(interval_of(prices[name])[1] for name in names),
            label="fitted",
            texts=tuple(f"{name}: {numbers.time_ps(prices[name].ps)}" for name in names),
        )
    ]
    known = [(others[name], place) for name, place in zip(names, places, strict=True) if name in others]
    if known:
        x, y = nanoseconds(ps for ps, _ in known), values(place for _, place in known)
        marks.append(Mark("rows", "series-2", x=x, y=y, label=label, texts=tuple(map(numbers.time_ns, x))))
    every = [x for mark in marks for x in mark.x]
    axis = Axis("time (ns)", scale_for(every))
    named = Axis("", names=tuple((float(place), name) for place, name in zip(places, names, strict=True)))
    return Chart((Panel(axis, named, tuple(marks)),), 60 + 20 * len(names))


def _calls(name: str, fitted: FittedModel) -> Section:
    every = {f"{kind}: {key}": price for kind, call in fitted.calls.items() for key, price in call.coefficients.items()}
    positive = {key: price for key, price in every.items() if price.ps > 0}
    plots = []
    if positive:
        words = f"{numbers.plural(len(positive), 'cost')} of a script call beside its evaluation."
        plots = [Plot(f"calls-{name}", "Call overhead", words, _prices_chart(positive, {}, ""))]
    tables = tuple(
        prices_table(f"{kind} (R² {numbers.r_squared(call.r2)})", call.coefficients, "per")
        for kind, call in fitted.calls.items()
    )
    intro = "What a script call costs beside the evaluation. The ledger does not charge it."
    return Section(f"Script calls of {name}", intro, tuple(plots), tables, folded=True)


def _expressed(name: str, expressed: ExpressedModel) -> Section:
    scales: list[tuple[str, str, FamilyScale | Scale]] = [
        (family, f"{scale.known} builtins", scale) for family, scale in expressed.families.items()
    ]
    scales += [(builtin, scale.family, scale) for builtin, scale in expressed.builtins.items()]
    rows = [
        (
            of,
            known,
            TableCell(f"{scale.factor:.4g}", scale.factor),
            numbers.interval(*scale.interval, "{:.4g}".format),
            expressed.refused.get(of, ""),
        )
        for of, known, scale in scales
    ]
    columns = ("of", "family or known", number("scale factor"), number("95 %"), "left out because")
    held = msgspec.to_builtins(expressed.held_out)
    tables = (
        Table.of("Scale factors to the reference machine", columns, rows),
        facts("Machine steps", {"scale factor": f"{expressed.steps_factor:.4g}"}),
        facts(
            "How well held-out builtins were predicted",
            {key.replace("_", " "): f"{value:.4g}" for key, value in held.items() if value is not None},
        ),
        *(origin_table(place, msgspec.to_builtins(run)) for place, run in enumerate(expressed.inputs, 1)),
    )
    return Section(f"{name} in picoseconds of {expressed.reference}", tables=tables)


def _origin(name: str, fitted: FittedModel) -> Section:
    method = {key: str(value) for key, value in msgspec.to_builtins(fitted.method).items()}
    known = msgspec.structs.asdict(fitted.machine).items()
    machine = {key: str(value) for key, value in known if isinstance(value, str | int)} | fitted.machine.cpu
    tables = (
        facts(f"How {name} was made", {"variant": fitted.variant, "calibrate": fitted.tool_version} | method),
        facts("Machine", machine),
        facts("Evaluator", fitted.evaluator),
        *(origin_table(place, msgspec.to_builtins(run)) for place, run in enumerate(fitted.inputs, 1)),
    )
    return Section(f"Provenance of {name}", tables=tables, folded=True)


def origin_table(place: int, run: Mapping[str, Any]) -> Table:
    """A run that something was made from."""
    known: dict[str, str] = {}
    for key, fact in run.items():
        parts = fact.items() if isinstance(fact, dict) else [("", fact)]
        known |= {f"{key}: {name}" if name else key: _words(part) for name, part in parts}
    return facts(f"Input {run.get('run', place)}", known)


def _words(fact: object) -> str:
    match fact:
        case dict():
            return ", ".join(f"{name} {_words(part)}" for name, part in fact.items())
        case list():
            return " ".join(map(_words, fact)) or "none"
        case _:
            return str(fact)
