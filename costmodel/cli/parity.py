"""`calibrate parity`: models of several evaluators side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from costmodel.cli.options import Json, ProtocolVersion, TableCommand, refuse_overwriting
from costmodel.cli.output import print_json, say, show
from costmodel.errors import InputError
from costmodel.files import write_atomically
from costmodel.model import variant_for
from costmodel.plutus import language_named

if TYPE_CHECKING:
    from costmodel.records.evaluator import Parity

Command = TableCommand

_LEAST_PACE: Final = 1e-9


def command(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL", help="Models that `calibrate fit` wrote, one an evaluator.", show_default=False
        ),
    ],
    against: Annotated[
        str,
        typer.Option(
            "--against", metavar="SOURCE", help="Prices that are charged: ledger, epoch:N, a variant, a file."
        ),
    ] = "ledger",
    speed: Annotated[
        str | None,
        typer.Option(
            "--speed",
            metavar="NAME",
            help="How the machines' speed is taken out: yardstick, or pace (each evaluator's own median). "
            "[default: yardstick where all models have one]",
        ),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option("--threshold", metavar="FACTOR", help="Over its own pace, a price is too low for an evaluator."),
    ] = 2.0,
    allowed: Annotated[
        float | None,
        typer.Option(
            "--allowed-pace",
            metavar="RATIO",
            help="Time over charge at which a node keeps up. [default: the slowest evaluator's pace]",
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="Prices in the table and in the plot.")] = 20,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write the tables to FILE.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw them as SVG to FILE.")] = None,
    language: Annotated[
        str, typer.Option("--language", metavar="NAME", help="Ledger language whose prices are charged.")
    ] = "PlutusV3",
    protocol_version: ProtocolVersion = 11,
    as_json: Json = False,
) -> None:
    """Show which evaluator is slowest at what, which prices are too low for it, and at which it would keep up."""
    # numpy and matplotlib come with them; other commands must not wait for those.
    from costmodel.model.sources import open_source
    from costmodel.parity.compare import compare_evaluators, read_evaluators

    named = language_named(language)
    refuse_overwriting({"--markdown": markdown, "--plot": plot}, [*models, against])
    found = compare_evaluators(
        read_evaluators(models),
        open_source([against]).cost_model(named, protocol_version),
        variant_for(named, protocol_version),
        speed=_speed(speed),
        threshold=threshold,
        allowed_pace=_positive(allowed),
    )
    from costmodel.parity import render

    if markdown is not None:
        write_atomically(markdown, render.markdown(found, top).encode())
    if plot is not None:
        write_atomically(plot, render.picture(found, top))
    if as_json:
        print_json(found)
    else:
        _show(found, top)


def _speed(name: str | None) -> Any:
    if name not in (None, "yardstick", "pace"):
        raise InputError(f"unknown speed {name!r}; use yardstick or pace")
    return name


def _positive(ratio: float | None) -> float | None:
    if ratio is not None and not _LEAST_PACE < ratio < 1 / _LEAST_PACE:
        raise InputError(f"an allowed pace of {ratio:g} must be above 0, and time over charge such as 0.5")
    return ratio


def _show(found: Parity, top: int) -> None:
    from costmodel.parity.render import summary, tables

    for table in tables(found, top):
        show(table)
    say(*summary(found))
