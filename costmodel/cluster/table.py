"""A cluster's blocks, one by one: a row for each block on each node, predicted and observed, for an analysis of one's
own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from costmodel.cluster.schedule import SLOT_SECONDS, Block

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


def block_table(rows: pd.DataFrame, blocks: Sequence[Block], members: int, predicted_tx_ns: float) -> pa.Table:
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
        "disturbed": rows["gate"],
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
