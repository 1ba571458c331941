"""`calibrate measure`: times builtins, steps and calls."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from costmodel.cli.options import (
    LOCAL,
    Core,
    Evaluator,
    Json,
    Measurements,
    TableCommand,
    TimeBudget,
    scheduler_of,
    seconds,
    share,
)
from costmodel.cli.output import complain, print_json, say, show
from costmodel.cli.progress import shown
from costmodel.cli.trace import TraceConfig, traced
from costmodel.errors import InputError, Interrupted
from costmodel.evaluators import driver_named
from costmodel.experiments import EXPERIMENTS, design_cells
from costmodel.records.measurement import FleetMeasurement, Measurement
from costmodel.records.run import NATIVE, session_outcome
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table
from costmodel.runs.design import FEWEST_BLOCKS, Plan
from costmodel.timing.clock import CLOCKS, clock_named
from costmodel.timing.plan import choose_core

if TYPE_CHECKING:
    from costmodel.runs.store import Run


# Counts repeat, so two processes with the fewest blocks say all there is to say.
_COUNTED: Final[dict[str, Any]] = {"blocks_per_process": FEWEST_BLOCKS, "min_processes": 2, "max_processes": 2}

Command = TableCommand


def command(
    experiment: Annotated[
        str,
        typer.Option(
            "--experiment", metavar="NAMES", help="Any of builtins, steps and calls, with commas between them."
        ),
    ] = ",".join(EXPERIMENTS),
    builtins: Annotated[
        str,
        typer.Option(
            "--builtins", metavar="PATTERNS", help="Builtins to measure: shell patterns with commas between them."
        ),
    ] = "*",
    precision: Annotated[
        str, typer.Option("--precision", metavar="SHARE", help="Half-width of the 95 % intervals to stop at.")
    ] = "2%",
    time_budget: TimeBudget = "15m",
    clock: Annotated[
        str | None,
        typer.Option(
            "--clock",
            metavar="NAME",
            help=f"{', '.join(CLOCKS)}. icount counts instructions under valgrind, the C library's included, whose "
            "allocator takes some percent more or fewer in another build. [default: the best there is for time]",
        ),
    ] = None,
    core: Core = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of operands and orders. [default: 0]")] = None,
    evaluator: Evaluator = NATIVE,
    measurements: Measurements = Path("measurements"),
    trace_config: TraceConfig = None,
    backend: Annotated[
        str,
        typer.Option(
            "--backend",
            metavar="WHERE",
            help="local, or dask:SCHEDULER for the workers of a dask scheduler, each with --resources core=1; "
            "gives a run for each kind of machine.",
        ),
    ] = LOCAL,
    resume_: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="Continue an interrupted run; it keeps its own design."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Time builtins, machine steps and script calls on one pinned core, and write a run."""
    scheduler = scheduler_of(backend)
    if resume_ is not None and seed is not None:
        raise InputError("--seed is for a new run; a run that is resumed keeps the seed of its design")
    if scheduler and core is not None:
        raise InputError("--core is for the local backend; a worker measures on the last core that it may use")
    if scheduler and evaluator != NATIVE:
        raise InputError("--evaluator is for the local backend; measure on each machine, and fit the runs together")
    if resume_ is not None and evaluator != NATIVE:
        raise InputError("--evaluator is for a new run; a run that is resumed keeps its evaluator")
    session: dict[str, Any] = {"time_budget": seconds(time_budget), "clock": clock_named(clock)}
    try:
        with traced(trace_config) as trace, shown("measuring") as observer:
            session |= {"observer": observer, "trace": trace}
            if resume_ is not None:
                runs = _resume(resume_, scheduler, session)
            else:
                names = _names(experiment)
                plan = _plan(names, builtins, precision, core, seed or 0, clock)
                if evaluator != NATIVE:
                    plan = _driven(plan, evaluator, session["time_budget"])
                name = "-".join(names)
                runs = _measure(plan, measurements, name, scheduler, session | {"command_line": sys.argv})
    except Interrupted as error:
        raise Interrupted(f"{error}; `calibrate measure --resume` with that folder goes on") from None
    for run in runs:
        for warning in session_outcome(run.manifest).warnings:
            complain(f"warning: {warning}")
    if as_json:
        measured = tuple(_document(run) for run in runs)
        print_json(FleetMeasurement(runs=measured) if scheduler else measured[0])
    else:
        for run in runs:
            _show(run)


# pandas, and dask at need, come with what these import; a command that does not measure must not wait for them.


def _measure(plan: Plan, root: Path, name: str, scheduler: str | None, session: dict[str, Any]) -> list[Run]:
    if scheduler is None:
        from costmodel.timing.session import measure

        return [measure(plan, root, name, **session)]
    from costmodel.fleet.measure import measure as measure_by_fleet

    return measure_by_fleet(scheduler, plan, root, name, **session)


def _resume(path: Path, scheduler: str | None, session: dict[str, Any]) -> list[Run]:
    if scheduler is None:
        from costmodel.timing.session import resume

        return [resume(path, **session)]
    from costmodel.fleet.measure import resume as resume_by_fleet

    return resume_by_fleet(scheduler, path, **session)


def _names(experiment: str) -> list[str]:
    names = [name.strip() for name in experiment.split(",")]
    if len(set(names)) != len(names):
        raise InputError(f"--experiment {experiment} names one twice")
    return names


def _plan(names: list[str], builtins: str, precision: str, core: int | None, seed: int, clock: str | None) -> Plan:
    """The design that the options ask for."""
    return Plan(
        cells=design_cells(names, builtins, seed),
        core=choose_core(core),
        seed=seed,
        target_half_width=share(precision, "--precision"),
        **(_COUNTED if clock == "icount" else {}),
    )


def _driven(plan: Plan, evaluator: str, time_budget: float) -> Plan:
    """The same for a driver: what it can do, and as much as fits into the time budget."""
    from costmodel.experiments.portable import best_version, portable_cells, sized
    from costmodel.machine.driver import started

    with started(driver_named(evaluator), plan.core) as tried:
        design = sized(portable_cells(plan.cells, best_version(tried)), tried, time_budget)
    if len(design.cells) < design.of:
        complain(f"{evaluator} is slow: {len(design.cells)} of {design.of} cells fit into the time budget")
    return msgspec.structs.replace(plan, cells=design.cells, evaluator=evaluator, **design.settings)


def _document(run: Run) -> Measurement:
    manifest = run.manifest
    return Measurement(
        run=str(run.path),
        machine=manifest.machine.id,
        status=manifest.status,
        reason=manifest.status_reason,
        unit=manifest.clock.unit,
        cells=len(run.design.cells),
        outcome=session_outcome(manifest),
        uncertain=manifest.uncertain,
    )


def _show(run: Run) -> None:
    manifest = run.manifest
    if manifest.uncertain:
        rows = sorted(manifest.uncertain.items())
        show(Table.of("Less precise than asked", ("cell", "reason"), rows))
        say("")
    cells = len(run.design.cells)
    known = cells - len(manifest.uncertain)
    say(f"{known} of {cells} cells are known to ±{numbers.percent(run.design.settings.target_half_width)} or better")
    outcome = session_outcome(manifest)
    say(
        f"{outcome.processes} processes in {outcome.seconds:.0f} s ({manifest.status_reason}), "
        f"{numbers.percent(outcome.timed_share)} of it timed, "
        f"{numbers.percent(outcome.discard_rate)} of {outcome.batches} samples discarded as disturbed"
    )
    say(f"run: {run.path}")
