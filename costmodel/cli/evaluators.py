"""`calibrate evaluators`: the drivers of other evaluators, how they are built, and whether one can be trusted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from costmodel.cli.options import CommandGroup, Core, Json, TableCommand
from costmodel.cli.output import print_json, say, show
from costmodel.errors import CheckFailed
from costmodel.evaluators import DRIVERS, Driver, build, built, driver, missing_tool
from costmodel.records.evaluator import Evaluators, KnownDriver
from costmodel.rendering.tables import Table, TableCell

app = typer.Typer(
    cls=CommandGroup,
    help="List, build and check drivers of other evaluators than the native machine.",
    add_completion=False,
    rich_markup_mode=None,
)


def _known(drivers: Iterable[Driver]) -> Evaluators:
    found = []
    for one in drivers:
        done = built(one)
        found.append(
            KnownDriver(
                name=one.name,
                evaluator=one.evaluator,
                version=one.version,
                tool=one.tool,
                folder=str(done.folder) if done else None,
                missing=missing_tool(one) != "",
                note=one.note,
            )
        )
    return Evaluators(evaluators=tuple(found))


@app.command("list", cls=TableCommand)
def list_(as_json: Json = False) -> None:
    """List the drivers that come with calibrate, and which of them are built."""
    found = _known(DRIVERS)
    if as_json:
        print_json(found)
        return
    rows = [(one.name, one.version, _state(one), one.note) for one in found.evaluators]
    show(Table.of("", ("name", "version", "state", "what it is"), rows))


def _state(one: KnownDriver) -> str:
    if one.folder:
        return "built"
    return f"needs {one.tool}" if one.missing else "not built"


@app.command("build")
def build_(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Drivers to build, as `list` names them.")],
    as_json: Json = False,
) -> None:
    """Build drivers with the tools of their languages (cargo, go, npm, pip), into a cache."""
    wanted = [driver(name) for name in names]
    folders = [build(one).folder for one in wanted]
    if as_json:
        print_json(_known(wanted))
        return
    say(*(f"{one.name} {one.version} is built in {folder}" for one, folder in zip(wanted, folders, strict=True)))


@app.command("check", cls=TableCommand)
def check_(
    evaluator: Annotated[str, typer.Argument(metavar="NAME|COMMAND", help="A driver's name, or a command.")],
    core: Core = None,
    as_json: Json = False,
) -> int:
    """Check whether a driver can be trusted: its answers, its clock, its threads, and that it keeps no results.

    Exits with 0 where it can, 1 where it cannot.
    """
    # msgspec and numpy come with it; --help must not wait for them.
    from costmodel.evaluators.check import check

    found = check(evaluator, core)
    if as_json:
        print_json(found)
    else:
        rows = [(one.name, TableCell(one.verdict, status=one.verdict), one.found) for one in found.checks]
        show(Table.of("", ("check", "result", "found"), rows))
        say("", f"{found.evaluator} can be trusted" if found.trusted else f"{found.evaluator} cannot be trusted")
    return 0 if found.trusted else CheckFailed.exit_code
