"""`calibrate validate --against`: drift against stored instruction counts or another build."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer
from rich.text import Text

from costmodel import __version__
from costmodel.cli.output import print_json, stderr, stdout, table
from costmodel.errors import InputError
from costmodel.files import write_atomically
from costmodel.model import load
from costmodel.runs.store import file_fact

if TYPE_CHECKING:
    from costmodel.drift.verdict import Drift, DriftVerdict

Against = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="BASELINE",
        help="Check for drift instead: a file of instruction counts, the folder of another build, or another model.",
    ),
]
Renew = Annotated[bool, typer.Option("--renew", help="With --against FILE: write this build's counts to it.")]
Operations = Annotated[
    str,
    typer.Option(
        "--operations",
        metavar="PATTERN",
        help="With --against: operations of the suite to check, as shell patterns with commas between.",
    ),
]
Markdown = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="With --against: add a summary to FILE.")
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="With --against: write JUnit's XML.")]
BenchmarkJson = Annotated[
    Path | None,
    typer.Option("--benchmark-json", metavar="FILE", help="With --against: write what benchmark-action reads."),
]
BencherJson = Annotated[
    Path | None, typer.Option("--bencher-json", metavar="FILE", help="With --against: write what Bencher reads.")
]

EVERY_OPERATION: Final = "*"

_COLOURS: Final = {"regressed": "red", "improved": "green", "unchanged": "", "inconclusive": "yellow"}
_PLAIN_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a drift verdict goes beside the terminal."""

    markdown: Path | None
    junit: Path | None
    benchmark_json: Path | None
    bencher_json: Path | None

    def __bool__(self) -> bool:
        return any((self.markdown, self.junit, self.benchmark_json, self.bencher_json))


@dataclass(frozen=True, slots=True)
class Check:
    """What is asked for. `timing` names the options for timing that were given: core, seed and seconds."""

    against: Path
    operations: str
    tolerance: float | None
    core: int | None
    seed: int
    seconds: float | None
    timing: tuple[str, ...]


def command(check: Check, model: list[Path], outputs: Outputs, *, renew: bool, as_json: bool) -> int:
    """Check for drift, or renew the baseline; the exit code."""
    if renew:
        _refuse_with_renew(check, model, outputs)
        return _renew(check.against, as_json=as_json)
    verdict = _verdict(check, model)
    return _report(verdict, outputs, _provenance(check, model, verdict) if as_json else None)


def _verdict(check: Check, model: list[Path]) -> DriftVerdict:
    from costmodel.drift.counts import holds_counts
    from costmodel.drift.verdict import with_model

    if check.against.is_dir():
        verdict = _timed(check)
    elif check.timing:
        raise InputError(f"{check.timing[0]} is for timing against another build, and {check.against} is a file")
    elif model and not holds_counts(check.against):
        return _predicted(check, model)
    else:
        verdict = _counted(check)
    return with_model(verdict, load(model)) if model else verdict


def _refuse_with_renew(check: Check, model: list[Path], outputs: Outputs) -> None:
    """A renewal checks nothing and counts the whole suite."""
    if model or outputs or check.timing or check.tolerance is not None or check.operations != EVERY_OPERATION:
        raise InputError("--renew goes with --against FILE alone; it checks nothing, and counts the whole suite")


def _counted(check: Check) -> DriftVerdict:
    from costmodel.drift.counts import DEFAULT_COUNT_TOLERANCE, compare_counts, read_counts, take_counts
    from costmodel.drift.suite import chosen

    stored = read_counts(check.against)
    counted = take_counts(chosen(check.operations))
    return compare_counts(stored, counted, str(check.against), check.tolerance or DEFAULT_COUNT_TOLERANCE)


def _predicted(check: Check, model: list[Path]) -> DriftVerdict:
    from costmodel.drift.models import DEFAULT_PRICE_TOLERANCE, compare_models
    from costmodel.drift.suite import chosen

    baseline, candidate = load([check.against]), load(model)
    return compare_models(baseline, candidate, chosen(check.operations), check.tolerance or DEFAULT_PRICE_TOLERANCE)


