"""`calibrate doctor`: is this machine fit to measure on?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from costmodel.cli.options import Core, Evaluator, Json, Seed, TableCommand
from costmodel.cli.output import print_json, say, show
from costmodel.cli.progress import shown
from costmodel.errors import CheckFailed, Inconclusive, InputError
from costmodel.records.run import NATIVE
from costmodel.rendering.tables import Table, TableCell
from costmodel.timing.plan import choose_core

if TYPE_CHECKING:
    from costmodel.records.doctor import Diagnosis, SettingChange

_EXIT_CODES: Final = {"fit": 0, "unfit": CheckFailed.exit_code, "inconclusive": Inconclusive.exit_code}


class DoctorCommand(TableCommand):
    """A command whose options end where COMMAND begins, which has options of its own."""

    allow_interspersed_args = False


Command = DoctorCommand


def command(
    run: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND…", help="With --tune: run this instead of the checks.", show_default=False),
    ] = None,
    tune: Annotated[
        bool,
        typer.Option(
            "--tune", help="Set CPU governor and turbo for the checks or COMMAND, and restore them afterwards."
        ),
    ] = False,
    core: Core = None,
    evaluator: Evaluator = NATIVE,
    seed: Seed = 0,
    as_json: Json = False,
) -> int:
    """Check whether this machine is fit to measure on: what disturbs it, and what precision to expect.

    Exit code 0 if it is fit, 1 if it is not, 3 if a short trial could not tell; with COMMAND, the code of COMMAND.
    """
    # pandas comes with it; --help must not wait for that.
    from costmodel.doctor.checks import diagnose
    from costmodel.doctor.settings import Host, put_back_leftovers
    from costmodel.doctor.tune import run_command, tuned

    if run and (as_json or not tune):
        raise InputError("COMMAND needs --tune, and cannot be used with --json")
    host, core = Host(), choose_core(core)
    left = put_back_leftovers(host)
    if run:
        with tuned(host, core):
            return run_command(run)
    with shown("checking the machine") as observer:
        if tune:
            with tuned(host, core) as changes:
                found = diagnose(host, core, seed, tuned=changes, put_back=left, observer=observer, evaluator=evaluator)
        else:
            found = diagnose(host, core, seed, put_back=left, observer=observer, evaluator=evaluator)
    if as_json:
        print_json(found)
    else:
        _show(found, tune)
    return _EXIT_CODES[found.fitness]


def _show(found: Diagnosis, tune: bool) -> None:
    rows = [(check.name, TableCell(check.verdict, status=check.verdict), check.found) for check in found.checks]
    show(Table.of("", ("check", "result", "found"), rows))
    say("")
    if advice := [(check.name, check.advice) for check in found.checks if check.advice]:
        show(Table.of("What to change", ("", ""), advice))
        say("")
    say(*(f"restored a setting that an earlier run had left: {_change(change)}" for change in found.put_back))
    say(*(f"changed for this report and restored: {_change(change)}" for change in found.tuned))
    if tune and not found.tuned:
        say("--tune found nothing to change here")
    say(_SUMMARIES[found.fitness].format(core=found.core))


def _change(change: SettingChange) -> str:
    return f"{change.name} from {change.before} to {change.after}"


_SUMMARIES: Final = {
    "fit": "fit: core {core} can be used, with the precision above",
    "unfit": "unfit: a session on core {core} would discard many timings or miss its precision; see what is bad above",
    "inconclusive": "inconclusive: core {core} was too disturbed for a trial; try again, or try another core",
}
