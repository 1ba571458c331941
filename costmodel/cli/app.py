"""All commands as one, and what becomes of their errors."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from costmodel import __version__
from costmodel.cli.output import complain, print_json, quoted
from costmodel.errors import CalibrateError, Interrupted
from costmodel.records.told import ErrorDocument

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_COMPLETING: Final = "_CALIBRATE_COMPLETE"  # set by the shell when it asks for completions


class Entry(NamedTuple):
    """A command: where it stands in the help, a line about it, and the module of `costmodel.cli` that has it.

    Modules are loaded when their command is called, so that no command waits for the libraries of the others.
    """

    group: str
    help: str
    module: str


_MAKE: Final = "Make a cost model"
_CHECK: Final = "Check it"
_USE: Final = "Use it"
_MORE: Final = "Programs, clusters and traces"

ENTRIES: Final = {
    "doctor": Entry(_MAKE, "Check whether this machine is fit to measure on.", "doctor"),
    "measure": Entry(_MAKE, "Time builtins, machine steps and script calls, and write a run.", "measure"),
    "import": Entry(_MAKE, "Make a run of measurements by other tools.", "import_"),
    "fit": Entry(_MAKE, "Fit a cost model to runs.", "fit"),
    "evaluators": Entry(_MAKE, "List, build and check drivers of other evaluators.", "evaluators"),
    "report": Entry(_MAKE, "Write a page about runs, models and verdicts.", "report"),
    "validate": Entry(_CHECK, "Replay a workload and compare observed with predicted times.", "validate"),
    "drift": Entry(_CHECK, "Check a build or a model for drift against a baseline.", "drift"),
    "compare": Entry(_CHECK, "Compare batches of runs.", "compare"),
    "parity": Entry(_CHECK, "Compare models of several evaluators price by price.", "parity"),
    "worst": Entry(_CHECK, "Search for inputs that a price does not cover.", "worst"),
    "memory": Entry(_CHECK, "Check memory costs against the sizes of results.", "memory"),
    "params": Entry(_USE, "Show, convert and compare cost models and protocol parameters.", "params"),
    "impact": Entry(_USE, "Show what a cost model changes on real scripts.", "impact"),
    "propose": Entry(_USE, "Write and check a proposal of prices that others can verify.", "propose"),
    "budget": Entry(_USE, "Find the largest loop count of a script within the chain's limits.", "budget"),
    "eval": Entry(_MORE, "Evaluate a program, or a corpus of programs.", "evaluate"),
    "conformance": Entry(_MORE, "Run a folder of conformance cases.", "conformance"),
    "cluster": Entry(_MORE, "Let a cluster of node processes validate blocks.", "cluster"),
    "trace": Entry(_MORE, "Measure what tracing costs.", "trace"),
}


class _Commands(MutableMapping[str, Any]):
    """Commands by name, each loaded when it is looked up."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, ENTRIES[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(ENTRIES)

    def __len__(self) -> int:
        return len(ENTRIES)

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]


def _load(name: str, entry: Entry) -> Any:
    """The command of a module: its `app` of several commands, or its function `command`."""
    module = import_module(f"costmodel.cli.{entry.module}")
    if hasattr(module, "app"):
        loaded = typer.main.get_command(module.app)
    else:
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        kind = getattr(module, "Command", TyperCommand)
        alone.command(name, cls=kind, short_help=entry.help)(module.command)
        loaded = typer.main.get_command(alone)
    loaded.name = name
    return loaded


class _Root(TyperGroup):
    """The group of all commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes the commands by group, each with its whole line."""
        del ctx
        for group in dict.fromkeys(entry.group for entry in ENTRIES.values()):
            with formatter.section(group):
                formatter.write_dl([(name, entry.help) for name, entry in ENTRIES.items() if entry.group == group])

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(ENTRIES)


app = typer.Typer(
    name="calibrate",
    cls=_Root,
    help="Measure, fit and validate cost models for Plutus.",
    epilog="Exit codes: 0 done, and the check passed; 1 the check failed; 2 wrong usage or bad input; "
    "3 inconclusive; 130 interrupted.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"calibrate {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version


def run_process() -> None:
    """Runs the process's command and ends the process with its exit code. An error is one line on stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        result = io.BufferedWriter(_ToReader(sys.stdout.fileno(), "wb", closefd=False))
        sys.stdout = io.TextIOWrapper(
            result, encoding=sys.stdout.encoding, line_buffering=sys.stdout.line_buffering, write_through=False
        )
    for stream in (sys.stdout, sys.stderr):
        # File names need not be text, and the terminal's encoding need not have every character.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.unraisablehook = interrupt_again
    if _COMPLETING in os.environ:
        typer.main.get_command(app).main(prog_name="calibrate")
    sys.exit(run(sys.argv[1:]))


class _ToReader(io.FileIO):
    """Standard output. A reader that went away (`| head`) is no failure and has no say in the exit code: the rest goes
    nowhere, and the command ends as it would have."""

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return memoryview(content).nbytes


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
    wanted = _without_alias(arguments)
    try:
        code = _invoke(wanted or ["--help"])
        sys.stdout.flush()
    except TyperException as error:
        return _fail(_with_hint(error), 2, arguments)
    except CalibrateError as error:
        return _fail(str(error), error.exit_code, arguments)
    except KeyboardInterrupt:
        return _fail("interrupted", Interrupted.exit_code, arguments)
    except BrokenPipeError:
        # The reader went away (`| head`): not our failure, and nobody is there to be told.
        _abandon_output()
        return 0
    except OSError as error:
        _abandon_output()
        return _fail(f"{error.filename or 'writing the result'}: {error.strerror}", 2)
    except UnicodeEncodeError as error:
        return _fail(f"{error.object!r} is not UTF-8, and no file can hold it; give it another name", 2, arguments)
    except MemoryError:
        return _fail("this machine has too little memory for that", 2, arguments)
    return code if arguments else 2


def _fail(message: str, code: int, arguments: Sequence[str] = ()) -> int:
    """The exit code of a failure, which is one line on stderr and, with --json, a document on stdout."""
    complain(message)
    if "--json" in arguments:
        with suppress(OSError):
            print_json(ErrorDocument(message=quoted(message), exit_code=code))
            sys.stdout.flush()
    return code


def _without_alias(arguments: list[str]) -> list[str]:
    """`validate … --against BASELINE`, as it was called before version 0.2, is `drift BASELINE …`."""
    option = "--against"
    if arguments[:1] != ["validate"]:
        return list(arguments)
    rest = arguments[1:]
    for place, argument in enumerate(rest):
        if argument == option and place + 1 < len(rest):
            return ["drift", rest[place + 1], *rest[:place], *rest[place + 2 :]]
        if argument.startswith(f"{option}="):
            return ["drift", argument.removeprefix(f"{option}="), *rest[:place], *rest[place + 1 :]]
    return list(arguments)


def _with_hint(error: TyperException) -> str:
    """What is wrong with the usage, and how to find out what is right."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "calibrate"
    return f"{error.format_message().rstrip('.')}; try {path} --help"


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
    """Lets the rest of the output go nowhere, so that the interpreter does not try to write it again as it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
