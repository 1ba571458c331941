"""`calibrate drift`: a build, an evaluator, a model or a history against a baseline."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from costmodel import __version__
from costmodel.cli.options import (
    Core,
    Evaluator,
    Json,
    ProtocolVersion,
    Seed,
    TableCommand,
    TimeBudget,
    refuse_overwriting,
    seconds,
)
from costmodel.cli.output import complain, print_json, say, show, stderr
from costmodel.errors import Inconclusive, InputError
from costmodel.files import with_folder, write_atomically
from costmodel.records.drift import Asked, EvaluatorFigures, Metric, Provenance, RenewedCounts
from costmodel.records.figures import ExitCode
from costmodel.records.run import NATIVE

if TYPE_CHECKING:
    from costmodel.drift.check import DriftCheck
    from costmodel.drift.verdict import DriftVerdict
    from costmodel.workloads import Workload

_EVERY_OPERATION: Final = "*"
_PLAIN_SECONDS: Final = 10.0
_INCONCLUSIVE_CODES: Final[Mapping[int, ExitCode]] = {0: 0, 1: 1, 3: 3}

Command = TableCommand


def command(
    context: typer.Context,
    baseline: Annotated[
        str,
        typer.Argument(
            metavar="BASELINE",
            help="A file of stored figures, the folder of another build or checkout, another model, commits BASE..HEAD "
            "of the repository here, a history, or a NAME for baselines/NAME.json.",
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
    evaluator: Evaluator = NATIVE,
    workload: Annotated[
        str | None,
        typer.Option(
            "--workload",
            metavar="PATH",
            help="Programs to check instead of calibrate's own suite: a folder of .plutus files with redeemers or of "
            ".flat and .uplc files, a replay corpus, or a program.",
        ),
    ] = None,
    protocol_version: ProtocolVersion = 11,
    operations: Annotated[
        str,
        typer.Option(
            "--operations", metavar="PATTERNS", help="Operations to check: shell patterns with commas between them."
        ),
    ] = _EVERY_OPERATION,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="NAMES",
            help="Of an evaluator: time, cpu, memory, with commas between them. ExUnits, cpu and memory, are exact on "
            "any machine. [default: all]",
        ),
    ] = None,
    build: Annotated[
        str, typer.Option("--build", metavar="COMMAND", help="Builds the evaluator in a checkout of BASE and of HEAD.")
    ] = "",
    tolerance: Annotated[
        str | None,
        typer.Option(
            "--tolerance",
            metavar="SHARE",
            help="Changes within it count as unchanged: 2%, or by metric, time=2%,cpu=0.1%. [default: 0.5% for counts, "
            "1% for times and models, 0 for ExUnits]",
        ),
    ] = None,
    warn: Annotated[
        str | None,
        typer.Option(
            "--warn", metavar="SHARE", help="What is slower by more is a warning; in the form of --tolerance."
        ),
    ] = None,
    limits: Annotated[
        Path | None,
        typer.Option(
            "--limits", metavar="FILE", help="TOML with limits of single operations, and regressions that are meant."
        ),
    ] = None,
    inconclusive: Annotated[
        int,
        typer.Option("--inconclusive", metavar="CODE", help="Exit code if the check cannot tell: 0, 1 or 3."),
    ] = 3,
    renew: Annotated[bool, typer.Option("--renew", help="Write what is found to BASELINE, and check nothing.")] = False,
    time_budget: TimeBudget = None,
    core: Core = None,
    seed: Seed = 0,
    history: Annotated[
        Path | None, typer.Option("--history", metavar="FILE", help="Add what is found to FILE, a line a check.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Append a summary in Markdown to FILE.")
    ] = None,
    outputs: Annotated[
        Path | None,
        typer.Option("--outputs", metavar="FILE", help="Append verdict and counts to FILE as lines NAME=VALUE."),
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option("--annotations", metavar="FILE", help="Write GitHub's workflow commands to FILE.")
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
    """Check a build, an evaluator, a model or a history for drift against a baseline.

    Instruction counts and ExUnits are compared exactly, another build or evaluator is timed side by side with this one,
    two models are compared by what they predict, and a history by its change points.

    Exit code 0 if nothing became slower, 1 if something did, 3 if the check cannot tell.
    """
    timed = _given(context, ("core", "seed", "time_budget"))
    appended = {"markdown": markdown, "outputs": outputs}
    written = {
        "github_annotations": annotations,
        "junit": junit,
        "benchmark_action": benchmark_json,
        "bencher": bencher_json,
    }
    if inconclusive not in _INCONCLUSIVE_CODES:
        raise InputError(f"invalid --inconclusive {inconclusive}; use 0, 1 or 3")
    # numpy and scipy come with these.
    from costmodel.drift.check import DriftCheck, baseline_path, check_drift, check_revisions
    from costmodel.drift.limits import NO_LIMITS, read_limits, with_defaults
    from costmodel.drift.revisions import revision_range

    check = DriftCheck(
        operations=operations,
        workload=None if workload is None else _programs(workload, protocol_version, seed),
        metrics=_metrics(metrics),
        evaluator=evaluator,
        build=build,
        limits=with_defaults(NO_LIMITS if limits is None else read_limits(limits), tolerance, warn),
        core=core,
        seed=seed,
        seconds=seconds(time_budget),
    )
    revisions = None if Path(baseline).exists() else revision_range(baseline)
    path = baseline_path(baseline)
    if build and not (revisions and evaluator != NATIVE):
        raise InputError("--build is for an --evaluator in two commits BASE..HEAD; name both")
    if renew:
        files = any((*appended.values(), *written.values(), history))
        if model or files or tolerance or warn or limits or revisions:
            raise InputError("--renew checks nothing: it takes no MODEL, limits, commits or files of results")
        if evaluator == NATIVE and (timed or workload or metrics or operations != _EVERY_OPERATION):
            raise InputError("--renew takes only BASELINE and --json: it counts the whole suite and checks nothing")
        return _renew(check, with_folder(path), as_json=as_json)
    if timed and path.is_file() and evaluator == NATIVE:
        raise InputError(f"{timed[0]} is for timing another build, and {path} is a file")
    if revisions and model:
        raise InputError(f"{baseline} names two builds, and no model can be checked beside them")
    sources = [each for each in (path, *(model or ()), limits, workload) if each is not None and Path(each).is_file()]
    refuse_overwriting(
        {
            "--history": history,
            "--markdown": markdown,
            "--outputs": outputs,
            "--annotations": annotations,
            "--junit": junit,
            "--benchmark-json": benchmark_json,
            "--bencher-json": bencher_json,
        },
        sources,
    )
    times = evaluator == NATIVE or not check.metrics or "time" in check.metrics
    with _progress(timing=times and (bool(revisions) or evaluator != NATIVE or path.is_dir())) as progress:
        check = replace(check, progress=progress)
        try:
            verdict = check_revisions(check, Path(), *revisions) if revisions else check_drift(check, path, model or ())
        except Inconclusive as error:
            complain(str(error))
            verdict = _untold(check, baseline, str(error))
    verdict = replace(verdict, inconclusive_code=_INCONCLUSIVE_CODES[inconclusive])
    _write(verdict, appended, written)
    if history:
        _remember(verdict, history, core, revisions[1] if revisions else "HEAD")
    if as_json:
        asked = Asked(operations=operations, seed=seed, tolerance=tolerance, warn=warn)
        print_json(verdict.document(_provenance((path, *(model or ()), *([limits] if limits else ())), core, asked)))
    else:
        _show(verdict)
    return verdict.exit_code


def _programs(workload: str, protocol_version: int, seed: int) -> Workload:
    from costmodel.workloads import find_workload

    return find_workload(workload, protocol_version=protocol_version, seed=seed)


def _metrics(text: str | None) -> tuple[Metric, ...]:
    from costmodel.drift.limits import METRICS

    if text is None:
        return ()
    wanted = [part.strip() for part in text.split(",")]
    if unknown := [name for name in wanted if name not in METRICS]:
        raise InputError(f"unknown metric {unknown[0]!r}; use {', '.join(METRICS)}")
    return tuple(metric for metric in METRICS if metric in wanted)


def _given(context: typer.Context, names: tuple[str, ...]) -> tuple[str, ...]:
    """Which of these parameters were given as options on the command line, as they are spelt there."""
    flags = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    sources = {name: context.get_parameter_source(name) for name in names}
    return tuple(flags[name] for name, source in sources.items() if source and source.name == "COMMANDLINE")


def _untold(check: DriftCheck, baseline: str, reason: str) -> DriftVerdict:
    """Of a check that could not be made: what follows it is to hear of it as of any other."""
    from costmodel.drift.verdict import SUITE, DriftVerdict

    workload = check.workload.name if check.workload else SUITE
    return DriftVerdict("timed", baseline, (), (reason,), evaluator=check.evaluator, workload=workload)


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
            line = f"{pairs} rounds of processes, {undecided} operations undecided, {passed:.0f} s"
            if live is not None:
                live.update(line)
            elif passed - printed >= _PLAIN_SECONDS:
                printed = passed
                console.print(line, markup=False, soft_wrap=True)

        yield tell


def _renew(check: DriftCheck, path: Path, *, as_json: bool) -> int:
    from costmodel.drift.check import renew

    made = renew(check, path)
    names = made.figures if isinstance(made, EvaluatorFigures) else made.counts
    if as_json:
        print_json(RenewedCounts(baseline=str(path), operations=len(names)))
    else:
        say(f"figures of {len(names)} operations: {path}")
    return 0


def _remember(verdict: DriftVerdict, history: Path, core: int | None, revision: str) -> None:
    from costmodel.drift.history import add_entry, entry_of
    from costmodel.drift.revisions import commit_of
    from costmodel.timing.plan import choose_core
    from costmodel.timing.surroundings import fingerprint

    entry = entry_of(verdict, commit_of(Path(), revision), fingerprint(choose_core(core)).id)
    if entry.figures:
        add_entry(with_folder(history), entry)


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


def _write(verdict: DriftVerdict, appended: Mapping[str, Path | None], written: Mapping[str, Path | None]) -> None:
    """Files of results, by the name of the function that makes them. Some are files that all of a job adds to."""
    from costmodel.drift import report

    for form, path in appended.items():
        if path:
            with with_folder(path).open("a", encoding="utf-8") as file:
                file.write(getattr(report, form)(verdict))
    for form, path in written.items():
        if path:
            write_atomically(with_folder(path), getattr(report, form)(verdict))


def _show(verdict: DriftVerdict) -> None:
    from costmodel.drift.report import drift_table

    if verdict.drifts:
        show(drift_table(verdict))
    say("", *(f"note: {note}" for note in verdict.notes), verdict.summary)
