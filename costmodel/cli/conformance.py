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
from costmodel.records.evaluation import Conformance, ConformanceMiss, ConformanceReport, UncheckedCase
from costmodel.workloads.conformance import FORMATS, Checked, ConformanceOutcome, Format, check_tree, find_cases, report


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

    Exit code 0 if all agree, 1 on a miss, and 2 where a case could not be read. Cases without a budget to compare with
    are counted apart.
    """
    if form not in (*FORMATS, "both"):
        raise InputError(f"unknown --format {form!r}; use text, flat or both")
    reports = [_run(folder, each, jobs) for each in FORMATS if form in (each, "both")]
    if as_json:
        print_json(Conformance(reports=tuple(map(_record, reports))))
    else:
        _show(reports)
    if any(each.misses for each in reports):
        return 1
    return 2 if any(each.unread for each in reports) else 0


def _run(folder: Path, form: Format, jobs: int) -> ConformanceOutcome:
    cases = len(find_cases(folder, form))
    parts: list[Checked] = []
    done = 0
    with counted(f"running from {form}", "cases") as tell:
        for part in check_tree(folder, form, jobs):
            parts.append(part)
            done += part.cases
            tell(done, cases)
    return report(form, parts)


def _record(found: ConformanceOutcome) -> ConformanceReport:
    return ConformanceReport(
        format=found.format,
        cases=found.cases,
        misses=tuple(ConformanceMiss(**asdict(miss)) for miss in found.misses),
        unread=tuple(UncheckedCase(**asdict(unread)) for unread in found.unread),
        without_budget=found.without_budget,
    )


def _show(reports: list[ConformanceOutcome]) -> None:
    for each in reports:
        for miss in each.misses:
            say(f"{each.format} {miss.case}: {miss.what}")
            say(f"  expected {miss.expected}")
            say(f"  actual   {miss.actual}")
        for unread in each.unread:
            say(f"{each.format} {unread.case}: not checked")
            say(f"  {unread.reason}")
    for each in reports:
        apart = {
            "differ": len({miss.case for miss in each.misses}),
            "not checked": len(each.unread),
            "agree in their result, and have no budget to compare with": len(each.without_budget),
        }
        others = "".join(f"; {count} {what}" for what, count in apart.items() if count)
        say(f"{each.format}: {each.agreeing} of {each.cases} cases agree{others}")
