"""Sections of models for tests of what reads them: a real one, cut short, with changes."""

import json
from pathlib import Path
from typing import Any

import msgspec

from costmodel.records.model import FittedModel, parse_section

DATA = Path(__file__).parent / "data"


def old(name: str) -> dict[str, Any]:
    """A section as an earlier version wrote it."""
    section: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text("utf-8"))["calibrate"]
    return section


def section(**changes: Any) -> dict[str, Any]:
    """The section of a fitted model, as JSON, with other values for some keys."""
    found = parse_section(old("model-version-1"), "model.json")
    assert isinstance(found, FittedModel)
    values: dict[str, Any] = msgspec.to_builtins(found)
    assert changes.keys() <= values.keys()
    return values | changes


def figure(ps: float, low: float, high: float) -> dict[str, Any]:
    half = (high - low) / 2 / ps if ps else None
    return {"ps": ps, "interval_ps": [low, high], "relative_half_width": half, "holds": "timing"}


def coefficient(
    ps: float, low: float, high: float, *, charged: int | None = None, flags: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A coefficient with its interval."""
    return {**figure(ps, low, high), "charged_ps": charged, "identifiability": None, "flags": flags or []}


def call(coefficients: dict[str, Any]) -> dict[str, Any]:
    return {"cells": 1, "coefficients": coefficients, "r2": None, "worst_relative_residual": 0.0}


def steps(coefficients: dict[str, Any], sizes: dict[str, float] | None = None, **more: Any) -> dict[str, Any]:
    """Step costs that are charged and predicted alike; `more` are further figures, `sizes` the range of footprints."""
    found: dict[str, Any] = section()["steps"]
    charged = {name: each for name, each in coefficients.items() if name.startswith("cek")}
    prediction = {
        "coefficients": coefficients | more,
        "scatter": 0.0,
        "missed": None,
        "spread": None,
        "footprint": sizes,
    }
    return found | {"coefficients": charged, "prediction": prediction}
