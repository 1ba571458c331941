"""`calibrate conformance`: runs a tree of conformance cases."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from costmodel.cli.options import Json
from costmodel.cli.output import print_json, stderr, stdout, visible
from costmodel.errors import InputError
from costmodel.workloads.conformance import FORMATS, Checked, Format, Report, check_tree, find_cases, report


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A tree of the upstream layout.", show_default=False)],
    form: Annotated[
        str, typer.Option("--format", metavar="NAME", help="Run from text, from flat, or from both.")
    ] = "both",
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, max=256, help="Processes to run at once.")] = 1,
    as_json: Json = False,
) -> int:
    """Run conformance cases and compare results, up to renaming, and budgets exactly.

    Ends with 0 if all agree, with 1 on a miss, and with 2 where a case could not be read. Cases without a budget to
    compare with are counted apart.
    """
    if form not in (*FORMATS, "both"):
        raise InputError(f"unknown --format {form!r}; use text, flat or both")
    reports = [_run(folder, each, jobs) for each in FORMATS if form in (each, "both")]
    if as_json:
        print_json({"reports": [asdict(each) for each in reports]})
    else:
        _show(reports)
    if any(each.misses for each in reports):
        return 1
    return 2 if any(each.unread for each in reports) else 0


def _run(folder: Path, form: Format, jobs: int) -> Report:
    cases = len(find_cases(folder, form))
    parts: list[Checked] = []
    with Progress(console=stderr(), transient=True, disable=not stderr().is_terminal) as progress:
        task = progress.add_task(form, total=cases)
        for part in check_tree(folder, form, jobs):
            parts.append(part)
            progress.advance(task, part.cases)
    return report(form, parts)


def _show(reports: list[Report]) -> None:
    console = stdout()
    for each in reports:
        for miss in each.misses:
            console.print(f"{each.format} {visible(miss.case)}: {miss.what}", markup=False, soft_wrap=True)
            console.print(f"  expected {miss.expected}", markup=False, soft_wrap=True)
            console.print(f"  actual   {miss.actual}", markup=False, soft_wrap=True)
        for unread in each.unread:
            console.print(f"{each.format} {visible(unread.case)}: not checked", markup=False, soft_wrap=True)
            console.print(f"  {visible(unread.reason)}", markup=False, soft_wrap=True)
    for each in reports:
        apart = {
            "differ": len({miss.case for miss in each.misses}),
            "not checked": len(each.unread),
            "agree in their result, and have no budget to compare with": len(each.without_budget),
        }
        others = "".join(f"; {count} {what}" for what, count in apart.items() if count)
        console.print(f"{each.format}: {each.agreeing} of {each.cases} cases agree{others}", markup=False)
