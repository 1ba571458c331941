"""`calibrate doctor`: is this machine fit to measure on?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from costmodel.cli.options import Core, Json, Seed
from costmodel.cli.output import print_json, stdout, table, visible
from costmodel.cli.progress import shown
from costmodel.errors import CheckFailed, Inconclusive, InputError
from costmodel.timing.plan import choose_core

if TYPE_CHECKING:
    from costmodel.records.doctor import Change, Diagnosis

_STYLES: Final = {"ok": "green", "warn": "yellow", "bad": "red", "unseen": "dim"}
_EXIT_CODES: Final = {"fit": 0, "unfit": CheckFailed.exit_code, "inconclusive": Inconclusive.exit_code}


def command(
    run: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND…", help="With --tune: what to run, instead of a report.", show_default=False),
    ] = None,
    tune: Annotated[
        bool,
        typer.Option(
            "--tune", help="Set governor and turbo right until the report or COMMAND is done, and put them back."
        ),
    ] = False,
    core: Core = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> int:
    """Say whether this machine is fit to measure on, what disturbs it, and what precision to expect.

    Exits with 0 where it is fit, 1 where it is not, 3 where a short trial could not tell; with COMMAND, as that did.
    """
    # pandas comes with it; --help must not wait for that.
    from costmodel.doctor.diagnosis import diagnose
    from costmodel.doctor.host import Host
    from costmodel.doctor.saved_settings import put_back_leftovers
    from costmodel.doctor.tune import run_command, tuned

    if run and (as_json or not tune):
        raise InputError("COMMAND goes with --tune, and without --json: its output is its own")
    host, core = Host(), choose_core(core)
    left = put_back_leftovers(host)
    if run:
        with tuned(host, core):
            return run_command(run)
    with shown("trying the machine") as observer:
        if tune:
            with tuned(host, core) as changes:
                found = diagnose(host, core, seed, tuned=changes, put_back=left, observer=observer)
        else:
            found = diagnose(host, core, seed, put_back=left, observer=observer)
    if as_json:
        print_json(found)
    else:
        _show(found, tune)
    return _EXIT_CODES[found.fitness]


def _show(found: Diagnosis, tune: bool) -> None:
    console = stdout()
    rows = [
        (check.name, Text(check.verdict, style=_STYLES[check.verdict]), visible(check.found)) for check in found.checks
    ]
    console.print(table(None, (("check", "left"), ("", "left"), ("found", "left")), rows))
    advice = [(check.name, visible(check.advice)) for check in found.checks if check.advice]
    if advice:
        console.print()
        console.print(table("What to change", (("", "left"), ("", "left")), advice))
    console.print()
    for change in found.put_back:
        console.print(f"put back {_change(change)}, which an earlier run had left", markup=False, soft_wrap=True)
    for change in found.tuned:
        console.print(f"tuned for this report, and put back: {_change(change)}", markup=False, soft_wrap=True)
    if tune and not found.tuned:
        console.print("--tune found nothing to change here", markup=False)
    console.print(_SUMMARIES[found.fitness].format(core=found.core), markup=False, soft_wrap=True)


def _change(change: Change) -> str:
    return f"{change.name} from {visible(change.before)} to {visible(change.after)}"


_SUMMARIES: Final = {
    "fit": "fit: core {core} can be measured on, with the precision above",
    "unfit": "unfit: see what is bad above; a session on core {core} will discard much, or miss its precision",
    "inconclusive": "inconclusive: core {core} was too disturbed for the trial to tell; try again, or another core",
}
