"""`calibrate cluster`: node processes validate the blocks of a node workbench's profile."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from costmodel.cli.options import LOCAL, Json, Measurements, Seed, scheduler_of
from costmodel.cli.output import percent, print_json, stdout, table, time_ns, visible
from costmodel.cli.progress import counted
from costmodel.cli.trace import TraceConfig, traced
from costmodel.model import load as load_model
from costmodel.model import ps_to_ns

if TYPE_CHECKING:
    from costmodel.cluster.profiles import Load
    from costmodel.cluster.run import Nodes
    from costmodel.cluster.schedule import Block
    from costmodel.cluster.summary import Summary


def command(
    profile: Annotated[
        str,
        typer.Argument(
            metavar="PROFILE", help="Such as model-secp-ecdsa or plutuscall-loop-stepx2.", show_default=False
        ),
    ],
    model: Annotated[
        list[Path] | None,
        typer.Option("--model", metavar="FILE", help="Predict by this model. [default: the ledger's CPU as time]"),
    ] = None,
    overlay: Annotated[
        list[Path] | None,
        typer.Option("--overlay", metavar="FILE", help="Parameters to change; repeatable, the last uppermost."),
    ] = None,
    nodes: Annotated[
        int | None, typer.Option("--nodes", metavar="N", min=1, max=1000, help="Instead of the profile's.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", metavar="N", min=1, max=1000, help="Instead of the profile's.")
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", min=1, max=100, help="How often all of it is done.")
    ] = 1,
    seed: Seed = 0,
    measurements: Measurements = Path("measurements"),
    backend: Annotated[
        str,
        typer.Option(
            "--backend",
            metavar="WHERE",
            help="local, or dask:SCHEDULER for the workers of a dask scheduler, each with --resources core=1.",
        ),
    ] = LOCAL,
    trace_config: TraceConfig = None,
    as_json: Json = False,
) -> int:
    """Let a cluster of node processes validate the blocks of a profile, and time every block on every node.

    Slot leaders and blocks come from the seed; each block holds what its ExUnits and size allow. Each node is a process
    of its own that decodes, applies and runs the script of every transaction; nothing is cached. The run's
    blocks.parquet has every block on every node, predicted and observed. Ends with 1 where a node died.
    """
    # pandas comes with it; --help must not wait for that.
    from costmodel.cluster.profiles import find_profile, make_load
    from costmodel.cluster.run import run_cluster
    from costmodel.cluster.schedule import make_blocks

    scheduler = scheduler_of(backend)
    found = find_profile(profile)
    wanted = replace(found, nodes=nodes or found.nodes, epochs=epochs or found.epochs)
    load = make_load(wanted, overlay or ())
    blocks = make_blocks(load.profile, load.most_transactions, seed)
    if load.program is None:
        _show_without_scripts(_facts(load, blocks, seed), as_json=as_json)
        return 0
    with (
        stoppable() as check,
        traced(trace_config) as trace,
        counted("validating", "blocks") as say,
        _nodes(scheduler) as where,
    ):

        def observer(done: int, total: int) -> None:
            check()
            say(done, total)

        summary = run_cluster(
            load,
            blocks,
            _predicted_tx_ns(load, model),
            measurements=measurements,
            seed=seed,
            repeats=repeats,
            inputs=(*(overlay or ()), *(model or ())),
            command_line=sys.argv,
            observer=observer,
            nodes=where,
            trace=trace,
        )
    if as_json:
        print_json(_facts(load, blocks, seed) | summary.to_dict())
    else:
        _show(load, summary)
    return 1 if summary.faults else 0


@contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Ctrl-C and SIGTERM interrupt what is under way. Python drops what is raised while it collects garbage or forks,
    so the function that is given interrupts again if they came before."""
    came = False

    def stop(*_: object) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    def check() -> None:
        if came:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _nodes(scheduler: str | None) -> Iterator[Nodes]:
    """Where nodes run."""
    if scheduler is None:
        from costmodel.cluster.manager import replies

        yield replies
        return
    # dask is slow to load, and only fleets need it.
    from costmodel.cluster.remote import remote_replies
    from costmodel.fleet.cluster import connected

    with connected(scheduler) as client:
        yield partial(remote_replies, client)


