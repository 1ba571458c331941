"""`calibrate measure`: times builtins, steps and calls."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from costmodel.cli.options import Core, Json, Measurements, Seed, TimeBudget, seconds, share
from costmodel.cli.output import percent, print_json, stdout, table
from costmodel.cli.progress import shown
from costmodel.cli.trace import TraceConfig, traced
from costmodel.errors import InputError, Interrupted
from costmodel.measure import EXPERIMENTS, design_cells
from costmodel.runs.design import FEWEST_BLOCKS, Plan
from costmodel.timing.clock import CLOCKS, clock_named
from costmodel.timing.plan import choose_core

if TYPE_CHECKING:
    from costmodel.runs.store import Run

# Counts repeat, so two processes with the fewest blocks say all there is to say.
_COUNTED: Final[dict[str, Any]] = {"blocks_per_process": FEWEST_BLOCKS, "min_processes": 2, "max_processes": 2}


def command(
    experiment: Annotated[
        str,
        typer.Option("--experiment", metavar="NAMES", help="Any of builtins, steps and calls, with commas between."),
    ] = ",".join(EXPERIMENTS),
    builtins: Annotated[
        str,
        typer.Option("--builtins", metavar="PATTERN", help="Builtins to measure, as a shell pattern over their names."),
    ] = "*",
    precision: Annotated[
        str, typer.Option("--precision", metavar="SHARE", help="Half-width of the 95 % intervals to stop at.")
    ] = "2%",
    time_budget: TimeBudget = "15m",
    clock: Annotated[
        str | None,
        typer.Option("--clock", metavar="NAME", help=f"{', '.join(CLOCKS)}. [default: the best there is for time]"),
    ] = None,
    core: Core = None,
    seed: Seed = 0,
    measurements: Measurements = Path("measurements"),
    trace_config: TraceConfig = None,
    resume_: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="Continue an interrupted run; it keeps its own design."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Time builtins, machine steps and script calls on one pinned core, and write a run."""
    # pandas comes with it; a command that does not measure must not wait for that.
    from costmodel.timing.session import measure, resume

    deadline = seconds(time_budget)
    try:
        with traced(trace_config) as trace, shown("measuring") as observer:
            if resume_ is not None:
                run = resume(resume_, time_budget=deadline, clock=clock_named(clock), observer=observer, trace=trace)
            else:
                plan, name = _plan(experiment, builtins, precision, core, seed, clock)
                run = measure(
                    plan,
                    measurements,
                    name,
                    time_budget=deadline,
                    clock=clock_named(clock),
                    command_line=sys.argv,
                    observer=observer,
                    trace=trace,
                )
    except Interrupted as error:
        raise Interrupted(f"{error}; `calibrate measure --resume` with that folder goes on") from None
    if as_json:
        print_json(_document(run))
    else:
        _show(run)


def _plan(
    experiment: str, builtins: str, precision: str, core: int | None, seed: int, clock: str | None
) -> tuple[Plan, str]:
    """The design that the options ask for, and the experiments' names for the run's own."""
    names = [name.strip() for name in experiment.split(",")]
    if len(set(names)) != len(names):
        raise InputError(f"--experiment {experiment} names one twice")
    plan = Plan(
        cells=design_cells(names, builtins, seed),
        core=choose_core(core),
        seed=seed,
        target_half_width=share(precision, "--precision"),
        **(_COUNTED if clock == "icount" else {}),
    )
    return plan, "-".join(names)


def _document(run: Run) -> dict[str, Any]:
    manifest = run.manifest
    return {
        "run": str(run.path),
        "status": manifest.status.value,
        "reason": manifest.status_reason,
        "unit": manifest.clock["unit"],
        "cells": len(run.design.cells),
        "outcome": dict(manifest.outcome),
        "uncertain": dict(manifest.uncertain),
    }


def _show(run: Run) -> None:
    manifest = run.manifest
    console = stdout()
    if manifest.uncertain:
        rows = sorted(manifest.uncertain.items())
        console.print(table("Less precise than asked", (("cell", "left"), ("reason", "left")), rows))
        console.print()
    cells = len(run.design.cells)
    known = cells - len(manifest.uncertain)
    console.print(
        f"{known} of {cells} cells are known to ±{percent(run.design.target_half_width)} or better", markup=False
    )
    outcome = manifest.outcome
    console.print(
        f"{outcome['processes']} processes in {outcome['seconds']:.0f} s ({manifest.status_reason}), "
        f"{percent(outcome['timed_share'])} of it inside the clock, {percent(outcome['discard_rate'])} of "
        f"{outcome['batches']} batches discarded as disturbed",
        markup=False,
        soft_wrap=True,
    )
    console.print(f"run: {run.path}", markup=False, soft_wrap=True)
