"""`calibrate evaluators`: the drivers of other evaluators, how they are built, and whether one can be trusted."""

from __future__ import annotations

from typing import Annotated

import typer

from costmodel.cli.options import Json
from costmodel.cli.output import print_json, stdout, table
from costmodel.errors import CheckFailed
from costmodel.evaluators import DRIVERS, build, built, driver, missing_tool

app = typer.Typer(help="Evaluators other than the native machine: list, build and check their drivers.")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the drivers that come with calibrate, and which of them are built."""
    rows = []
    for known in DRIVERS:
        done = built(known)
        missing = missing_tool(known)
        state = "built" if done else f"needs {missing}" if missing else "not built"
        rows.append(
            {
                "name": known.name,
                "evaluator": known.evaluator,
                "version": known.version,
                "state": state,
                "folder": str(done.folder) if done else "",
                "note": known.note,
            }
        )
    if as_json:
        print_json({"evaluators": rows})
        return
    columns = ("name", "evaluator", "version", "state", "note")
    stdout().print(
        table(None, [(name, "left") for name in columns], [tuple(row[name] for name in columns) for row in rows])
    )


@app.command("build")
def build_(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Drivers to build, as `list` names them.")],
    as_json: Json = False,
) -> None:
    """Build drivers with the tools of their languages (cargo, go, npm, pip), into a cache."""
    done = [build(driver(name)) for name in names]
    if as_json:
        print_json({"built": [{"name": one.driver.name, "folder": str(one.folder)} for one in done]})
        return
    for one in done:
        stdout().print(f"{one.driver.name} {one.driver.version}: {one.folder}", markup=False, soft_wrap=True)


@app.command("check")
def check_(
    evaluator: Annotated[str, typer.Argument(metavar="NAME|COMMAND", help="A driver's name, or a command.")],
    as_json: Json = False,
) -> None:
    """Check whether a driver can be trusted: its answers, its clock, its threads, and that it keeps no results.

    Exits with 0 where it can, 1 where it cannot.
    """
    from costmodel.evaluators.check import check

    found = check(evaluator)
    if as_json:
        print_json(found)
    else:
        rows = [(one.name, one.verdict, one.found) for one in found.checks]
        stdout().print(table(None, (("check", "left"), ("", "left"), ("found", "left")), rows))
        stdout().print(f"\n{found.evaluator}: {found.summary}", markup=False, soft_wrap=True)
    if not found.trusted:
        raise CheckFailed(f"{found.evaluator} cannot be trusted: {found.reason}")
