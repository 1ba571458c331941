"""`calibrate validate`: replays a workload, predicted against observed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from costmodel.cli.options import Core, Json, Measurements, ProtocolVersion, Seed, TimeBudget, seconds, share
from costmodel.cli.output import percent, print_json, stdout, table, time_ns
from costmodel.cli.progress import shown
from costmodel.errors import InputError
from costmodel.model import load
from costmodel.workloads import DEFAULT_LOOP_COUNTS, DEFAULT_PROTOCOL_VERSION, from_folder, secp

if TYPE_CHECKING:
    from costmodel.validate import Estimate, Score, Verdict

_OWN_WORKLOAD: Final = "secp"
_COLOURS: Final = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


def command(
    model: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL", help="A fitted model, or builtin and machine costs.", show_default=False),
    ],
    workload: Annotated[
        str, typer.Option("--workload", metavar="NAME|DIR", help="secp, or a folder of .plutus files with redeemers.")
    ] = _OWN_WORKLOAD,
    loops: Annotated[str, typer.Option("--loops", metavar="N,N", help="Loop counts to replay.")] = ",".join(
        map(str, DEFAULT_LOOP_COUNTS)
    ),
    protocol_version: ProtocolVersion = DEFAULT_PROTOCOL_VERSION,
    tolerance: Annotated[
        str, typer.Option("--tolerance", metavar="SHARE", help="How far predicted over observed may be from 1.")
    ] = "5%",
    time_budget: TimeBudget = None,
    core: Core = None,
    seed: Seed = 0,
    measurements: Measurements = Path("measurements"),
    as_json: Json = False,
) -> int:
    """Replay a workload and compare the observed times with what a model predicts.

    Ends with 0 if every prediction is within the tolerance, 1 if one is not, and 3 if the observations cannot tell.
    """
    # pandas comes with it; a command that does not measure must not wait for that.
    from costmodel.validate import validate

    allowed = share(tolerance, "--tolerance")
    counts = _loop_counts(loops)
    deadline = seconds(time_budget)
    if workload == _OWN_WORKLOAD:
        programs = secp(counts, protocol_version=protocol_version)
    else:
        programs = from_folder(Path(workload), counts, protocol_version=protocol_version)
    with shown("replaying") as observer:
        verdict = validate(
            load(model),
            programs,
            measurements=measurements,
            core=core,
            seed=seed,
            tolerance=allowed,
            time_budget=deadline,
            model_files=model,
            command_line=sys.argv,
            observer=observer,
        )
    if as_json:
        print_json(verdict.to_dict())
    else:
        _show(verdict)
    return verdict.exit_code


def _loop_counts(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text):
        raise InputError(f"--loops {text!r} is no list of counts; write 1,10,25,50")
    return tuple(int(part) for part in text.split(","))


def _row(score: Score) -> tuple[str | Text, ...]:
    status = score.status.value
    return (
        score.label,
        score.work,
        f"{score.ex_units.cpu:,}",
        f"{score.ex_units.mem:,}",
        time_ns(score.predicted_ns.value),
        time_ns(score.observed_ns.value),
        f"±{percent(_half(score.observed_ns))}",
        f"{score.ratio.value:.3f}",
        f"{score.ratio.low:.3f} … {score.ratio.high:.3f}",
        Text(status, style=_COLOURS[status]),
    )


def _half(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / 2 / estimate.value


def _show(verdict: Verdict) -> None:
    console = stdout()
    headings = (
        ("program", "left"),
        ("timed", "left"),
        ("ExUnits CPU (ps)", "right"),
        ("memory", "right"),
        ("predicted", "right"),
        ("observed", "right"),
        ("95 %", "right"),
        ("predicted/observed", "right"),
        ("95 %", "right"),
        ("", "left"),
    )
    console.print(table(f"{verdict.workload}: {verdict.model}", headings, [_row(score) for score in verdict.scores]))
    console.print()
    for note in verdict.notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    for score in verdict.scores:
        if score.uncertain:
            console.print(f"uncertain: {score.label} ({score.work}): {score.uncertain}", markup=False, soft_wrap=True)
    console.print(f"{verdict.status.value}: predictions within ±{percent(verdict.tolerance)} of what was observed")
    console.print(f"run: {verdict.run}", markup=False, soft_wrap=True)
