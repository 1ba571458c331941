"""`calibrate cluster`: node processes validate the blocks of a node workbench's profile."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import asdict, replace

from costmodel.cli.options import LOCAL, Evaluator, Json, Measurements, Seed, TableCommand, scheduler_of
from costmodel.cli.output import print_json, say, show
from costmodel.cli.progress import counted
from costmodel.cli.trace import TraceConfig, traced
from costmodel.errors import InputError
from costmodel.model import load as load_model
from costmodel.model import ps_to_ns
from costmodel.records.cluster import Cluster, ObservedChain
from costmodel.records.run import NATIVE
from costmodel.rendering import numbers
from costmodel.rendering.tables import Column, Row, Table, TableCell, number, ratio_cell, wide

if TYPE_CHECKING:
    from costmodel.cluster.profiles import ChainBlock, ScriptLoad
    from costmodel.cluster.run import Nodes

Command = TableCommand


def command(
    profile: Annotated[
        str,
        typer.Argument(
            metavar="PROFILE", help="Such as model-secp-ecdsa or plutuscall-loop-stepx2.", show_default=False
        ),
    ],
    model: Annotated[
        list[Path] | None,
        typer.Option(
            "--model", metavar="FILE", help="Predict with this model. [default: the ledger's CPU price as time]"
        ),
    ] = None,
    overlay: Annotated[
        list[Path] | None,
        typer.Option("--overlay", metavar="FILE", help="Parameters to change; may be repeated, the last one wins."),
    ] = None,
    nodes: Annotated[
        int | None,
        typer.Option("--nodes", metavar="N", min=1, max=1000, help="Number of nodes. [default: the profile's]"),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", metavar="N", min=1, max=1000, help="Number of epochs. [default: the profile's]"),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", min=1, max=100, help="How often to repeat the whole run.")
    ] = 1,
    seed: Seed = 0,
    evaluator: Evaluator = NATIVE,
    measurements: Measurements = Path("measurements"),
    backend: Annotated[
        str,
        typer.Option(
            "--backend",
            metavar="WHERE",
            help="local, or dask:SCHEDULER for the workers of a Dask scheduler, each started with --resources core=1.",
        ),
    ] = LOCAL,
    trace_config: TraceConfig = None,
    as_json: Json = False,
) -> int:
    """Let a cluster of node processes validate the blocks of a profile, and time every block on every node.

    Slot leaders and blocks follow from the seed; each block is filled up to its ExUnits and size. Each node is a
    process that decodes, applies and runs the script of every transaction, without caching. The run's blocks.parquet
    has the predicted and observed time of every block on every node. Exit code 1 if a node died.
    """
    # pandas comes with it; --help must not wait for that.
    from costmodel.cluster.profiles import find_profile, make_blocks, make_load
    from costmodel.cluster.run import run_cluster

    scheduler = scheduler_of(backend)
    if scheduler and evaluator != NATIVE:
        raise InputError("--evaluator is for the local backend")
    found = find_profile(profile)
    wanted = replace(found, nodes=nodes or found.nodes, epochs=epochs or found.epochs)
    load = make_load(wanted, overlay or ())
    blocks = make_blocks(load.profile, load.most_transactions, seed)
    if load.program is None:
        _show_without_scripts(_document(load, blocks, seed, None), as_json=as_json)
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
            measured=evaluator,
            trace=trace,
        )
    if as_json:
        print_json(_document(load, blocks, seed, summary))
    else:
        _show(load, blocks, summary)
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


def _predicted_tx_ns(load: ScriptLoad, model: list[Path] | None) -> float:
    """By the ledger's own price, or by a model: the evaluation, and the call around it where the model has that."""
    if load.program is None or load.fit is None:
        return 0.0
    if not model:
        return ps_to_ns(load.fit.used.cpu)
    from costmodel.predict.counts import predict
    from costmodel.predict.fitted import Fitted, predicted_call, predicted_evaluation

    priced = load_model(model)
    fitted = Fitted.of(priced)
    (prediction,) = predict(priced, [load.program])
    predicted = predicted_evaluation(prediction, fitted)
    if fitted is not None and fitted.section.calls:
        predicted = predicted_call(prediction, predicted, fitted)
    return predicted.ns


def _document(load: ScriptLoad, blocks: tuple[ChainBlock, ...], seed: int, observed: ObservedChain | None) -> Cluster:
    return Cluster(
        profile=load.profile.name,
        nodes_wanted=load.profile.nodes,
        slots=load.profile.epochs * load.profile.slots,
        epoch=load.profile.epoch,
        seed=seed,
        blocks=len(blocks),
        transactions=sum(block.transactions for block in blocks),
        tx_bytes=load.tx_bytes,
        most_transactions=load.most_transactions,
        limited_by=load.limited_by,
        budget=load.fit.document() if load.fit else None,
        observed=observed,
    )


def _show_without_scripts(found: Cluster, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    say(
        f"{found.profile}: {found.blocks:,} blocks with {found.transactions:,} transactions and no scripts: "
        "only scripts have a time to predict"
    )


def _show(load: ScriptLoad, blocks: tuple[ChainBlock, ...], summary: ObservedChain) -> None:
    say(
        f"{load.profile.name}: {len(blocks):,} blocks, {sum(block.transactions for block in blocks):,} transactions of "
        f"{summary.loop_count:,} loops, at most {load.most_transactions} per block (limited by {load.limited_by})",
        f"predicted: {numbers.time_ns(summary.predicted_tx_ns)} per transaction, "
        f"{numbers.time_ns(summary.predicted_block_ns)} for the fullest block",
    )
    show(_nodes_table(summary))
    spread = ", ".join(
        f"{name.replace('_', ' ')} {numbers.percent(value)}"
        for name, value in asdict(summary.spread).items()
        if value is not None
    )
    say(f"spread of a transaction's time: {spread}")
    say(*summary.faults.values(), style="bold")
    say(f"blocks: {summary.table}", f"run: {summary.run}")


def _nodes_table(summary: ObservedChain) -> Table:
    several = len({node.host for node in summary.nodes}) > 1
    repeated = any(node.repeat for node in summary.nodes)
    columns = (
        Column("repeat", numeric=True, wide=not repeated),
        number("node"),
        *(["host"] if several else []),
        wide(number("blocks")),
        wide(number("undisturbed")),
        number("p50"),
        number("p95"),
        wide(number("p99")),
        number("max"),
        number("per transaction"),
        number("observed/predicted"),
        number("of a slot"),
        number("late"),
    )
    rows: list[Row] = [
        (
            str(node.repeat),
            str(node.node),
            *([node.host] if several else []),
            numbers.count(node.blocks),
            numbers.count(node.undisturbed),
            *(numbers.time_ns(node.percentiles_ns[share]) for share in ("50", "95", "99", "100")),
            TableCell(numbers.time_ns(node.tx_ns) + (" (slower)" if node.slower else "")),
            "" if node.observed_over_predicted is None else ratio_cell(node.observed_over_predicted),
            numbers.percent(node.largest_share_of_slot),
            numbers.count(node.late),
        )
        for node in summary.nodes
    ]
    return Table.of("", columns, rows)
