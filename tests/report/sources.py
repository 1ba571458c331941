"""Files to make reports of, as the other commands write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import msgspec

from costmodel.batches import compare, select
from costmodel.cluster.summary import PERCENTILES
from costmodel.drift.verdict import DriftVerdict, OperationDrift
from costmodel.files import write_atomically
from costmodel.judging.estimate import Change, Estimate
from costmodel.records import encode
from costmodel.records.cluster import Cluster, ClusterNode, ObservedChain, Spread
from costmodel.records.figures import EstimateRecord as Estimated
from costmodel.records.figures import ExUnitsRecord
from costmodel.records.model import (
    BatchCounts,
    Centre,
    Coefficient,
    Errors,
    Figure,
    FittedBuiltin,
    FittedModel,
    Flag,
    FootprintRange,
    LackOfFit,
    Method,
    PicosecondsOf,
    Point,
    PredictionPrices,
    Section,
    SinglePrice,
    Steps,
)
from costmodel.records.run import ClusterOutcome, RunStatus
from costmodel.records.validation import Accuracy, ExtremeRecord, ScoreRecord, ValidationDocument, WorkRecord
from costmodel.runs.design import Plan
from costmodel.runs.store import RunWriter
from costmodel.runs.tables import Sample
from tests.batches.simulated import CELLS, Truth, write_batch
from tests.runs.facts import CLOCK, MACHINE

HOSTILE = "<script>alert(1)</script>"


def figure(ps: float) -> dict[str, Any]:
    return {"ps": ps, "interval_ps": (ps * 0.9, ps * 1.1), "relative_half_width": 0.1, "holds": "timing"}


def coefficient(ps: float) -> Coefficient:
    return Coefficient(**figure(ps), charged_ps=round(ps), identifiability=None, flags=())


def builtin(slope: float, flags: tuple[Flag, ...] = ()) -> FittedBuiltin:
    """A builtin of shape max_size with an intercept of 1 ns, measured exactly as it is fitted."""

    def point(size: int) -> Point:
        ps = 1000 + slope * size
        return Point(
            sizes=(size, 1),
            fitted=Figure(**figure(ps)),
            charged_ps=round(ps),
            measured=Figure(**figure(ps)),
            residual=0.0,
        )

    return FittedBuiltin(
        shape="max_size",
        coefficients={"intercept": coefficient(1000), "slope": coefficient(slope)},
        points=tuple(map(point, (1, 10, 100))),
        corners=(),
        cost_at_centre=Centre(**figure(1000 + 10 * slope), sizes=(10, 1)),
        flags=flags,
        condition_number=1.0,
        r2=1.0,
        worst_relative_residual=0.0,
        worst_residual_sizes=(1, 1),
        envelope=None,
        better_shape=None,
    )


def section() -> FittedModel:
    """Two builtins, one of them flagged, and two steps. The time of each is known from its numbers."""
    steps = {"cekVarCost": coefficient(5000), "cekLamCost": coefficient(7000)}
    return FittedModel(
        tool_version="0",
        variant="E",
        picoseconds_of=PicosecondsOf(evaluator="native", version="0", build="b", machine="m"),
        verdict=None,
        batches=BatchCounts(clean=99, disturbed=1),
        builtins={
            "addInteger": builtin(20, (Flag(flag="poor fit", reason=f"off by 52% {HOSTILE}", material=True),)),
            "subtractInteger": builtin(20),
        },
        steps=Steps(
            cells=2,
            coefficients=steps,
            condition_number=1.0,
            least_squares_ps={},
            r2=None,
            scatter=0.0,
            scatter_of_other_programs=0.0,
            spread=None,
            single_price=SinglePrice(startup=Figure(**figure(1)), step=Figure(**figure(1)), r2=None),
            unmeasured_builtins=(),
            worst_relative_residual=0.0,
            prediction=PredictionPrices(
                coefficients=steps | {"footprint": coefficient(300)},
                scatter=0.0,
                missed=None,
                spread=None,
                footprint=FootprintRange(typical=2_000.4, least=400, most=9_000),
            ),
        ),
        calls={},
        no_ops={},
        errors=Errors(t=2.0, parts_ps={}, lack_of_fit=LackOfFit(t=2.0, scatter=0.0, parts_ps={})),
        shapes={},
        flagged={"addInteger": ("poor fit",)},
        unfitted={"sha2_256": "one point only"},
        lost_cells=(),
        clock_unit="ns",
        yardsticks=(),
        yardstick_powers=(),
        reference_yardstick_ns=1.0,
        hash_yardstick_ns=None,
        evaluator={},
        machine=MACHINE,
        method=Method(
            estimate="e",
            fit="f",
            interval="i",
            builtins="b",
            memory="m",
            rounding="r",
            processes=5,
            replicates=1,
            seed=0,
        ),
        inputs=(),
        warnings=(),
    )


def model_file(path: Path, calibrate: Section) -> Path:
    """A model of two builtins and two steps with this section."""
    cost = {"type": "max_size", "arguments": {"intercept": 1000, "slope": 20}}
    document = {
        "addInteger": {"cpu": cost, "memory": cost},
        "subtractInteger": {"cpu": cost, "memory": cost},
        "cekVarCost": {"exBudgetCPU": 5000, "exBudgetMemory": 100},
        "cekLamCost": {"exBudgetCPU": 7000, "exBudgetMemory": 100},
        "calibrate": msgspec.to_builtins(calibrate),
    }
    write_atomically(path, json.dumps(document).encode())
    return path


def fitted_model(path: Path) -> Path:
    """The model of `section`."""
    return model_file(path, section())


def verdict(path: Path) -> Path:
    """Many programs, one of which failed."""

    def estimate(value: float, low: float, high: float | None) -> Estimated:
        return Estimated(value=value, interval=(low, high))

    def score(label: str, ratio: float, status: Literal["pass", "fail"]) -> ScoreRecord:
        observed = estimate(1000.0 * ratio, 900.0, None)
        return ScoreRecord(
            program=label,
            label=label,
            loop_count=None,
            language="PlutusV2",
            protocol_version=11,
            work="evaluate",
            ex_units=ExUnitsRecord(cpu=10**6, mem=10**3),
            predicted_ns=estimate(1000.0, 990.0, 1010.0),
            observed_ns=observed,
            observed_raw_ns=observed,
            ratio=estimate(ratio, ratio - 0.1, ratio + 0.1),
            status=status,
            uncertain="",
        )

    scores = (*(score(f"good × {count}", 1.0, "pass") for count in range(20)), score("slow", 1.5, "fail"))
    summary = Accuracy(
        work="evaluate",
        programs=len(scores),
        median=estimate(0.04, 0.03, 0.05),
        p95=estimate(0.1, 0.1, 0.1),
        spread=None,
        undercharged=ExtremeRecord(program="slow", ratio=1.5),
        overcharged=ExtremeRecord(program="good × 0", ratio=1.0),
        slope=None,
        r2=None,
    )
    document = ValidationDocument(
        status="fail",
        exit_code=1,
        model="m",
        workload="w",
        run="r",
        machine_state="model",
        notes=("a note",),
        scores=scores,
        works=(WorkRecord(summary=summary, baselines=(), gates=(), misses=(), margins=None),),
    )
    write_atomically(path, encode(document))
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
        OperationDrift(
            "addInteger", "", "instructions", 100.0, 100.0, Estimate(1.0, 0.99, 1.01), 0.005, Change.UNCHANGED
        ),
        OperationDrift(
            "sha2_256", "", "instructions", 100.0, 105.0, Estimate(1.05, 1.04, 1.06), 0.005, Change.REGRESSED
        ),
    )
    found = DriftVerdict("deterministic", "baseline.json", drifts)
    write_atomically(path, encode(found.document()))
    return path


def chain(observed: ObservedChain | None) -> Cluster:
    """What the cluster command says of a chain, with what nodes did with it."""
    return Cluster(
        profile="plutuscall-loop",
        nodes_wanted=2,
        slots=600,
        epoch=530,
        seed=0,
        blocks=100,
        transactions=900,
        tx_bytes=300,
        most_transactions=9,
        limited_by="size",
        budget=None,
        observed=observed,
    )


def cluster(path: Path) -> Path:
    """Two nodes over two repeats, one of them slower, and one that died."""

    def node(repeat: int, place: int, pace: float) -> ClusterNode:
        return ClusterNode(
            repeat=repeat,
            node=place,
            host="h",
            blocks=100,
            disturbed=3,
            percentiles_ns={str(share): pace * 1e4 * share for share in PERCENTILES},
            tx_ns=pace * 1e5,
            observed_over_predicted=pace,
            largest_share_of_slot=0.01,
            late=0,
            slower=pace > 1.05,
        )

    observed = ObservedChain(
        run="r",
        table="t",
        loop_count=1,
        ex_units=ExUnitsRecord(cpu=1, mem=1),
        predicted_tx_ns=1e5,
        predicted_block_ns=9e5,
        percentiles_ns={},
        spread=Spread(within=0.02, between_nodes=0.1, between_repeats=None),
        nodes=tuple(node(repeat, place, 1 + place / 10) for repeat in (0, 1) for place in (0, 1)),
        faults={"3": f"node process 3: killed {HOSTILE}"},
    )
    write_atomically(path, encode(chain(observed)))
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
                disturbance="",
                yardstick_hash_ns=100.0,
                yardstick_machine_ns=100.0,
                cpu=1,
            )
            for node in range(nodes)
            for block in range(blocks)
        ]
    )
    writer.update(outcome=ClusterOutcome(profile="plutuscall-loop", nodes=nodes, predicted_tx_ns=1000.0))
    return writer.finish(RunStatus.COMPLETE).path
