"""`calibrate compare`: batches of runs side by side."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text
from typer.core import TyperCommand

from costmodel.cli.options import Json, share
from costmodel.cli.output import percent, print_json, stderr, stdout, table

if TYPE_CHECKING:
    from costmodel.batches import Comparison
    from costmodel.batches.comparison import Pair, Verdict
    from costmodel.batches.variance import Component

_AGAINST: Final = "--against"
_FEW: Final = 6  # units of a batch, below which the limit of their variance is several times as large
_COLOURS: Final = {"unchanged": "green", "improved": "green", "regressed": "red", "inconclusive": "yellow"}


class Command(TyperCommand):
    """A command whose --against takes all names up to the next option, as a shell's pattern puts them there."""

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


def command(
    batches: Annotated[
        list[str],
        typer.Argument(
            metavar="BATCH...",
            help="Folders of runs, or patterns in quotes, each a batch; folders of single runs are one batch together.",
            show_default=False,
        ),
    ],
    against: Annotated[
        list[str],
        typer.Option(_AGAINST, metavar="BATCH...", help="What to compare with, named likewise.", show_default=False),
    ],
    tolerance: Annotated[
        str, typer.Option("--tolerance", metavar="SHARE", help="The change that does not matter.")
    ] = "1%",
    as_json: Json = False,
) -> int:
    """Compare batches of runs, with intervals that know how far runs of one configuration differ.

    Ends with 0 if nothing regressed, 1 if something did, and 3 if the runs are too few to say; how many would do is in
    the table.
    """
    # pandas and scipy come with it.
    from costmodel.batches import compare, select

    allowed = share(tolerance, "--tolerance")
    with stderr().status("comparing"):
        comparison = compare(select(batches), select(against), tolerance=allowed)
    if as_json:
        print_json(comparison.to_dict() | {"command_line": sys.argv})
    else:
        _show(comparison)
    return comparison.exit_code


def _show(comparison: Comparison) -> None:
    console = stdout()
    for warning in comparison.warnings:
        console.print(f"warning: {warning}", markup=False, soft_wrap=True)
    for pair in comparison.pairs:
        console.print(_pair_table(pair))
        for note in _notes(pair, comparison.tolerance):
            console.print(f"note: {note}", markup=False, soft_wrap=True)
        console.print()
    console.print(_split_table(comparison))
    console.print()
    console.print(f"{comparison.status.value}: changes of up to ±{percent(comparison.tolerance)} count as none")


def _pair_table(pair: Pair) -> Any:
    headings = (
        ("experiment", "left"),
        ("operation", "left"),
        ("cells", "right"),
        ("change", "right"),
        ("95 %", "right"),
        ("", "left"),
        (f"more {pair.unit}s needed", "right"),
    )
    sides = " against ".join(
        f"{name} ({count} {pair.unit}{'' if count == 1 else 's'})"
        for name, count in zip((Path(pair.candidate), Path(pair.baseline)), pair.counts, strict=True)
    )
    return table(sides, headings, [_row(verdict) for verdict in pair.verdicts])


def _notes(pair: Pair, tolerance: float) -> Iterator[str]:
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
            f"{rows} changed by more than ±{percent(tolerance)}, {most.row.label} the most by {_signed(most.change)}, "
            f"and may not be: single {pair.unit}s of a batch differ by {percent(most.spread)} there (one sd)"
        )
    numbers = sorted(verdict.more for verdict in known if verdict.more)
    if numbers:
        half, whole = numbers[(len(numbers) - 1) // 2], numbers[-1]
        all_rows = "all rows" if len(numbers) == len(left) else f"all rows but {len(left) - len(numbers)}"
        least = f"half of the rows that are open, {whole:,} for {all_rows}" if half < whole else all_rows
        yield f"{half:,} more {pair.unit}s in each batch would be enough for {least}"
    if known and min(pair.counts) < _FEW:
        yield f"so few {pair.unit}s tell little of how many are needed: with {_FEW} each, the number is often lower"


def _row(verdict: Verdict) -> tuple[str | Text, ...]:
    status = verdict.status.value
    return (
        verdict.row.experiment,
        verdict.row.label,
        str(verdict.cells),
        _signed(verdict.change),
        f"{_signed(verdict.low)} … {_signed(verdict.high)}",
        Text(status, style=_COLOURS[status]),
        _more(verdict),
    )


def _more(verdict: Verdict) -> str:
    if verdict.status.value != "inconclusive":
        return ""
    if verdict.more is None:
        from costmodel.batches.power import MOST

        return f"over {MOST:,}" if math.isfinite(verdict.spread) else "not known"
    return str(verdict.more) if verdict.more else "too near the band's edge"


def _signed(change: float) -> str:
    """A relative change, or that nothing is known of it."""
    if change <= -1 or change > 1e6:
        return "?"
    return f"{'+' if change >= 0 else '−'}{abs(change):.2%}".replace("%", " %")


def _split_table(comparison: Comparison) -> Any:
    headings = (
        ("experiment", "left"),
        ("operation", "left"),
        ("between processes of a run", "right"),
        ("between runs", "right"),
        ("between machines", "right"),
        ("of a run's mean from within", "right"),
    )
    split = comparison.split
    rows = [
        (
            row.experiment,
            row.label,
            _deviation(split.within, number),
            _deviation(split.between_runs, number),
            _deviation(split.between_machines, number),
            "" if split.within_share is None else f"{split.within_share[number]:.0%}".replace("%", " %"),
        )
        for number, row in enumerate(comparison.observed.rows)
    ]
    return table("Standard deviations, with 95 % intervals", headings, rows)


def _deviation(component: Component | None, number: int) -> str:
    if component is None:
        return "not repeated"
    value, low, high = (
        max(float(each[number]), 0.0) ** 0.5 for each in (component.variance, component.low, component.high)
    )
    return f"{percent(value)} ({percent(low)} … {percent(high)})"
