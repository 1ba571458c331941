"""`calibrate trace`: what tracing costs, and the option that all traced commands have."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from costmodel.cli.options import CommandGroup, Core, Json, ProtocolVersion, Seed, TableCommand, TimeBudget, seconds
from costmodel.cli.output import complain, print_json, say, show
from costmodel.errors import InputError
from costmodel.records import told as records
from costmodel.records.told import Backend
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, number
from costmodel.trace import JsonLines, Route, Trace, load_trace_config, open_trace
from costmodel.trace import TraceConfig as Config
from costmodel.trace.config import endpoint_of

if TYPE_CHECKING:
    from costmodel.validate.tracing import TracingCost

app = typer.Typer(
    cls=CommandGroup,
    help="Measure what tracing costs.",
    add_completion=False,
    rich_markup_mode=None,
)

TraceConfig = Annotated[
    Path | None,
    typer.Option(
        "--trace-config",
        metavar="FILE",
        envvar="CALIBRATE_TRACE",
        show_envvar=False,
        help="Where trace messages go (docs/tracing.md); also set by CALIBRATE_TRACE. "
        "[default: to the collector in OTEL_EXPORTER_OTLP_ENDPOINT, if there is one]",
    ),
]

_BACKENDS: Final = ("off", "muted", "local", "remote")
_SECONDS: Final = 60.0
_BUFFER_BYTES: Final = 64 << 20


@contextmanager
def traced(config: Path | None) -> Iterator[Trace]:
    """A command's trace; messages that did not arrive are reported on stderr at the end."""
    trace = open_trace(load_trace_config(config))
    try:
        yield trace
    finally:
        for remark in trace.close():
            complain(remark)


@app.callback()
def _group() -> None:
    """Keeps `cost` a command of its own: Typer makes an app of one command that command."""


@app.command(cls=TableCommand)
def cost(
    backends: Annotated[
        str,
        typer.Option("--backends", metavar="LIST", help=f"Any of {', '.join(_BACKENDS)}, with commas between them."),
    ] = "off,muted,local",
    workload: Annotated[
        str, typer.Option("--workload", metavar="NAME|PATH", help="What to replay, as for calibrate validate.")
    ] = "secp",
    loops: Annotated[str, typer.Option("--loops", metavar="N,N", help="Loop counts of the workload secp.")] = (
        "1,10,25,50"
    ),
    protocol_version: ProtocolVersion = 11,
    time_budget: TimeBudget = "60s",
    core: Core = None,
    seed: Seed = 0,
    trace_config: TraceConfig = None,
    as_json: Json = False,
) -> int:
    """Measure what tracing costs: replay a workload with and without it, in turn.

    Exit code 0 if muted tracing costs less than 0.1 %, 1 if more, 3 if the measurement cannot tell.
    """
    names = _names(backends)
    # numpy and scipy come with it.
    from costmodel.cli.validate import programs_of
    from costmodel.validate.tracing import tracing_cost

    programs = programs_of(workload, loops, "PlutusV3", protocol_version, 100, seed)
    remarks: list[str] = []
    with tempfile.TemporaryDirectory(prefix="calibrate-trace-") as folder, ExitStack() as stack:
        traces: dict[Backend, Trace] = {
            "muted": Trace(Route(JsonLines(Path(folder) / "muted.jsonl"), mute=("evaluator",)))
        }
        if "local" in names:
            traces["local"] = Trace(Route(JsonLines(Path(folder) / "local.jsonl")))
        if "remote" in names:
            traces["remote"] = stack.enter_context(_remote(load_trace_config(trace_config), Path(folder), remarks))
        found = tracing_cost(programs, traces, core=core, seed=seed, seconds=seconds(time_budget) or _SECONDS)
        for name in ("muted", "local"):
            if name in traces:
                traces[name].close()
    for remark in remarks:
        complain(remark)
    if as_json:
        print_json(_document(found, programs.name))
    else:
        _show(found)
    return found.exit_code


def _document(found: TracingCost, workload: str) -> records.TracingCostDocument:
    return records.TracingCostDocument(
        workload=workload,
        programs=found.programs,
        turns=found.turns,
        seconds=found.seconds,
        replay_ns=found.replay_ns,
        overheads=tuple(
            records.OverheadRecord(
                name=each.name, share=each.share.record(), ns=each.ns.record(), messages=each.messages
            )
            for each in found.overheads
        ),
        exit_code=found.exit_code,
    )


def _names(backends: str) -> set[str]:
    names = {name.strip() for name in backends.split(",")}
    if unknown := sorted(names - {*_BACKENDS}):
        raise InputError(f"unknown backend {unknown[0]!r} in --backends; use any of {','.join(_BACKENDS)}")
    return names


@contextmanager
def _remote(config: Config, folder: Path, remarks: list[str]) -> Iterator[Trace]:
    """A trace to the configured collector."""
    from costmodel.trace.remote import Remote

    endpoint = endpoint_of(config.remote, os.environ)
    if endpoint is None:
        raise InputError("remote needs a collector: name one in OTEL_EXPORTER_OTLP_ENDPOINT, or leave remote out")
    trace = Trace(Route(Remote(endpoint, folder / "spool", limit=_BUFFER_BYTES, patience=config.remote.patience)))
    try:
        yield trace
    finally:
        remarks.extend(trace.close())


def _show(found: TracingCost) -> None:
    rows = [
        (
            overhead.name,
            f"{overhead.share.value:+.4%}",
            f"{overhead.share.low:+.4%} … {overhead.share.high:+.4%}",
            numbers.time_ns(overhead.ns.value),
            numbers.count(overhead.messages),
        )
        for overhead in found.overheads
    ]
    columns = ("tracing", number("costs"), number("95 %"), number("per evaluation"), number("messages per replay"))
    show(Table.of("", columns, rows))
    verdict = {0: "less than", 1: "more than", 3: "perhaps more than"}[found.exit_code]
    say(
        f"{found.programs} programs, {numbers.time_ns(found.replay_ns)} untraced, {found.turns} turns in "
        f"{found.seconds:.0f} s; muted tracing costs {verdict} 0.1 % of a replay"
    )
