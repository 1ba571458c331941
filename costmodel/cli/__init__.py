"""The command line: a file a command, each thin – parse, call, print, exit code."""

from __future__ import annotations

import sys

import typer
from typer.exceptions import TyperException

from costmodel import __version__
from costmodel.cli import conformance, evaluate, fit, measure, validate
from costmodel.cli.output import complain
from costmodel.errors import CalibrateError, Interrupted

app = typer.Typer(
    name="calibrate",
    help="Measure, fit and validate cost models for Plutus.",
    epilog="Exit codes: 0 done, and the check passed; 1 the check failed; 2 wrong usage or bad input; "
    "3 inconclusive; 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("eval")(evaluate.command)
app.command("conformance")(conformance.command)
app.command("measure")(measure.command)
app.command("fit")(fit.command)
app.command("validate")(validate.command)


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


def main() -> None:
    """Runs a command and ends the process with its exit code. What goes wrong is one line on stderr."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of one command."""
    try:
        result = app(arguments, prog_name="calibrate", standalone_mode=False)
    except TyperException as error:
        complain(error.format_message())
        return 2
    except CalibrateError as error:
        complain(str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted")
        return Interrupted.exit_code
    except BrokenPipeError:
        # The reader went away (`| head`): not our failure, and nobody is there to be told.
        sys.stderr.close()
        return 0
    except MemoryError:
        complain("this machine has too little memory for that")
        return 2
    return result if isinstance(result, int) else 0
