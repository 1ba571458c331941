"""What a cluster's run says: how long blocks take, against what was predicted, and what varies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from costmodel.cluster.profiles import Load
from costmodel.cluster.schedule import Block
from costmodel.cluster.table import FILE, SLOT_NS, Floats, done
from costmodel.model import ExUnits
from costmodel.records.cluster import Node, Observed, Spread
from costmodel.records.figures import ExUnits as ExUnitsRecord
from costmodel.runs.store import Run

PERCENTILES: Final = (5, 10, 25, 50, 75, 90, 95, 99, 100)
_SLOWER: Final = 1.05


def summarise(
    run: Run,
    load: Load,
    blocks: Sequence[Block],
    predicted_tx_ns: float,
    repeats: int,
    faults: Mapping[int, str],
    hosts: Mapping[int, str],
) -> Observed:
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
    return Observed(
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
    clean = rows[rows["gate"] == ""]
    return rows if clean.empty else clean


def _node(which: tuple[int, int], host: str, rows: pd.DataFrame, tx_ns: float, predicted: float, usual: float) -> Node:
    ordered = rows.sort_values("order")
    times = ordered["ns"].to_numpy(float)
    disturbed = int((rows["gate"] != "").sum())
    return Node(
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
