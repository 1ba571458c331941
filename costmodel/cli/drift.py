"""`calibrate drift`: a build or a model against a baseline."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from costmodel import __version__
from costmodel.cli.options import Core, Json, Seed, TableCommand, TimeBudget, seconds, share
from costmodel.cli.output import print_json, say, show, stderr
from costmodel.errors import InputError
from costmodel.files import with_folder, write_atomically
from costmodel.records.drift import Asked, Provenance, RenewedCounts

if TYPE_CHECKING:
    from costmodel.drift.verdict import DriftVerdict

_EVERY_OPERATION: Final = "*"
_PLAIN_SECONDS: Final = 10.0

Command = TableCommand


def command(
    context: typer.Context,
    baseline: Annotated[
        str,
        typer.Argument(
            metavar="BASELINE",
            help="A file of instruction counts, the folder of another build, another model, commits BASE..HEAD of the "
            "repository here, or a NAME for baselines/NAME.json.",
            show_default=False,
        ),
    ],
    model: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="MODEL",
            help="A model to compare with the model BASELINE, or whose prices to name where they are in doubt.",
            show_default=False,
        ),
    ] = None,
    operations: Annotated[
        str,
        typer.Option(
            "--operations", metavar="PATTERNS", help="Operations to check: shell patterns with commas between them."
        ),
    ] = _EVERY_OPERATION,
    tolerance: Annotated[
        str | None,
        typer.Option(
            "--tolerance",
            metavar="SHARE",
            help="Changes within this band count as unchanged. [default: 0.5% for counts, 1% for times and models]",
        ),
    ] = None,
    limits: Annotated[
        Path | None,
        typer.Option(
            "--limits", metavar="FILE", help="TOML with bands of single operations, and regressions that are meant."
        ),
    ] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Write this build's instruction counts to BASELINE.")] = False,
    time_budget: TimeBudget = None,
    core: Core = None,
    seed: Seed = 0,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Append a summary in Markdown to FILE.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report in XML to FILE.")
    ] = None,
    benchmark_json: Annotated[
        Path | None,
        typer.Option("--benchmark-json", metavar="FILE", help="Write results for github-action-benchmark to FILE."),
    ] = None,
    bencher_json: Annotated[
        Path | None, typer.Option("--bencher-json", metavar="FILE", help="Write results for Bencher to FILE.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Check a fixed suite of operations for drift against a baseline.

    Instruction counts are compared exactly, another build is timed side by side with this one, and two models are
    compared by what they predict.

    Exit code 0 if nothing became slower, 1 if something did, 3 if the check cannot tell.
    """
    timed = _given(context, ("core", "seed", "time_budget"))
    outputs = (markdown, junit, benchmark_json, bencher_json)
    if renew:
        if model or any(outputs) or timed or tolerance or limits or operations != _EVERY_OPERATION:
            raise InputError("--renew takes only BASELINE and --json: it counts the whole suite and checks nothing")
        return _renew(baseline, as_json=as_json)
    # numpy and scipy come with these.
    from costmodel.drift.check import BuildTiming, baseline_path, check_drift, check_revisions
    from costmodel.drift.limits import NO_LIMITS, read_limits
    from costmodel.drift.revisions import revision_range
    from costmodel.drift.suite import drift_suite

    revisions = None if Path(baseline).exists() else revision_range(baseline)
    path = baseline_path(baseline)
    if timed and path.is_file():
        raise InputError(f"{timed[0]} is for timing another build, and {path} is a file")
    if revisions and model:
        raise InputError(f"{baseline} names two builds, and no model can be checked beside them")
    judged: dict[str, Any] = {
        "operations": operations,
        "tolerance": None if tolerance is None else share(tolerance, "--tolerance"),
        "limits": NO_LIMITS if limits is None else read_limits(limits, [cell.id for cell in drift_suite()]),
    }
    with _progress(timing=bool(revisions) or path.is_dir()) as progress:
        timing = BuildTiming(core, seed, seconds(time_budget), progress)
        if revisions:
            verdict = check_revisions(Path(), *revisions, **judged, timing=timing)
        else:
            verdict = check_drift(path, model or (), **judged, timing=timing if path.is_dir() else None)
    _write(verdict, *outputs)
    if as_json:
        asked = Asked(operations=operations, seed=seed, tolerance=verdict.tolerance)
        print_json(verdict.document(_provenance((path, *(model or ()), *([limits] if limits else ())), core, asked)))
    else:
        _show(verdict)
    return verdict.exit_code


def _given(context: typer.Context, names: tuple[str, ...]) -> tuple[str, ...]:
    """Which of these parameters were given as options on the command line, as they are spelt there."""
    flags = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    sources = {name: context.get_parameter_source(name) for name in names}
    return tuple(flags[name] for name, source in sources.items() if source and source.name == "COMMANDLINE")


@contextmanager
def _progress(*, timing: bool) -> Iterator[Callable[[int, int, float], None] | None]:
    """Progress on stderr: a live line on a terminal, a plain one now and then elsewhere."""
    if not timing:
        yield None
        return
    console = stderr()
    printed = 0.0
    with console.status("timing both builds") if console.is_terminal else nullcontext() as live:

        def tell(pairs: int, undecided: int, passed: float) -> None:
            nonlocal printed
            line = f"{pairs} pairs of processes, {undecided} operations undecided, {passed:.0f} s"
            if live is not None:
                live.update(line)
            elif passed - printed >= _PLAIN_SECONDS:
                printed = passed
                console.print(line, markup=False, soft_wrap=True)

        yield tell


def _renew(baseline: str, *, as_json: bool) -> int:
    from costmodel.drift.check import baseline_path, renew_counts

    path = with_folder(baseline_path(baseline))
    counts = renew_counts(path)
    if as_json:
        print_json(RenewedCounts(baseline=str(path), operations=len(counts.counts)))
    else:
        say(f"counts of {len(counts.counts)} operations: {path}")
    return 0


def _provenance(files: tuple[Path, ...], core: int | None, asked: Asked) -> Provenance:
    """What the check was made from, by and under."""
    from costmodel.runs.store import file_fact
    from costmodel.timing.plan import choose_core
    from costmodel.timing.surroundings import fingerprint, versions

    return Provenance(
        command_line=tuple(sys.argv),
        versions=versions(__version__),
        machine=fingerprint(choose_core(core)),
        # Of another build's folder, the command line has the name.
        inputs={str(path): file_fact(path) for path in files if path.is_file()},
        parameters=asked,
    )


def _write(
    verdict: DriftVerdict, markdown: Path | None, junit: Path | None, benchmark: Path | None, bencher: Path | None
) -> None:
    from costmodel.drift import report

    if markdown:
        # A step's summary is one file that every command of the step adds to.
        with with_folder(markdown).open("a", encoding="utf-8") as file:
            file.write(report.markdown(verdict))
    for path, form in ((junit, report.junit), (benchmark, report.benchmark_action), (bencher, report.bencher)):
        if path:
            write_atomically(with_folder(path), form(verdict))


def _show(verdict: DriftVerdict) -> None:
    from costmodel.drift.report import drift_table

    show(drift_table(verdict))
    say("", *(f"note: {note}" for note in verdict.notes), verdict.summary)
