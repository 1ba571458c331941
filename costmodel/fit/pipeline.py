"""The fit from end to end: runs in, model out."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from scipy.stats import t as student_t
from threadpoolctl import threadpool_limits

from costmodel import __version__
from costmodel.errors import InputError
from costmodel.files import refuse, write_atomically
from costmodel.fit.builtins import (
    Applications,
    BuiltinFit,
    applications_of,
    check_no_ops,
    fit_builtins,
    less_steps,
    measured_points,
)
from costmodel.fit.calls import fit_calls
from costmodel.fit.imported import are_imported, imported_points, observe_imported, whole_times, without_no_ops
from costmodel.fit.margin import with_margins
from costmodel.fit.observations import BUILTINS, CALLS, STEPS, Observations, check_runs, is_nop, observe
from costmodel.fit.regression import Rounding, material, rounded, rounded_record
from costmodel.fit.shapes import better_shapes, study_shapes
from costmodel.fit.steps import StepsFit, fit_steps, smallest_costs, unmeasured
from costmodel.fit.studies import settle_shapes, study_builtins
from costmodel.fit.uncertainty import Replicates, replicate
from costmodel.fit.verdict import DEFAULT_FACTOR, verdict_of
from costmodel.fit.witnesses import with_witnesses
from costmodel.model import BuiltinCost, CostModel, ExUnits, StepKind, Variant, dump, proposed_model
from costmodel.model.costmodel import STARTUP_KEY
from costmodel.records import model as record
from costmodel.records.fit import FitSettings, MarginRule, Witness
from costmodel.runs.anomalies import oddities, origin
from costmodel.runs.store import Run

DEFAULT_REPLICATES: Final = 1000

_DIGITS: Final = 4
_ESTIMATE: Final = (
    "25 %-trimmed mean of log time in each process, less the far outliers above that exceed those below in number, "
    "over the yardsticks, each to the power that leaves processes differing least; mean over processes"
)
_IMPORTED: Final = "as imported: means and their bounds, which stand in for processes"
_FIT: Final = (
    "least squares on the protocol's shapes, relative errors weighing alike over the domain; coefficients are not "
    "negative, a sum with a minimum does not fall as its first size grows, and its minimum is fitted where it binds. "
    "Prices of kinds of steps are held to a common one by as much as they are estimated to spread (REML)"
)
_INTERVAL: Final = (
    "95 %, cluster bootstrap over runs and processes, stretched to Student's t of the jackknife error, with variances "
    "moderated across cells, and for a single run with what runs of one machine differ by (0.6 %, less where processes "
    "differ little); for steps and calls also what programs differ by beyond their counts"
)
_ROUNDING: Final = {
    Rounding.JOINT: "ceiling to whole picoseconds; where that adds over 0.5 % to a cost, the integers that together "
    "stay nearest to the fit",
    Rounding.CEILING: "ceiling to whole picoseconds",
}


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model: `section` is all that is known of it, `cost_model` what is charged, with the section in it."""

    section: record.FittedModel
    cost_model: CostModel

    def write(self, path: Path) -> None:
        """Write the one-file model, whole or not at all, and make its folder: the same model gives the same bytes.

        EnvironmentFault where `path` cannot be written.
        """
        write_model(self.cost_model, path)

    def document(self, path: Path) -> record.FitDocument:
        """What `fit --json` prints of it, once it is written to `path`."""
        return msgspec.convert(
            msgspec.to_builtins(self.section) | {"kind": "fit", "model": str(path), "command_line": sys.argv},
            record.FitDocument,
        )


