"""`calibrate compare`: batches of runs side by side."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from costmodel import api
from costmodel.cli.options import Json, TableCommand, share
from costmodel.cli.output import print_json, say, show, stderr
from costmodel.rendering import numbers
from costmodel.rendering.tables import Row, Table, TableCell, change_cell, number, wide

if TYPE_CHECKING:
    from costmodel.batches import Comparison
    from costmodel.batches.comparison import BatchPair, RowVerdict
    from costmodel.batches.difference import Component

_AGAINST: Final = "--against"
_FEW: Final = 6  # units of a batch, below which the limit of their variance is several times as large


class CompareCommand(TableCommand):
    """A command whose --against takes all names up to the next option, since a shell expands a pattern to many."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _against_each(args))


def _against_each(arguments: list[str]) -> list[str]:
    spread: list[str] = []
    against = False
    for argument in arguments:
        if argument.startswith(f"{_AGAINST}="):
            against = True
            spread.append(argument)
        elif argument.startswith("-"):
            against = argument == _AGAINST
            spread += [] if against else [argument]
        else:
            spread += [_AGAINST, argument] if against else [argument]
    return spread


Command = CompareCommand


def command(
    batches: Annotated[
        list[str],
        typer.Argument(
            metavar="BATCH...",
            help="Folders of runs or quoted patterns, each a batch; folders of single runs form one batch together.",
            show_default=False,
        ),
    ],
    against: Annotated[
        list[str],
        typer.Option(_AGAINST, metavar="BATCH...", help="What to compare with, in the same form.", show_default=False),
    ],
    tolerance: Annotated[
        str, typer.Option("--tolerance", metavar="SHARE", help="Changes within this band count as unchanged.")
    ] = "1%",
    as_json: Json = False,
) -> int:
    """Compare batches of runs. The intervals include how much runs of the same configuration differ.

    Exit code 0 if nothing regressed, 1 if something did, 3 if there are too few runs to tell; the table says how many
    more are needed.
    """
    allowed = share(tolerance, "--tolerance")
    with stderr().status("comparing"):
        comparison = api.compare(batches, against, tolerance=allowed)
    if as_json:
        print_json(comparison.document(sys.argv))
    else:
        _show(comparison)
    return comparison.exit_code


def _show(comparison: Comparison) -> None:
    say(*(f"warning: {warning}" for warning in comparison.warnings))
    for pair in comparison.pairs:
        show(_pair_table(pair))
        say(*(f"note: {note}" for note in _notes(pair, comparison.tolerance)), "")
    show(_split_table(comparison))
    band = numbers.percent(comparison.tolerance)
    say("", f"{comparison.status.value}: changes within ±{band} count as unchanged")


def _pair_table(pair: BatchPair) -> Table:
    columns = (
        "operation",
        wide("experiment"),
        "verdict",
        number("change"),
        number("95 %"),
        number(f"more {pair.unit}s needed"),
        wide(number("cells")),
    )
    sides = " against ".join(
        f"{name} ({numbers.plural(count, pair.unit)})"
        for name, count in zip((Path(pair.candidate), Path(pair.baseline)), pair.counts, strict=True)
    )
    return Table.of(sides, columns, [_row(verdict) for verdict in pair.verdicts])


def _notes(pair: BatchPair, tolerance: float) -> Iterator[str]:
    """What the table does not say by itself."""
    if pair.caution:
        yield pair.caution
    left = [verdict for verdict in pair.verdicts if verdict.status.value == "inconclusive"]
    known = [verdict for verdict in left if math.isfinite(verdict.spread)]
    seeming = [verdict for verdict in known if abs(verdict.change) > tolerance]
    if seeming:
        most = max(seeming, key=lambda verdict: abs(verdict.change))
        rows = "1 row looks" if len(seeming) == 1 else f"{len(seeming)} rows look"
        yield (
            f"{rows} changed by more than ±{numbers.percent(tolerance)}, {most.row.label} the most by "
            f"{numbers.change(most.change)}, but may not have: {pair.unit}s of one batch differ by "
            f"{numbers.percent(most.spread)} there (standard deviation)"
        )
    needed = sorted(verdict.more for verdict in known if verdict.more)
    if needed:
        half, whole = needed[(len(needed) - 1) // 2], needed[-1]
        all_rows = "all rows" if len(needed) == len(left) else f"all rows but {len(left) - len(needed)}"
        least = f"half of the undecided rows, {whole:,} for {all_rows}" if half < whole else all_rows
        yield f"{half:,} more {pair.unit}s in each batch would decide {least}"
    if known and min(pair.counts) < _FEW:
        yield f"with so few {pair.unit}s, the number needed is very uncertain; with {_FEW} each it is often lower"


def _row(verdict: RowVerdict) -> Row:
    status = verdict.status.value
    return (
        verdict.row.label,
        verdict.row.experiment,
        TableCell(status, status=status),
        change_cell(verdict.change),
        numbers.interval(verdict.low, verdict.high, numbers.change),
        _more(verdict),
        numbers.count(verdict.cells),
    )


def _more(verdict: RowVerdict) -> str:
    if verdict.status.value != "inconclusive":
        return ""
    if verdict.more is None:
        from costmodel.batches.difference import MOST

        return f"over {MOST:,}" if math.isfinite(verdict.spread) else "unknown"
    return str(verdict.more) if verdict.more else "too close to the tolerance"


def _split_table(comparison: Comparison) -> Table:
    columns = (
        "operation",
        wide("experiment"),
        number("processes of a run"),
        number("runs"),
        number("machines"),
        wide(number("share of a run's mean from within")),
    )
    split = comparison.split
    rows = [
        (
            row.label,
            row.experiment,
            _deviation(split.within, place),
            _deviation(split.between_runs, place),
            _deviation(split.between_machines, place),
            "" if split.within_share is None else numbers.percent(split.within_share[place]),
        )
        for place, row in enumerate(comparison.observed.rows)
    ]
    return Table.of("Standard deviation between processes, runs and machines, with 95 % intervals", columns, rows)


def _deviation(component: Component | None, place: int) -> str:
    if component is None:
        return numbers.MISSING
    value, low, high = (
        max(float(each[place]), 0.0) ** 0.5 for each in (component.variance, component.low, component.high)
    )
    return f"{numbers.percent(value)} ({numbers.interval(low, high, numbers.percent)})"
