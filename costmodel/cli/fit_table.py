"""What `calibrate fit` shows of a model: tables of builtins, steps and script calls, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.cli.output import percent, stdout, table, time_ns

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from costmodel.fit import Coefficient, FittedModel, Flag, Interval, Joint

_HARDLY_TOLD = 0.1
"""Identifiability below which the table says that a step is hardly told from others."""


def show_model(model: FittedModel, target: Path) -> None:
    """Print the tables; `target` is where the model was written."""
    console = stdout()
    _show_builtins(console, model)
    if model.steps.coefficients:
        _show_steps(console, model)
        _show_joint(console, model.joint)
    else:
        console.print("steps were not measured, and the model does not price them")
    if model.calls:
        _show_calls(console, model)
    if model.shapes:
        _show_shapes(console, model)
    for name, reason in sorted(model.unfitted.items()):
        console.print(f"not fitted: {name}: {reason}", markup=False, soft_wrap=True)
    if model.provenance.lost:
        lost = model.provenance.lost
        console.print(f"left out: {len(lost)} cells with too few clean batches, first {lost[0]}", markup=False)
    show_flags(console, model)
    for oddity in model.provenance.oddities:
        console.print(f"warning: {oddity}", markup=False, soft_wrap=True)
    if (unit := model.provenance.clock_unit) != "ns":
        console.print(f"these are prices in {unit}, not in time: ns stands for one of them, ps for a thousandth")
    console.print(f"model: {target}", markup=False, soft_wrap=True)


def show_flags(console: Console, model: FittedModel) -> None:
    """One line for each builtin and step that is flagged, with the reasons."""
    flagged = model.flagged
    for name, flags in flagged.items():
        reasons = "; ".join(dict.fromkeys(f"{flag.kind.value}: {flag.reason}" for flag in flags))
        console.print(f"flagged: {name}: {reasons}", markup=False, soft_wrap=True)
    prices = len(model.builtins) + len(model.steps.coefficients)
    console.print(f"{len(flagged)} of {prices} prices are flagged")


def _interval(interval: Interval) -> str:
    half = interval.relative_half_width
    return "" if half is None else f"±{percent(half)}"


def _kinds(flags: tuple[Flag, ...]) -> str:
    return "; ".join(dict.fromkeys(flag.kind.value for flag in flags))


def _coefficients(coefficients: tuple[Coefficient, ...]) -> str:
    return ", ".join(f"{each.name} {each.charged_ps:,}" for each in coefficients if each.charged_ps is not None)


def _show_builtins(console: Console, model: FittedModel) -> None:
    rows = [
        (
            row.builtin,
            row.shape,
            _coefficients(row.coefficients),
            time_ns(row.cost.point / 1000),
            _interval(row.cost),
            "" if row.r2 is None else f"{row.r2:.4f}",
            percent(row.worst_relative_residual),
            _kinds(row.flags),
        )
        for row in model.summary()
    ]
    headings = (
        ("builtin", "left"),
        ("shape", "left"),
        ("coefficients (ps)", "left"),
        ("cost", "right"),
        ("95 %", "right"),
        ("R²", "right"),
        ("worst residual", "right"),
        ("flags", "left"),
    )
    console.print(table("Builtins (cost at the centre of the measured sizes)", headings, rows))
    console.print()


def _show_steps(console: Console, model: FittedModel) -> None:
    rows = [
        (each.name, f"{each.charged_ps:,} ps", _interval(each.fitted), _kinds(each.flags))
        for each in model.steps.coefficients
    ]
    console.print(
        table("Machine steps", (("step", "left"), ("price", "right"), ("95 %", "right"), ("flags", "left")), rows)
    )
    startup, step = model.steps.single
    console.print(
        f"one price for all, the ledger's convention: start-up {startup.point:,.0f} ps {_interval(startup)}, "
        f"step {step.point:,.0f} ps {_interval(step)}",
        markup=False,
    )
    if model.steps.footprint is not None:
        more, sizes = model.steps.footprint.coefficient.fitted, model.steps.footprint.range
        console.print(
            f"prices hold where {sizes.typical:,.0f} different nodes of a program are run; with each doubling, from "
            f"{sizes.least:,.0f} to {sizes.most:,.0f}, a step takes {more.point:,.0f} ps more {_interval(more)}",
            markup=False,
            soft_wrap=True,
        )
    console.print(
        f"step design: condition number {model.steps.condition:.3g}, "
        f"worst residual {percent(model.steps.worst_relative_residual)}; "
        f"other programs' steps are priced to ±{percent(model.steps.lack.scatter)} (standard deviation)",
        markup=False,
        soft_wrap=True,
    )
    told = [(each.name, each.identifiability) for each in model.steps.coefficients]
    if alike := [name for name, share in told if share is not None and share < _HARDLY_TOLD]:
        console.print(
            f"hardly told apart (their counts go along with others to {percent(1 - _HARDLY_TOLD)} and more): "
            f"{', '.join(alike)}",
            markup=False,
            soft_wrap=True,
        )


def _show_joint(console: Console, joint: Joint) -> None:
    told = [joint.reason] if joint.reason else []
    if joint.held_out:
        misses = f"{percent(joint.after)} with it, {percent(joint.before)} without"
        told.append(f"{joint.held_out} programs held out are missed by {misses}")
    console.print(
        f"joint stage: {'kept' if joint.kept else 'not kept'}: {'; '.join(told)}", markup=False, soft_wrap=True
    )


def _show_calls(console: Console, model: FittedModel) -> None:
    rows = [
        (fit.operation, each.name, time_ns(each.fitted.point / 1000), _interval(each.fitted), _kinds(each.flags))
        for fit in model.calls
        for each in fit.coefficients
    ]
    console.print()
    headings = (("part", "left"), ("per", "left"), ("cost", "right"), ("95 %", "right"), ("flags", "left"))
    console.print(table("Script call (not charged by the ledger)", headings, rows))


def _show_shapes(console: Console, model: FittedModel) -> None:
    rows = [
        (
            name,
            study.present,
            percent(study.errors[study.present]),
            study.best,
            percent(study.errors[study.best]),
            study.suggested or "",
        )
        for name, study in model.shapes.items()
    ]
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
