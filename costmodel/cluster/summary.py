"""What a cluster did: the table with every block on every node, and its summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from costmodel.cluster.profiles import SLOT_SECONDS, ChainBlock, ScriptLoad
from costmodel.model import ExUnits
from costmodel.records.cluster import ClusterNode, ObservedChain, Spread
from costmodel.records.figures import ExUnitsRecord
from costmodel.runs.store import Run

PERCENTILES: Final = (5, 10, 25, 50, 75, 90, 95, 99, 100)
_SLOWER: Final = 1.05


def summarise(
    run: Run,
    load: ScriptLoad,
    blocks: Sequence[ChainBlock],
    predicted_tx_ns: float,
    repeats: int,
    faults: Mapping[int, str],
    hosts: Mapping[int, str],
) -> ObservedChain:
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
    used = load.fit.used if load.fit else ExUnits(0, 0)
    return ObservedChain(
        run=str(run.path),
        table=str(run.path / FILE),
        loop_count=load.fit.loop_count if load.fit else 0,
        ex_units=ExUnitsRecord(cpu=used.cpu, mem=used.mem),
        predicted_tx_ns=predicted_tx_ns,
        predicted_block_ns=predicted_tx_ns * max(block.transactions for block in blocks),
        percentiles_ns=_percentiles(rows["ns"].to_numpy(float)),
        spread=_spread(rows, repeats),
        nodes=nodes,
        faults={str(process): fault for process, fault in faults.items()},
    )


def _clean(rows: pd.DataFrame) -> pd.DataFrame:
    """The undisturbed ones, or all where every one was disturbed."""
    clean = rows[rows["disturbance"] == ""]
    return rows if clean.empty else clean


def _node(
    which: tuple[int, int], host: str, rows: pd.DataFrame, tx_ns: float, predicted: float, usual: float
) -> ClusterNode:
    ordered = rows.sort_values("order")
    times = ordered["ns"].to_numpy(float)
    disturbed = int((rows["disturbance"] != "").sum())
    return ClusterNode(
        repeat=which[0],
        node=which[1],
        host=host,
        blocks=len(rows),
        disturbed=disturbed,
        percentiles_ns=_percentiles(times),
        tx_ns=tx_ns,
        observed_over_predicted=tx_ns / predicted if predicted else None,
        largest_share_of_slot=float(times.max()) / SLOT_NS,
        late=int((done(ordered["order"].to_numpy(float), times) > SLOT_NS).sum()),
        slower=disturbed < len(rows) and tx_ns > _SLOWER * usual,
    )


def _percentiles(times: Floats) -> dict[str, float]:
    return {
        str(share): float(value) for share, value in zip(PERCENTILES, np.percentile(times, PERCENTILES), strict=True)
    }


def _spread(rows: pd.DataFrame, repeats: int) -> Spread:
    clean = _clean(rows)
    mean = float(clean["tx_ns"].mean())
    within = float(np.sqrt(clean.groupby("process")["tx_ns"].var().mean()))  # a group of one has no variance: skipped
    return Spread(
        within=within / mean if np.isfinite(within) else None,
        between_nodes=_deviation(clean.groupby("node")["tx_ns"].mean(), mean),
        between_repeats=_deviation(clean.groupby("repeat")["tx_ns"].mean(), mean) if repeats > 1 else None,
    )


def _deviation(means: pd.Series[float], mean: float) -> float | None:
    return float(means.std()) / mean if len(means) > 1 else None


FILE: Final = "blocks.parquet"
"""Of a cluster's run: the table of `block_table`."""

SLOT_NS: Final = SLOT_SECONDS * 1e9

Floats = npt.NDArray[np.float64]

_COLUMNS: Final = pa.schema(
    [
        ("repeat", pa.int32()),
        ("node", pa.int32()),
        ("block", pa.int32()),
        ("slot", pa.int32()),
        ("leader", pa.int32()),
        ("transactions", pa.int64()),
        ("predicted_ns", pa.float64()),
        ("observed_ns", pa.float64()),
        ("share_of_slot", pa.float64()),
        ("done_ns", pa.float64()),
        ("disturbed", pa.string()),
    ]
)


def block_table(rows: pd.DataFrame, blocks: Sequence[ChainBlock], members: int, predicted_tx_ns: float) -> pa.Table:
    """The rows of a run of `members` nodes, in the order of repeats, nodes and slots.

    `leader` is the node that made the block. Times are of all of its scripts; `done_ns` is when the node was done with
    them, counted from the beginning of the block's slot (see `done`). `disturbed` names what disturbed the timing, and
    is empty where nothing did.
    """
    rows = rows.sort_values(["process", "order"])
    observed = rows["ns"].to_numpy(float)
    transactions = rows["iterations"].to_numpy()
    by_process = rows.groupby("process", sort=False)
    waits = [done(mine["order"].to_numpy(float), mine["ns"].to_numpy(float)) for _, mine in by_process]
    table = {
        "repeat": rows["process"] // members,
        "node": rows["process"] % members,
        "block": rows["block"],
        "slot": rows["order"],
        "leader": [blocks[number].leader for number in rows["block"]],
        "transactions": transactions,
        "predicted_ns": predicted_tx_ns * transactions,
        "observed_ns": observed,
        "share_of_slot": observed / SLOT_NS,
        "done_ns": np.concatenate(waits) if waits else observed,
        "disturbed": rows["disturbance"],
    }
    return pa.table({name: pa.array(table[name], _COLUMNS.field(name).type) for name in _COLUMNS.names}, _COLUMNS)


def done(slots: Floats, times_ns: Floats) -> Floats:
    """When a node is done with each block, in ns from the beginning of the block's slot, if blocks come as their slots
    begin and it takes them one at a time, in the order given, for so long each."""
    found = np.empty(len(slots))
    free = 0.0
    for place, (slot, ns) in enumerate(zip(slots, times_ns, strict=True)):
        came = slot * SLOT_NS
        free = max(free, came) + ns
        found[place] = free - came
    return found