def _timed(check: Check) -> DriftVerdict:
    from costmodel.drift.suite import chosen
    from costmodel.drift.timed import DEFAULT_SECONDS, DEFAULT_TIME_TOLERANCE, compare_builds
    from costmodel.timing.duet import Build
    from costmodel.timing.plan import choose_core

    with _shown() as progress:
        return compare_builds(
            Build.at(check.against),
            Build.this(),
            chosen(check.operations),
            core=choose_core(check.core),
            tolerance=check.tolerance or DEFAULT_TIME_TOLERANCE,
            seconds=check.seconds or DEFAULT_SECONDS,
            seed=check.seed,
            progress=progress,
        )


@contextmanager
def _shown() -> Iterator[Callable[[int, int, float], None]]:
    """Progress on stderr: a live line on a terminal, a plain one now and then elsewhere."""
    console = stderr()
    said = 0.0
    with console.status("timing both builds") if console.is_terminal else nullcontext() as live:

        def say(pairs: int, undecided: int, seconds: float) -> None:
            nonlocal said
            line = f"{pairs} pairs of processes, {undecided} operations undecided, {seconds:.0f} s"
            if live is not None:
                live.update(line)
            elif seconds - said >= _PLAIN_SECONDS:
                said = seconds
                console.print(line, markup=False, soft_wrap=True)

        yield say


def _renew(path: Path, *, as_json: bool) -> int:
    from costmodel.drift.counts import is_other_document, take_counts, write_counts
    from costmodel.drift.suite import drift_suite

    if is_other_document(path):
        raise InputError(f"{path} holds something else than instruction counts; --renew would overwrite it")
    counts = take_counts(drift_suite())
    write_counts(counts, path)
    if as_json:
        print_json({"baseline": str(path), "operations": len(counts.counts)})
    else:
        stdout().print(f"counts of {len(counts.counts)} operations: {path}", markup=False, soft_wrap=True)
    return 0


def _provenance(check: Check, model: list[Path], verdict: DriftVerdict) -> dict[str, object]:
    """What the check was made from, by and under."""
    from costmodel.timing.fingerprint import fingerprint, versions
    from costmodel.timing.plan import choose_core

    # Of another build's folder, the command line names it.
    inputs = {str(path): file_fact(path) for path in (check.against, *model) if path.is_file()}
    built: dict[str, object] = msgspec.to_builtins(
        {
            "command_line": sys.argv,
            "versions": versions(__version__),
            "machine": fingerprint(choose_core(check.core)),
            "inputs": inputs,
            "parameters": {"operations": check.operations, "seed": check.seed, "tolerance": verdict.tolerance},
        }
    )
    return built


def _report(verdict: DriftVerdict, outputs: Outputs, provenance: dict[str, object] | None) -> int:
    """Write and print a verdict; its exit code."""
    from costmodel.drift import report as drift_report

    if outputs.markdown:
        _append(outputs.markdown, drift_report.markdown(verdict))
    written = (
        (outputs.junit, drift_report.junit),
        (outputs.benchmark_json, drift_report.benchmark_action),
        (outputs.bencher_json, drift_report.bencher),
    )
    for path, form in written:
        if path:
            write_atomically(path, form(verdict))
    if provenance is not None:
        print_json(verdict.to_dict() | {"provenance": provenance})
    else:
        _show(verdict)
    return verdict.exit_code


def _append(path: Path, text: str) -> None:
    # A step's summary is one file that every command of the step adds to.
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _show(verdict: DriftVerdict) -> None:
    console = stdout()
    headings = (
        ("operation", "left"),
        (f"baseline ({verdict.unit})", "right"),
        ("candidate", "right"),
        ("change", "right"),
        ("95 %", "right"),
        ("", "left"),
        ("", "left"),
    )
    console.print(table(f"against {verdict.baseline}", headings, [_row(drift) for drift in verdict.drifts]))
    console.print()
    for note in verdict.notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    console.print(verdict.summary, markup=False, soft_wrap=True)


def _row(drift: Drift) -> tuple[str | Text, ...]:
    from costmodel.drift.report import change

    low, high = change(drift.ratio.low), change(drift.ratio.high)
    return (
        drift.operation,
        f"{drift.baseline:,.6g}",
        f"{drift.candidate:,.6g}",
        change(drift.ratio.value),
        "" if low == high else f"{low} … {high}",
        Text(drift.status.value, style=_COLOURS[drift.status.value]),
        drift.note,
    )
