"""`calibrate memory`: memory costs against the size of results."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from costmodel.cli.options import Json, Seed
from costmodel.cli.output import print_json, stderr, stdout, table
from costmodel.errors import InputError
from costmodel.model import Variant, ledger_model, load

if TYPE_CHECKING:
    from costmodel.experiments.memory import MemoryCheck, Point

_COLOURS: Final = {"exact": "green", "covered": "green", "under": "red", "shared": "dim"}


def command(
    model: Annotated[
        list[Path] | None,
        typer.Argument(metavar="MODEL", help="Files of a cost model. [default: the ledger's]", show_default=False),
    ] = None,
    builtins: Annotated[
        str, typer.Option("--builtins", metavar="PATTERN", help="Builtins to check, as a shell pattern over names.")
    ] = "*",
    seed: Seed = 0,
    as_json: Json = False,
) -> int:
    """Check memory costs: apply every builtin over its domain, and compare the result's size with the charge.

    Ends with 1 if a result is larger than what is charged for it. Sizes are those of PlutusV3 at protocol version 11.
    """
    from costmodel.experiments.builtins import DESIGNED_BUILTINS
    from costmodel.experiments.memory import MEMORY_SCHEMA_VERSION, Finding, check_memory

    chosen = load(model) if model else ledger_model(Variant.E)
    names = [name for name in DESIGNED_BUILTINS if fnmatchcase(name, builtins) and name in chosen.builtins]
    if not names:
        raise InputError(f"no builtin of {chosen.source} that has a domain matches {builtins!r}")
    with stderr().status("evaluating"):
        checks = check_memory(chosen, names, seed)
    failed = sum(check.finding is Finding.UNDER for check in checks)
    if as_json:
        print_json(
            {
                "kind": "memory",
                "schema_version": MEMORY_SCHEMA_VERSION,
                "model": chosen.source,
                "exit_code": int(failed > 0),
                "checks": [check.to_json() for check in checks],
            }
        )
    else:
        _show(checks, chosen.source, failed)
    return int(failed > 0)


def _show(checks: tuple[MemoryCheck, ...], source: str, failed: int) -> None:
    headings = (
        ("builtin", "left"),
        ("shape", "left"),
        ("", "left"),
        ("exact", "right"),
        ("most under: charged, taken", "left"),
        ("most over: charged, taken", "left"),
    )
    rows = [
        (
            check.builtin,
            check.function.shape.id.tag,
            Text(check.finding.value, style=_COLOURS[check.finding.value]),
            f"{check.exact} of {len(check.points)}" if check.points else "",
            _point(check.worst_under),
            _point(check.worst_over),
        )
        for check in checks
    ]
    console = stdout()
    console.print(table(f"Memory in words: {source}", headings, rows))
    console.print()
    console.print(f"{failed} of {len(checks)} builtins have results larger than what is charged for them", markup=False)


def _point(point: Point | None) -> str:
    if point is None:
        return ""
    return f"{point.charged:,}, {point.result:,} at {' × '.join(map(str, point.sizes))}"
