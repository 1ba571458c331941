"""How often intervals hold the truth, and how far predictions are off, over simulated runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from costmodel.fit import fit_runs
from costmodel.fit.envelope import corners
from costmodel.fit.official import fit_official
from costmodel.imports.text_formats import read_criterion
from costmodel.model import STARTUP_KEY, StepKind
from costmodel.records.model import Coefficient, Figure, FittedModel
from costmodel.runs.design import Cell
from costmodel.runs.store import Run
from tests.fit.synthetic import (
    BUILTINS,
    CALLS_PS,
    HASH_NS,
    MACHINE_NS,
    STARTUP_PS,
    STEP_PS,
    VARIANT,
    YARDSTICK_NS,
    Machine,
    all_cells,
    make_run,
    planned,
    truth_ps,
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


class Interval(NamedTuple):
    """A figure and its 95 % interval, ps."""

    point: float
    low: float
    high: float


def to_truth(model: FittedModel) -> float:
    """What brings a time of the model to the state of the machine in which the truth holds."""
    assert model.reference_yardstick_ns is not None
    powers = [np.mean([run[name] for run in model.yardstick_powers]) for name in model.yardsticks]
    true = [{"yardstick_hash_ns": HASH_NS, "yardstick_machine_ns": MACHINE_NS}[name] for name in model.yardsticks]
    return float(np.exp(np.array(powers) @ np.log(true))) / model.reference_yardstick_ns


def in_truth(figure: Figure, model: FittedModel) -> Interval:
    """A figure brought to the state of the machine in which the truth holds."""
    assert figure.interval_ps is not None
    scale = to_truth(model)
    return Interval(figure.ps * scale, figure.interval_ps[0] * scale, figure.interval_ps[1] * scale)


def fitted_values(model: FittedModel) -> dict[str, Interval]:
    """Every fitted coefficient by the same names."""
    groups: dict[str, dict[str, Coefficient]] = {"steps": model.steps.coefficients}
    groups |= {name: fit.coefficients for name, fit in model.builtins.items()}
    groups |= {operation: fit.coefficients for operation, fit in model.calls.items()}
    return {
        f"{group}.{name}": in_truth(each, model)
        for group, coefficients in groups.items()
        for name, each in coefficients.items()
    }


def corner_errors(model: FittedModel) -> dict[str, float]:
    """By what share each builtin's prediction at each corner of its domain is off."""
    return {
        f"{name} {place.sizes}": in_truth(place.fitted, model).point / BUILTINS[name][0].evaluate(place.sizes) - 1
        for name, fit in model.builtins.items()
        for place in fit.corners
    }


def official_errors(run: Run, folder: Path) -> dict[str, float]:
    """The same errors of upstream's procedure on the same batches: means, and what its tools would be given."""
    table = run.samples()
    clean = table[table["disturbance"] == ""]
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
    return made, fit_runs(made, variant=VARIANT, seed=seed, replicates=replicates).section


def held(model: FittedModel) -> list[str]:
    """The coefficients whose intervals hold the truth."""
    truth, fitted = true_values(), fitted_values(model)
    assert fitted.keys() == truth.keys()
    return [name for name, interval in fitted.items() if interval.low <= truth[name] <= interval.high]


KINDS = ("coefficients", "points", "steps", "predictions")
HARSH = Machine(run_sd=0.003, level_sd=0.006, process_sd=0.01, noise_sd=0.003, skewed=True, yardstick_process_sd=0.02)
"""Skewed processes, and a yardstick that drifts."""

LACK = 0.08
"""By how much programs differ beyond their counts."""

PRICES_SPREAD = 0.4
"""Logarithm by which prices of kinds of steps differ, which are drawn anew for every run."""

_PROGRAMS, _NEW = 60, 20


