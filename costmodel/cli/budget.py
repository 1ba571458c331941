"""`calibrate budget`: the largest loop count of a script within the chain's limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costmodel.cli.options import Json, TableCommand
from costmodel.cli.output import complain, print_json, show
from costmodel.model.timeline import last_change, parameters_at
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, number, wide
from costmodel.workloads.budget import BudgetFit, Limits, Meter, Strategy, fit_budget, scaled_fits
from costmodel.workloads.loops import find_loop

Command = TableCommand


def command(
    script: Annotated[
        str,
        typer.Argument(
            metavar="SCRIPT",
            help="loop, ecdsa or schnorr, or a .plutus file with its .redeemer.json beside it.",
            show_default=False,
        ),
    ],
    strategy: Annotated[
        str,
        typer.Option("--strategy", metavar="NAME", help="txbudget, txperblock_N, blockbudget or blockbudget_R."),
    ] = "txbudget",
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", metavar="N", help="Mainnet epoch of the parameters. [default: the last change]"),
    ] = None,
    overlay: Annotated[
        list[Path] | None,
        typer.Option("--overlay", metavar="FILE", help="Parameters to change; may be repeated, the last one wins."),
    ] = None,
    scales: Annotated[
        bool,
        typer.Option(
            "--scales", help="Also fit limits enlarged by 1.5 and 2.0, until both CPU and memory are used up."
        ),
    ] = False,
    as_json: Json = False,
) -> int:
    """Find the largest loop count of a script within the chain's limits.

    The search is a binary search on exact ExUnits. The limit is that of a transaction (txbudget), an Nth of a block's
    (txperblock_N), or a block's limit shared by R times the transactions that it needs (blockbudget_R). --json prints
    the node workbench's budget summary.
    """
    wanted = Strategy.parse(strategy)
    parameters = parameters_at(last_change() if epoch is None else epoch, overlay or ())
    for note in parameters.notes:
        complain(note)
    limits = Limits.of(parameters)
    meter = Meter(find_loop(script, parameters.major), parameters)
    best = fit_budget(meter, wanted, limits)
    others = scaled_fits(meter, best) if scales else []
    if as_json:
        print_json(best.document(others))
    else:
        _show([best, *others])
    return 0


def _show(fits: list[BudgetFit]) -> None:
    columns = (
        "limits",
        wide("strategy"),
        number("loops"),
        "limited by",
        number("CPU (ps)"),
        number("memory (words)"),
        number("txs per block"),
        wide(number("loops per block")),
    )
    rows = [
        (
            fit.scaled or "in force",
            fit.strategy.name,
            numbers.count(fit.loop_count),
            ", ".join(fit.limited_by),
            numbers.count(fit.used.cpu),
            numbers.count(fit.used.mem),
            numbers.count(fit.transactions_per_block),
            numbers.count(fit.loops_per_block),
        )
        for fit in fits
    ]
    show(Table.of(fits[0].script, columns, rows))
