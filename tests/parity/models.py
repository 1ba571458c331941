"""Models of imaginary evaluators: the ledger's prices times known factors, in the form that `fit` writes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from costmodel.model import EXTRAS_KEY, StepKind, Variant, ledger_model
from costmodel.model.diff import typical_sizes
from costmodel.model.files import dump
from costmodel.model.steps import STARTUP_KEY

LEDGER = ledger_model(Variant.E)
BUILTINS = ("addInteger", "appendByteString", "sha2_256", "ifThenElse", "verifyEd25519Signature")


def write_model(
    path: Path,
    name: str,
    *,
    pace: float = 0.1,
    slow: Mapping[str, float] | None = None,
    yardstick_ns: float | None = 20_000.0,
    error: float = 0.01,
    builtins: tuple[str, ...] = BUILTINS,
    version: str = "1",
) -> Path:
    """An evaluator that takes `pace` of every charge, and of the builtins and steps in `slow` so many times more; its
    figures have intervals of `error` of themselves to either side."""
    slow = slow or {}
    section: dict[str, Any] = {
        "schema_version": 1,
        "machine": {"id": f"machine of {name}"},
        "evaluator": {"name": name, "version": version},
        "hash_yardstick_ns": yardstick_ns,
        "clock_unit": "ns",
        "steps": {"coefficients": {}},
        "builtins": {},
        "errors": {"t": 2.0, "parts_ps": {}},
    }
    for builtin in builtins:
        function = LEDGER.builtins[builtin].cpu
        factor = pace * slow.get(builtin, 1.0)
        section["builtins"][builtin] = {
            "coefficients": {
                each: figure(value * factor, error) for each, value in zip(function.names, function.values, strict=True)
            },
            "points": [{"sizes": sizes} for sizes in typical_sizes(builtin, Variant.E)],
            "cost_at_centre": {"sizes": typical_sizes(builtin, Variant.E)[1 % len(typical_sizes(builtin, Variant.E))]},
        }
    for kind in StepKind:
        ps = LEDGER.steps[kind].cpu * pace * slow.get(kind.json_key, 1.0)
        section["steps"]["coefficients"][kind.json_key] = figure(ps, error)
    section["steps"]["coefficients"][STARTUP_KEY] = figure(1.0, error)
    document = json.loads(dump(LEDGER))
    kept = {key: value for key, value in document.items() if key in builtins or key.startswith("cek")}
    path.write_text(json.dumps(kept | {EXTRAS_KEY: section}))
    return path


def figure(ps: float, error: float) -> dict[str, Any]:
    return {"ps": ps, "interval_ps": [ps * (1 - error), ps * (1 + error)]}
