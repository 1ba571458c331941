"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from costmodel.cli.output import VIEW
from costmodel.errors import InputError
from costmodel.model import MAX_COST, ExUnits
from costmodel.records.run import NATIVE
from costmodel.remote import is_remote, shown_address

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
ProtocolVersion = Annotated[
    int,
    typer.Option(
        "--protocol-version",
        metavar="N",
        min=1,
        max=255,
        help="Major protocol version; 9 Chang, 10 Plomin, 11 van Rossem.",
    ),
]
Core = Annotated[
    int | None, typer.Option("--core", metavar="N", help="CPU core to measure on. [default: the last one]")
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, max=2**63 - 1, help="Seed of operands, orders and resamples.")
]
Evaluator = Annotated[
    str,
    typer.Option(
        "--evaluator",
        metavar="NAME|COMMAND",
        help="What runs the programs: native, a driver of `calibrate evaluators list`, or a command that speaks the "
        "driver protocol.",
    ),
]
TimeBudget = Annotated[
    str | None,
    typer.Option(
        "--time-budget", metavar="TIME", help="Stop after this time with the precision reached, such as 90s or 3m."
    ),
]
Measurements = Annotated[
    Path, typer.Option("--measurements", metavar="DIR", help="Folder in which the run gets a folder of its own.")
]

FleetBackend = Annotated[
    str,
    typer.Option(
        "--backend",
        metavar="WHERE",
        help="local, or dask:SCHEDULER for the workers of a dask scheduler, each with --resources core=1; gives a run "
        "for each kind of machine.",
    ),
]

LOCAL: Final = "local"
_DASK: Final = "dask:"
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # as it is once it is a path
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}


def _set_wide(wide: bool) -> bool:
    VIEW.set(VIEW.get()._replace(wide=wide))
    return wide


def _set_top(top: int | None) -> int | None:
    VIEW.set(VIEW.get()._replace(top=top))
    return top


_views = typer.Typer(add_completion=False, rich_markup_mode=None)


@_views.command()
def _view(
    wide: Annotated[
        bool,
        typer.Option("--wide", help="Print every column of tables, however long the lines.", callback=_set_wide),
    ] = False,
    top: Annotated[
        int | None,
        typer.Option("--top", metavar="N", min=1, help="Print the first N rows of each table.", callback=_set_top),
    ] = None,
) -> None:
    del wide, top


class TableCommand(TyperCommand):
    """A command that prints tables: it takes --wide and --top, too."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        own = {option for parameter in self.params for option in parameter.opts}
        for parameter in typer.main.get_command(_views).params:
            if own.isdisjoint(parameter.opts):
                parameter.expose_value = False
                self.params.append(parameter)

    def invoke(self, ctx: Any) -> Any:
        """A path that is an address would become a folder of this machine named s3: or the like."""
        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            for path in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(path, Path) and _ADDRESS.match(str(path)):
                    raise InputError(
                        f"{path} cannot be an address, but only a path; addresses are for corpora, and for --out of "
                        "eval and impact"
                    )
        return super().invoke(ctx)


class CommandGroup(TyperGroup):
    """A group of commands, whose help has the whole first sentence of each."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(limit=1000)) for name, each in self.commands.items()])


def given(context: typer.Context) -> set[str]:
    """The parameters that stand on the command line."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}


def refuse_overwriting(outputs: Mapping[str, str | Path | None], sources: Sequence[str | Path]) -> None:
    """InputError where two options name one file, or one names what the command reads: a slip must not cost a model
    or a measurement."""
    known: dict[Path, str] = {}
    read = {Path(source).resolve() for source in sources if not is_remote(str(source))}
    for option, name in outputs.items():
        if name is None or is_remote(str(name)):
            continue
        target = Path(name).resolve()
        if target.exists() and not target.is_file():  # /dev/stdout and the like may be named twice
            continue
        if target in known:
            raise InputError(f"{known[target]} and {option} are both {name}; name two files")
        if not read.isdisjoint((target, *target.parents)):
            raise InputError(f"{option} would change {name}, which is read; name another file")
        known[target] = option


def scheduler_of(backend: str) -> str | None:
    """The address in dask:ADDRESS, or None for local."""
    if backend == LOCAL:
        return None
    if not backend.startswith(_DASK) or backend == _DASK:
        raise InputError(f"unknown backend {backend!r}; use local or dask:SCHEDULER, such as dask:tcp://host:8786")
    return backend.removeprefix(_DASK)


def check_fleet_options(scheduler: str | None, core: int | None, evaluator: str) -> None:
    """InputError for what the workers of a fleet decide themselves, or cannot do."""
    if scheduler and core is not None:
        raise InputError("--core is for the local backend; a worker measures on the last core that it may use")
    if scheduler and evaluator != NATIVE:
        raise InputError("--evaluator is for the local backend; measure on each machine")


def seconds(text: str | None) -> float | None:
    """A time such as 90s, 3m or 1h in seconds; a bare number is seconds."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if match is None or not 0 < float(match[1]) < float("inf"):
        raise InputError(f"invalid duration {text!r}; use 90s, 3m or 1h")
    return float(match[1]) * _SECONDS[match[2] or "s"]


def share(text: str, name: str) -> float:
    """A relative number from "2%" or "0.02", between 0 and 1."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text)
    value = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    if not 0 < value < 1:
        raise InputError(f"invalid {name} {text!r}; use a share between 0 and 1, such as 2% or 0.02")
    return value


def budget(text: str) -> ExUnits:
    """ExUnits from "CPU,MEM"."""
    match = re.fullmatch(r"(\d{1,19}),(\d{1,19})", text.replace("_", ""))
    if match is None:
        raise InputError(
            f"invalid --budget {text!r}; use CPU,MEM in picoseconds and words, such as 10000000000,14000000"
        )
    return ExUnits(*(min(int(part), MAX_COST) for part in match.groups()))


def command_shown(arguments: Sequence[str]) -> tuple[str, ...]:
    """A command line without the passwords and queries of addresses."""
    found = []
    for each in arguments:
        option, equals, value = each.partition("=") if each.startswith("--") else ("", "", each)
        found.append(option + equals + (shown_address(value) if is_remote(value) else value))
    return tuple(found)
