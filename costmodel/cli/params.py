"""`calibrate params`: cost models and protocol parameters shown, emitted in other formats, and compared."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from costmodel.cli.options import Json, TableCommand
from costmodel.cli.output import complain, print_json, say, show, with_folder
from costmodel.errors import InputError
from costmodel.files import write_atomically
from costmodel.model import (
    STARTUP_KEY,
    CostingFunction,
    CostModel,
    ProtocolParameters,
    StepKind,
    Variant,
    dump,
    parameter_names,
    parameters_at,
    variant_for,
)
from costmodel.model.diff import CostChange, EntryChange, compare_costs
from costmodel.model.files import dump_builtins, dump_machine
from costmodel.model.formats import FORMATS, UPSTREAM
from costmodel.model.sources import LEDGER, ModelSource, chain, complete, open_source
from costmodel.model.timeline import last_change
from costmodel.plutus import LedgerLanguage, language_named
from costmodel.records.cluster import BudgetUnits
from costmodel.records.parameters import (
    EmittedModel,
    LimitsRecord,
    ModelDifference,
    Prices,
    ShownModel,
    ShownParameters,
)
from costmodel.rendering import numbers
from costmodel.rendering.tables import Row, Table, number, wide

_TODAY = 11
_UPSTREAM_FILES = {UPSTREAM: dump, "upstream-builtins": dump_builtins, "upstream-machine": dump_machine}

app = typer.Typer(
    help="Show, emit and compare cost models and protocol parameters.", no_args_is_help=True, rich_markup_mode=None
)

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


@app.command("emit")
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
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="File to write. [default: stdout]")] = None,
    as_json: Json = False,
) -> None:
    """Write a cost model in the format of one of its consumers."""
    if form not in FORMATS and form not in _UPSTREAM_FILES:
        raise InputError(f"unknown format {form!r}; use one of {', '.join([*_UPSTREAM_FILES, *FORMATS])}")
    if as_json and out is None:
        raise InputError("--json prints a report on stdout; name a file with --out for the model")
    languages = tuple(dict.fromkeys(map(language_named, language or ())))
    source, _ = _source(model, source_format, languages, epoch, overlay)
    completed: tuple[str, ...] = ()
    if complete_from is not None:
        source, completed = complete(source, _variant(complete_from))
        if completed and not as_json:
            complain(f"taken from ledger model {complete_from}: {', '.join(completed)}")
    version = _version(source, protocol_version)
    content, counts = _emitted(source, form, languages, version)
    _say(source, protocol_version)
    if out is not None:
        write_atomically(with_folder(out), content)
    else:
        sys.stdout.buffer.write(content)
    if as_json:
        print_json(
            EmittedModel(
                source=source.name,
                file=str(out),
                format=form,
                protocol_version=version,
                parameters=counts,
                completed=tuple(completed),
            )
        )


@app.command("show", cls=TableCommand)
def show_parameters(
    model: Model = None,
    language: Languages = None,
    protocol_version: Version = None,
    source_format: From = None,
    epoch: Epoch = None,
    overlay: Overlays = None,
    as_json: Json = False,
) -> None:
    """Show protocol parameters at an epoch, or the named parameters of a cost model."""
    languages = tuple(dict.fromkeys(map(language_named, language or ())))
    source, parameters = _source(model, source_format, languages, epoch, overlay)
    if source.model is not None and not languages:
        _say(source, protocol_version)
        _show_functions(source, source.model, as_json=as_json)
        return
    version = _version(source, protocol_version)
    arrays = {each: source.array(each, version) for each in languages or source.languages(version)}
    _say(source, protocol_version)
    if as_json:
        named = {each.value: dict(zip(parameter_names(each), array, strict=False)) for each, array in arrays.items()}
        print_json(
            ShownParameters(
                source=source.name,
                protocol_version=version,
                notes=source.notes,
                limits=None if parameters is None else _limits(parameters),
                parameters=None if parameters is None else dict(parameters.tree),
                last_known_change=None if parameters is None else last_change(),
                cost_models=named,
            )
        )
        return
    if parameters is not None:
        lines = [(name, _text(value)) for name, value in msgspec.to_builtins(_limits(parameters)).items()]
        show(Table.of(source.name, ("parameter", number("value")), lines))
        say("")
    for each, array in arrays.items():
        title = f"{each.value}, protocol version {version}: {len(array)} parameters of {source.name}"
        if languages:
            rows = [(str(i), name, f"{array[i]:,}") for i, name in enumerate(parameter_names(each)[: len(array)])]
            headings = (number("index"), "parameter", number("value"))
            show(Table.of(title, headings, rows))
        else:
            say(title)


@app.command("diff", cls=TableCommand)
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A variant's letter, ledger, epoch:N or a file.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same, to compare with A.")],
    language: Annotated[
        str, typer.Option("--language", metavar="NAME", help="Ledger language, where the models have several.")
    ] = "PlutusV3",
    protocol_version: Version = None,
    as_json: Json = False,
) -> None:
    """Compare two cost models by what typical arguments cost, the greatest factor first, up or down; removed entries
    come last."""
    chosen = language_named(language)
    sources = [open_source([spec], language=chosen) for spec in (before, after)]
    versions = [_version(source, protocol_version) for source in sources]
    models = [source.cost_model(chosen, version) for source, version in zip(sources, versions, strict=True)]
    changes = compare_costs(models[0], models[1], variant_for(chosen, versions[1]))
    for source in sources:
        _say(source, protocol_version)
    if as_json:
        print_json(
            ModelDifference(
                before=sources[0].name,
                after=sources[1].name,
                language=chosen.value,
                changes=tuple(each.record() for each in changes),
            )
        )
        return
    if changes:
        headings = (
            "entry",
            "resource",
            "at sizes",
            number("A"),
            number("B"),
            number("change"),
            wide("at other sizes"),
        )
        show(Table.of(f"{sources[0].name} → {sources[1].name}", headings, [_row(each) for each in changes]))
    say(f"{len(changes)} entries change cost at typical sizes")


def _source(
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


def _version(source: ModelSource, given: int | None) -> int:
    """The protocol version that an option names, or else the source."""
    return given or source.protocol_version or _TODAY


def _say(source: ModelSource, given: int | None) -> None:
    """What is to be known of a source, when it has been read without an error, a line each."""
    for note in source.notes:
        complain(note)
    if given is None and source.inferred:
        complain(
            f"{source.name} states no protocol version: {source.protocol_version} is inferred from how many parameters "
            "it has; --protocol-version names another"
        )


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


def _limits(parameters: ProtocolParameters) -> LimitsRecord:
    """What prices and bounds transactions, under cardano-cli's names."""
    tx, block = parameters.max_tx_execution_units, parameters.max_block_execution_units
    memory, steps = parameters.price_memory, parameters.price_steps
    return LimitsRecord(
        protocol_version=".".join(map(str, parameters.protocol_version)),
        max_tx_execution_units=None if tx is None else BudgetUnits(memory=tx.mem, steps=tx.cpu),
        max_block_execution_units=None if block is None else BudgetUnits(memory=block.mem, steps=block.cpu),
        execution_unit_prices=None
        if memory is None or steps is None
        else Prices(price_memory=float(memory), price_steps=float(steps)),
        max_tx_size=parameters.max_tx_size,
        max_block_body_size=parameters.max_block_body_size,
        max_block_header_size=parameters.max_block_header_size,
        max_value_size=parameters.max_value_size,
    )


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    return f"{value:,}" if isinstance(value, int) else "–" if value is None else str(value)


