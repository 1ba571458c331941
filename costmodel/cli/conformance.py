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
from costmodel.workloads.conformance import FORMATS, Format, Miss, Report, check_tree, find_cases


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A tree of the upstream layout.", show_default=False)],
    form: Annotated[
        str, typer.Option("--format", metavar="NAME", help="Run from text, from flat, or from both.")
    ] = "both",
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, max=256, help="Processes to run at once.")] = 1,
    as_json: Json = False,
) -> int:
    """Run conformance cases and compare results, up to renaming, and budgets exactly.

    Ends with 0 if all agree and with 1 on a miss.
    """
    if form not in (*FORMATS, "both"):
        raise InputError(f"unknown --format {form!r}; use text, flat or both")
    reports = [_run(folder, each, jobs) for each in FORMATS if form in (each, "both")]
    if as_json:
        print_json({"reports": [asdict(report) for report in reports]})
    else:
        _show(reports)
    return 1 if any(report.misses for report in reports) else 0


def _run(folder: Path, form: Format, jobs: int) -> Report:
    cases = len(find_cases(folder, form))
    misses: list[Miss] = []
    with Progress(console=stderr(), transient=True, disable=not stderr().is_terminal) as progress:
        task = progress.add_task(form, total=cases)
        for done, missed in check_tree(folder, form, jobs):
            misses += missed
            progress.update(task, completed=done)
    return Report(form, cases, tuple(misses))


def _show(reports: list[Report]) -> None:
    console = stdout()
    for report in reports:
        for miss in report.misses:
            console.print(f"{report.format} {visible(miss.case)}: {miss.what}", markup=False, soft_wrap=True)
            console.print(f"  expected {miss.expected}", markup=False, soft_wrap=True)
            console.print(f"  actual   {miss.actual}", markup=False, soft_wrap=True)
    for report in reports:
        missed = len({miss.case for miss in report.misses})
        console.print(f"{report.format}: {report.cases - missed} of {report.cases} cases agree", markup=False)
