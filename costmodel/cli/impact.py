"""`calibrate impact`: what a cost model changes on real scripts."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from costmodel import api
from costmodel.cli.options import LOCAL, Json, TableCommand, command_shown, refuse_overwriting
from costmodel.cli.output import print_json, say, show
from costmodel.cli.progress import counted
from costmodel.cli.spreading import Backend, Jobs, spreading
from costmodel.cli.trace import TraceConfig, traced
from costmodel.errors import InputError
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, number
from costmodel.rendering.text import shortened

if TYPE_CHECKING:
    from costmodel.records.impact import Impact, Quantiles

Command = TableCommand

_SOURCE = "ledger, a variant A to E, epoch:N, or a file of any format that `params` reads"


def command(
    before: Annotated[str, typer.Argument(metavar="A", help=f"The present cost model: {_SOURCE}.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The model to compare it with, named likewise.")],
    corpus: Annotated[
        str,
        typer.Option(
            "--corpus",
            metavar="SOURCE",
            help="Replay corpus (JSON; Parquet, a file or a folder of files, here or at an address such as s3://…), "
            "folder of scripts, postgresql://… (plutus-script-evaluation), or usages recorded with --record.",
        ),
    ],
    blocks: Annotated[
        str | None, typer.Option("--blocks", metavar="FIRST:LAST", help="Blocks of a database. [default: all]")
    ] = None,
    epoch: Annotated[
        int | None, typer.Option("--epoch", metavar="N", min=0, help="Epoch of prices and limits. [default: the last]")
    ] = None,
    overlay: Annotated[
        list[Path] | None, typer.Option("--overlay", metavar="FILE", help="Changes on top of the epoch's parameters.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Parquet file with a row for each evaluation; also an address."),
    ] = None,
    record: Annotated[
        str | None,
        typer.Option("--record", metavar="FILE", help="Parquet file of usages, for repricing by other models."),
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, max=10_000, help="Rows of each table.")] = 10,
    jobs: Jobs = None,
    backend: Backend = LOCAL,
    trace_config: TraceConfig = None,
    as_json: Json = False,
) -> int:
    """Show what cost model B changes compared with A on real scripts: units, fees, limits, and who breaks.

    Every script is evaluated under both. Fees are those of each evaluation as if it were a transaction's only script.
    Ends with 0 whatever it finds; `params diff` compares prices without scripts.
    """
    refuse_overwriting({"--out": out, "--record": record}, [before, after, corpus, *(overlay or ())])
    with (
        traced(trace_config) as trace,
        spreading(backend, jobs) as spreader,
        counted("pricing", "evaluations") as progress,
    ):
        found = api.impact(
            before,
            after,
            corpus,
            blocks=blocks_named(blocks),
            epoch=epoch,
            overlay=overlay or (),
            out=out,
            record=record,
            most=top,
            spreader=spreader,
            progress=progress,
            trace=trace,
            command_line=command_shown(sys.argv),
        )
    if as_json:
        print_json(found)
    else:
        _show(found, top)
    return 0


def blocks_named(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,18}):(\d{1,18})", text)
    if match is None or int(match[1]) > int(match[2]):
        raise InputError(f"invalid blocks {text!r}; use FIRST:LAST, such as 9000000:9100000")
    return int(match[1]), int(match[2])


def _show(found: Impact, top: int) -> None:
    from costmodel.model.basis import described

    say(f"{found.after} compared with {found.before} on {found.corpus}", _counted(found))
    for name, basis in ((found.before, found.before_of), (found.after, found.after_of)):
        if basis is not None:
            say(f"{name}: {described(basis)}")
    before, after = found.totals_before, found.totals_after
    rows = [
        ("CPU (ps)", f"{before.units[0]:,}", f"{after.units[0]:,}", _change(before.units[0], after.units[0])),
        ("memory (words)", f"{before.units[1]:,}", f"{after.units[1]:,}", _change(before.units[1], after.units[1])),
        ("fees (lovelace)", f"{before.fee:,}", f"{after.fee:,}", _change(before.fee, after.fee)),
        ("evaluations per block", _number(before.per_block), _number(after.per_block), ""),
    ]
    show(Table.of("", ("all evaluations", *map(number, ("before", "after", "change"))), rows))
    say(
        f"who breaks: {found.newly_over_limit:,} newly over a transaction's limit, {found.newly_over_declared:,} over "
        f"what was declared, {found.newly_failing:,} turned into failures; {found.newly_succeeding:,} newly succeed"
    )
    if found.without_declared:
        say(f"{found.without_declared:,} evaluations come without declared ExUnits")
    spread = [
        (name, *_quantiles(quantiles))
        for name, quantiles in (("CPU", found.cpu), ("memory", found.memory), ("fee", found.fee))
        if quantiles
    ]
    quantiles = map(number, ("least", "5 %", "median", "95 %", "greatest"))
    columns = ("change by evaluation", *quantiles)
    show(Table.of("", columns, spread))
    total = after.units[0] - before.units[0]
    shares = [
        (
            each.price,
            f"{each.change[0]:+,}",
            numbers.percent(each.change[0] / total) if total else "",
            f"{each.change[1]:+,}",
        )
        for each in found.attribution[:top]
        if any(each.change)
    ]
    show(Table.of("", ("change by price", *map(number, ("CPU (ps)", "of all", "memory"))), shares))
    affected = [
        (
            shortened(each.id),
            numbers.count(each.fee_before),
            numbers.count(each.fee_after),
            numbers.percent(each.share_after),
            "; ".join(each.breaks),
        )
        for each in found.most_affected[:top]
    ]
    headings = (
        "most affected",
        *map(number, ("fee before", "after", "of the limit")),
        "breaks",
    )
    show(Table.of("", headings, affected))


def _counted(found: Impact) -> str:
    others = [
        f"{count:,} {name}"
        for name, count in (
            ("fail whatever the prices", found.failed),
            ("exceed ten times a transaction's limit", found.unfinished),
            ("are refused", found.refused),
            ("meet a price that no budget can pay", found.unaffordable),
        )
        if count
    ]
    text = f"{found.priced:,} of {found.rows:,} evaluations priced, of {found.distinct_scripts:,} scripts"
    return "; ".join([text, *others])


def _quantiles(found: Quantiles) -> tuple[str, ...]:
    ratios = (found.least, found.p5, found.median, found.p95, found.greatest)
    return tuple(numbers.change(ratio - 1) for ratio in ratios)


def _change(before: int, after: int) -> str:
    return numbers.change(after / before - 1) if before else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
