"""The fit from end to end: runs in, model out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from costmodel.errors import InputError
from costmodel.fit.builtins import Applications, applications_of, check_no_ops, fit_builtins, measured_points
from costmodel.fit.calls import fit_calls
from costmodel.fit.cells import BUILTINS, CALLS, STEPS, is_nop
from costmodel.fit.covariance import errors_of
from costmodel.fit.envelope import Points
from costmodel.fit.fitted import FittedModel, Provenance
from costmodel.fit.imported import are_imported, imported_points, observe_imported, whole_times, without_no_ops
from costmodel.fit.joint import Joint, adjust, adjusted_builtins, adjusted_steps
from costmodel.fit.observations import Observations, check_runs, observe
from costmodel.fit.prices import Rounding
from costmodel.fit.resample import replicate
from costmodel.fit.steps import StepsFit, fit_steps, smallest_costs
from costmodel.model import Variant, ledger_model
from costmodel.runs.anomalies import oddities, origin
from costmodel.runs.store import Run

if TYPE_CHECKING:
    from costmodel.fit.shapes import ShapeStudy

DEFAULT_REPLICATES = 1000


def fit_runs(
    runs: Sequence[Run],
    *,
    variant: Variant,
    seed: int = 0,
    replicates: int = DEFAULT_REPLICATES,
    rounding: Rounding = Rounding.JOINT,
    coverage: float | None = None,
    compare_shapes: bool = False,
) -> FittedModel:
    """Fit the cost model of a variant to complete runs of one machine; `seed` chooses the `replicates` resamples.

    With `coverage` the builtins charge an upper envelope of that share of inputs. `compare_shapes` adds a study of
    other shapes. Raises InputError, naming the run, for runs that are unfinished, altered, of unlike machines or
    evaluators, given twice, without step cells, or with too little clean data.
    """
    if replicates < 100:
        raise InputError(f"{replicates} replicates are too few for a 95 % interval; take 100 or more")
    if coverage is not None and not 0.5 <= coverage < 1:
        raise InputError(f"a coverage of {coverage:g} is no upper envelope; take 0.5 or more, and less than 1")
    check_runs(runs)
    if are_imported(runs):
        return _fit_imported(runs, variant, seed, replicates, rounding, coverage, compare_shapes=compare_shapes)
    observed = observe(runs)
    resampled = replicate(observed.logs, observed.clusters, count=replicates, seed=seed)
    ledger = ledger_model(variant)

    columns = observed.columns(BUILTINS)
    cells = [observed.cells[i] for i in columns]
    applied = applications_of(cells, columns, resampled)
    points, unfitted = measured_points(applied, resampled, ledger, variant)
    builtins = fit_builtins(
        points, applied, resampled, observed.uncertain, rounding=rounding, coverage=coverage, seed=seed
    )

    columns = observed.columns(STEPS)
    step_cells = [observed.cells[i] for i in columns]
    costs = smallest_costs(applied)
    steps = fit_steps(step_cells, columns, resampled, costs)
    joint = adjust(step_cells, columns, resampled, steps, costs)
    no_ops = check_no_ops(applied, resampled, steps.evaluation_ps)

    columns = observed.columns(CALLS)
    cells = [observed.cells[i] for i in columns]
    calls = fit_calls(cells, columns, resampled, steps.evaluation_ps)

    return FittedModel(
        steps=adjusted_steps(steps, joint),
        builtins=adjusted_builtins(builtins, joint),
        joint=joint,
        no_ops=no_ops,
        calls=calls,
        unfitted=unfitted | _lost(observed, applied),
        shapes=_shapes(points, seed) if compare_shapes else {},
        errors=errors_of(steps, builtins, resampled),
        provenance=_provenance(runs, observed, variant, seed, replicates, rounding, coverage),
        ledger=ledger,
    )


def _fit_imported(
    runs: Sequence[Run],
    variant: Variant,
    seed: int,
    replicates: int,
    rounding: Rounding,
    coverage: float | None,
    *,
    compare_shapes: bool,
) -> FittedModel:
    """The fit of measurements made elsewhere: of builtins alone."""
    observed = observe_imported(runs)
    resampled = replicate(observed.logs, observed.clusters, count=replicates, seed=seed)
    ledger = ledger_model(variant)
    applied = whole_times(observed.cells, observed.columns(BUILTINS), resampled)
    points, unfitted = imported_points(applied, resampled, ledger, variant)
    if not points:
        raise InputError(f"{runs[0].path}: no builtin can be fitted, e.g. {next(iter(unfitted.values()))}")
    builtins = fit_builtins(
        points, applied, resampled, observed.uncertain, rounding=rounding, coverage=coverage, seed=seed
    )
    steps = StepsFit.unmeasured_by(resampled)
    provenance = _provenance(runs, observed, variant, seed, replicates, rounding, coverage)
    return FittedModel(
        steps=steps,
        builtins=builtins,
        joint=Joint(reason="the runs were imported and have no programs of steps"),
        no_ops=(),
        calls=(),
        unfitted=unfitted,
        shapes=_shapes(points, seed) if compare_shapes else {},
        errors=errors_of(steps, builtins, resampled),
        provenance=replace(provenance, oddities=(*provenance.oddities, *without_no_ops(applied))),
        ledger=ledger,
    )


def _shapes(points: Mapping[str, Points], seed: int) -> dict[str, ShapeStudy]:
    # scikit-learn takes a second to load; a fit that does not compare shapes must not wait for it.
    from costmodel.fit.shapes import study_shapes

    return study_shapes(points, seed)


def _lost(observed: Observations, applied: Mapping[str, Applications]) -> dict[str, str]:
    """The reason for each builtin of which no cell was measured well enough to be fitted."""
    names = {cell.operation for cell in observed.lost if cell.experiment == BUILTINS and not is_nop(cell.operation)}
    return dict.fromkeys(sorted(names - applied.keys()), "too few clean batches of its cells")


def _provenance(
    runs: Sequence[Run],
    observed: Observations,
    variant: Variant,
    seed: int,
    replicates: int,
    rounding: Rounding,
    coverage: float | None,
) -> Provenance:
    return Provenance(
        variant=variant,
        runs=tuple(msgspec.to_builtins(origin(run)) for run in runs),
        oddities=oddities(runs),
        seed=seed,
        replicates=replicates,
        rounding=rounding,
        coverage=coverage,
        lost=tuple(f"{cell.experiment} {cell.operation} {cell.sizes} x{cell.repeats}" for cell in observed.lost),
        reference_yardstick_ns=observed.reference_yardstick_ns,
        hash_yardstick_ns=observed.hash_yardstick_ns,
        yardsticks=observed.yardsticks,
        processes=len(observed.clusters.run),
        clean_batches=observed.clean_batches,
        gated_batches=observed.gated_batches,
        machine=msgspec.to_builtins(runs[0].manifest.machine),
        evaluator=dict(runs[0].manifest.evaluator),
        clock_unit=runs[0].manifest.clock.unit,
    )