def write_model(model: CostModel, path: Path) -> None:
    """Write a cost model, whole or not at all, and make its folder. EnvironmentFault where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse("write", path, error)
    write_atomically(path, dump(model))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums over several threads come in another order, so that figures would depend on how many cores there are."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@_one_thread()
def fit_runs(
    runs: Sequence[Run],
    *,
    variant: Variant,
    seed: int = 0,
    replicates: int = DEFAULT_REPLICATES,
    rounding: Rounding = Rounding.JOINT,
    coverage: float | None = None,
    compare_shapes: bool = False,
    factor: float = DEFAULT_FACTOR,
    allowed: Collection[str] = (),
    margins: Sequence[MarginRule] = (),
    witnesses: Sequence[Witness] = (),
) -> Fit:
    """Fit the cost model of a variant to complete runs of one machine; `seed` chooses the `replicates` resamples.

    With `coverage` the builtins charge an upper envelope of that share of inputs. `compare_shapes` adds a study of
    other shapes. The verdict calls prices unsafe that undercharge a point by more than `factor`, but for builtins that
    match a pattern in `allowed`. `margins` raise what is charged; `witnesses` are what searches for worst inputs timed.

    Raises InputError, naming the run, for runs that are unfinished, altered, of unlike machines or evaluators, given
    twice, without step cells, or with too little clean data.
    """
    if replicates < 100:
        raise InputError(f"{replicates} replicates are too few for a 95 % interval; take 100 or more")
    if coverage is not None and not 0.5 <= coverage < 1:
        raise InputError(f"a coverage of {coverage:g} is no upper envelope; take 0.5 or more, and less than 1")
    if not factor >= 1:
        raise InputError(f"a safety factor of {factor:g} is below 1; 2 means that a price may be half of what it costs")
    check_runs(runs)
    imported = are_imported(runs)
    observed = observe_imported(runs) if imported else observe(runs)
    resampled = replicate(observed.logs, observed.clusters, count=replicates, seed=seed, moderated=not imported)
    ledger = proposed_model(variant)  # with shapes for what has no price yet

    columns = observed.columns(BUILTINS)
    cells = [observed.cells[i] for i in columns]
    if imported:
        applied = whole_times(cells, columns, resampled)
        points, unfitted = imported_points(applied, resampled, ledger, variant)
        if not points:
            raise InputError(f"{runs[0].path}: no builtin can be fitted, e.g. {next(iter(unfitted.values()))}")
    else:
        applied = applications_of(cells, columns, resampled)
        if not any(map(is_nop, applied)) and not any(cell.nops for run in runs for cell in run.design.cells):
            at = observed.columns(STEPS)
            alone = fit_steps([observed.cells[i] for i in at], at, resampled, {})
            applied = less_steps(applied, alone.evaluation_ps)
        points, unfitted = measured_points(applied, resampled, ledger, variant)
    if compare_shapes:
        points = settle_shapes(points)
    builtins = fit_builtins(
        points,
        applied,
        resampled,
        observed.uncertain,
        better_shapes(points),
        rounding=rounding,
        coverage=coverage,
        seed=seed,
    )
    if imported:
        steps, calls, no_ops, warnings = unmeasured(resampled), {}, {}, without_no_ops(applied)
    else:
        columns = observed.columns(STEPS)
        steps = fit_steps([observed.cells[i] for i in columns], columns, resampled, smallest_costs(applied))
        columns = observed.columns(CALLS)
        calls = fit_calls([observed.cells[i] for i in columns], columns, resampled, steps.evaluation_ps)
        no_ops, warnings = check_no_ops(applied, resampled, steps.evaluation_ps), ()
    builtins = with_witnesses(builtins, witnesses)
    builtins, steps, before_margin = with_margins(builtins, steps, margins)
    section = rounded_record(
        record.FittedModel(
            tool_version=__version__,
            variant=variant.value,
            picoseconds_of=_picoseconds_of(runs),
            verdict=verdict_of(
                builtins,
                [str(run.path) for run in runs],
                factor=factor,
                allowed=allowed,
                envelope=coverage is not None,
                imported=imported,
            ),
            batches=record.BatchCounts(clean=observed.clean_batches, disturbed=observed.disturbed_batches),
            builtins={fit.name: fit.record for fit in builtins},
            steps=steps.record,
            calls=calls,
            no_ops=no_ops,
            errors=_errors(steps, builtins, resampled),
            shapes=study_shapes(points) if compare_shapes else {},
            studies=study_builtins(points, applied, builtins, variant) if compare_shapes else {},
            flagged=_flagged(steps, builtins),
            unfitted=unfitted | _lost(observed, applied),
            lost_cells=tuple(
                f"{cell.experiment} {cell.operation} {cell.sizes} x{cell.repeats}" for cell in observed.lost
            ),
            clock_unit=runs[0].manifest.clock.unit,
            yardsticks=observed.yardsticks,
            yardstick_powers=observed.yardstick_powers,
            reference_yardstick_ns=observed.reference_yardstick_ns,
            hash_yardstick_ns=observed.hash_yardstick_ns,
            evaluator=dict(runs[0].manifest.evaluator),
            machine=runs[0].manifest.machine,
            method=record.Method(
                estimate=_IMPORTED if imported else _ESTIMATE,
                fit=_FIT,
                interval=_INTERVAL,
                builtins=_charge(coverage),
                memory=f"not measured: memory costs are those of the {ledger.source}",
                rounding=_ROUNDING[rounding],
                processes=len(observed.clusters.run),
                replicates=replicates,
                seed=seed,
            ),
            inputs=tuple(origin(run) for run in runs),
            warnings=(*oddities(runs), *warnings),
            settings=FitSettings(
                rounding=rounding.value,
                coverage=coverage,
                compare_shapes=compare_shapes,
                allowed=tuple(allowed),
                margins=tuple(margins),
            ),
            before_margin=before_margin,
        )
    )
    return Fit(section, _cost_model(section, builtins, ledger))


def _flagged(steps: StepsFit, builtins: Sequence[BuiltinFit]) -> dict[str, tuple[str, ...]]:
    """What is material, by step and builtin."""
    flags = {name: material(each.flags) for name, each in steps.record.coefficients.items()}
    flags |= {fit.name: material(fit.flags) for fit in builtins}
    return {name: tuple(sorted({each.flag for each in found})) for name, found in flags.items() if found}


def _cost_model(section: record.FittedModel, builtins: Sequence[BuiltinFit], ledger: CostModel) -> CostModel:
    """What is charged. Memory costs, which are not measured, are the ledger's."""
    prices = {name: each.charged_ps or 0 for name, each in section.steps.coefficients.items()}
    startup = ledger.startup
    return CostModel(
        builtins={fit.name: BuiltinCost(fit.priced.function, ledger.builtins[fit.name].memory) for fit in builtins},
        steps={
            kind: ExUnits(prices[kind.json_key], ledger.steps[kind].mem)
            for kind in StepKind
            if kind in ledger.steps and kind.json_key in prices
        },
        startup=None if startup is None or STARTUP_KEY not in prices else replace(startup, cpu=prices[STARTUP_KEY]),
        extras=msgspec.to_builtins(section),
        source=f"model fitted to {', '.join(each.run for each in section.inputs)}",
    )


