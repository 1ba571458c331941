"""Sections about the model cluster: how long its nodes take for blocks, from a run or from what `cluster` wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from costmodel.records.cluster import Cluster, ClusterNode, ObservedChain
from costmodel.records.run import ClusterOutcome
from costmodel.rendering import numbers
from costmodel.rendering.tables import Column, Table, TableCell, count_cell, ratio_cell, share_cell, time_cell
from costmodel.report.charts import SERIES, Axis, Chart, Ink, Mark, Panel, scale_for, values
from costmodel.report.page_model import Conclusion, Flagged, Plot, Section
from costmodel.report.run_summary import Digest

_PS_PER_NS: Final = 1e3
_NS_PER_MS: Final = 1e6
_STEPS: Final = 200  # of a distribution that is drawn
_CDF: Final = "Distribution of block times by node"

Floats = npt.NDArray[np.float64]


def cluster_flags(name: str, cluster: Cluster) -> Iterator[Flagged]:
    """Nodes that died, were slower than the others, or fell behind."""
    if cluster.observed is None:
        return
    for fault in cluster.observed.faults.values():
        yield Flagged("error", "node fault", name, fault)
    for node in cluster.observed.nodes:
        if node.slower:
            text = f"a transaction takes {numbers.time_ps(node.tx_ns * _PS_PER_NS)}, slower than on the other nodes"
            yield Flagged("warning", "slower node", f"{name}: {_which(node)}", text)
        if node.late:
            text = f"{node.late} of {node.blocks} blocks finished more than a slot after they arrived"
            yield Flagged("warning", "late blocks", f"{name}: {_which(node)}", text)


def cluster_conclusion(cluster: Cluster) -> Conclusion:
    """Whether all nodes kept up."""
    observed = cluster.observed
    if observed is None:
        return Conclusion("info", f"{cluster.profile} has no scripts, so there is nothing to time")
    if observed.faults:
        return Conclusion("fail", f"{numbers.plural(len(observed.faults), 'node process')} of {cluster.profile} died")
    late = sum(node.late for node in observed.nodes)
    if late:
        return Conclusion("fail", f"nodes of {cluster.profile} finished {numbers.plural(late, 'block')} late")
    return Conclusion("pass", f"every node of {cluster.profile} validated every block in its slot")


def cluster_sections(name: str, cluster: Cluster) -> Iterator[Section]:
    """What `cluster` wrote: the percentiles of each node, and what varies."""
    title = f"Cluster {cluster.profile}: {name}"
    chain = f"{cluster.blocks:,} blocks with {cluster.transactions:,} transactions"
    observed = cluster.observed
    if observed is None:
        yield Section(title, f"{chain}, none with a script.")
        return
    spread = ", ".join(
        f"{part.replace('_', ' ')} {numbers.percent(share)}"
        for part, share in msgspec.structs.asdict(observed.spread).items()
        if share is not None
    )
    intro = (
        f"{len(observed.nodes)} nodes, {chain}. Predicted: {_ns(observed.predicted_tx_ns)} per transaction, "
        f"{_ns(observed.predicted_block_ns)} for the fullest block."
        + (f" Spread of a transaction's time: {spread}." if spread else "")
    )
    times = {_which(node): node.percentiles_ns for node in observed.nodes}
    medians = [node.percentiles_ns["50"] for node in observed.nodes if "50" in node.percentiles_ns]
    chart = _percentiles_chart(times, observed.predicted_block_ns)
    plot = Plot(f"cdf-{name}", _CDF, _words(len(times), medians, observed.predicted_block_ns), chart)
    yield Section(title, intro, (plot,), (_nodes(name, observed),))


def _nodes(name: str, observed: ObservedChain) -> Table:
    shares = ("50", "95", "99", "100")
    headings = ("blocks", "disturbed", "p50", "p95", "p99", "max", "per transaction", "observed/predicted", "of a slot")
    columns = (Column("node"), *(Column(each, True) for each in (*headings, "late")))
    rows = tuple(
        (
            TableCell(_which(node), node.repeat * 1e6 + node.node),
            count_cell(node.blocks),
            count_cell(node.disturbed),
            *(_time(node.percentiles_ns.get(share)) for share in shares),
            _time(node.tx_ns),
            ratio_cell(node.observed_over_predicted),
            share_cell(node.largest_share_of_slot),
            count_cell(node.late),
        )
        for node in observed.nodes
    )
    return Table(f"Nodes of {name}", columns, rows)


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
        *(Column(each, True) for each in ("blocks", "disturbed", "p50", "p95", "p99", "max", "per transaction")),
        Column("observed/predicted", True),
    )
    table = []
    for process, label in labels.items():
        mine = rows[rows["process"] == process]
        clean = mine[mine["disturbance"] == ""]
        each = clean if len(clean) else mine
        tx_ns = float((each["ns"] / each["iterations"]).median())
        table.append(
            (
                TableCell(label, process),
                count_cell(len(mine)),
                count_cell(int((mine["disturbance"] != "").sum())),
                *(_time(float(value)) for value in np.percentile(times[label], (50, 95, 99, 100))),
                _time(tx_ns),
                ratio_cell(tx_ns / predicted_tx_ns if predicted_tx_ns else None),
            )
        )
    medians = [float(np.median(values)) for values in times.values()]
    chart = _times_chart(times, predicted if predicted_tx_ns else None)
    plot = Plot(f"cdf-{run.name}", _CDF, _words(len(times), medians, fullest), chart)
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


def _times_chart(times: Mapping[str, Floats], predicted: Floats | None) -> Chart:
    marks = [
        Mark("line", ink, x=values(steps / _NS_PER_MS), y=values(np.linspace(0, 1, len(steps))), label=label)
        for (ink, label), steps in zip(_inks(list(times)), map(_thinned, times.values()), strict=True)
    ]
    if predicted is not None:
        steps = _thinned(predicted)
        x, y = values(steps / _NS_PER_MS), values(np.linspace(0, 1, len(steps)))
        marks.append(Mark("line", "ink", x=x, y=y, label="predicted", dashed=True))
    return _shares_chart(marks)


def _percentiles_chart(times: Mapping[str, Mapping[str, float]], fullest_ns: float) -> Chart:
    marks = []
    for (ink, label), percentiles in zip(_inks(list(times)), times.values(), strict=True):
        points = sorted((float(share) / 100, ns / _NS_PER_MS) for share, ns in percentiles.items())
        x, y = values(ns for _, ns in points), values(share for share, _ in points)
        marks += [Mark("line", ink, x=x, y=y, label=label), Mark("points", ink, x=x, y=y)]
    if fullest_ns:
        marks.append(Mark("rule", "ink", x=(fullest_ns / _NS_PER_MS,), dashed=True, label="fullest block, predicted"))
    return _shares_chart(marks)


def _inks(nodes: list[str]) -> Iterator[tuple[Ink, str]]:
    """A colour for each of a few nodes, or one for many, which the legend then names once."""
    few = len(nodes) <= len(SERIES)
    for place, label in enumerate(nodes):
        yield (SERIES[place], label) if few else ("data", "" if place else f"{len(nodes)} nodes")


def _shares_chart(marks: list[Mark]) -> Chart:
    x = Axis("time of a block's scripts (ms)", scale_for([x for mark in marks for x in mark.x]))
    return Chart((Panel(x, Axis("share of blocks"), tuple(marks)),), 340)


def _thinned(times: Floats) -> Floats:
    """Steps of the distribution of these times, in order."""
    if len(times) <= _STEPS:
        return np.sort(times)
    return np.quantile(times, np.linspace(0, 1, _STEPS))


def _label(process: int, nodes: int) -> str:
    """What a run's process number says, where it is known how many nodes there were."""
    if not nodes:
        return f"process {process}"
    return f"node {process % nodes}" + (f", repeat {process // nodes}" if process >= nodes else "")


def _which(node: ClusterNode) -> str:
    return f"node {node.node}" + (f", repeat {node.repeat}" if node.repeat else "")


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _real(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < float("inf") else 0.0


def _ns(ns: float) -> str:
    return numbers.time_ps(ns * _PS_PER_NS)


def _time(ns: float | None) -> TableCell:
    return time_cell(None if ns is None else ns * _PS_PER_NS)
