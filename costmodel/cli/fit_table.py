"""What `calibrate fit` shows of a model: tables of builtins, steps and script calls, what is wrong with them, and
whether the model can be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from costmodel.cli.output import say, show
from costmodel.rendering import numbers
from costmodel.rendering.studies import study_tables
from costmodel.rendering.tables import Table, number, wide

if TYPE_CHECKING:
    from pathlib import Path

    from costmodel.records.model import Coefficient, Figure, FittedModel, Flag

_POORLY_SEPARATED = 0.1
"""Identifiability below which the table says that a step is poorly separated from others."""


def show_model(section: FittedModel, target: Path) -> None:
    """Print the tables; `target` is where the model was written."""
    _show_builtins(section)
    if section.steps.coefficients:
        _show_steps(section)
    else:
        say("steps were not measured, and the model does not price them")
    if section.calls:
        _show_calls(section)
    if section.shapes:
        _show_shapes(section)
    for table in study_tables(section.studies):
        say("")
        show(table)
    _show_margins(section)
    for name, reason in sorted(section.unfitted.items()):
        say(f"not fitted: {name}: {reason}")
    if lost := section.lost_cells:
        say(f"left out: {len(lost)} cells with too few clean batches, first {lost[0]}")
    show_flags(section)
    for oddity in section.warnings:
        say(f"warning: {oddity}")
    if section.clock_unit != "ns":
        say(f"these are prices in {section.clock_unit}, not in time: ns stands for one of them, ps for a thousandth")
    _show_verdict(section, target)


def show_flags(section: FittedModel) -> None:
    """One line for each builtin and step with a material flag, with the reasons."""
    for name in section.flagged:
        reasons = "; ".join(dict.fromkeys(f"{each.flag}: {each.reason}" for each in material_flags(section, name)))
        say(f"flagged: {name}: {reasons}")
    prices = len(section.builtins) + len(section.steps.coefficients)
    say(f"{len(section.flagged)} of {prices} prices have material flags")


def material_flags(section: FittedModel, name: str) -> tuple[Flag, ...]:
    """What a builtin or a step is flagged for that calls its price into question."""
    if name in section.builtins:
        fit = section.builtins[name]
        flags = [*fit.flags, *(each for part in fit.coefficients.values() for each in part.flags)]
    else:
        flags = list(section.steps.coefficients[name].flags)
    return tuple(each for each in flags if each.material)


def _show_verdict(section: FittedModel, target: Path) -> None:
    verdict, whose = section.verdict, section.picoseconds_of
    if verdict is not None:
        rows = [
            (each.builtin, ", ".join(map(str, each.sizes)), *_compared(each.measured_ps, each.charged_ps, each.factor))
            for each in verdict.worst
        ]
        headings = ("builtin", "sizes", number("measured"), number("price"), number("÷"))
        say("")
        show(Table.of("Most undercharged points of 5 ns and more, one a builtin", headings, rows))
        say("")
        for reason in verdict.reasons:
            say(reason)
        safe = all(each.factor <= verdict.most_factor for each in verdict.worst)
        limit = f"no point is undercharged by more than {verdict.most_factor:g} times" if safe else ""
        say(f"verdict: {verdict.status}{f': {limit}' if limit else ''}")
    say(f"picoseconds of {whose.evaluator} {whose.version} ({whose.build}) on {whose.machine}")
    say(f"model: {target}")
    commands = list(verdict.next_commands) if verdict is not None else []
    if section.flagged:
        commands.append(f"calibrate measure --flagged {target}")
    commands.append(f"calibrate validate {target}")
    say(f"next: {commands[0]}")


def _compared(measured_ps: float, charged_ps: int, factor: float) -> tuple[str, str, str]:
    return numbers.time_ns(measured_ps / 1000), numbers.time_ns(charged_ps / 1000), f"{factor:.2f}"


def _interval(figure: Figure) -> str:
    if figure.interval_ps is None:
        return "one process"
    return numbers.half_width(figure.relative_half_width)


def _kinds(flags: Sequence[Flag]) -> str:
    return "; ".join(dict.fromkeys(each.flag for each in flags if each.material))


def _coefficients(coefficients: dict[str, Coefficient]) -> str:
    return ", ".join(
        f"{name} {each.charged_ps:,}" for name, each in coefficients.items() if each.charged_ps is not None
    )


def _show_builtins(section: FittedModel) -> None:
    rows = [
        (
            name,
            fit.shape,
            _coefficients(fit.coefficients),
            numbers.time_ns(fit.cost_at_centre.ps / 1000),
            _interval(fit.cost_at_centre),
            "" if fit.r2 is None else numbers.r_squared(fit.r2),
            numbers.percent(fit.worst_relative_residual),
            "; ".join(filter(None, [_kinds(material_flags(section, name))])),
        )
        for name, fit in section.builtins.items()
    ]
    headings = (
        "builtin",
        wide("shape"),
        wide("coefficients (ps)"),
        number("cost"),
        number("95 % (timing)"),
        wide(number("R²")),
        number("worst residual"),
        "flags",
    )
    show(Table.of("Builtins (cost at the centre of the measured sizes)", headings, rows))
    say("")


def _show_steps(section: FittedModel) -> None:
    steps = section.steps
    rows = [
        (name, f"{each.charged_ps:,} ps", _interval(each), _kinds(each.flags))
        for name, each in steps.coefficients.items()
    ]
    headings = ("step", number("price"), number("95 % (timing and lack of fit)"), "flags")
    show(Table.of("Machine steps", headings, rows))
    if steps.single_price is not None:
        startup, step = steps.single_price.startup, steps.single_price.step
        say(
            f"one price for all, the ledger's convention: start-up {startup.ps:,.0f} ps {_interval(startup)}, "
            f"step {step.ps:,.0f} ps {_interval(step)}"
        )
    spread = "assumed" if steps.spread is None else f"{numbers.percent(steps.spread)} (estimated)"
    say(
        f"step design: condition number {steps.condition_number:.3g}, worst residual "
        f"{numbers.percent(steps.worst_relative_residual)}; spread of prices about the common one: {spread}; "
        f"other programs' steps are priced to ±{numbers.percent(steps.scatter_of_other_programs)} (standard deviation)"
    )
    alike = [
        name
        for name, each in steps.coefficients.items()
        if each.identifiability is not None and each.identifiability < _POORLY_SEPARATED
    ]
    if alike:
        say(f"poorly separated (correlation above {1 - _POORLY_SEPARATED:.1f}): {', '.join(alike)}")
    _show_prediction(section)


def _show_prediction(section: FittedModel) -> None:
    found = section.steps.prediction
    rows = [
        (name, numbers.time_ns(each.ps / 1000), _interval(each))
        for name, each in found.coefficients.items()
        if name not in section.steps.coefficients
    ]
    if not rows:
        return
    say("")
    headings = ("feature", number("time"), number("95 % (timing and lack of fit)"))
    show(Table.of("What times are predicted from beside steps (never charged)", headings, rows))
    if (sizes := found.footprint) is not None:
        say(
            f"footprint: extra time of a step for each doubling of the nodes that are run, from {sizes.least:,.0f} to "
            f"{sizes.most:,.0f}; prices hold at {sizes.typical:,.0f}"
        )
    if found.missed is not None:
        say(f"error on held-out programs: {numbers.percent(found.missed)} (root mean square)")


def _show_calls(section: FittedModel) -> None:
    rows = [
        (
            part,
            name,
            numbers.time_ns(each.ps / 1000),
            _interval(each),
            "; ".join(dict.fromkeys(f.flag for f in each.flags)),
        )
        for part, fit in section.calls.items()
        for name, each in fit.coefficients.items()
    ]
    say("")
    headings = ("part", "per", number("cost"), number("95 %"), "flags")
    show(Table.of("Script call (not charged by the ledger)", headings, rows))


def _show_margins(section: FittedModel) -> None:
    """What is charged beyond the fit, and the witnesses that it covers."""
    rules = section.settings.margins if section.settings is not None else ()
    if not rules:
        return
    from costmodel.fit.margin import WORST, described_margins, rule_of

    say("")
    rows = [
        (each.price, numbers.sizes(each.sizes), numbers.time_ns(each.ps / 1000), each.search or "cells of the runs")
        for fit in section.builtins.values()
        for each in fit.witnesses
        if (rule := rule_of(each.price, rules)) is not None and rule.kind == WORST
    ]
    if rows:
        show(Table.of("Witnesses that are charged", ("builtin", "sizes", number("time"), "from"), rows))
    say(f"safety margin: {described_margins(rules)}")


def _show_shapes(section: FittedModel) -> None:
    rows = []
    for name, study in section.shapes.items():
        best, error = next(iter(study.held_out_errors.items()))
        present = numbers.percent(study.held_out_errors[study.present])
        rows.append((name, study.present, present, best, numbers.percent(error), study.suggested or ""))
    headings = (
        "builtin",
        "shape",
        number("error"),
        "best",
        number("error"),
        "worth proposing",
    )
    say("")
    show(Table.of("Other shapes, by the error at points held out (the model keeps the ledger's)", headings, rows))
    sums = [
        (
            name,
            fit.better_shape.shape,
            numbers.percent(fit.better_shape.present_error),
            numbers.percent(fit.better_shape.held_out_error),
        )
        for name, fit in section.builtins.items()
        if fit.better_shape is not None
    ]
    if sums:
        say("")
        columns = ("builtin", "sum of terms", number("present error"), number("error"))
        show(Table.of("Shapes outside of the protocol, used for predictions", columns, sums))
