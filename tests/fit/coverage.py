"""How often intervals hold the truth, counted over simulated runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from costmodel.fit import FittedModel, Interval, fit_runs
from costmodel.model import STARTUP_KEY
from tests.fit.synthetic import (
    BUILTINS,
    CALLS_PS,
    STARTUP_PS,
    STEP_PS,
    VARIANT,
    YARDSTICK_NS,
    Machine,
    all_cells,
    make_run,
)


def true_values() -> dict[str, float]:
    """Every coefficient of the imaginary machine by a dotted name, ps."""
    truth: dict[str, float] = {f"steps.{kind.json_key}": ps for kind, ps in STEP_PS.items()}
    truth[f"steps.{STARTUP_KEY}"] = STARTUP_PS
    for name, (function, _) in BUILTINS.items():
        truth |= {f"{name}.{part}": ps for part, ps in zip(function.names, function.values, strict=True)}
    for operation, parts in CALLS_PS.items():
        truth |= {f"{operation}.{part}": ps for part, ps in parts.items()}
    return truth


def fitted_values(model: FittedModel) -> dict[str, Interval]:
    """Every fitted coefficient by the same names, brought to the state of the machine in which the truth holds."""
    groups = {"steps": model.steps.coefficients}
    groups |= {fit.name: fit.priced.coefficients for fit in model.builtins}
    groups |= {fit.operation: fit.coefficients for fit in model.calls}
    scale = YARDSTICK_NS / model.provenance.reference_yardstick_ns
    return {
        f"{group}.{coefficient.name}": Interval(
            coefficient.fitted.point * scale, coefficient.fitted.low * scale, coefficient.fitted.high * scale
        )
        for group, coefficients in groups.items()
        for coefficient in coefficients
    }


def covered(
    folder: Path, seeds: range, machine: Machine, *, runs: int = 1, processes: int = 8, replicates: int = 400
) -> Counter[str]:
    """For each coefficient the number of `seeds` whose interval held the truth."""
    truth, cells, hits = true_values(), all_cells(), Counter[str]()
    for seed in seeds:
        made = [
            make_run(folder, cells, seed=seed * runs + i, machine=machine, processes=processes) for i in range(runs)
        ]
        fitted = fitted_values(fit_runs(made, variant=VARIANT, seed=seed, replicates=replicates))
        assert fitted.keys() == truth.keys()
        hits.update(name for name, interval in fitted.items() if interval.low <= truth[name] <= interval.high)
    return hits