def _charge(coverage: float | None) -> str:
    if coverage is None:
        return "charged as fitted"
    return f"charged by an upper envelope of {coverage:g} of inputs: regression quantile, and a margin for unseen ones"


def _lost(observed: Observations, applied: Mapping[str, Applications]) -> dict[str, str]:
    """The reason for each builtin of which no cell was measured well enough to be fitted."""
    names = {cell.operation for cell in observed.lost if cell.experiment == BUILTINS and not is_nop(cell.operation)}
    return dict.fromkeys(sorted(names - applied.keys()), "too few clean batches of its cells")


def _picoseconds_of(runs: Sequence[Run]) -> record.PicosecondsOf:
    """Whose time the runs hold. An evaluator without a version of its own is that of the package that measured."""
    evaluator, machine, versions = runs[0].manifest.evaluator, runs[0].manifest.machine, runs[0].manifest.versions
    build = [
        evaluator.get("build", ""),
        evaluator.get("runtime", ""),
        evaluator.get("compiler", ""),
        evaluator.get("sha256", "")[:12],
    ]
    return record.PicosecondsOf(
        evaluator=evaluator.get("name", "unknown"),
        version=evaluator.get("version", versions.get("calibrate", "")),
        build=", ".join(part for part in build if part),
        machine=" ".join(part for part in (machine.name or machine.cpu.get("model name", ""), machine.id) if part),
    )


def _errors(steps: StepsFit, builtins: Sequence[BuiltinFit], replicates: Replicates) -> record.Errors:
    """The joint errors of all coefficients that predictions are made from: builtins share the no-op that is taken off
    their times, steps share their cells, and all share processes. The jackknife says what each process adds to each."""
    prices = steps.predicting
    names = list(prices.names)
    columns = list(prices.smooth.T)
    for fit in builtins:
        names += [f"{fit.name}.{name}" for name in fit.priced.names]
        columns += list(fit.priced.unconstrained.T)
        if fit.better is not None:
            names += [f"{fit.name}.{name}" for name in fit.better.names]
            columns += list(fit.better.smooth.T)
    parts = replicates.errors(np.column_stack(columns))
    return record.Errors(
        t=float(student_t.ppf(0.975, replicates.freedom)),
        parts_ps={
            name: tuple(rounded(value, _DIGITS) for value in column.tolist())
            for name, column in zip(names, parts.T, strict=True)
        },
        lack_of_fit=record.LackOfFit(
            t=prices.t,
            scatter=prices.scatter,
            parts_ps={
                name: tuple(rounded(value, _DIGITS) for value in column.tolist())
                for name, column in zip(prices.names, prices.lack_ps.T, strict=True)
            },
        ),
    )
