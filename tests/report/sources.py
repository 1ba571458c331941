"""Files to make reports of, as the other commands write them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from costmodel.batches import compare, select
from costmodel.runs.change import Change
from costmodel.runs.files import write_atomically
from costmodel.validate.drift import Drift, DriftVerdict
from costmodel.validate.score import Estimate
from tests.batches.simulated import Truth, write_batch

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
            "steps": {"coefficients": steps},
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
    write_atomically(path, msgspec.json.encode(found.to_dict()))
    return path


def drift(path: Path) -> Path:
    """A drift check in which one operation regressed."""
    drifts = (
        Drift("addInteger", "", 100.0, 100.0, Estimate(1.0, 0.99, 1.01), Change.UNCHANGED),
        Drift("sha2_256", "", 100.0, 105.0, Estimate(1.05, 1.04, 1.06), Change.REGRESSED),
    )
    found = DriftVerdict("deterministic", "instructions", "baseline.json", 0.005, drifts)
    write_atomically(path, msgspec.json.encode(found.to_dict()))
    return path
