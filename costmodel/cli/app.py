"""All commands as one, and what becomes of their errors."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import typer
from typer.exceptions import TyperException

from costmodel import __version__
from costmodel.cli import (
    budget,
    cluster,
    compare,
    conformance,
    doctor,
    evaluate,
    fit,
    impact,
    measure,
    memory,
    params,
    report,
    trace,
    validate,
)
from costmodel.cli.output import complain
from costmodel.errors import CalibrateError, Interrupted

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

app = typer.Typer(
    name="calibrate",
    help="Measure, fit and validate cost models for Plutus.",
    epilog="Exit codes: 0 done, and the check passed; 1 the check failed; 2 wrong usage or bad input; "
    "3 inconclusive; 130 interrupted.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("eval")(evaluate.command)
app.command("conformance")(conformance.command)
app.command("doctor", context_settings={"allow_interspersed_args": False})(doctor.command)
app.command("measure")(measure.command)
app.command("fit")(fit.command)
app.command("validate")(validate.command)
app.command("memory")(memory.command)
app.command("budget")(budget.command)
app.command("cluster")(cluster.command)
app.command("compare", cls=compare.Command)(compare.command)
app.command("impact")(impact.command)
app.command("report")(report.command)
app.add_typer(params.app, name="params")
app.add_typer(trace.app, name="trace")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"calibrate {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    del version


def run_process() -> None:
    """Runs the process's command and ends the process with its exit code. What goes wrong is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        # File names need not be text, and the terminal's encoding need not have every character.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.unraisablehook = interrupt_again
    sys.exit(run(sys.argv[1:]))


def interrupt_again(lost: UnraisableHookArgs) -> None:
    """As `sys.unraisablehook`. Exceptions in callbacks of weak references are dropped, and so is Ctrl-C where it comes
    during one, as it often does while matplotlib draws. It is sent again once the callback is over."""
    if lost.exc_type is KeyboardInterrupt:
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(lost)


def run(arguments: list[str]) -> int:
    """The exit code of one command."""
    if sys.stdout is None:
        complain("stdout is closed; leave it open for the result")
        return 2
    try:
        code = _invoke(arguments or ["--help"])
        sys.stdout.flush()
    except TyperException as error:
        complain(error.format_message())
        return 2
    except CalibrateError as error:
        complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        complain("interrupted")
        return Interrupted.exit_code
    except BrokenPipeError:
        # The reader went away (`| head`): not our failure, and nobody is there to be told.
        _abandon_output()
        return 0
    except OSError as error:
        _abandon_output()
        complain(f"{error.filename or 'writing the result'}: {error.strerror}")
        return 2
    except UnicodeEncodeError as error:
        complain(f"{error.object!r} is not UTF-8, and no file can hold it; give it another name")
        return 2
    except MemoryError:
        complain("this machine has too little memory for that")
        return 2
    return code if arguments else 2


def _invoke(arguments: list[str]) -> int:
    # Typer's own way to run a command turns interrupts and lost readers into exit codes of its choice.
    command = typer.main.get_command(app)
    try:
        with command.make_context("calibrate", arguments) as context:
            result = command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return result if isinstance(result, int) else 0


def _abandon_output() -> None:
    """Lets what is still to be written go nowhere, lest the interpreter try again as it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