def random_programs(rng: np.random.Generator, count: int, prefix: str) -> list[Cell]:
    """Programs whose counts of steps vary as those of contracts do: much together, and a little by themselves."""
    usual = np.array([1, 25, 10, 22, 8, 12, 14, 3, 5]) / 100
    cells = []
    for number in range(count):
        total = float(np.exp(rng.uniform(np.log(4_000), np.log(40_000))))
        counts = rng.poisson(total * usual * np.exp(0.5 * rng.normal(size=len(usual))))
        steps = {kind.name.lower(): int(each) for kind, each in zip(StepKind, counts, strict=True)}
        cells.append(planned(f"{prefix}-{number}", experiment="steps", operation="program", steps=steps))
    return cells


def pooled(folder: Path, seed: int, *, processes: int = 8, replicates: int = 400) -> dict[str, tuple[int, int]]:
    """One simulated run with everything that goes wrong on real machines, written to disk and fitted: for each kind of
    interval, how many hold the truth, and how many there are."""
    rng = np.random.default_rng([seed, 7])
    start = planned("nothing", experiment="steps", operation="start", steps={"const": 1})
    programs = random_programs(rng, _PROGRAMS, "program")
    lack = {cell.id: float(LACK * rng.normal()) for cell in programs}
    prices = {kind: 11_000 * float(np.exp(PRICES_SPREAD * rng.normal())) for kind in StepKind}

    def true_ps(cell: Cell) -> float:
        """The time of a cell at this run's own prices of steps."""
        own = sum((prices[kind] - STEP_PS[kind]) * cell.steps.get(kind.name.lower(), 0) for kind in StepKind)
        return truth_ps(cell) + own

    others = [cell for cell in all_cells() if cell.experiment != "steps"]
    cells = [start, *programs, *others]
    run = make_run(
        folder,
        cells,
        seed=seed,
        machine=HARSH,
        processes=processes,
        more_ps=lambda cell: true_ps(cell) * (1 + lack.get(cell.id, 0.0)) - truth_ps(cell),
    )
    model = fit_runs([run], variant=VARIANT, seed=seed, replicates=replicates).section
    truth = true_values() | {f"steps.{kind.json_key}": ps for kind, ps in prices.items()}
    fitted = fitted_values(model)
    by_kind: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for name, interval in fitted.items():
        kind = "steps" if name.startswith("steps.") else "coefficients"
        by_kind[kind].append(interval.low <= truth[name] <= interval.high)
    for name, fit in model.builtins.items():
        for point in fit.points:
            for figure in (point.fitted, point.measured):
                assert figure is not None
                interval = in_truth(figure, model)
                by_kind["points"].append(interval.low <= BUILTINS[name][0].evaluate(point.sizes) <= interval.high)
    for cell in random_programs(rng, _NEW, "new"):
        time = true_ps(cell) * (1 + LACK * float(rng.normal()))
        predicted, half = prediction(model, cell)
        by_kind["predictions"].append(abs(time - predicted) <= half)
    return {kind: (sum(held), len(held)) for kind, held in by_kind.items()}


def prediction(model: FittedModel, cell: Cell) -> tuple[float, float]:
    """What the model predicts for a program of steps, ps, and half its 95 % interval for a program not seen before."""
    counts: dict[str, float] = {STARTUP_KEY: 1.0}
    counts |= {kind.json_key: float(cell.steps.get(kind.name.lower(), 0)) for kind in StepKind}
    prices = model.steps.prediction.coefficients
    scale = to_truth(model)
    predicted = sum(prices[name].ps * count for name, count in counts.items())
    errors, lack = model.errors, model.errors.lack_of_fit
    timed = sum(np.array(errors.parts_ps[name]) * count for name, count in counts.items())
    others = sum(np.array(lack.parts_ps[name]) * count for name, count in counts.items())
    steps = predicted - prices[STARTUP_KEY].ps
    half = np.hypot(
        errors.t * float(np.linalg.norm(timed)),
        lack.t * float(np.hypot(np.linalg.norm(others), lack.scatter * steps)),
    )
    return predicted * scale, float(half) * scale
