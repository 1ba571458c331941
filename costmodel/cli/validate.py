"""`calibrate validate`: replays a workload, predicted against observed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from costmodel.cli.options import (
    LOCAL,
    Core,
    Evaluator,
    FleetBackend,
    Json,
    Measurements,
    ProtocolVersion,
    Seed,
    TableCommand,
    TimeBudget,
    check_fleet_options,
    command_shown,
    scheduler_of,
    seconds,
    share,
)
from costmodel.cli.output import print_json, say, show, show_uncertain
from costmodel.cli.progress import shown
from costmodel.cli.trace import TraceConfig, traced
from costmodel.errors import InputError
from costmodel.plutus import language_named
from costmodel.records.run import NATIVE
from costmodel.records.validation import FleetValidation
from costmodel.rendering import numbers
from costmodel.rendering.tables import Row, Table, TableCell, number, ratio_cell, wide

if TYPE_CHECKING:
    from costmodel.validate import Estimate, Gates, Score, ValidationVerdict
    from costmodel.validate.attribution import Blame
    from costmodel.validate.summary import Summary
    from costmodel.validate.verdict import GateResult, WorkVerdict
    from costmodel.workloads import Workload

_LOOP_COUNTS: Final = "1,10,25,50"
_MISSES_SHOWN: Final = 10  # of each way of timing; --json has them all

Command = TableCommand

WorkloadName = Annotated[
    str,
    typer.Option(
        "--workload",
        metavar="NAME|PATH",
        help="secp, random, a folder of .plutus files with redeemers or of .flat and .uplc files, or a replay corpus.",
    ),
]
Loops = Annotated[str, typer.Option("--loops", metavar="N,N", help="Loop counts of the workload secp.")]
Sample = Annotated[int, typer.Option("--sample", metavar="N", min=1, help="Rows to draw from a Parquet corpus.")]
Language = Annotated[str, typer.Option("--language", metavar="NAME", help="Ledger language of .flat and .uplc files.")]


def command(
    model: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL", help="A fitted model, or builtin and machine costs.", show_default=False),
    ],
    workload: WorkloadName = "secp",
    loops: Loops = _LOOP_COUNTS,
    protocol_version: ProtocolVersion = 11,
    sample: Sample = 100,
    language: Language = "PlutusV3",
    tolerance: Annotated[
        str | None,
        typer.Option("--tolerance", metavar="SHARE", help="Limit for |observed/predicted - 1| of every program."),
    ] = None,
    max_undercharge: Annotated[
        str | None,
        typer.Option("--max-undercharge", metavar="SHARE", help="Limit for observed/predicted - 1 of every program."),
    ] = None,
    median: Annotated[
        str | None,
        typer.Option("--median", metavar="SHARE", help="Limit for the median of |observed/predicted - 1|."),
    ] = None,
    p95: Annotated[
        str | None,
        typer.Option("--p95", metavar="SHARE", help="Limit for the 95th percentile of |observed/predicted - 1|."),
    ] = None,
    r2: Annotated[
        str | None, typer.Option("--r2", metavar="SHARE", help="Minimum R² in log scale, such as 0.98.")
    ] = None,
    time_budget: TimeBudget = None,
    core: Core = None,
    evaluator: Evaluator = NATIVE,
    seed: Seed = 0,
    measurements: Measurements = Path("measurements"),
    backend: FleetBackend = LOCAL,
    trace_config: TraceConfig = None,
    as_json: Json = False,
) -> int:
    """Replay a workload and compare the observed times with what a model predicts.

    Exit code 0 if every gate (acceptance limit) is passed, 1 if one is not, 3 if the observations cannot tell. Gates
    that are given are the only ones. Without any, loops are held to --tolerance 5%, other programs to --median 6%
    --p95 18% --r2 0.98.
    """
    scheduler = scheduler_of(backend)
    check_fleet_options(scheduler, core, evaluator)
    limits = {"tolerance": tolerance, "max_undercharge": max_undercharge, "median": median, "p95": p95, "r2": r2}
    gates = _gates(limits)
    deadline = seconds(time_budget)
    programs = programs_of(workload, loops, language, protocol_version, sample, seed)
    with traced(trace_config) as trace, shown("replaying") as observer:
        # pandas comes with it; neither --help nor the first line of progress must wait for that.
        from costmodel.judging.estimate import overall
        from costmodel.model import load
        from costmodel.validate import validate

        verdicts = validate(
            load(model),
            programs,
            measurements=measurements,
            core=core,
            seed=seed,
            gates=gates,
            time_budget=deadline,
            evaluator=evaluator,
            model_files=model,
            command_line=command_shown(sys.argv),
            observer=observer,
            trace=trace,
            **_fleet(scheduler),
        )
    exit_code = overall(verdict.status for verdict in verdicts).exit_code
    if as_json:
        documents = tuple(verdict.document() for verdict in verdicts)
        print_json(FleetValidation(exit_code=exit_code, verdicts=documents) if scheduler else documents[0])
    else:
        for verdict in verdicts:
            _show(verdict)
    return exit_code


def _fleet(scheduler: str | None) -> dict[str, Any]:
    """Where sessions run, if not here."""
    if scheduler is None:
        return {}
    from costmodel.fleet.measure import measure

    return {"sessions": partial(measure, scheduler)}


def programs_of(workload: str, loops: str, language: str, protocol_version: int, sample: int, seed: int) -> Workload:
    """The programs that the options about a workload name."""
    from costmodel.workloads import find_workload

    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", loops):
        raise InputError(f"invalid --loops {loops!r}; use counts with commas between them, such as {_LOOP_COUNTS}")
    return find_workload(
        workload,
        loop_counts=tuple(map(int, loops.split(","))),
        language=language_named(language),
        protocol_version=protocol_version,
        sample=sample,
        seed=seed,
    )


def _gates(limits: dict[str, str | None]) -> Gates | None:
    """The gates that are asked for, None if there are none."""
    from costmodel.validate import Gates

    given = {name: share(text, f"--{name.replace('_', '-')}") for name, text in limits.items() if text is not None}
    return Gates(**given) if given else None


def _show(verdict: ValidationVerdict) -> None:
    """Prints the scores, the summaries with their baselines, the gates, and the result of them all."""
    columns = (
        "program",
        wide(number("ExUnits CPU (ps)")),
        wide(number("memory")),
        number("predicted"),
        number("observed"),
        wide(number("±")),
        number("observed/predicted"),
        number("95 %"),
        *(["result"] if any(score.status for score in verdict.scores) else []),
    )
    # A table for each way of timing: a program has a row in each, and the columns would not tell them apart.
    for work in verdict.works:
        rows = [_score_row(score)[: len(columns)] for score in verdict.scores if score.work == work.summary.work]
        show(Table.of(f"{verdict.workload}, {work.summary.work}: {verdict.model}", columns, rows))
        say("")
    say(*(f"note: {note}" for note in verdict.notes))
    uncertain = {f"{each.label} ({each.work})": each.uncertain for each in verdict.scores if each.uncertain}
    if uncertain:
        say("")
    show_uncertain(uncertain, "the document of --json")
    _show_works(verdict.works)
    _show_workers(verdict)
    say(f"{verdict.status.value}: {_RESULTS[verdict.status.value]}", f"run: {verdict.run}")


_RESULTS: Final = {
    "pass": "every gate is passed",
    "fail": "at least one gate is not passed",
    "inconclusive": "the observations cannot tell whether every gate is passed",
}


def _show_workers(verdict: ValidationVerdict) -> None:
    """The machine and its workers, of a fleet."""
    if not verdict.workers:
        return
    rows = []
    for each in verdict.workers:
        ratio = each.ratio.value if each.ratio else None
        low, high = each.ratio.interval if each.ratio else (None, None)
        interval = "" if low is None or high is None else numbers.interval(low, high)
        rows.append((each.worker, numbers.count(each.processes), numbers.ratio(ratio) if ratio else "", interval))
    columns = ("worker", number("processes"), number("times over the mean"), number("95 %"))
    say("")
    show(Table.of(f"Machine {verdict.machine}", columns, rows))
    say("")


def _score_row(score: Score) -> Row:
    status = score.status.value if score.status else ""
    return (
        score.label,
        numbers.count(score.ex_units.cpu),
        numbers.count(score.ex_units.mem),
        numbers.time_ns(score.predicted_ns.value),
        numbers.time_ns(score.observed_ns.value),
        numbers.half_width(_half(score.observed_ns)),
        ratio_cell(score.ratio.value),
        numbers.interval(score.ratio.low, score.ratio.high),
        TableCell(status, status=status),
    )


def _half(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / 2 / estimate.value


def _show_works(works: Sequence[WorkVerdict]) -> None:
    rows = []
    for work in works:
        rows.append(_summary_row(work.summary, "the model"))
        rows += [_summary_row(baseline.summary, baseline.name) for baseline in work.baselines]
    columns = (
        "predicted by",
        "timed",
        number("median |o/p − 1|"),
        number("95th percentile"),
        wide(number("spread")),
        wide(number("slope")),
        number("R²"),
        wide("most undercharged"),
        wide("most overcharged"),
    )
    show(Table.of("Accuracy (o/p: observed over predicted)", columns, rows))
    say("")
    _show_misses(works)
    _show_margins(works)
    gates = [_gate_row(gate) for work in works for gate in work.gates]
    show(Table.of("Gates", ("gate", "timed", number("limit"), number("found"), number("95 %"), "result"), gates))


def _show_misses(works: Sequence[WorkVerdict]) -> None:
    columns = ("program", number("observed/predicted"), "prices that may be off", number("unexplained"))
    for work in works:
        rows = []
        for miss in work.misses[:_MISSES_SHOWN]:
            blames = ", ".join(map(_blame, miss.blames))
            rest = "" if miss.unexplained is None else numbers.change(miss.unexplained)
            rows.append((miss.program, ratio_cell(miss.ratio), blames, rest))
        if rows:
            title = f"Largest misses ({work.summary.work}), and shares of the observed time that prices may explain"
            show(Table.of(title, columns, rows))
            say("")


def _show_margins(works: Sequence[WorkVerdict]) -> None:
    headings = ("program", wide(number("counts")), number("predicted"), number("observed"))
    columns = (*headings, number("observed/predicted"), number("95 %"))
    for work in works:
        margins = work.margins
        if not margins:
            continue
        rows = [
            (
                margin.program,
                numbers.interval(*margin.counts, numbers.count),
                numbers.time_ns(margin.predicted_ns),
                numbers.time_ns(margin.observed_ns),
                ratio_cell(margin.ratio.value),
                numbers.interval(margin.ratio.low, margin.ratio.high),
            )
            for margin in margins.each
        ]
        show(Table.of(f"Per extra iteration ({work.summary.work})", columns, rows))
        median, p95 = numbers.percent(margins.median.value), numbers.percent(margins.p95.value)
        say(f"per extra iteration ({work.summary.work}): median |o/p − 1| {median}, 95th percentile {p95}", "")


def _blame(blame: Blame) -> str:
    if blame.explains is None:
        return f"{blame.part} ({numbers.percent(blame.share)} of the predicted time)"
    return f"{blame.part} {numbers.change(blame.explains)}"


def _summary_row(summary: Summary, by: str) -> Row:
    under, over = summary.undercharged, summary.overcharged
    return (
        by,
        summary.work,
        numbers.percent(summary.median.value),
        numbers.percent(summary.p95.value),
        numbers.percent(summary.spread),
        "" if summary.slope is None else f"{summary.slope:.3f}",
        "" if summary.r2 is None else numbers.r_squared(summary.r2.value),
        f"{numbers.ratio(under.ratio)} {under.program}",
        f"{numbers.ratio(over.ratio)} {over.program}",
    )


def _gate_row(gate: GateResult) -> Row:
    status = TableCell(gate.status.value, status=gate.status.value)
    form: Callable[[float], str] = numbers.ratio
    if gate.gate == "r2":
        limit, form = f"≥ {gate.limit:.3f}", numbers.r_squared
    elif gate.gate == "tolerance":
        limit = f"1 ± {gate.limit:.3g}"
    elif gate.gate == "max-undercharge":
        limit = f"≤ {1 + gate.limit:.4g}"
    else:
        limit, form = f"≤ {numbers.percent(gate.limit)}", numbers.percent
    if gate.found is None:
        return (gate.gate, gate.work, limit, "", "", status)
    found = gate.found
    return (gate.gate, gate.work, limit, form(found.value), numbers.interval(found.low, found.high, form), status)
