"""How often intervals hold the truth, and how far predictions are off, over simulated runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from costmodel.fit import FittedModel, Interval, fit_runs
from costmodel.fit.domain import corners
from costmodel.fit.official import fit_official
from costmodel.imports.criterion_csv import read_criterion
from costmodel.model import STARTUP_KEY
from costmodel.runs.store import Run
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


def corner_errors(model: FittedModel) -> dict[str, float]:
    """By what share each builtin's prediction at each corner of its domain is off."""
    scale = YARDSTICK_NS / model.provenance.reference_yardstick_ns
    return {
        f"{fit.name} {place.sizes}": place.fitted.point * scale / BUILTINS[fit.name][0].evaluate(place.sizes) - 1
        for fit in model.builtins
        for place in fit.corners
    }


def official_errors(run: Run, folder: Path) -> dict[str, float]:
    """The same errors of upstream's procedure on the same batches: means, and what its tools would be given."""
    table = run.samples()
    clean = table[table["gate"] == ""]
    yard = np.sqrt(clean["yardstick_hash_ns"] * clean["yardstick_machine_ns"]).mean() / YARDSTICK_NS
    seconds = (clean["ns"] / clean["iterations"]).groupby(clean["cell"]).mean() / yard / 1e9
    lines = ["benchmark,t,t.mean.lb,t.mean.ub,t.sd,t.sd.lb,t.sd.ub"]
    seen = set()
    for cell in run.design.cells:
        if cell.experiment == "builtins" and cell.repeats > 20 and (cell.operation, cell.sizes) not in seen:
            seen.add((cell.operation, cell.sizes))
            # No-ops that differ in their forces are one to upstream.
            name = f"Nop{cell.operation[3]}o" if cell.operation.startswith("nop") else cell.operation
            sizes = "/".join(map(str, cell.sizes))
            figures = ",".join([repr(float(seconds[cell.id]) / cell.repeats)] * 3 + ["1e-9"] * 3)
            lines.append(f"{name[0].upper()}{name[1:]}/{sizes},{figures}")
    path = folder / "benching.csv"
    path.write_text("\n".join(lines) + "\n")
    fits = fit_official(read_criterion(path), VARIANT).fits
    return {
        f"{name} {sizes}": fits[name].function.evaluate(sizes) / function.evaluate(sizes) - 1
        for name, (function, points) in BUILTINS.items()
        if name in fits
        for sizes in corners(name, function, points)
    }


def covered(
    folder: Path, seeds: range, machine: Machine, *, runs: int = 1, processes: int = 8, replicates: int = 400
) -> Counter[str]:
    """For each coefficient the number of `seeds` whose interval held the truth."""
    hits = Counter[str]()
    for seed in seeds:
        _, model = measured(folder, seed, machine, runs=runs, processes=processes, replicates=replicates)
        hits.update(held(model))
    return hits


def measured(
    folder: Path,
    seed: int,
    machine: Machine,
    *,
    runs: int = 1,
    processes: int = 8,
    blocks: int = 12,
    replicates: int = 400,
) -> tuple[list[Run], FittedModel]:
    """Runs of everything on an imaginary machine, and the model fitted to them."""
    cells = all_cells()
    made = [
        make_run(folder, cells, seed=seed * runs + i, machine=machine, processes=processes, blocks=blocks)
        for i in range(runs)
    ]
    return made, fit_runs(made, variant=VARIANT, seed=seed, replicates=replicates)


def held(model: FittedModel) -> list[str]:
    """The coefficients whose intervals hold the truth."""
    truth, fitted = true_values(), fitted_values(model)
    assert fitted.keys() == truth.keys()
    return [name for name, interval in fitted.items() if interval.low <= truth[name] <= interval.high]
