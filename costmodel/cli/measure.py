"""`calibrate measure`: times builtins, steps and calls."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from costmodel.cli.options import (
    LOCAL,
    Core,
    Evaluator,
    FleetBackend,
    Json,
    Measurements,
    TableCommand,
    TimeBudget,
    check_fleet_options,
    scheduler_of,
    seconds,
    share,
)
from costmodel.cli.output import complain, print_json, say, show_uncertain
from costmodel.cli.progress import shown
from costmodel.cli.trace import TraceConfig, traced
from costmodel.errors import InputError, Interrupted
from costmodel.evaluators import driver_named
from costmodel.experiments import EXPERIMENTS, design_cells, flagged_design, imprecise_cells
from costmodel.model import load
from costmodel.records.measurement import FleetMeasurement, Measurement
from costmodel.records.run import NATIVE, session_outcome
from costmodel.rendering import numbers
from costmodel.rendering.text import first_names
from costmodel.runs.design import FEWEST_BLOCKS, Cell, Plan
from costmodel.timing.clock import CLOCKS, clock_named
from costmodel.timing.plan import choose_core

if TYPE_CHECKING:
    from costmodel.runs.store import Run


# Counts repeat, so two processes with the fewest blocks say all there is to say.
_COUNTED: Final[dict[str, Any]] = {"blocks_per_process": FEWEST_BLOCKS, "min_processes": 2, "max_processes": 2}


Command = TableCommand


_EVERYTHING: Final = ",".join(EXPERIMENTS)
_PRECISION: Final = "2%"
_COLLECTED_PRECISION: Final = "3%"  # batches differ by what collections fall into them, and time is for more cells
_MEASUREMENTS: Final = Path("measurements")


def command(
    experiment: Annotated[
        str,
        typer.Option(
            "--experiment", metavar="NAMES", help="Any of builtins, steps and calls, with commas between them."
        ),
    ] = _EVERYTHING,
    builtins: Annotated[
        str,
        typer.Option(
            "--builtins", metavar="PATTERNS", help="Builtins to measure: shell patterns with commas between them."
        ),
    ] = "*",
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            metavar="SHARE",
            help=f"Half-width of the 95 % intervals to stop at. [default: {_PRECISION}; {_COLLECTED_PRECISION} of an "
            "evaluator that collects garbage]",
        ),
    ] = None,
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
    measurements: Measurements = _MEASUREMENTS,
    trace_config: TraceConfig = None,
    backend: FleetBackend = LOCAL,
    resume_: Annotated[
        Path | None,
        typer.Option(
            "--resume", metavar="RUN", help="Continue an interrupted run, by its own design; --time-budget counts anew."
        ),
    ] = None,
    extend: Annotated[
        Path | None,
        typer.Option(
            "--extend",
            metavar="RUN",
            help="Measure again, in a run of its own, what RUN knows less precisely than asked; fit both together.",
        ),
    ] = None,
    flagged: Annotated[
        Path | None,
        typer.Option("--flagged", metavar="MODEL", help="Measure the builtins and steps that MODEL flags."),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(
            "--inputs",
            metavar="RUN",
            help="Measure the builtins that the search RUN of `calibrate worst` has witnesses of, with the witnesses.",
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Time builtins, machine steps and script calls on one pinned core, and write a run."""
    scheduler = scheduler_of(backend)
    _check(resume_, (extend, flagged, inputs), core, evaluator, scheduler, (experiment, builtins))
    if resume_ is not None:
        new = {
            "--experiment": experiment != _EVERYTHING,
            "--builtins": builtins != "*",
            "--evaluator": evaluator != NATIVE,
        }
        new |= {"--precision": precision is not None, "--core": core is not None, "--seed": seed is not None}
        _refuse_new(new | {"--measurements": measurements != _MEASUREMENTS})
    precise_as_usual = precision is None
    precision = precision or _PRECISION
    # What is wrong with the options is said before anything is shown to be going on.
    target = share(precision, "--precision")
    chosen = choose_core(core)
    session: dict[str, Any] = {"time_budget": seconds(time_budget), "clock": clock_named(clock)}
    try:
        with traced(trace_config) as trace, shown("measuring") as observer:
            session |= {"observer": observer, "trace": trace}
            if resume_ is not None:
                runs = _resume(resume_, scheduler, session)
            else:
                _reach(scheduler)
                names, cells = _cells(experiment, builtins, seed or 0, (extend, flagged, inputs), target)
                plan = _plan(cells, precision, chosen, seed or 0, clock)
                if evaluator != NATIVE:
                    begun = time.monotonic()
                    plan = _driven(plan, evaluator, session["time_budget"], precise_as_usual)
                    session["time_budget"] -= time.monotonic() - begun
                name = "-".join(names)
                runs = _measure(plan, measurements, name, scheduler, session | {"command_line": sys.argv})
    except Interrupted as error:
        raise Interrupted(f"{error}; `calibrate measure --resume {error.kept or 'RUN'}` goes on") from None
    for run in runs:
        for warning in session_outcome(run.manifest).warnings:
            complain(f"warning: {warning}")
    if as_json:
        measured = tuple(_document(run) for run in runs)
        print_json(FleetMeasurement(runs=measured) if scheduler else measured[0])
    else:
        for run in runs:
            _show(run)
    if all(session_outcome(run.manifest).median_half_width is None for run in runs):
        complain(
            f"{runs[0].path}: no cell was measured by two processes, so nothing was learned; "
            "give more --time-budget or fewer cells"
        )
        return 3  # and no error document behind that of the runs
    return 0


