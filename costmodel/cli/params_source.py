"""Where the commands of `calibrate params` take prices from: options, and what is to be known of a source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from costmodel.cli.output import complain
from costmodel.errors import InputError
from costmodel.model import ProtocolParameters, parameters_at
from costmodel.model.sources import LEDGER, ModelSource, chain, open_source
from costmodel.plutus import LedgerLanguage

TODAY: Final = 11
"""The protocol version of a source that names none."""

Model = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A variant's letter, ledger (each language's own), epoch:N, or a file; twice for builtins and machine. "
        "[default: ledger]",
    ),
]
From = Annotated[
    str | None, typer.Option("--from", metavar="FORMAT", help="Format of the file. [default: told from its content]")
]
Languages = Annotated[
    list[str] | None, typer.Option("--language", metavar="NAME", help="Ledger language; may be given again.")
]
Version = Annotated[
    int | None,
    typer.Option(
        "--protocol-version", metavar="N", min=1, help="Major protocol version. [default: the source's own, else 11]"
    ),
]
Epoch = Annotated[int | None, typer.Option("--epoch", metavar="N", min=0, help="Parameters in force at that epoch.")]
Overlays = Annotated[
    list[Path] | None, typer.Option("--overlay", metavar="FILE", help="Overlay on top of the epoch's; may come again.")
]


def source_named(
    model: list[str] | None,
    form: str | None,
    languages: tuple[LedgerLanguage, ...],
    epoch: int | None,
    overlays: list[Path] | None,
) -> tuple[ModelSource, ProtocolParameters | None]:
    """The source that the options name, and the chain's parameters where that is an epoch."""
    if epoch is None:
        if overlays:
            raise InputError("an overlay lies on the parameters of an epoch; give --epoch instead of --model")
        source = open_source(model or [LEDGER], form, languages[0] if len(languages) == 1 else None)
        return source, None
    if model:
        raise InputError("--model and --epoch are two sources; give one")
    parameters = parameters_at(epoch, overlays or ())
    return chain(parameters, " + ".join([f"epoch {epoch}", *map(str, overlays or ())])), parameters


def version_of(source: ModelSource, given: int | None) -> int:
    """The protocol version that an option names, or else the source."""
    return given or source.protocol_version or TODAY


def say_notes(source: ModelSource, given: int | None) -> None:
    """What is to be known of a source, when it has been read without an error, a line each."""
    for note in source.notes:
        complain(note)
    if given is None and source.inferred:
        complain(
            f"{source.name} states no protocol version: {source.protocol_version} is inferred from how many parameters "
            "it has; --protocol-version names another"
        )
