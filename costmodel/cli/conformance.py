"""`calibrate conformance`: runs a tree of conformance cases."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from costmodel.cli.options import Json
from costmodel.cli.output import print_json, say
from costmodel.cli.progress import counted
from costmodel.errors import InputError
from costmodel.workloads.conformance import FORMATS, Format, Miss, Report, check_tree, find_cases


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of cases in the upstream layout.", show_default=False)
    ],
    form: Annotated[
        str, typer.Option("--format", metavar="NAME", help="Run from text, from flat, or from both.")
    ] = "both",
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, max=256, help="Processes to run at once.")] = 1,
    as_json: Json = False,
) -> int:
    """Run conformance cases and compare results, up to renaming, and budgets exactly.

    Exit code 0 if all agree, 1 if one does not.
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
    with counted(f"running from {form}", "cases") as tell:
        for done, missed in check_tree(folder, form, jobs):
            misses += missed
            tell(done, cases)
    return Report(form, cases, tuple(misses))


def _show(reports: list[Report]) -> None:
    for report in reports:
        for miss in report.misses:
            say(f"{report.format} {miss.case}: {miss.what}")
            say(f"  expected {miss.expected}")
            say(f"  actual   {miss.actual}")
    for report in reports:
        missed = len({miss.case for miss in report.misses})
        say(f"{report.format}: {report.cases - missed} of {report.cases} cases agree")
