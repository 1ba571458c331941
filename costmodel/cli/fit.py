"""`calibrate fit`: fits a cost model to runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from costmodel.cli.fit_official import fit_criterion
from costmodel.cli.options import Json, ProtocolVersion, Seed, language_named
from costmodel.cli.output import percent, print_json, stderr, stdout, table, time_ns
from costmodel.errors import InputError
from costmodel.model import variant_for

if TYPE_CHECKING:
    from costmodel.fit import Coefficient, FittedModel, Interval


def command(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN", help="Folders of complete runs.", show_default=False)
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method", metavar="NAME", help="own, from runs, or official: upstream's published procedure on a CSV."
        ),
    ] = "own",
    criterion: Annotated[
        Path | None,
        typer.Option("--criterion", metavar="FILE", help="Criterion CSV of upstream's benchmarks (official method)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Model to write. [default: models/<last run>.json]")
    ] = None,
    language: Annotated[
        str, typer.Option("--language", metavar="NAME", help="Ledger language whose costing-function shapes to fit.")
    ] = "PlutusV3",
    protocol_version: ProtocolVersion = 11,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Fit costing functions, step costs and call overhead to runs, and write a cost model."""
    # scipy and pandas come with them; a command that does not fit must not wait for those.
    from costmodel.fit import fit_runs
    from costmodel.runs.store import Run

    variant = variant_for(language_named(language), protocol_version)
    if _is_official(method, runs, criterion):
        assert criterion is not None  # noqa: S101 - as has just been checked
        fit_criterion(criterion, out or Path("models") / f"{criterion.stem}.json", variant=variant, as_json=as_json)
        return
    assert runs is not None  # noqa: S101 - as has just been checked
    opened = [Run.open(path) for path in runs]
    with stderr().status("fitting"):
        model = fit_runs(opened, variant=variant, seed=seed)
    target = out or Path("models") / f"{opened[-1].path.name}.json"
    model.write(target)
    if as_json:
        print_json({"model": str(target), **model.cost_model.extras})
    else:
        _show(model, target)


def _is_official(method: str, runs: list[Path] | None, criterion: Path | None) -> bool:
    """Whether the official method is wanted; InputError where the input is not that method's."""
    if method not in ("own", "official"):
        raise InputError(f"unknown method {method!r}; use own or official")
    if method == "official" and (runs or criterion is None):
        raise InputError("the official method takes no runs but a CSV; give it with --criterion")
    if method == "own" and (not runs or criterion is not None):
        raise InputError("name runs to fit, or give --method official with --criterion FILE.csv")
    return method == "official"


def _interval(interval: Interval) -> str:
    half = interval.relative_half_width
    return "" if half is None else f"±{percent(half)}"


def _coefficients(coefficients: tuple[Coefficient, ...]) -> str:
    return ", ".join(f"{each.name} {each.charged_ps:,}" for each in coefficients if each.charged_ps is not None)


def _show(model: FittedModel, target: Path) -> None:
    console = stdout()
    rows = [
        (
            row.builtin,
            row.shape,
            _coefficients(row.coefficients),
            time_ns(row.cost.point / 1000),
            _interval(row.cost),
            percent(row.worst_relative_residual),
            "; ".join(sorted({flag.kind.value for flag in row.flags})),
        )
        for row in model.summary()
    ]
    headings = (
        ("builtin", "left"),
        ("shape", "left"),
        ("coefficients (ps)", "left"),
        ("cost", "right"),
        ("95 %", "right"),
        ("worst residual", "right"),
        ("flags", "left"),
    )
    console.print(table("Builtins", headings, rows))
    console.print()
    steps = [
        (
            each.name,
            f"{each.charged_ps:,} ps",
            _interval(each.fitted),
            "; ".join(flag.kind.value for flag in each.flags),
        )
        for each in model.steps.coefficients
    ]
    console.print(
        table("Machine steps", (("step", "left"), ("price", "right"), ("95 %", "right"), ("flags", "left")), steps)
    )
    console.print(
        f"step design: condition number {model.steps.condition:.3g}, "
        f"worst residual {percent(model.steps.worst_relative_residual)}",
        markup=False,
    )
    if model.calls:
        calls = [
            (
                fit.operation,
                each.name,
                time_ns(each.fitted.point / 1000),
                _interval(each.fitted),
                "; ".join(flag.kind.value for flag in each.flags),
            )
            for fit in model.calls
            for each in fit.coefficients
        ]
        console.print()
        headings_of_calls = (("part", "left"), ("per", "left"), ("cost", "right"), ("95 %", "right"), ("flags", "left"))
        console.print(table("Script call (not charged by the ledger)", headings_of_calls, calls))
    for name, reason in sorted(model.unfitted.items()):
        console.print(f"not fitted: {name}: {reason}", markup=False, soft_wrap=True)
    console.print(f"model: {target}", markup=False, soft_wrap=True)
