"""Models of imaginary evaluators: the ledger's prices times known factors, in the form that `fit` writes."""

import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from costmodel.fit import fit_runs
from costmodel.imports.run import ImportOrigin, import_runs
from costmodel.model import EXTRAS_KEY, StepKind, Variant, ledger_model
from costmodel.model.diff import typical_sizes
from costmodel.model.files import dump
from costmodel.plutus import LedgerLanguage

LEDGER = ledger_model(Variant.E)
BUILTINS = ("addInteger", "appendByteString", "sha2_256", "ifThenElse", "verifyEd25519Signature")


@cache
def fitted() -> str:
    """A model with all keys that a fit writes: of BUILTINS, measured at typical sizes and priced as by the ledger."""
    rows = [
        f"{name},{'/'.join(map(str, sizes))},{LEDGER.builtins[name].cpu.evaluate(sizes) / 1000}"
        for name in BUILTINS
        for sizes in typical_sizes(name, Variant.E)
    ]
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.csv"
        times.write_text("\n".join(["builtin,sizes,ns", *rows]))
        origin = ImportOrigin("imaginary", "1", "imaginary", LedgerLanguage.PLUTUS_V3, 11)
        run = import_runs([times], Path(folder) / "runs", origin, names={})
        return dump(fit_runs([run], variant=Variant.E, replicates=100).cost_model).decode()


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
    document = json.loads(fitted())
    section = document[EXTRAS_KEY]
    section["hash_yardstick_ns"] = yardstick_ns
    section["picoseconds_of"] |= {"evaluator": name, "version": version}
    section["builtins"] = {each: section["builtins"][each] for each in builtins}
    section["errors"]["parts_ps"] = {}
    for builtin, fit in section["builtins"].items():
        function = LEDGER.builtins[builtin].cpu
        factor = pace * slow.get(builtin, 1.0)
        for each, value in zip(function.names, function.values, strict=True):
            if each in fit["coefficients"]:
                fit["coefficients"][each] |= figure(value * factor, error)
    for kind in StepKind:
        ps = LEDGER.steps[kind].cpu * pace * slow.get(kind.json_key, 1.0)
        step = figure(ps, error) | {"charged_ps": 1, "identifiability": None, "flags": [], "holds": "timing"}
        section["steps"]["coefficients"][kind.json_key] = step
    kept = {key: document[key] for key in builtins}
    path.write_text(json.dumps(kept | {EXTRAS_KEY: section}))
    return path


def figure(ps: float, error: float) -> dict[str, Any]:
    return {"ps": ps, "interval_ps": [ps * (1 - error), ps * (1 + error)], "relative_half_width": error}