def _show_functions(source: ModelSource, model: CostModel, *, as_json: bool) -> None:
    """The costing functions of a model, whichever entries it has."""
    if as_json:
        print_json(ShownModel(source=source.name, model=msgspec.json.decode(dump(model))))
        return
    rows = [(name, _function(cost.cpu), _function(cost.memory)) for name, cost in model.builtins.items()]
    steps = [(STARTUP_KEY, model.startup), *((kind.json_key, model.steps.get(kind)) for kind in StepKind)]
    rows += [(name, f"{units.cpu:,}", f"{units.mem:,}") for name, units in steps if units is not None]
    headings = ("entry", "cpu (ps)", "memory (words)")
    show(Table.of(source.name, headings, rows))


def _function(function: CostingFunction) -> str:
    own = ", ".join(f"{name} {value:,}" for name, value in zip(function.names, function.values, strict=True))
    inner = f" / {function.model.shape.id.tag}" if function.model else ""
    return f"{function.shape.id.tag}{inner}: {own}"


def _row(entry: EntryChange) -> Row:
    worst = entry.worst
    others = "; ".join(f"{_sizes(cost)}: {_change(cost)}" for cost in entry.costs if cost is not worst)
    return (
        entry.name,
        entry.resource,
        _sizes(worst),
        _amount(worst.before),
        _amount(worst.after),
        _change(worst),
        others,
    )


def _sizes(cost: CostChange) -> str:
    return numbers.sizes(cost.sizes)


def _amount(cost: int | None) -> str:
    return "absent" if cost is None else numbers.count(cost)


def _change(cost: CostChange) -> str:
    if not math.isfinite(cost.change):
        return "new" if cost.change > 0 else "removed"
    return numbers.change(cost.change) if cost.change else "same"
