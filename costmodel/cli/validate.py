"""`calibrate validate`: replays a workload, predicted against observed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from costmodel.cli import drift, trace_cost
from costmodel.cli.options import (
    Core,
    Json,
    Measurements,
    ProtocolVersion,
    Seed,
    TimeBudget,
    language_named,
    seconds,
    share,
)
from costmodel.cli.output import print_json
from costmodel.cli.progress import shown
from costmodel.cli.trace import TraceConfig, traced
from costmodel.cli.verdict import show_verdict
from costmodel.errors import InputError
from costmodel.model import load
from costmodel.workloads import (
    DEFAULT_LANGUAGE,
    DEFAULT_LOOP_COUNTS,
    DEFAULT_PROTOCOL_VERSION,
    DEFAULT_SAMPLE,
    find_workload,
)

if TYPE_CHECKING:
    from costmodel.validate import Gates

_OWN_WORKLOAD: Final = "secp"

# Options of a replay alone, of a drift check alone, and of what times.
_REPLAY: Final = (
    *("workload", "loops", "protocol_version", "sample", "language"),
    *("max_undercharge", "median", "p95", "r2", "measurements", "trace_config", "trace_ways"),
)
_DRIFT: Final = ("operations", "renew", "markdown", "junit", "benchmark_json", "bencher_json")
_TIMING: Final = ("core", "seed", "time_budget")


def command(
    context: typer.Context,
    model: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="MODEL",
            help="A fitted model, or builtin and machine costs; may be left out with --against.",
            show_default=False,
        ),
    ] = None,
    workload: Annotated[
        str,
        typer.Option(
            "--workload",
            metavar="NAME|PATH",
            help="secp, random, a folder of .plutus files with redeemers or .flat and .uplc files, or a replay corpus.",
        ),
    ] = _OWN_WORKLOAD,
    loops: Annotated[str, typer.Option("--loops", metavar="N,N", help="Loop counts to replay.")] = ",".join(
        map(str, DEFAULT_LOOP_COUNTS)
    ),
    protocol_version: ProtocolVersion = DEFAULT_PROTOCOL_VERSION,
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", min=1, help="Rows to draw from a Parquet corpus.")
    ] = DEFAULT_SAMPLE,
    language: Annotated[
        str, typer.Option("--language", metavar="NAME", help="Ledger language of .flat and .uplc files.")
    ] = DEFAULT_LANGUAGE.value,
    tolerance: Annotated[
        str | None,
        typer.Option("--tolerance", metavar="SHARE", help="Gate: |observed/predicted - 1| of every program."),
    ] = None,
    max_undercharge: Annotated[
        str | None,
        typer.Option("--max-undercharge", metavar="SHARE", help="Gate: observed/predicted - 1 of every program."),
    ] = None,
    median: Annotated[
        str | None, typer.Option("--median", metavar="SHARE", help="Gate: median of |observed/predicted - 1|.")
    ] = None,
    p95: Annotated[
        str | None, typer.Option("--p95", metavar="SHARE", help="Gate: 95th percentile of |observed/predicted - 1|.")
    ] = None,
    r2: Annotated[
        str | None, typer.Option("--r2", metavar="SHARE", help="Gate: least R² in log scale, e.g. 0.98.")
    ] = None,
    against: drift.Against = None,
    operations: drift.Operations = drift.EVERY_OPERATION,
    renew: drift.Renew = False,
    markdown: drift.Markdown = None,
    junit: drift.Junit = None,
    benchmark_json: drift.BenchmarkJson = None,
    bencher_json: drift.BencherJson = None,
    time_budget: TimeBudget = None,
    core: Core = None,
    seed: Seed = 0,
    measurements: Measurements = Path("measurements"),
    trace_config: TraceConfig = None,
    trace_ways: trace_cost.Ways = None,
    as_json: Json = False,
) -> int:
    """Replay a workload and compare the observed times with what a model predicts.

    Ends with 0 if every gate is passed, 1 if one is not, and 3 if the observations cannot tell. Gates that are given
    are the only ones. Without any, loops are held to --tolerance 5%, other programs to --median 6% --p95 18% --r2 0.98.

    With --against, a fixed suite is checked for drift instead: 0 if nothing became slower, 1 if something did, 3 if
    the check cannot tell. It is counted, timed or, with a MODEL against another, predicted.

    With --trace, the cost of tracing is measured instead: 0 if muted tracing costs less than 0.1 %, 1 if more, 3 if
    that cannot be told.
    """
    outputs = drift.Outputs(markdown, junit, benchmark_json, bencher_json)
    if against is not None:
        if replaying := _given(context, _REPLAY):
            raise InputError(f"{replaying[0]} is for replaying a workload; a drift check (--against) has its own suite")
        check = drift.Check(
            against,
            operations=operations,
            tolerance=None if tolerance is None else share(tolerance, "--tolerance"),
            core=core,
            seed=seed,
            seconds=seconds(time_budget),
            timing=_given(context, _TIMING),
        )
        return drift.command(check, model or [], outputs, renew=renew, as_json=as_json)
    if checking := _given(context, _DRIFT):
        raise InputError(f"{checking[0]} is for a drift check, which needs --against BASELINE")
    if not model and trace_ways is None:
        raise InputError("missing MODEL: name a cost model, or --against BASELINE for a drift check")
    asked = {"tolerance": tolerance, "max_undercharge": max_undercharge, "median": median, "p95": p95, "r2": r2}
    deadline = seconds(time_budget)
    programs = find_workload(
        workload,
        loop_counts=_loop_counts(loops),
        language=language_named(language),
        protocol_version=protocol_version,
        sample=sample,
        seed=seed,
    )
    if trace_ways is not None:
        if any(asked.values()):
            raise InputError("--trace measures what tracing costs, and has no other gate than its own 0.1 %")
        if model:  # it changes nothing, but one that is not there is a mistake all the same
            load(model)
        return trace_cost.command(
            trace_ways, programs, trace_config, core=core, seed=seed, seconds=deadline, as_json=as_json
        )
    # pandas comes with it; a command that does not measure must not wait for that.
    from costmodel.validate import validate

    gates = _gates(asked)
    with traced(trace_config) as trace, shown("replaying") as observer:
        verdict = validate(
            load(model or []),
            programs,
            measurements=measurements,
            core=core,
            seed=seed,
            gates=gates,
            time_budget=deadline,
            model_files=model or [],
            command_line=sys.argv,
            observer=observer,
            trace=trace,
        )
    if as_json:
        print_json(verdict.to_dict())
    else:
        show_verdict(verdict)
    return verdict.exit_code


def _given(context: typer.Context, names: tuple[str, ...]) -> tuple[str, ...]:
    """Which of these parameters were given as options on the command line, as they are spelt there."""
    flags = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    sources = {name: context.get_parameter_source(name) for name in names}
    return tuple(flags[name] for name, source in sources.items() if source and source.name == "COMMANDLINE")


def _gates(texts: dict[str, str | None]) -> Gates | None:
    """The gates that are asked for, None if there are none."""
    from costmodel.validate import Gates

    given = {name: share(text, f"--{name.replace('_', '-')}") for name, text in texts.items() if text is not None}
    return Gates(**given) if given else None


def _loop_counts(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text):
        raise InputError(f"--loops {text!r} is no list of counts; write 1,10,25,50")
    return tuple(int(part) for part in text.split(","))
