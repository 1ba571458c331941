"""The fit from end to end: runs in, model out."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.errors import InputError
from costmodel.fit.builtins import applications_of, check_no_ops, fit_builtins
from costmodel.fit.calls import fit_calls
from costmodel.fit.cells import BUILTINS, CALLS, STEPS, Cell, is_nop
from costmodel.fit.fitted import FittedModel, Provenance
from costmodel.fit.observations import Observations, check_runs, observe
from costmodel.fit.resample import replicate
from costmodel.fit.steps import fit_steps
from costmodel.model import Variant, ledger_model
from costmodel.runs.provenance import file_fact
from costmodel.runs.store import MANIFEST, SAMPLES, Run

DEFAULT_REPLICATES = 1000


def fit_runs(
    runs: Sequence[Run], *, variant: Variant, seed: int = 0, replicates: int = DEFAULT_REPLICATES
) -> FittedModel:
    """Fit the cost model of a variant to complete runs of one machine; `seed` chooses the `replicates` resamples.

    Raises InputError, naming the run, for runs that are unfinished, altered, of unlike machines or evaluators, given
    twice, without step cells, or with too little clean data.
    """
    if replicates < 100:
        raise InputError(f"{replicates} replicates are too few for a 95 % interval; take 100 or more")
    check_runs(runs)
    observed = observe(runs)
    resampled = replicate(observed.logs, observed.clusters, count=replicates, seed=seed)
    ledger = ledger_model(variant)

    columns = observed.columns(STEPS)
    step_cells = [observed.cells[i] for i in columns]
    _check_step_cells(step_cells)
    steps = fit_steps(step_cells, columns, resampled)

    columns = observed.columns(BUILTINS)
    cells = [observed.cells[i] for i in columns]
    applied = applications_of(cells, columns, resampled)
    builtins, unfitted = fit_builtins(applied, resampled, ledger, variant, observed.uncertain)
    no_ops = check_no_ops(applied, resampled, steps.evaluation_ps)

    columns = observed.columns(CALLS)
    cells = [observed.cells[i] for i in columns]
    calls = fit_calls(cells, columns, resampled, steps.evaluation_ps)

    provenance = _provenance(runs, observed, variant, seed, replicates)
    return FittedModel(steps, builtins, no_ops, calls, unfitted, provenance, ledger)


def _check_step_cells(cells: Sequence[Cell]) -> None:
    """A step cell may apply no-ops only: any other builtin has a cost of its own, which would pass for the steps'."""
    for cell in cells:
        if priced := [name for name in cell.builtins if not is_nop(name)]:
            raise InputError(f"the step cell {cell.operation} {cell.sizes} applies {priced[0]}, which has its own cost")


def _provenance(
    runs: Sequence[Run], observed: Observations, variant: Variant, seed: int, replicates: int
) -> Provenance:
    return Provenance(
        variant=variant,
        runs=tuple(
            {
                "run": run.name,
                "manifest_sha256": file_fact(run.path / MANIFEST).sha256,
                "samples_sha256": file_fact(run.path / SAMPLES).sha256,
            }
            for run in runs
        ),
        seed=seed,
        replicates=replicates,
        reference_yardstick_ns=observed.reference_yardstick_ns,
        hash_yardstick_ns=observed.hash_yardstick_ns,
        yardsticks=observed.yardsticks,
        processes=len(observed.clusters.run),
        clean_batches=observed.clean_batches,
        gated_batches=observed.gated_batches,
        machine=dict(runs[0].manifest.machine),
        evaluator=dict(runs[0].manifest.evaluator),
    )
