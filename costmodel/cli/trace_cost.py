"""`calibrate validate --trace`: what tracing costs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from costmodel.cli.output import complain, print_json, stdout, table, time_ns
from costmodel.errors import EnvironmentFault, InputError
from costmodel.trace import JsonLines, Route, Trace, TraceConfig, load_trace_config
from costmodel.trace.config import endpoint_of
from costmodel.workloads import Workload

if TYPE_CHECKING:
    from costmodel.validate.tracing import TracingCost

_WAYS: Final = ("off", "muted", "local", "remote")
_SECONDS: Final = 60.0
_BUFFER_BYTES: Final = 64 << 20
_COLLECTOR: Final = (sys.executable, "-P", "-c", "from costmodel.cli import main; main()", "trace", "collect")

Ways = Annotated[
    str | None,
    typer.Option(
        "--trace",
        metavar="LIST",
        help="Measure instead what tracing the replay costs: off,muted,local,remote. Needs no MODEL.",
    ),
]


def command(
    ways: str,
    workload: Workload,
    config: Path | None,
    *,
    core: int | None,
    seed: int,
    seconds: float | None,
    as_json: bool,
) -> int:
    """Replay untraced and traced in turn, print each backend's cost, and hold muted tracing to its limit."""
    # numpy and scipy come with it.
    from costmodel.validate.tracing import tracing_cost

    names = _names(ways)
    remarks: list[str] = []
    with tempfile.TemporaryDirectory(prefix="calibrate-trace-") as folder, ExitStack() as stack:
        traces = {"muted": Trace(Route(JsonLines(Path(folder) / "muted.jsonl"), mute=("evaluator",)))}
        if "local" in names:
            traces["local"] = Trace(Route(JsonLines(Path(folder) / "local.jsonl")))
        if "remote" in names:
            traces["remote"] = stack.enter_context(_remote(load_trace_config(config), Path(folder), remarks))
        cost = tracing_cost(workload, traces, core=core, seed=seed, seconds=seconds or _SECONDS)
        for name in ("muted", *({"local"} & names)):
            traces[name].close()
    for remark in remarks:
        complain(remark)
    if as_json:
        print_json({**asdict(cost), "workload": workload.name, "exit_code": cost.exit_code})
    else:
        _show(cost)
    return cost.exit_code


def _names(ways: str) -> set[str]:
    names = [name.strip() for name in ways.split(",")]
    for name in names:
        if name not in _WAYS:
            raise InputError(f"--trace {name!r} is no way of tracing; name any of {','.join(_WAYS)}")
    return set(names)


@contextmanager
def _remote(config: TraceConfig, folder: Path, remarks: list[str]) -> Iterator[Trace]:
    """A trace to the collector that is configured, or to one that is run for the occasion."""
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
                raise EnvironmentFault(f"no collector could be started: {marker.strip() or 'it said nothing'}")
            yield f"http://{rest.split()[0]}/v1/logs"
        finally:
            process.kill()


def _show(cost: TracingCost) -> None:
    rows = [
        (
            overhead.name,
            f"{overhead.share.value:+.4%}",
            f"{overhead.share.low:+.4%} to {overhead.share.high:+.4%}",
            time_ns(overhead.ns.value),
            str(overhead.messages),
        )
        for overhead in cost.overheads
    ]
    headings = (
        ("tracing", "left"),
        ("costs", "right"),
        ("95 % interval", "right"),
        ("an evaluation", "right"),
        ("messages a replay", "right"),
    )
    console = stdout()
    console.print(table(None, headings, rows))
    verdict = {0: "less than", 1: "more than", 3: "perhaps more than"}[cost.exit_code]
    console.print(
        f"{cost.programs} programs, {time_ns(cost.replay_ns)} untraced, {cost.turns} turns in {cost.seconds:.0f} s; "
        f"muted tracing costs {verdict} 0.1 % of a replay",
        markup=False,
        soft_wrap=True,
    )
