"""`calibrate params emit`: prices in the formats of those who use them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from costmodel.cli.options import Json
from costmodel.cli.output import complain, print_json
from costmodel.cli.params_source import (
    Epoch,
    From,
    Languages,
    Model,
    Overlays,
    Version,
    say_notes,
    source_named,
    version_of,
)
from costmodel.errors import InputError
from costmodel.files import with_folder, write_atomically
from costmodel.model import Variant, dump
from costmodel.model.basis import OBJECTIONS, basis_of, described, doubts_of, refuse_doubts
from costmodel.model.files import dump_builtins, dump_machine
from costmodel.model.formats import FORMATS, UPSTREAM
from costmodel.model.sources import ModelSource, complete
from costmodel.plutus import LedgerLanguage, language_named
from costmodel.records import encode
from costmodel.records.parameters import EmittedModel
from costmodel.rendering.text import first_names

_UPSTREAM_FILES = {UPSTREAM: dump, "upstream-builtins": dump_builtins, "upstream-machine": dump_machine}


def emit(
    form: Annotated[
        str, typer.Option("--format", metavar="NAME", help=f"One of {', '.join([*_UPSTREAM_FILES, *FORMATS])}.")
    ],
    model: Model = None,
    language: Languages = None,
    protocol_version: Version = None,
    source_format: From = None,
    epoch: Epoch = None,
    overlay: Overlays = None,
    complete_from: Annotated[
        str | None,
        typer.Option("--complete-from", metavar="LETTER", help="Variant to take entries from that the model lacks."),
    ] = None,
    allow: Annotated[
        str,
        typer.Option(
            "--allow",
            metavar="REASON,…",
            help=f"Write chain formats all the same, for these reasons: any of {', '.join(OBJECTIONS)}.",
        ),
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="File to write. [default: stdout]")] = None,
    as_json: Json = False,
) -> None:
    """Write a cost model in the format of one of its consumers.

    Formats of the chain are not written from prices in the picoseconds of another evaluator or machine than the
    reference's, nor from unsafe, flagged or edited ones, unless --allow names the reason. Beside a file in such a
    format, FILE.origin.json says whose picoseconds it holds.
    """
    if form not in FORMATS and form not in _UPSTREAM_FILES:
        raise InputError(f"unknown format {form!r}; use one of {', '.join([*_UPSTREAM_FILES, *FORMATS])}")
    if as_json and out is None:
        raise InputError("--json prints a report on stdout; name a file with --out for the model")
    languages = tuple(dict.fromkeys(map(language_named, language or ())))
    source, _ = source_named(model, source_format, languages, epoch, overlay)
    basis, doubts = basis_of(source), doubts_of(source)
    completed: tuple[str, ...] = ()
    if complete_from is not None:
        source, completed = complete(source, _variant(complete_from))
    version = version_of(source, protocol_version)
    content, counts = _emitted(source, form, languages, version)
    allowed = _named(allow)
    overruled = refuse_doubts(doubts if form in FORMATS else (), allowed, f"{source.name} as {form}")
    report = EmittedModel(
        source=source.name,
        file=None if out is None else str(out),
        format=form,
        protocol_version=version,
        parameters=counts,
        completed=completed,
        completed_from=None if not completed else f"ledger model {complete_from}",
        basis=basis,
        doubts=doubts,
        allowed=overruled,
    )
    if not as_json:
        _tell(report)
    say_notes(source, protocol_version)
    if out is None:
        sys.stdout.buffer.write(content)
        return
    write_atomically(with_folder(out), content)
    if form in FORMATS and source.model is not None and source.variant is None:
        write_atomically(out.with_name(f"{out.name}.origin.json"), encode(report))
    if as_json:
        print_json(report)


def _tell(report: EmittedModel) -> None:
    """What was filled in, whose prices they are, and what was overruled, on stderr."""
    if report.completed:
        complain(f"taken from {report.completed_from}: {first_names(report.completed)}")
    if report.doubts or not report.basis.reference:
        complain(described(report.basis))
    for doubt in report.doubts:
        if doubt.objection in report.allowed:
            complain(f"allowed ({doubt.objection}): {doubt.text}")


def _named(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _emitted(
    source: ModelSource, form: str, languages: tuple[LedgerLanguage, ...], version: int
) -> tuple[bytes, dict[str, int]]:
    """What a format has for a source, and how many parameters of each language are in it."""
    if form in _UPSTREAM_FILES and source.model is not None:
        return _UPSTREAM_FILES[form](source.model), {}
    chosen = languages or source.languages(version)
    if form in _UPSTREAM_FILES:
        if len(chosen) != 1:
            raise InputError("upstream's layout has one language's model; choose it with --language")
        return _UPSTREAM_FILES[form](source.cost_model(chosen[0], version)), {}
    arrays = {each: source.array(each, version) for each in chosen}
    return FORMATS[form].write(arrays), {each.value: len(array) for each, array in arrays.items()}


def _variant(letter: str) -> Variant:
    if letter not in Variant.__members__:
        raise InputError(f"unknown variant {letter!r}; use one of {', '.join(Variant)}")
    return Variant(letter)
