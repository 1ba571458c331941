"""`calibrate trace`: trace messages collected, and what tracing costs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from costmodel.cli.options import Core, Json, ProtocolVersion, Seed, TableCommand, TimeBudget, seconds
from costmodel.cli.output import complain, print_json, say, show
from costmodel.errors import EnvironmentFault, InputError
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, number
from costmodel.trace import JsonLines, Route, Trace, load_trace_config, open_trace
from costmodel.trace import TraceConfig as Config
from costmodel.trace.config import endpoint_of

if TYPE_CHECKING:
    from costmodel.validate.tracing import TracingCost

app = typer.Typer(
    help="Collect trace messages, and measure what tracing costs.", no_args_is_help=True, rich_markup_mode=None
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
_COLLECTOR: Final = (sys.executable, "-P", "-m", "costmodel", "trace", "collect")


@contextmanager
def traced(config: Path | None) -> Iterator[Trace]:
    """A command's trace; messages that did not arrive are reported on stderr at the end."""
    trace = open_trace(load_trace_config(config))
    try:
        yield trace
    finally:
        for remark in trace.close():
            complain(remark)


@app.command()
def collect(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write; a file for each source.")],
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Address to listen on; port 0 takes a free one.")
    ] = "127.0.0.1:4318",
    limit: Annotated[
        int, typer.Option("--limit", metavar="BYTES", min=1, help="Refuse messages once the folder holds so much.")
    ] = 1 << 30,
    as_json: Json = False,
) -> None:
    """Receive messages by OTLP over HTTP and write them as JSON lines, until Ctrl-C.

    Anyone who reaches the address can write to the folder. The default address can be reached from this machine only.
    """
    host, port = _address(listen)
    # The SDK takes a while to load.
    from costmodel.trace.collect import Collection
    from costmodel.trace.receiver import Receiver

    with closing(Collection(folder, limit)) as collection, Receiver(host, port, collection, complain) as receiver:
        before = signal.signal(signal.SIGTERM, _stop)
        try:
            # Only now: whoever reads it may stop the collector at once.
            complain(f"collecting on http://{host}:{receiver.server_port} into {folder}")
            receiver.serve_forever()
        except KeyboardInterrupt:
            pass  # how it is meant to end
        finally:
            signal.signal(signal.SIGTERM, before)
        counts = {
            "received": collection.received,
            "repeated": collection.repeated,
            "missing": collection.missing,
            "folder": str(folder),
        }
    if as_json:
        print_json(counts)
    else:
        say("{received} messages received, {repeated} of them again, {missing} missing: {folder}".format(**counts))


@app.command(cls=TableCommand)
def cost(
    backends: Annotated[
        str,
        typer.Option("--backends", metavar="LIST", help=f"Any of {', '.join(_BACKENDS)}, with commas between them."),
    ] = "off,muted,local,remote",
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
        traces = {"muted": Trace(Route(JsonLines(Path(folder) / "muted.jsonl"), mute=("evaluator",)))}
        if "local" in names:
            traces["local"] = Trace(Route(JsonLines(Path(folder) / "local.jsonl")))
        if "remote" in names:
            traces["remote"] = stack.enter_context(_remote(load_trace_config(trace_config), Path(folder), remarks))
        found = tracing_cost(programs, traces, core=core, seed=seed, seconds=seconds(time_budget) or _SECONDS)
        for name in ("muted", *({"local"} & names)):
            traces[name].close()
    for remark in remarks:
        complain(remark)
    if as_json:
        print_json({**asdict(found), "workload": programs.name, "exit_code": found.exit_code})
    else:
        _show(found)
    return found.exit_code


def _address(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):(\d{1,5})", text)
    if match is None or int(match[2]) > 65535:
        raise InputError(f"invalid --listen {text!r}; use HOST:PORT, such as 127.0.0.1:4318")
    return match[1].strip("[]"), int(match[2])


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _names(backends: str) -> set[str]:
    names = {name.strip() for name in backends.split(",")}
    if unknown := sorted(names - {*_BACKENDS}):
        raise InputError(f"unknown backend {unknown[0]!r} in --backends; use any of {','.join(_BACKENDS)}")
    return names


@contextmanager
def _remote(config: Config, folder: Path, remarks: list[str]) -> Iterator[Trace]:
    """A trace to the configured collector, or to one that is started for this measurement."""
    from costmodel.trace.remote import Remote

    endpoint = endpoint_of(config.remote, os.environ)
    with ExitStack() as stack:
        if endpoint is None:
            endpoint = stack.enter_context(_collector(folder / "collected"))
        trace = Trace(Route(Remote(endpoint, folder / "spool", limit=_BUFFER_BYTES, patience=config.remote.patience)))
        try:
            yield trace
        finally:
            remarks.extend(trace.close())


@contextmanager
def _collector(folder: Path) -> Iterator[str]:
    """A collector of our own on a free port of this machine: its address."""
    with subprocess.Popen(
        [*_COLLECTOR, str(folder), "--listen", "127.0.0.1:0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stderr.readline() if process.stderr else ""
            marker, found, rest = line.partition("http://")
            if not found:
                raise EnvironmentFault(f"no collector could be started: {marker.strip() or 'it printed nothing'}")
            yield f"http://{rest.split()[0]}/v1/logs"
        finally:
            process.kill()


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
