"""Tunes the habits of generated programs (costmodel/experiments/habits.json) until what they count is what contracts
count: `make tune`, or `python -m benches.tuning --trials N --contracts FOLDER`.

Nothing is timed. For every count a step – of each kind of step, frames walked, continuations, calls, mispredictions –
and for the footprint and the length of programs, the distribution over generated programs is compared with that over
contracts by its Wasserstein distance, in standard deviations of the two together; the mean of these is what optuna's
sampler (a tree-structured Parzen estimator) makes small. The best habits so far are written as they are found. How many
programs use `constr` and `case` is chosen by hand, so that enough do, and their counts are not compared.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import optuna
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from costmodel.errors import CalibrateError
from costmodel.experiments.forms import FORMS
from costmodel.experiments.steps import Habits, drawn, habits, program
from costmodel.files import write_atomically
from costmodel.machine import exact_machine
from costmodel.model import ExUnits, StepKind, Variant
from costmodel.workloads import find_workload

Floats = NDArray[np.float64]

_WHERE: Final = Path(__file__).parents[1] / "costmodel" / "experiments" / "habits.json"
_CONTRACTS: Final = Path(__file__).parents[1].parent / "shared" / "data" / "scripts" / "validation"
_BUDGET: Final = ExUnits(10**12, 10**10)
_COUNTS: Final = ("frames_walked", "far_variables", "continuations_pushed", "partial_calls", "mispredictions")
_BY_HAND: Final = ("constructors", "casing")
_KINDS: Final = tuple(kind.name.lower() for kind in StepKind if kind not in (StepKind.CONSTR, StepKind.CASE))
_CALLS: Final = tuple(f"calls_{arity}_{forces}" for arity, forces in ((1, 0), (1, 1), (1, 2), (2, 0), (3, 1), (3, 2)))
NAMES: Final = (*_KINDS, *_COUNTS, *_CALLS, "footprint", "steps")

# A count that is the same in all contracts must not weigh without bound where it differs in programs.
_LEAST_DEVIATION: Final = 0.002

# Variables far out and mispredictions decide most of what the prices of steps cannot explain.
_WEIGHTS: Final = {
    "frames_walked": 2.0,
    "far_variables": 2.0,
    "mispredictions": 3.0,
    "force": 2.0,
    "partial_calls": 2.0,
}


def shares(steps: dict[str, int], footprint: int, features: dict[str, float]) -> list[float]:
    """What is compared of a program, in the order of NAMES."""
    total = sum(steps.values())
    counts = {**steps, **features}
    return [
        *(counts.get(name, 0) / total for name in NAMES[:-2]),
        math.log2(max(footprint, 1)),
        math.log2(total),
    ]


def of_contracts(folder: Path) -> Floats:
    """A row for each contract."""
    machine = exact_machine(Variant.E)
    rows = []
    for contract in find_workload(str(folder)).programs:
        script = contract.script()
        outcome, features = machine.evaluate(script, _BUDGET), machine.features(script, _BUDGET)
        rows.append(shares(outcome.steps, features.footprint, features.counts))
    return np.array(rows)


def of_programs(tried: Habits, count: int, seed: int) -> Floats:
    """A row for each of so many programs."""
    cells = [drawn(program, tried, "program", number, seed) for number in range(count)]
    return np.array([shares(cell.steps, cell.footprint, cell.features) for cell in cells])


def distances(ours: Floats, theirs: Floats) -> Floats:
    """How far each count is distributed otherwise."""
    both = np.vstack([ours, theirs])
    deviations = np.maximum(both.std(axis=0), _LEAST_DEVIATION)
    return np.array(
        [wasserstein_distance(a, b) / scale for a, b, scale in zip(ours.T, theirs.T, deviations, strict=True)]
    )


def suggested(trial: optuna.trial.BaseTrial) -> Habits:
    return Habits(
        commonness={name: trial.suggest_float(name, 0.05, 12, log=True) for name in FORMS},
        contrast=trial.suggest_float("contrast", 0.2, 4),
        plain=trial.suggest_float("plain", 0, 0.8),
        constants=trial.suggest_float("constants", 0, 0.2),
        constants_power=trial.suggest_float("constants_power", 1, 4),
        delayed=trial.suggest_float("delayed", 0.1, 4),
        lazy=trial.suggest_float("lazy", 0, 1),
        lazy_power=trial.suggest_float("lazy_power", 0.2, 3),
        opened=trial.suggest_float("opened", 0.2, 0.5),
        opened_power=trial.suggest_float("opened_power", 0.3, 3),
        literals=trial.suggest_float("literals", 0, 1),
        near=trial.suggest_float("near", 0, 1),
        recent=trial.suggest_int("recent", 2, 30),
        again=trial.suggest_float("again", 0, 1),
        constructors=habits().constructors,
        casing=habits().casing,
        hoisting=trial.suggest_float("hoisting", 0.05, 1),
        hoisted=trial.suggest_float("hoisted", 0.02, 0.6),
        rounds=trial.suggest_int("rounds", 3, 30),
        library=trial.suggest_int("library", 8, 80),
        parameters=trial.suggest_int("parameters", 2, 8),
        values=trial.suggest_float("values", 0, 0.8),
    )


def begun(of: Habits) -> dict[str, float]:
    """The parameters of a trial that gives these."""
    values = msgspec.to_builtins(of)
    return {**values.pop("commonness"), **{name: value for name, value in values.items() if name not in _BY_HAND}}


def tune(theirs: Floats, trials: int, programs: int, seed: int) -> Habits:
    """The best habits of so many trials, the first of which are those in use. Each that is better than all before is
    written at once."""

    def objective(trial: optuna.Trial) -> float:
        try:
            ours = of_programs(suggested(trial), programs, seed)
        except CalibrateError:  # such habits give no programs of the size of contracts
            raise optuna.TrialPruned from None
        return float(np.average(distances(ours, theirs), weights=[_WEIGHTS.get(name, 1) for name in NAMES]))

    def keep(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if trial.state is optuna.trial.TrialState.COMPLETE and study.best_trial.number == trial.number:
            print(f"trial {trial.number}: {study.best_value:.4f}", flush=True)
            write(suggested(optuna.trial.FixedTrial(study.best_params)))

    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(begun(habits()))
    study.optimize(objective, n_trials=trials, callbacks=[keep])
    return suggested(optuna.trial.FixedTrial(study.best_params))


def write(found: Habits) -> None:
    write_atomically(_WHERE, msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


def show(ours: Floats, theirs: Floats) -> None:
    print(f"{'count a step':22}{'programs: 10 %, median, 90 %':>34}{'contracts':>32}{'distance':>10}")
    rows = zip(NAMES, ours.T, theirs.T, distances(ours, theirs), strict=True)
    for name, a, b, distance in rows:
        quantiles = "".join(f"{value:10.4f}" for one in (a, b) for value in np.quantile(one, [0.1, 0.5, 0.9]))
        print(f"{name:22}{quantiles}{distance:10.2f}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.tuning", description=__doc__)
    parser.add_argument("--contracts", type=Path, default=_CONTRACTS, help="folder of scripts to be resembled")
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--programs", type=int, default=40, help="programs of a trial")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    theirs = of_contracts(options.contracts)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    best = tune(theirs, options.trials, options.programs, options.seed)
    show(of_programs(best, 80, options.seed + 1), theirs)


if __name__ == "__main__":
    main()
