"""Sections about the model cluster: how long its nodes take for blocks, from a run or from what `cluster` wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from costmodel.records.run import ClusterOutcome
from costmodel.report.colours import Palette
from costmodel.report.documents import Cluster, Node
from costmodel.report.page_model import Cell, Column, Flagged, Plot, Section, Table
from costmodel.report.plots import log_if_wide
from costmodel.report.run_summary import Digest
from costmodel.report.text import count_cell, percent, share_cell, time_cell, time_text

_PS_PER_NS: Final = 1e3
_NS_PER_MS: Final = 1e6
_STEPS: Final = 200  # of a distribution that is drawn
_CDF: Final = "Distribution of block times by node"

Floats = npt.NDArray[np.float64]


def cluster_flags(cluster: Cluster) -> Iterator[Flagged]:
    """Nodes that died, were slower than the others, or fell behind."""
    for fault in cluster.faults.values():
        yield Flagged("error", "node fault", cluster.name, fault)
    for node in cluster.nodes:
        if node.slower:
            text = f"a transaction takes {time_text(node.tx_ns * _PS_PER_NS)}, which is slower than the other nodes'"
            yield Flagged("warning", "slower node", f"{cluster.name}: {_which(node)}", text)
        if node.late:
            text = f"{node.late} of {node.blocks} blocks were done more than a slot after they came"
            yield Flagged("warning", "late blocks", f"{cluster.name}: {_which(node)}", text)


def cluster_sections(cluster: Cluster) -> Iterator[Section]:
    """What `cluster` wrote: the percentiles of each node, and what varies."""
    title = f"Cluster {cluster.profile}: {cluster.name}"
    if not cluster.nodes:
        intro = f"{cluster.blocks:,} blocks with {cluster.transactions:,} transactions, none with a script."
        yield Section(title, intro)
        return
    known = {name.replace("_", " "): value for name, value in cluster.spread.items() if value is not None}
    spread = ", ".join(f"{name} {percent(value)}" for name, value in known.items())
    intro = (
        f"{len(cluster.nodes)} nodes, {cluster.blocks:,} blocks with {cluster.transactions:,} transactions. Predicted: "
        f"{_ns(cluster.predicted_tx_ns)} a transaction, {_ns(cluster.predicted_block_ns)} the fullest block."
        + (f" Spread of a transaction's time: {spread}." if spread else "")
    )
    times = {_which(node): node.percentiles_ns for node in cluster.nodes}
    medians = [node.percentiles_ns["50"] for node in cluster.nodes if "50" in node.percentiles_ns]
    draw = partial(_draw_percentiles, times, cluster.predicted_block_ns)
    plot = Plot(f"cdf-{cluster.name}", _CDF, _words(len(times), medians, cluster.predicted_block_ns), draw)
    yield Section(title, intro, (plot,), (_nodes(cluster),))


def _nodes(cluster: Cluster) -> Table:
    shares = ("50", "95", "99", "100")
    headings = ("blocks", "disturbed", "p50", "p95", "p99", "max", "a transaction", "observed/predicted", "of a slot")
    columns = (Column("node"), *(Column(each, True) for each in (*headings, "late")))
    rows = tuple(
        (
            Cell(_which(node), node.repeat * 1e6 + node.node),
            count_cell(node.blocks),
            count_cell(node.disturbed),
            *(_time(node.percentiles_ns.get(share)) for share in shares),
            _time(node.tx_ns),
            _ratio(node.observed_over_predicted),
            share_cell(node.largest_share_of_slot),
            count_cell(node.late),
        )
        for node in cluster.nodes
    )
    return Table(f"Nodes of {cluster.name}", columns, rows)


def validated_section(digest: Digest) -> Section:
    """A cluster's run: the distribution of every node's block times, disturbed ones included, since those are what a
    chain would have seen, and of what was predicted."""
    run, rows = digest.run, digest.validated
    outcome = run.manifest.outcome
    told = outcome if isinstance(outcome, ClusterOutcome) else None
    nodes, predicted_tx_ns = (told.nodes, told.predicted_tx_ns) if told else (0, 0.0)
    labels = {process: _label(process, nodes) for process in sorted(set(rows["process"].tolist()))}
    times = {label: rows.loc[rows["process"] == process, "ns"].to_numpy(float) for process, label in labels.items()}
    first = rows[rows["process"] == min(labels)]
    predicted = predicted_tx_ns * first["iterations"].to_numpy(float)
    fullest = float(rows["iterations"].max()) * predicted_tx_ns
    columns = (
        Column("node"),
        *(Column(each, True) for each in ("blocks", "disturbed", "p50", "p95", "p99", "max", "a transaction")),
        Column("observed/predicted", True),
    )
    table = []
    for process, label in labels.items():
        mine = rows[rows["process"] == process]
        clean = mine[mine["gate"] == ""]
        each = clean if len(clean) else mine
        tx_ns = float((each["ns"] / each["iterations"]).median())
        table.append(
            (
                Cell(label, process),
                count_cell(len(mine)),
                count_cell(int((mine["gate"] != "").sum())),
                *(_time(float(value)) for value in np.percentile(times[label], (50, 95, 99, 100))),
                _time(tx_ns),
                _ratio(tx_ns / predicted_tx_ns if predicted_tx_ns else None),
            )
        )
    medians = [float(np.median(values)) for values in times.values()]
    draw = partial(_draw_times, times, predicted if predicted_tx_ns else None)
    plot = Plot(f"cdf-{run.name}", _CDF, _words(len(times), medians, fullest), draw)
    intro = (
        f"Profile {told.profile if told else 'unknown'}: every node validates every block. A block's time "
        "is that of its scripts, disturbed blocks included; a transaction's is the median over undisturbed blocks."
    )
    return Section(f"Block times of {run.name}", intro, (plot,), (Table("Nodes", columns, tuple(table)),))


def _words(nodes: int, medians: list[float], fullest: float) -> str:
    words = f"{nodes} nodes." if nodes != 1 else "One node."
    if medians:
        words += f" Their median blocks take {_ns(min(medians))} to {_ns(max(medians))}."
    return words + (f" The fullest block is predicted to take {_ns(fullest)}." if fullest else "")


def _draw_times(times: Mapping[str, Floats], predicted: Floats | None, canvas: Canvas, palette: Palette) -> None:
    axes = canvas.subplots()
    for values, style in zip(times.values(), _styles(list(times), palette), strict=True):
        axes.ecdf(_thinned(values) / _NS_PER_MS, **style)
    if predicted is not None:
        axes.ecdf(_thinned(predicted) / _NS_PER_MS, color=palette.ink, linestyle="--", linewidth=1.0, label="predicted")
    _finish(axes, [float(value) for values in times.values() for value in values])


def _draw_percentiles(
    times: Mapping[str, Mapping[str, float]], fullest_ns: float, canvas: Canvas, palette: Palette
) -> None:
    axes = canvas.subplots()
    for percentiles, style in zip(times.values(), _styles(list(times), palette), strict=True):
        points = sorted((float(share) / 100, ns / _NS_PER_MS) for share, ns in percentiles.items())
        axes.plot([ns for _, ns in points], [share for share, _ in points], marker="o", **style)
    if fullest_ns:
        axes.axvline(
            fullest_ns / _NS_PER_MS, color=palette.ink, linestyle="--", linewidth=1.0, label="fullest, predicted"
        )
    _finish(axes, [ns for percentiles in times.values() for ns in percentiles.values()])


def _styles(nodes: list[str], palette: Palette) -> Iterator[dict[str, Any]]:
    """A colour for each of a few, or one for many, which the legend then tells of once."""
    few = len(nodes) <= len(palette.series)
    for number, label in enumerate(nodes):
        if few:
            yield {"color": palette.series[number], "label": label}
        else:
            label = "_" if number else f"{len(nodes)} nodes"  # matplotlib's legends leave out what begins so
            yield {"color": palette.data, "alpha": 0.45, "linewidth": 0.8, "label": label}


def _finish(axes: Axes, times_ns: list[float]) -> None:
    log_if_wide(axes, "x", [ns / _NS_PER_MS for ns in times_ns])
    axes.set_xlabel("time of a block's scripts (ms)")
    axes.set_ylabel("share of blocks")
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower right")


def _thinned(values: Floats) -> Floats:
    """As many values, or fewer with the same distribution."""
    return values if len(values) <= _STEPS else np.quantile(values, np.linspace(0, 1, _STEPS))


def _label(process: int, nodes: int) -> str:
    """What a run's process number says, where it is known how many nodes there were."""
    if not nodes:
        return f"process {process}"
    return f"node {process % nodes}" + (f", repeat {process // nodes}" if process >= nodes else "")


def _which(node: Node) -> str:
    return f"node {node.node}" + (f", repeat {node.repeat}" if node.repeat else "")


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _real(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < float("inf") else 0.0


def _ns(ns: float) -> str:
    return time_text(ns * _PS_PER_NS)


def _time(ns: float | None) -> Cell:
    return time_cell(None if ns is None else ns * _PS_PER_NS)


def _ratio(value: float | None) -> Cell:
    return Cell("–") if value is None else Cell(f"{value:.3f}", value)
