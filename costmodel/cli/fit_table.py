"""What `calibrate fit` shows of a model: tables of builtins, steps and script calls, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.cli.output import say, show
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, number, wide

if TYPE_CHECKING:
    from pathlib import Path

    from costmodel.fit import Coefficient, FittedModel, Flag, Interval, Joint

_HARDLY_TOLD = 0.1
"""Identifiability below which a step is listed as poorly separated from others."""


def show_model(model: FittedModel, target: Path) -> None:
    """Print the tables; `target` is where the model was written."""
    _show_builtins(model)
    if model.steps.coefficients:
        _show_steps(model)
        _show_joint(model.joint)
    else:
        say("steps were not measured, and the model does not price them")
    if model.calls:
        _show_calls(model)
    if model.shapes:
        _show_shapes(model)
    for name, reason in sorted(model.unfitted.items()):
        say(f"not fitted: {name}: {reason}")
    if model.provenance.lost:
        lost = model.provenance.lost
        say(f"left out: {len(lost)} cells with too few undisturbed samples, the first is {lost[0]}")
    show_flags(model)
    for oddity in model.provenance.oddities:
        say(f"warning: {oddity}")
    if (unit := model.provenance.clock_unit) != "ns":
        say(f"prices are in {unit}, not in time: read ns as one of them and ps as a thousandth")
    say(f"model: {target}")


def show_flags(model: FittedModel) -> None:
    """One line for each builtin and step that is flagged, with the reasons."""
    flagged = model.flagged
    for name, flags in flagged.items():
        reasons = "; ".join(dict.fromkeys(f"{flag.kind.value}: {flag.reason}" for flag in flags))
        say(f"flagged: {name}: {reasons}")
    prices = len(model.builtins) + len(model.steps.coefficients)
    say(f"{len(flagged)} of {prices} prices are flagged")


def _interval(interval: Interval) -> str:
    return numbers.half_width(interval.relative_half_width)


def _kinds(flags: tuple[Flag, ...]) -> str:
    return "; ".join(dict.fromkeys(flag.kind.value for flag in flags))


def _coefficients(coefficients: tuple[Coefficient, ...]) -> str:
    return ", ".join(f"{each.name} {each.charged_ps:,}" for each in coefficients if each.charged_ps is not None)


def _show_builtins(model: FittedModel) -> None:
    rows = [
        (
            row.builtin,
            row.shape,
            _coefficients(row.coefficients),
            numbers.time_ns(row.cost.point / 1000),
            _interval(row.cost),
            "" if row.r2 is None else f"{row.r2:.4f}",
            numbers.percent(row.worst_relative_residual),
            _kinds(row.flags),
        )
        for row in model.summary()
    ]
    headings = (
        "builtin",
        wide("shape"),
        wide("coefficients (ps)"),
        number("cost"),
        number("95 %"),
        wide(number("R²")),
        number("worst residual"),
        "flags",
    )
    show(Table.of("Builtins (cost at the centre of the measured sizes)", headings, rows))
    say("")


def _show_steps(model: FittedModel) -> None:
    rows = [
        (each.name, f"{each.charged_ps:,} ps", _interval(each.fitted), _kinds(each.flags))
        for each in model.steps.coefficients
    ]
    show(Table.of("Machine steps", ("step", number("price"), number("95 %"), "flags"), rows))
    startup, step = model.steps.single
    say(
        f"one price for all, the ledger's convention: start-up {startup.point:,.0f} ps {_interval(startup)}, "
        f"step {step.point:,.0f} ps {_interval(step)}",
    )
    if model.steps.footprint is not None:
        more, sizes = model.steps.footprint.coefficient.fitted, model.steps.footprint.range
        say(
            f"prices hold where {sizes.typical:,.0f} different nodes of a program are run; with each doubling, from "
            f"{sizes.least:,.0f} to {sizes.most:,.0f}, a step takes {more.point:,.0f} ps more {_interval(more)}"
        )
    say(
        f"step design: condition number {model.steps.condition:.3g}, "
        f"worst residual {numbers.percent(model.steps.worst_relative_residual)}; "
        f"other programs' steps are priced to ±{numbers.percent(model.steps.lack.scatter)} (standard deviation)"
    )
    told = [(each.name, each.identifiability) for each in model.steps.coefficients]
    if alike := [name for name, share in told if share is not None and share < _HARDLY_TOLD]:
        say(f"poorly separated (correlation above {1 - _HARDLY_TOLD:.2g}): {', '.join(alike)}")


def _show_joint(joint: Joint) -> None:
    told = [joint.reason] if joint.reason else []
    if joint.held_out:
        errors = f"{numbers.percent(joint.after)} with it, {numbers.percent(joint.before)} without"
        told.append(f"{joint.held_out} held-out programs have errors of {errors}")
    say(f"joint adjustment {'kept' if joint.kept else 'rejected'}: {'; '.join(told)}")


def _show_calls(model: FittedModel) -> None:
    rows = [
        (
            fit.operation,
            each.name,
            numbers.time_ns(each.fitted.point / 1000),
            _interval(each.fitted),
            _kinds(each.flags),
        )
        for fit in model.calls
        for each in fit.coefficients
    ]
    say("")
    headings = ("part", "per", number("cost"), number("95 %"), "flags")
    show(Table.of("Script call (not charged by the ledger)", headings, rows))


def _show_shapes(model: FittedModel) -> None:
    rows = [
        (
            name,
            study.present,
            numbers.percent(study.errors[study.present]),
            study.best,
            numbers.percent(study.errors[study.best]),
            study.suggested or "",
        )
        for name, study in model.shapes.items()
    ]
    headings = (
        "builtin",
        "shape",
        number("error"),
        "best",
        number("error"),
        "worth proposing",
    )
    say("")
    show(Table.of("Other shapes, by the error at held-out points (the model keeps the ledger's)", headings, rows))
