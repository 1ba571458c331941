"""What `calibrate fit` shows of a model: tables of builtins, steps and script calls, what is wrong with them, and
whether the model can be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from costmodel.cli.output import percent, stdout, table, time_ns

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from costmodel.records.model import Coefficient, Figure, FittedModel, Flag

_POORLY_SEPARATED = 0.1
"""Identifiability below which the table says that a step is poorly separated from others."""


def show_model(section: FittedModel, target: Path) -> None:
    """Print the tables; `target` is where the model was written."""
    console = stdout()
    _show_builtins(console, section)
    _show_steps(console, section)
    if section.calls:
        _show_calls(console, section)
    if section.shapes:
        _show_shapes(console, section)
    for name, reason in sorted(section.unfitted.items()):
        console.print(f"not fitted: {name}: {reason}", markup=False, soft_wrap=True)
    if lost := section.lost_cells:
        console.print(f"left out: {len(lost)} cells with too few clean batches, first {lost[0]}", markup=False)
    show_flags(console, section)
    for oddity in section.warnings:
        console.print(f"warning: {oddity}", markup=False, soft_wrap=True)
    if section.clock_unit != "ns":
        console.print(
            f"these are prices in {section.clock_unit}, not in time: ns stands for one of them, ps for a thousandth"
        )
    _show_verdict(console, section, target)


def show_flags(console: Console, section: FittedModel) -> None:
    """One line for each builtin and step with a material flag, with the reasons."""
    for name in section.flagged:
        reasons = "; ".join(dict.fromkeys(f"{each.flag}: {each.reason}" for each in material_flags(section, name)))
        console.print(f"flagged: {name}: {reasons}", markup=False, soft_wrap=True)
    prices = len(section.builtins) + len(section.steps.coefficients)
    console.print(f"{len(section.flagged)} of {prices} prices have material flags")


def material_flags(section: FittedModel, name: str) -> tuple[Flag, ...]:
    """What a builtin or a step is flagged for that calls its price into question."""
    if name in section.builtins:
        fit = section.builtins[name]
        flags = [*fit.flags, *(each for part in fit.coefficients.values() for each in part.flags)]
    else:
        flags = list(section.steps.coefficients[name].flags)
    return tuple(each for each in flags if each.material)


def _show_verdict(console: Console, section: FittedModel, target: Path) -> None:
    verdict, whose = section.verdict, section.picoseconds_of
    if verdict is not None:
        rows = [
            (each.builtin, ", ".join(map(str, each.sizes)), *_compared(each.measured_ps, each.charged_ps, each.factor))
            for each in verdict.worst
        ]
        headings = (("builtin", "left"), ("sizes", "left"), ("measured", "right"), ("price", "right"), ("÷", "right"))
        console.print()
        console.print(table("Most undercharged points of 5 ns and more, one a builtin", headings, rows))
        console.print()
        for reason in verdict.reasons:
            console.print(reason, markup=False, soft_wrap=True)
        limit = f"no point is undercharged by more than {verdict.most_factor:g} times" if not verdict.reasons else ""
        console.print(f"verdict: {verdict.status}{f': {limit}' if limit else ''}", markup=False, soft_wrap=True)
    console.print(
        f"picoseconds of {whose.evaluator} {whose.version} ({whose.build}) on {whose.machine}",
        markup=False,
        soft_wrap=True,
    )
    console.print(f"model: {target}", markup=False, soft_wrap=True)
    commands = list(verdict.next_commands) if verdict is not None else []
    if section.flagged:
        commands.append(f"calibrate measure --flagged {target}")
    commands.append(f"calibrate validate {target}")
    console.print(f"next: {commands[0]}", markup=False, soft_wrap=True)


def _compared(measured_ps: float, charged_ps: int, factor: float) -> tuple[str, str, str]:
    return time_ns(measured_ps / 1000), time_ns(charged_ps / 1000), f"{factor:.2f}"


def _interval(figure: Figure) -> str:
    if figure.interval_ps is None:
        return "one process"
    half = figure.relative_half_width
    return "" if half is None else f"±{percent(half)}"


def _kinds(flags: Sequence[Flag]) -> str:
    return "; ".join(dict.fromkeys(each.flag for each in flags if each.material))


def _coefficients(coefficients: dict[str, Coefficient]) -> str:
    return ", ".join(
        f"{name} {each.charged_ps:,}" for name, each in coefficients.items() if each.charged_ps is not None
    )


def _show_builtins(console: Console, section: FittedModel) -> None:
    rows = [
        (
            name,
            fit.shape,
            _coefficients(fit.coefficients),
            time_ns(fit.cost_at_centre.ps / 1000),
            _interval(fit.cost_at_centre),
            "" if fit.r2 is None else f"{fit.r2:.4f}",
            percent(fit.worst_relative_residual),
            "; ".join(filter(None, [_kinds(material_flags(section, name))])),
        )
        for name, fit in section.builtins.items()
    ]
    headings = (
        ("builtin", "left"),
        ("shape", "left"),
        ("coefficients (ps)", "left"),
        ("cost", "right"),
        ("95 % (timing)", "right"),
        ("R²", "right"),
        ("worst residual", "right"),
        ("flags", "left"),
    )
    console.print(table("Builtins (cost at the centre of the measured sizes)", headings, rows))
    console.print()


def _show_steps(console: Console, section: FittedModel) -> None:
    steps = section.steps
    rows = [
        (name, f"{each.charged_ps:,} ps", _interval(each), _kinds(each.flags))
        for name, each in steps.coefficients.items()
    ]
    headings = (("step", "left"), ("price", "right"), ("95 % (timing and lack of fit)", "right"), ("flags", "left"))
    console.print(table("Machine steps", headings, rows))
    startup, step = steps.single_price.startup, steps.single_price.step
    console.print(
        f"one price for all, the ledger's convention: start-up {startup.ps:,.0f} ps {_interval(startup)}, "
        f"step {step.ps:,.0f} ps {_interval(step)}",
        markup=False,
    )
    spread = "assumed" if steps.spread is None else f"{percent(steps.spread)} (estimated)"
    console.print(
        f"step design: condition number {steps.condition_number:.3g}, worst residual "
        f"{percent(steps.worst_relative_residual)}; spread of prices about the common one: {spread}; "
        f"other programs' steps are priced to ±{percent(steps.scatter_of_other_programs)} (standard deviation)",
        markup=False,
        soft_wrap=True,
    )
    alike = [
        name
        for name, each in steps.coefficients.items()
        if each.identifiability is not None and each.identifiability < _POORLY_SEPARATED
    ]
    if alike:
        console.print(
            f"poorly separated (correlation above {1 - _POORLY_SEPARATED:.1f}): {', '.join(alike)}",
            markup=False,
            soft_wrap=True,
        )
    _show_prediction(console, section)


def _show_prediction(console: Console, section: FittedModel) -> None:
    found = section.steps.prediction
    rows = [
        (name, time_ns(each.ps / 1000), _interval(each))
        for name, each in found.coefficients.items()
        if name not in section.steps.coefficients
    ]
    if not rows:
        return
    console.print()
    headings = (("feature", "left"), ("time", "right"), ("95 % (timing and lack of fit)", "right"))
    console.print(table("What times are predicted from beside steps (never charged)", headings, rows))
    if (sizes := found.footprint) is not None:
        console.print(
            f"footprint: extra time of a step for each doubling of the nodes that are run, from {sizes.least:,.0f} to "
            f"{sizes.most:,.0f}; prices hold at {sizes.typical:,.0f}",
            markup=False,
            soft_wrap=True,
        )
    if found.missed is not None:
        console.print(f"programs left out are missed by {percent(found.missed)} (root mean square)")


def _show_calls(console: Console, section: FittedModel) -> None:
    rows = [
        (part, name, time_ns(each.ps / 1000), _interval(each), "; ".join(dict.fromkeys(f.flag for f in each.flags)))
        for part, fit in section.calls.items()
        for name, each in fit.coefficients.items()
    ]
    console.print()
    headings = (("part", "left"), ("per", "left"), ("cost", "right"), ("95 %", "right"), ("flags", "left"))
    console.print(table("Script call (not charged by the ledger)", headings, rows))


def _show_shapes(console: Console, section: FittedModel) -> None:
    rows = []
    for name, study in section.shapes.items():
        best, error = next(iter(study.held_out_errors.items()))
        present = percent(study.held_out_errors[study.present])
        rows.append((name, study.present, present, best, percent(error), study.suggested or ""))
    headings = (
        ("builtin", "left"),
        ("shape", "left"),
        ("error", "right"),
        ("best", "left"),
        ("error", "right"),
        ("worth proposing", "left"),
    )
    console.print()
    console.print(table("Other shapes, by the error at points held out (the model keeps the ledger's)", headings, rows))
    sums = [
        (
            name,
            fit.better_shape.shape,
            percent(fit.better_shape.present_error),
            percent(fit.better_shape.held_out_error),
        )
        for name, fit in section.builtins.items()
        if fit.better_shape is not None
    ]
    if sums:
        console.print()
        columns = (("builtin", "left"), ("sum of terms", "left"), ("present error", "right"), ("error", "right"))
        console.print(table("Shapes outside of the protocol, used for predictions", columns, sums))
