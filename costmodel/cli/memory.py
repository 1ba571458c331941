"""`calibrate memory`: memory costs against the size of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from costmodel.cli.options import Json, Seed, TableCommand
from costmodel.cli.output import print_json, say, show, stderr
from costmodel.errors import InputError
from costmodel.model import Variant, load, proposed_model
from costmodel.records.evaluation import Memory
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, TableCell, number, wide

if TYPE_CHECKING:
    from costmodel.experiments.memory import MemoryCheck, ResultSize

Command = TableCommand


def command(
    model: Annotated[
        list[Path] | None,
        typer.Argument(metavar="MODEL", help="Files of a cost model. [default: the ledger's]", show_default=False),
    ] = None,
    builtins: Annotated[
        str,
        typer.Option(
            "--builtins", metavar="PATTERNS", help="Builtins to check: shell patterns with commas between them."
        ),
    ] = "*",
    seed: Seed = 0,
    as_json: Json = False,
) -> int:
    """Check memory costs: apply every builtin over its domain, and compare the size of the result with the charge.

    Exit code 1 if a result is larger than the memory charged for it. Sizes are those of PlutusV3 at protocol version
    11. Builtins of later versions are checked if a pattern names them.
    """
    from costmodel.experiments.design import matching_builtins
    from costmodel.experiments.memory import MemoryFinding, check_memory

    chosen = load(model) if model else proposed_model(Variant.E)
    names = [name for name in matching_builtins(builtins) if name in chosen.builtins]
    if not names:
        raise InputError(f"{chosen.source} has no price for a builtin that matches {builtins!r}")
    with stderr().status("evaluating"):
        checks = check_memory(chosen, names, seed)
    failed = sum(check.finding is MemoryFinding.UNDER for check in checks)
    if as_json:
        print_json(
            Memory(
                model=chosen.source,
                exit_code=1 if failed else 0,
                checks=tuple(check.record() for check in checks),
            )
        )
    else:
        _show(checks, chosen.source, failed)
    return int(failed > 0)


def _show(checks: tuple[MemoryCheck, ...], source: str, failed: int) -> None:
    columns = (
        "builtin",
        "verdict",
        wide("shape"),
        number("exact"),
        "largest undercharge: charged, used",
        wide("largest overcharge: charged, used"),
    )
    rows = [
        (
            check.builtin,
            TableCell(check.finding.value, status=check.finding.value),
            check.function.shape.id.tag,
            f"{check.exact} of {len(check.points)}" if check.points else "",
            _point(check.worst_under),
            _point(check.worst_over),
        )
        for check in checks
    ]
    show(Table.of(f"Memory in words: {source}", columns, rows))
    say("", f"{failed} of {len(checks)} builtins have results larger than the memory charged for them")


def _point(point: ResultSize | None) -> str:
    if point is None:
        return ""
    return f"{point.charged:,}, {point.result:,} at {numbers.sizes(point.sizes)}"
