"""Files to make reports of, as the other commands write them."""

from __future__ import annotations

import json
from pathlib import Path

from costmodel.batches import compare, select
from costmodel.cluster.summary import PERCENTILES
from costmodel.drift.verdict import Drift, DriftVerdict
from costmodel.files import write_atomically
from costmodel.judging.change import Change
from costmodel.judging.estimate import Estimate
from costmodel.records import encode
from costmodel.records.run import ClusterOutcome, Status
from costmodel.runs.design import Plan
from costmodel.runs.store import RunWriter
from costmodel.runs.tables import Sample
from tests.batches.simulated import CELLS, Truth, write_batch
from tests.runs.facts import CLOCK, MACHINE

HOSTILE = "<script>alert(1)</script>"


def fitted_model(path: Path) -> Path:
    """A model of two builtins, one of them flagged, and two steps. The time of each is known from its numbers."""

    def figure(ps: float, **more: object) -> dict[str, object]:
        return {"ps": ps, "interval_ps": [ps * 0.9, ps * 1.1], "relative_half_width": 0.1} | more

    def builtin(slope: float, flags: list[dict[str, str]]) -> dict[str, object]:
        points = [
            {
                "sizes": [size, 1],
                "measured": figure(1000 + slope * size),
                "fitted": figure(1000 + slope * size),
                "charged_ps": round(1000 + slope * size),
                "residual": 0.0,
            }
            for size in (1, 10, 100)
        ]
        coefficients = {
            "intercept": figure(1000, charged_ps=1000, flags=[]),
            "slope": figure(slope, charged_ps=slope, flags=[]),
        }
        return {
            "coefficients": coefficients,
            "shape": "max_size",
            "points": points,
            "corners": [],
            "flags": flags,
            "r2": 1,
        }

    cost = {"type": "max_size", "arguments": {"intercept": 1000, "slope": 20}}
    flags = [{"flag": "poor fit", "reason": f"off by 52% {HOSTILE}"}]
    steps = {
        "cekVarCost": figure(5000, charged_ps=5000, flags=[]),
        "cekLamCost": figure(7000, charged_ps=7000, flags=[]),
    }
    document = {
        "addInteger": {"cpu": cost, "memory": cost},
        "subtractInteger": {"cpu": cost, "memory": cost},
        "cekVarCost": {"exBudgetCPU": 5000, "exBudgetMemory": 100},
        "cekLamCost": {"exBudgetCPU": 7000, "exBudgetMemory": 100},
        "calibrate": {
            "builtins": {"addInteger": builtin(20, flags), "subtractInteger": builtin(20, [])},
            "flagged": {"addInteger": ["poor fit"]},
            "steps": {
                "coefficients": steps,
                "footprint": {
                    "coefficients": {"footprint": figure(300, flags=[])},
                    "typical": 2_000.4,
                    "least": 400,
                    "most": 9_000,
                },
            },
            "unfitted": {"sha2_256": "one point only"},
        },
    }
    write_atomically(path, json.dumps(document).encode())
    return path


def verdict(path: Path) -> Path:
    """Many programs, one of which failed."""

    def score(label: str, ratio: float, status: str) -> dict[str, object]:
        return {
            "label": label,
            "work": "evaluate",
            "language": "PlutusV2",
            "ex_units": {"cpu": 10**6, "mem": 10**3},
            "predicted_ns": {"value": 1000.0, "interval": [990.0, 1010.0]},
            "observed_ns": {"value": 1000.0 * ratio, "interval": [900.0, None]},
            "ratio": {"value": ratio, "interval": [ratio - 0.1, ratio + 0.1]},
            "status": status,
        }

    scores = [*(score(f"good × {count}", 1.0, "pass") for count in range(20)), score("slow", 1.5, "fail")]
    document = {"model": "m", "workload": "w", "run": "r", "status": "fail", "notes": ["a note"], "scores": scores}
    write_atomically(path, json.dumps(document).encode())
    return path


def batches(folder: Path, runs: int = 2) -> tuple[Path, Path]:
    """Two folders of runs."""
    paths = (folder / "a", folder / "b")
    for seed, path in enumerate(paths):
        path.mkdir()
        write_batch(path, seed, runs, Truth())
    return paths


def comparison(folder: Path) -> Path:
    """What comparing two real folders of runs gives."""
    a, b = batches(folder)
    path = folder / "comparison.json"
    found = compare(select([str(a)]), select([str(b)]))
    write_atomically(path, encode(found.document()))
    return path


def drift(path: Path) -> Path:
    """A drift check in which one operation regressed."""
    drifts = (
        Drift("addInteger", "", 100.0, 100.0, Estimate(1.0, 0.99, 1.01), Change.UNCHANGED),
        Drift("sha2_256", "", 100.0, 105.0, Estimate(1.05, 1.04, 1.06), Change.REGRESSED),
    )
    found = DriftVerdict("deterministic", "instructions", "baseline.json", 0.005, drifts)
    write_atomically(path, encode(found.document()))
    return path


def cluster(path: Path) -> Path:
    """Two nodes over two repeats, one of them slower, and one that died."""

    def node(repeat: int, number: int, pace: float) -> dict[str, object]:
        return {
            "repeat": repeat,
            "node": number,
            "blocks": 100,
            "disturbed": 3,
            "percentiles_ns": {str(share): pace * 1e4 * share for share in PERCENTILES},
            "tx_ns": pace * 1e5,
            "observed_over_predicted": pace,
            "largest_share_of_slot": 0.01,
            "late": 0,
            "slower": pace > 1.05,
        }

    document = {
        "profile": "plutuscall-loop",
        "blocks": 100,
        "transactions": 900,
        "predicted_tx_ns": 1e5,
        "predicted_block_ns": 9e5,
        "spread": {"within": 0.02, "between_nodes": 0.1, "between_repeats": None},
        "nodes": [node(repeat, number, 1 + number / 10) for repeat in (0, 1) for number in (0, 1)],
        "faults": {"3": f"node process 3: killed {HOSTILE}"},
    }
    write_atomically(path, json.dumps(document).encode())
    return path


def cluster_run(folder: Path, *, nodes: int = 2, blocks: int = 300) -> Path:
    """A cluster's run: node n takes (n + 1) µs for each of a block's transactions, of which there are 1 to 9."""
    cell = CELLS[-1]
    writer = RunWriter.create(
        folder,
        "cluster",
        Plan(cells=(cell,), core=1),
        machine=MACHINE,
        clock=CLOCK,
        versions={"calibrate": "0"},
        evaluator={"sha256": "e"},
    )
    writer.append(
        [
            Sample(
                cell=cell.id,
                process=node,
                block=block,
                order=block * 20,
                iterations=block % 9 + 1,
                ticks=1,
                ns=1000.0 * (node + 1) * (block % 9 + 1),
                gate="",
                yardstick_hash_ns=100.0,
                yardstick_machine_ns=100.0,
                cpu=1,
            )
            for node in range(nodes)
            for block in range(blocks)
        ]
    )
    writer.update(outcome=ClusterOutcome(profile="plutuscall-loop", nodes=nodes, predicted_tx_ns=1000.0))
    return writer.finish(Status.COMPLETE).path
