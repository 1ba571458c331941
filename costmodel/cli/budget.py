"""`calibrate budget`: the largest loop count of a script within the chain's limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costmodel.cli.options import Json
from costmodel.cli.output import complain, print_json, stdout, table
from costmodel.model.timeline import last_change, parameters_at
from costmodel.workloads.budget import BudgetFit, Limits, Meter, Strategy, fit_budget, scaled_fits
from costmodel.workloads.loops import find_loop


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
        typer.Option("--overlay", metavar="FILE", help="Parameters to change; repeatable, the last uppermost."),
    ] = None,
    scales: Annotated[
        bool,
        typer.Option("--scales", help="Also with limits enlarged by 1.5 and 2.0, as many as it takes to use the more."),
    ] = False,
    as_json: Json = False,
) -> int:
    """Find the largest loop count of a script within a target, by binary search on exact ExUnits.

    The target is a transaction's limit (txbudget), the Nth part of a block's (txperblock_N), or what shares a block's
    limit among R times as many transactions as it needs (blockbudget_R). JSON is the node workbench's budget summary.
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
        print_json(best.to_dict() | {"scales": [fit.to_dict() for fit in others]})
    else:
        _show([best, *others])
    return 0


def _show(fits: list[BudgetFit]) -> None:
    columns = (
        ("limits", "left"),
        ("strategy", "left"),
        ("loops", "right"),
        ("limited by", "left"),
        ("CPU, ps", "right"),
        ("memory, words", "right"),
        ("txs a block", "right"),
        ("loops a block", "right"),
    )
    rows = [
        (
            fit.scaled or "in force",
            fit.strategy.name,
            f"{fit.loop_count:,}",
            ", ".join(fit.limited_by),
            f"{fit.used.cpu:,}",
            f"{fit.used.mem:,}",
            str(fit.transactions_per_block),
            f"{fit.loops_per_block:,}",
        )
        for fit in fits
    ]
    stdout().print(table(fits[0].script, columns, rows))
