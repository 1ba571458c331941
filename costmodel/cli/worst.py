"""`calibrate worst`: searches for inputs that a price does not cover, and proves them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from costmodel.cli.options import Core, Evaluator, Json, Measurements, Seed, TableCommand, given, seconds
from costmodel.cli.output import complain, print_json, say, show
from costmodel.cli.progress import lines
from costmodel.errors import InputError, Interrupted
from costmodel.records.run import NATIVE

if TYPE_CHECKING:
    from costmodel.records.worst import Worst
    from costmodel.worst.folder import SearchFolder

Command = TableCommand

_TAKES: Final = {
    "compare": set[str](),
    "resume_": {"max_ratio"},
    "again": {"target", "evaluator", "time_budget", "max_ratio", "scale", "seed", "core", "measurements"},
}
"""What else may be given where another search is named: the rest is that search's own."""


def command(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="[MODEL]", help="Prices that are charged: ledger, epoch:N, a variant, or a model's file."
        ),
    ] = "ledger",
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="PATTERNS",
            help="Prices to search: builtins, steps/… (forms of programs) and calls/… (decoding), as shell patterns "
            "with commas between them.",
        ),
    ] = "*",
    evaluator: Evaluator = NATIVE,
    time_budget: Annotated[
        str, typer.Option("--time-budget", metavar="TIME", help="For everything: search, witnesses and proof.")
    ] = "15m",
    max_ratio: Annotated[
        float | None,
        typer.Option(
            "--max-ratio",
            metavar="R",
            help="Fail (exit code 1) where a price's ratio is above R beyond its interval; 3 where that is not known.",
        ),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(
            "--scale",
            metavar="FACTOR",
            help="Time over charge of a machine that keeps up, by which ratios are divided. [default: 1 for a model "
            "fitted to this evaluator, else that of ordinary input of several builtins]",
        ),
    ] = None,
    differential: Annotated[
        bool,
        typer.Option("--differential", help="Only keep inputs on which the evaluator and the exact machine differ."),
    ] = False,
    seed: Seed = 0,
    core: Core = None,
    measurements: Measurements = Path("measurements"),
    resume_: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="Continue an interrupted search; it keeps its own settings."),
    ] = None,
    again: Annotated[
        Path | None,
        typer.Option(
            "--again",
            metavar="RUN",
            help="Instead of a search, time the witnesses of a complete one again, here or on another --evaluator, and "
            "compare.",
        ),
    ] = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option(
            "--compare",
            metavar="RUN",
            help="Instead, show complete searches of several evaluators in one table; once for each.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Search for inputs that take longest for their price, and prove them with witnesses that are timed again."""
    chosen = given(context)
    for mode, others in _TAKES.items():
        if mode in chosen and (surplus := chosen - others - {mode, "as_json", "wide", "top"}):
            option = _flag(mode)
            raise InputError(f"{option} has its own settings; leave {', '.join(sorted(map(_flag, surplus)))} out")
    if compare:
        _compare(compare, as_json=as_json)
        return
    if max_ratio is not None and not 0 < max_ratio < float("inf"):
        raise InputError(f"invalid --max-ratio {max_ratio:g}; use a number above 0")
    if scale is not None and not 0 < scale < float("inf"):
        raise InputError(f"invalid --scale {scale:g}; use a number above 0")
    # optuna and pandas come with these; other commands must not wait for them.
    from costmodel.worst.folder import SearchFolder
    from costmodel.worst.settings import asked_for, held, timed_again

    budget = seconds(time_budget) or 0.0
    if resume_ is not None:
        folder = SearchFolder.reopen(resume_)
    elif again is not None:
        settings, costs, finalists = timed_again(
            again,
            patterns=target,
            evaluator=evaluator if "evaluator" in chosen else None,
            core=core,
            seed=seed,
            seconds=budget,
            scale=scale,
        )
        folder = SearchFolder.create(
            measurements, settings, costs, sys.argv, stage="prove", finalists=finalists, again=str(again)
        )
    else:
        settings, costs = asked_for(
            model,
            patterns=target,
            evaluator=evaluator,
            core=core,
            seed=seed,
            seconds=budget,
            scale=scale,
            differential=differential,
        )
        folder = SearchFolder.create(measurements, settings, costs, sys.argv)
    found = _run(folder)
    if max_ratio is not None:
        found = held(found, max_ratio)
    if as_json:
        print_json(found)
    else:
        _show(found)
    raise typer.Exit(found.exit_code)


def _flag(parameter: str) -> str:
    return "MODEL" if parameter == "model" else f"--{parameter.rstrip('_').replace('_', '-')}"


def _run(folder: SearchFolder) -> Worst:
    from costmodel.worst.run import Standing, WorstSearch

    with lines("proving: preparing" if folder.state.again else "searching: preparing") as tell:

        def told(standing: Standing) -> None:
            tell(f"{standing.stage}: {standing.done}, about {standing.seconds_left:.0f} s left")

        try:
            return WorstSearch(folder, told=told).run()
        except Interrupted as error:
            raise Interrupted(f"{error}; `calibrate worst --resume {folder.path}` goes on") from None


def _compare(paths: list[Path], *, as_json: bool) -> None:
    from costmodel.rendering.worst import beside_one_another, over_evaluators_table
    from costmodel.worst.folder import read_result

    if len(paths) < 2:
        raise InputError("one search has nothing to be compared with; give --compare for each of several")
    found = beside_one_another([read_result(path)[1] for path in paths])
    if as_json:
        print_json(found)
        return
    for note in found.notes:
        complain(f"note: {note}")
    show(over_evaluators_table(found))


def _show(found: Worst) -> None:
    from costmodel.rendering.worst import again_table, conclusion, differences_table, matters_table, worst_table

    for note in found.notes:
        complain(f"warning: {note}")
    if found.finds:
        show(worst_table(found))
        show(again_table(found) if found.again else matters_table(found))
    if found.differences:
        show(differences_table(found))
    say(*conclusion(found))