# pandas, and dask at need, come with what these import; a command that does not measure must not wait for them.


def _reach(scheduler: str | None) -> None:
    """A plan takes seconds to make, so that a scheduler which is not there is told before."""
    if scheduler is not None:
        from costmodel.fleet.cluster import connected

        with connected(scheduler):
            pass


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


def _check(
    resume_: Path | None,
    sources: tuple[Path | None, Path | None, Path | None],
    core: int | None,
    evaluator: str,
    scheduler: str | None,
    design: tuple[str, str],
) -> None:
    """InputError for options that contradict one another."""
    if sum(source is not None for source in (resume_, *sources)) > 1:
        raise InputError("--resume, --extend, --flagged and --inputs each choose what to measure; give one of them")
    if any(sources) and design != (_EVERYTHING, "*"):
        raise InputError("--experiment and --builtins are for a design of your own; leave them out")
    check_fleet_options(scheduler, core, evaluator)


def _refuse_new(given: dict[str, bool]) -> None:
    """InputError for what a run that is resumed has already."""
    for option in (option for option, is_given in given.items() if is_given):
        raise InputError(f"{option} is for a new run; a run that is resumed keeps what it was begun with")


def _cells(
    experiment: str,
    builtins: str,
    seed: int,
    sources: tuple[Path | None, Path | None, Path | None],
    precision: float,
) -> tuple[list[str], tuple[Cell, ...]]:
    """What to measure, and the experiments' names for the run's own."""
    extend, flagged, inputs = sources
    if inputs is not None:
        from costmodel.worst.inputs import witness_cells

        return ["inputs"], witness_cells(inputs, seed)
    if extend is not None:
        from costmodel.runs.store import Run

        return ["extend"], imprecise_cells(Run.open(extend), precision)
    if flagged is not None:
        names, builtins = flagged_design(load([flagged]))
    else:
        names = [name.strip() for name in experiment.split(",")]
        if len(set(names)) != len(names):
            raise InputError(f"--experiment {experiment} names one twice")
    return names, design_cells(names, builtins, seed)


def _plan(cells: tuple[Cell, ...], precision: str, core: int, seed: int, clock: str | None) -> Plan:
    return Plan(
        cells=cells,
        core=core,
        seed=seed,
        target_half_width=share(precision, "--precision"),
        **(_COUNTED if clock == "icount" else {}),
    )


def _driven(plan: Plan, evaluator: str, time_budget: float, precise_as_usual: bool) -> Plan:
    """The same for a driver: what it can do, as much as fits into the time budget, and to the precision that is usual
    for it unless another was asked for."""
    from costmodel.experiments.pilot import sized
    from costmodel.machine.driver import started

    with started(driver_named(evaluator), plan.core) as tried:
        design = sized(plan.cells, tried, time_budget)
        if precise_as_usual and tried.collects:
            plan = msgspec.structs.replace(plan, target_half_width=share(_COLLECTED_PRECISION, "--precision"))
    if len(design.cells) < design.of:
        without = f", without {first_names(design.left_out)}" if design.left_out else ""
        complain(f"{evaluator} is slow: {len(design.cells)} of {design.of} cells fit into the time budget{without}")
    if design.seconds > time_budget:
        complain(
            f"warning: even these take about {design.seconds:.0f} s, so little will be known; give more --time-budget, "
            "or fewer --builtins"
        )
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
    show_uncertain(manifest.uncertain, "the run's manifest")
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