def _predicted_tx_ns(load: Load, model: list[Path] | None) -> float:
    """By the ledger's own price, or by a model: the evaluation, and the call around it where the model has that."""
    if load.program is None or load.fit is None:
        return 0.0
    if not model:
        return ps_to_ns(load.fit.used.cpu)
    from costmodel.predict.counts import predict
    from costmodel.predict.fitted import Fitted, predicted_call, predicted_evaluation

    priced = load_model(model)
    fitted = Fitted.of(priced)
    (prediction,) = predict(priced, [load.program], fitted.section.errors.parts_ps if fitted else ())
    predicted = predicted_evaluation(prediction, fitted)
    if fitted is not None and fitted.section.calls:
        predicted = predicted_call(prediction, predicted, fitted)
    return predicted.ns


def _facts(load: Load, blocks: tuple[Block, ...], seed: int) -> dict[str, Any]:
    return {
        "profile": load.profile.name,
        "nodes_wanted": load.profile.nodes,
        "slots": load.profile.epochs * load.profile.slots,
        "epoch": load.profile.epoch,
        "seed": seed,
        "blocks": len(blocks),
        "transactions": sum(block.transactions for block in blocks),
        "tx_bytes": load.tx_bytes,
        "most_transactions": load.most_transactions,
        "limited_by": load.limited_by,
        "budget": load.fit.to_dict() if load.fit else None,
    }


def _show_without_scripts(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(facts | {"predicted_block_ns": 0.0, "nodes": []})
        return
    stdout().print(
        f"{facts['profile']}: {facts['blocks']:,} blocks with {facts['transactions']:,} transactions, none with a "
        "script: no script time is predicted, and there is none to observe",
        soft_wrap=True,
    )


def _show(load: Load, summary: Summary) -> None:
    console = stdout()
    console.print(
        f"{summary.profile}: {summary.blocks:,} blocks, {summary.transactions:,} transactions of "
        f"{summary.loop_count:,} loops, at most {load.most_transactions} a block (by {load.limited_by})",
        soft_wrap=True,
    )
    console.print(
        f"predicted: {time_ns(summary.predicted_tx_ns)} a transaction, {time_ns(summary.predicted_block_ns)} the "
        "fullest block",
        soft_wrap=True,
    )
    several = len({node.host for node in summary.nodes}) > 1
    headings = (
        "repeat",
        "node",
        *(["host"] if several else []),
        "blocks",
        "undisturbed",
        "p50",
        "p95",
        "p99",
        "max",
        "a transaction",
        "r",
        "of a slot",
        "late",
    )
    rows = [
        (
            str(node.repeat),
            str(node.node),
            *([visible(node.host)] if several else []),
            f"{node.blocks:,}",
            f"{node.undisturbed:,}",
            *(time_ns(node.percentiles_ns[share]) for share in ("50", "95", "99", "100")),
            time_ns(node.tx_ns) + (" (slower)" if node.slower else ""),
            f"{node.observed_over_predicted:.3f}",
            percent(node.largest_share_of_slot),
            str(node.late),
        )
        for node in summary.nodes
    ]
    console.print(table(None, [(heading, "right") for heading in headings], rows))
    spread = ", ".join(
        f"{name.replace('_', ' ')} {percent(value)}" for name, value in summary.spread.items() if value is not None
    )
    console.print(f"spread of a transaction's time: {spread}", soft_wrap=True)
    for fault in summary.faults.values():
        console.print(fault, style="bold", markup=False, soft_wrap=True)
    console.print(f"blocks: {summary.table}", markup=False, soft_wrap=True)
    console.print(f"run: {summary.run}", markup=False, soft_wrap=True)
