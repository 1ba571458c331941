"""`calibrate params`: cost models and protocol parameters shown, emitted in other formats, and compared."""

from __future__ import annotations

import math
from typing import Annotated, Final

import msgspec
import typer

from costmodel.cli.options import CommandGroup, Json, TableCommand
from costmodel.cli.output import print_json, say, show
from costmodel.cli.params_emit import emit
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
from costmodel.model import (
    STARTUP_KEY,
    CostingFunction,
    CostModel,
    ProtocolParameters,
    StepKind,
    dump,
    parameter_names,
    variant_for,
)
from costmodel.model.basis import are_unlike, basis_of, described
from costmodel.model.diff import CostChange, EntryChange, compare_costs
from costmodel.model.sources import ModelSource, open_source
from costmodel.model.timeline import last_change
from costmodel.plutus import language_named
from costmodel.records.cluster import BudgetUnits
from costmodel.records.parameters import (
    LimitsRecord,
    ModelDifference,
    Prices,
    ShownModel,
    ShownParameters,
)
from costmodel.rendering import numbers
from costmodel.rendering.tables import Row, Table, number, wide
from costmodel.rendering.text import first_names

_REMOVED: Final = 2  # the group of entries that the second model lacks

app = typer.Typer(
    cls=CommandGroup,
    help="Show, emit and compare cost models and protocol parameters.",
    add_completion=False,
    rich_markup_mode=None,
)
app.command("emit")(emit)


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
    source, parameters = source_named(model, source_format, languages, epoch, overlay)
    if source.model is not None and not languages:
        say_notes(source, protocol_version)
        _show_functions(source, source.model, as_json=as_json)
        return
    version = version_of(source, protocol_version)
    arrays = {each: source.array(each, version) for each in languages or source.languages(version)}
    say_notes(source, protocol_version)
    if as_json:
        named = {each.value: dict(zip(parameter_names(each), array, strict=False)) for each, array in arrays.items()}
        print_json(
            ShownParameters(
                source=source.name,
                protocol_version=version,
                basis=basis_of(source),
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
    say(described(basis_of(source)))


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
    """Compare two cost models by what typical arguments cost, the greatest factor first, up or down. Entries that B
    lacks are named in a line below."""
    chosen = language_named(language)
    sources = [open_source([spec], language=chosen) for spec in (before, after)]
    versions = [version_of(source, protocol_version) for source in sources]
    models = [source.cost_model(chosen, version) for source, version in zip(sources, versions, strict=True)]
    changes = compare_costs(models[0], models[1], variant_for(chosen, versions[1]))
    for source in sources:
        say_notes(source, protocol_version)
    whose = [basis_of(source) for source in sources]
    if as_json:
        print_json(
            ModelDifference(
                before=sources[0].name,
                after=sources[1].name,
                before_of=whose[0],
                after_of=whose[1],
                language=chosen.value,
                changes=tuple(each.record() for each in changes),
            )
        )
        return
    kept = [each for each in changes if each.group != _REMOVED]
    if kept:
        headings = (
            "entry",
            "resource",
            "at sizes",
            number("A"),
            number("B"),
            number("change"),
            wide("at other sizes"),
        )
        show(Table.of(f"{sources[0].name} → {sources[1].name}", headings, [_row(each) for each in kept]))
    say(f"{len(kept)} {'entry changes' if len(kept) == 1 else 'entries change'} cost at typical sizes")
    if removed := list(dict.fromkeys(each.name for each in changes if each.group == _REMOVED)):
        lacking = f"{sources[1].name} has no price for {len(removed)} of the entries of {sources[0].name}"
        say(f"{lacking}: {first_names(removed)}")
    say(*(f"{letter}: {described(basis)}" for letter, basis in zip("AB", whose, strict=True)))
    if are_unlike(*whose):
        say("these are not the same picoseconds, so a change may be one of evaluator or machine")


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
        print_json(ShownModel(source=source.name, basis=basis_of(source), model=msgspec.json.decode(dump(model))))
        return
    rows = [(name, _function(cost.cpu), _function(cost.memory)) for name, cost in model.builtins.items()]
    steps = [(STARTUP_KEY, model.startup), *((kind.json_key, model.steps.get(kind)) for kind in StepKind)]
    rows += [(name, f"{units.cpu:,}", f"{units.mem:,}") for name, units in steps if units is not None]
    headings = ("entry", "cpu (ps)", "memory (words)")
    show(Table.of(source.name, headings, rows))
    say(described(basis_of(source)))


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
