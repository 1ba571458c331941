"""`calibrate trace`: what goes on inside, as messages."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from costmodel.cli.options import Json
from costmodel.cli.output import complain, print_json, stdout
from costmodel.errors import InputError
from costmodel.trace import Trace, load_trace_config, open_trace

app = typer.Typer(help="Collect the messages of tracing.", add_completion=False, rich_markup_mode=None)

TraceConfig = Annotated[
    Path | None,
    typer.Option(
        "--trace-config",
        metavar="FILE",
        envvar="CALIBRATE_TRACE",
        show_envvar=False,
        help="Where messages go (docs/tracing.md), also by CALIBRATE_TRACE. "
        "[default: to a collector, if OTEL_EXPORTER_OTLP_ENDPOINT names one]",
    ),
]


@contextmanager
def traced(config: Path | None) -> Iterator[Trace]:
    """A command's trace; what did not arrive is said on stderr in the end."""
    trace = open_trace(load_trace_config(config))
    try:
        yield trace
    finally:
        for remark in trace.close():
            complain(remark)


@app.callback()
def _group() -> None:
    pass


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
    """Receive messages by OTLP over HTTP and write them as lines of JSON, until Ctrl-C.

    Whoever reaches the address can write to the folder, so it is this machine's own unless --listen says otherwise.
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
        text = "{received} messages received, {repeated} came again, {missing} were never sent: {folder}"
        stdout().print(text.format(**counts), markup=False, soft_wrap=True)


def _address(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):(\d{1,5})", text)
    if match is None or int(match[2]) > 65535:
        raise InputError(f"--listen {text!r} is no address; write HOST:PORT, e.g. 127.0.0.1:4318")
    return match[1].strip("[]"), int(match[2])


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
