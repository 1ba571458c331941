"""The arrays that a model proposes, by position and by name, beside those that are live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from costmodel.errors import ModelError
from costmodel.model.costing import CostingFunction
from costmodel.model.costmodel import STARTUP_KEY, BuiltinCost, CostModel, StepKind
from costmodel.model.parameters import from_array, parameter_count, parameter_names, to_array
from costmodel.model.sources import ModelSource
from costmodel.model.timeline import last_change, parameters_at
from costmodel.model.units import ExUnits
from costmodel.plutus.language import LedgerLanguage
from costmodel.records.proposal import ArraySummary, MovedValue, ProposedArray, ProposedValue

_CPU, _STEP_CPU = "-cpu-", "-exBudgetCPU"


def proposed_array(
    model: CostModel, live: ModelSource, language: LedgerLanguage, protocol_version: int, *, cpu_alone: bool
) -> ProposedArray:
    """One language's array: the model's prices where it has them in the shapes of this language, else the live values.

    With `cpu_alone` memory costs are kept, as a fit does not measure them. ModelError where the live document has
    nothing of the language.
    """
    count = parameter_count(language, protocol_version)
    names = parameter_names(language)[:count]
    old = live.array(language, live.protocol_version or protocol_version)[:count]
    base = from_array(old, language, protocol_version)
    merged, kept = _merged(base, model, _entries(names), cpu_alone=cpu_alone)
    new = to_array(merged, language, protocol_version, count)
    values = []
    for index, name in enumerate(names):
        known = old[index] if index < len(old) else None
        own = _entry(name) not in kept and not (cpu_alone and not _is_cpu(name))
        price = new[index] if own or known is not None else None
        values.append(
            ProposedValue(
                index=index,
                name=name,
                old=known,
                new=price,
                change=None if not known or price is None else price / known - 1,
                origin="model" if own else "live",
            )
        )
    return ProposedArray(
        language=language.value,
        protocol_version=protocol_version,
        live=live.name,
        values=tuple(values),
        added=tuple(each.name for each in values if each.old is None and each.new is not None),
        missing=tuple(each.name for each in values if each.new is None),
        moved=moved_values(names, old, _known_array(language)),
        kept=kept,
    )


def integers(array: ProposedArray) -> tuple[int, ...]:
    """What is proposed, in the ledger's order, up to the first parameter without a value."""
    found = []
    for each in array.values:
        if each.new is None:
            break
        found.append(each.new)
    return tuple(found)


def summary(array: ProposedArray) -> ArraySummary:
    """The figures of an array."""
    changed = [each for each in array.values if each.old is not None and each.new not in (None, each.old)]
    raised = sum((each.new or 0) > (each.old or 0) for each in changed)
    return ArraySummary(
        language=array.language,
        parameters=len(integers(array)),
        changed=len(changed),
        raised=raised,
        lowered=len(changed) - raised,
        added=len(array.added),
        missing=len(array.missing),
        moved=len(array.moved),
        kept=len(array.kept),
    )


def moved_values(names: Sequence[str], found: Sequence[int], expected: Sequence[int]) -> tuple[MovedValue, ...]:
    """Parameters whose value stands in another place than expected. Values that several parameters have say nothing,
    nor do parameters that have their own value."""
    count = min(len(names), len(found), len(expected))
    differing = [index for index in range(count) if found[index] != expected[index]]
    wanted = Counter(expected[index] for index in differing)
    place = {expected[index]: index for index in differing if wanted[expected[index]] == 1}
    return tuple(
        MovedValue(name=names[place[found[index]]], old_index=index, new_index=place[found[index]])
        for index in differing
        if found[index] in place
    )


def _known_array(language: LedgerLanguage) -> tuple[int, ...]:
    """The array that is in force as far as is known."""
    return (parameters_at(last_change()).cost_models or {}).get(language, ())


def _merged(
    base: CostModel, model: CostModel, entries: Sequence[str], *, cpu_alone: bool
) -> tuple[CostModel, dict[str, str]]:
    """`base` with the model's entries, and why each other entry is kept."""
    builtins, steps, startup = dict(base.builtins), dict(base.steps), base.startup
    kept: dict[str, str] = {}
    own_steps: Mapping[str, ExUnits | None] = {
        STARTUP_KEY: model.startup,
        **{kind.json_key: model.steps.get(kind) for kind in StepKind},
    }
    for entry in entries:
        if entry in own_steps:
            units = own_steps[entry]
            if units is None:
                kept[entry] = "the model has no price of it"
            elif entry == STARTUP_KEY:
                startup = _units(units, base.startup, cpu_alone=cpu_alone)
            else:
                kind = next(each for each in StepKind if each.json_key == entry)
                steps[kind] = _units(units, base.steps[kind], cpu_alone=cpu_alone)
            continue
        mine, theirs = model.builtins.get(entry), base.builtins[entry]
        if mine is None:
            kept[entry] = "the model has no price of it"
        elif _shapes(mine.cpu) != _shapes(theirs.cpu):
            kept[entry] = f"the model's shape is {_shapes(mine.cpu)}, and this language has {_shapes(theirs.cpu)}"
        elif not cpu_alone and _shapes(mine.memory) != _shapes(theirs.memory):
            kept[entry] = f"the model's memory shape is {_shapes(mine.memory)}, not {_shapes(theirs.memory)}"
        else:
            builtins[entry] = BuiltinCost(mine.cpu, theirs.memory if cpu_alone else mine.memory)
    return CostModel(builtins, steps, startup, source=model.source), kept


def _units(own: ExUnits, live: ExUnits | None, *, cpu_alone: bool) -> ExUnits:
    return ExUnits(own.cpu, live.mem) if cpu_alone and live is not None else own


def _shapes(function: CostingFunction) -> str:
    inner = f" / {function.model.shape.id.tag}" if function.model else ""
    return function.shape.id.tag + inner


def _entries(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_entry, names)))


def _entry(name: str) -> str:
    return name.split("-", 1)[0]


def _is_cpu(name: str) -> bool:
    return _CPU in name or name.endswith(_STEP_CPU)


def arrays_of(
    model: CostModel, live: ModelSource, protocol_version: int, *, cpu_alone: bool
) -> tuple[ProposedArray, ...]:
    """The arrays of every language that is live. ModelError where none is."""
    languages = live.languages(live.protocol_version or protocol_version)
    if not languages:
        raise ModelError(f"{live.name} has no cost model; name what is in force with --live")
    return tuple(proposed_array(model, live, each, protocol_version, cpu_alone=cpu_alone) for each in languages)
