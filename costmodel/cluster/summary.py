"""What a cluster's run says: how long blocks take, against what was predicted, and what varies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from costmodel.cluster.profiles import Load
from costmodel.cluster.schedule import Block
from costmodel.cluster.table import FILE, SLOT_NS, Floats, done
from costmodel.runs.store import Run

PERCENTILES: Final = (5, 10, 25, 50, 75, 90, 95, 99, 100)
_SLOWER: Final = 1.05


@dataclass(frozen=True, slots=True)
class NodeSummary:
    """A node over a repeat, on the computer `host`. Times are of a block's scripts, in nanoseconds. `percentiles_ns` is
    the distribution over all blocks; `tx_ns` is a transaction's median time over the undisturbed ones, or over all
    where there is none.

    `late` are the blocks that were done more than a slot after they came, with what was still to do before them (see
    `table.done`); `slower` says that the median transaction takes 5 % longer than the median of the nodes.
    """

    repeat: int
    node: int
    host: str
    blocks: int
    disturbed: int
    percentiles_ns: Mapping[str, float]
    tx_ns: float
    observed_over_predicted: float
    largest_share_of_slot: float
    late: int
    slower: bool

    @property
    def undisturbed(self) -> int:
        return self.blocks - self.disturbed


@dataclass(frozen=True, slots=True)
class Summary:
    """All nodes. `table` is the file with every block on every node. `predicted_tx_ns` and `predicted_block_ns` are for
    a transaction and for the fullest block.

    `spread` has relative standard deviations of a transaction's time over undisturbed blocks: from block to block
    within a node and repeat, between nodes' means, between repeats' means; None where there are not two of them.
    """

    run: str
    table: str
    profile: str
    blocks: int
    transactions: int
    loop_count: int
    ex_units: Mapping[str, int]
    predicted_tx_ns: float
    predicted_block_ns: float
    percentiles_ns: Mapping[str, float]
    spread: Mapping[str, float | None]
    nodes: tuple[NodeSummary, ...]
    faults: Mapping[int, str]

    def to_dict(self) -> dict[str, Any]:
        document = asdict(self)
        document["faults"] = {str(node): fault for node, fault in self.faults.items()}
        return document


def summarise(
    run: Run,
    load: Load,
    blocks: Sequence[Block],
    predicted_tx_ns: float,
    repeats: int,
    faults: Mapping[int, str],
    hosts: Mapping[int, str],
) -> Summary:
    """The summary of a run that has rows. `faults` and `hosts` are by process: repeat · nodes + node."""
    rows = run.samples()
    rows["tx_ns"] = rows["ns"] / rows["iterations"]
    members = load.profile.nodes
    rows["node"], rows["repeat"] = rows["process"] % members, rows["process"] // members
    by_process = {process: rows[rows["process"] == process] for process in sorted(set(rows["process"].tolist()))}
    medians = {process: float(_clean(mine)["tx_ns"].median()) for process, mine in by_process.items()}
    usual = float(np.median(list(medians.values())))
    nodes = tuple(
        _node(divmod(process, members), hosts[process], mine, medians[process], predicted_tx_ns, usual)
        for process, mine in by_process.items()
    )
    used = load.fit.used if load.fit else None
    return Summary(
        run=str(run.path),
        table=str(run.path / FILE),
        profile=load.profile.name,
        blocks=len(blocks),
        transactions=sum(block.transactions for block in blocks),
        loop_count=load.fit.loop_count if load.fit else 0,
        ex_units=asdict(used) if used else {},
        predicted_tx_ns=predicted_tx_ns,
        predicted_block_ns=predicted_tx_ns * max(block.transactions for block in blocks),
        percentiles_ns=_percentiles(rows["ns"].to_numpy(float)),
        spread=_spread(rows, repeats),
        nodes=nodes,
        faults=faults,
    )


def _clean(rows: pd.DataFrame) -> pd.DataFrame:
    """The undisturbed ones, or all where every one was disturbed."""
    clean = rows[rows["gate"] == ""]
    return rows if clean.empty else clean


def _node(
    which: tuple[int, int], host: str, rows: pd.DataFrame, tx_ns: float, predicted: float, usual: float
) -> NodeSummary:
    ordered = rows.sort_values("order")
    times = ordered["ns"].to_numpy(float)
    disturbed = int((rows["gate"] != "").sum())
    return NodeSummary(
        repeat=which[0],
        node=which[1],
        host=host,
        blocks=len(rows),
        disturbed=disturbed,
        percentiles_ns=_percentiles(times),
        tx_ns=tx_ns,
        observed_over_predicted=tx_ns / predicted,
        largest_share_of_slot=float(times.max()) / SLOT_NS,
        late=int((done(ordered["order"].to_numpy(float), times) > SLOT_NS).sum()),
        slower=disturbed < len(rows) and tx_ns > _SLOWER * usual,
    )


def _percentiles(times: Floats) -> dict[str, float]:
    return {
        str(share): float(value) for share, value in zip(PERCENTILES, np.percentile(times, PERCENTILES), strict=True)
    }


def _spread(rows: pd.DataFrame, repeats: int) -> dict[str, float | None]:
    clean = _clean(rows)
    mean = float(clean["tx_ns"].mean())
    within = float(np.sqrt(clean.groupby("process")["tx_ns"].var().mean()))  # a group of one has no variance: skipped
    return {
        "within": within / mean if np.isfinite(within) else None,
        "between_nodes": _deviation(clean.groupby("node")["tx_ns"].mean(), mean),
        "between_repeats": _deviation(clean.groupby("repeat")["tx_ns"].mean(), mean) if repeats > 1 else None,
    }


def _deviation(means: pd.Series[float], mean: float) -> float | None:
    return float(means.std()) / mean if len(means) > 1 else None
