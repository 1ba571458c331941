"""Whose picoseconds a cost model holds, and what speaks against its prices.

The chain's prices are in the picoseconds of the ledger's evaluator on the machine of its own benchmarks. A model is in
these where it is the ledger's, where it was fitted to the ledger's own measurements, or where a fit was expressed in
the picoseconds of such a model (`calibrate fit --reference`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from costmodel.errors import CheckFailed, InputError
from costmodel.model.costmodel import STARTUP_KEY, CostModel, StepKind
from costmodel.model.files import EXTRAS_KEY
from costmodel.model.ledger import Variant, ledger_model
from costmodel.model.sources import ModelSource
from costmodel.records.figures import Doubt, Objection, PriceBasis
from costmodel.records.model import ExpressedModel, FittedModel, OfficialSection, Section, parse_section
from costmodel.records.run import ImportParameters, Origin

LEDGER_EVALUATORS: Final = frozenset({"plutus-core", "plutus"})
"""What `calibrate import --evaluator` calls the ledger's own evaluator."""

LEDGER_MACHINE: Final = "Xeon E3-1240 v5"
"""The machine of the ledger's published benchmarks (plutus #4613), a part of what `--machine` says."""

PUBLISHED: Final = frozenset({"94315873fbaa471fede640f7e8a90b8c17866e661d08603e656f2ee65d5f159f"})
"""SHA-256 of the ledger's published benchmarks: benching-conway.csv of plutus."""

OBJECTIONS: Final[tuple[Objection, ...]] = ("evaluator", "machine", "unknown", "unsafe", "flagged", "edited")

_IMPORTED: Final = "imported"  # clock of runs that were measured elsewhere
_NOBODY: Final = "not stated"
_NAMED: Final = 4


def section_of(model: CostModel) -> Section | None:
    """What calibrate says of a model in its file. ModelError where that is damaged."""
    return parse_section(model.extras, f"{model.source}: {EXTRAS_KEY}") if model.extras else None


def basis_of(source: ModelSource) -> PriceBasis:
    """Whose picoseconds a source of prices holds. ModelError where what it says of itself is damaged."""
    if source.arrays is not None:
        return PriceBasis(
            evaluator=_NOBODY,
            version="",
            machine=_NOBODY,
            reference=True,
            reason=f"parameters as {source.name} has them; arrays name neither evaluator nor machine",
        )
    return _ledgers("the ledger's own models") if source.model is None else basis_of_model(source.model)


def basis_of_model(model: CostModel) -> PriceBasis:
    """Whose picoseconds costing functions hold. ModelError where what the model says of itself is damaged."""
    section = section_of(model)
    if isinstance(section, FittedModel):
        return _fitted(section)
    if isinstance(section, ExpressedModel):
        return _expressed(section)
    if isinstance(section, OfficialSection):
        return _officially_fitted(section)
    variant = next((each for each in Variant if _is_part_of(model, ledger_model(each))), None)
    if variant is not None:
        return _ledgers(f"its entries are those of ledger model {variant}")
    return PriceBasis(
        evaluator=_NOBODY,
        version="",
        machine=_NOBODY,
        reference=False,
        reason="it is not the ledger's, and says neither which evaluator nor which machine it is of",
    )


def doubts_of(source: ModelSource) -> tuple[Doubt, ...]:
    """What speaks against giving a source's prices to the chain; none of parameters that are arrays already."""
    return () if source.model is None else tuple(_doubts(source.model))


def refuse_doubts(doubts: Sequence[Doubt], allowed: Iterable[str], what: str) -> tuple[Objection, ...]:
    """The objections that `allowed` overrules. CheckFailed, naming the rest, where some are left; InputError for an
    unknown one. `what` would be made of the prices."""
    accepted = set(allowed)
    if unknown := sorted(accepted - set(OBJECTIONS)):
        raise InputError(f"unknown reason {unknown[0]!r} in --allow; use any of {', '.join(OBJECTIONS)}")
    left = [each for each in doubts if each.objection not in accepted]
    if left:
        codes = ",".join(dict.fromkeys(each.objection for each in left))
        raise CheckFailed(
            f"{what} is not written: {'; '.join(each.text for each in left)}; --allow {codes} writes it all the same"
        )
    return tuple(dict.fromkeys(each.objection for each in doubts))


def described(basis: PriceBasis) -> str:
    """Evaluator and machine, in a line."""
    if _NOBODY in (basis.evaluator, basis.machine) and basis.evaluator == basis.machine:
        return basis.reason
    whose = " ".join(part for part in (basis.evaluator, basis.version) if part)
    return f"picoseconds of {whose} on {basis.machine}"


def are_unlike(one: PriceBasis, other: PriceBasis) -> bool:
    """Whether two are known to be picoseconds of different evaluators or machines."""
    pairs = ((one.evaluator, other.evaluator), (one.machine, other.machine))
    return not (one.reference and other.reference) and any(
        mine != theirs and _NOBODY not in (mine, theirs) for mine, theirs in pairs
    )


def _ledgers(reason: str) -> PriceBasis:
    return PriceBasis(
        evaluator="plutus-core",
        version="",
        machine=f"the machine of the ledger's benchmarks ({LEDGER_MACHINE})",
        reference=True,
        reason=reason,
    )


def _fitted(section: FittedModel) -> PriceBasis:
    whose = section.picoseconds_of
    problem = _other_evaluator(section) or _other_machine(section)
    reason = problem or "fitted to the ledger's own measurements"
    return PriceBasis(
        evaluator=whose.evaluator or _NOBODY,
        version=", ".join(part for part in (whose.version, whose.build) if part),
        machine=section.machine.name or whose.machine or _NOBODY,
        reference=not problem,
        reason=reason,
    )


def _officially_fitted(section: OfficialSection) -> PriceBasis:
    published = section.criterion.sha256 in PUBLISHED
    return PriceBasis(
        evaluator=section.picoseconds_of.evaluator,
        version="",
        machine=section.picoseconds_of.machine or _NOBODY,
        reference=published,
        reason="fitted to the ledger's own measurements by the ledger's procedure"
        if published
        else f"{section.criterion.file} is not what the ledger's team published, and names no machine",
    )


def _other_evaluator(section: FittedModel) -> str:
    """Why the evaluator is not the ledger's, or nothing."""
    name = section.picoseconds_of.evaluator or _NOBODY
    if _published(section) or (_imported(section) and name in LEDGER_EVALUATORS):
        return ""
    return f"measured were {name}'s picoseconds, and not those of the ledger's plutus-core"


def _other_machine(section: FittedModel) -> str:
    """Why the machine is not that of the ledger's benchmarks, or nothing."""
    machine = section.machine.name or section.picoseconds_of.machine or _NOBODY
    if _published(section) or (_imported(section) and LEDGER_MACHINE in machine):
        return ""
    return f"the machine is {machine}, and not that of the ledger's benchmarks ({LEDGER_MACHINE})"


def _imported(section: FittedModel) -> bool:
    return bool(section.inputs) and all(each.clock == _IMPORTED for each in section.inputs)


def _published(section: FittedModel) -> bool:
    """Whether every run was imported from what the ledger's team published."""
    return _imported(section) and all(_sources(each) <= PUBLISHED for each in section.inputs)


def _sources(origin: Origin) -> set[str]:
    names = isinstance(origin.parameters, ImportParameters) and bool(origin.inputs)
    return {fact.sha256 for name, fact in origin.inputs.items()} if names else {""}


def _expressed(section: ExpressedModel) -> PriceBasis:
    known = section.picoseconds_of
    if known is not None:
        reason = f"expressed in the picoseconds of {section.reference}: {known.reason}"
        return PriceBasis(
            evaluator=known.evaluator,
            version=known.version,
            machine=known.machine,
            reference=known.reference,
            reason=reason,
        )
    return PriceBasis(
        evaluator=_NOBODY,
        version="",
        machine=section.reference,
        reference=True,
        reason=f"expressed in the picoseconds of {section.reference}",
    )


def _doubts(model: CostModel) -> Iterator[Doubt]:
    section = section_of(model)
    if not isinstance(section, FittedModel):
        basis = basis_of_model(model)
        if not basis.reference:
            yield Doubt(objection="unknown" if section is None else "machine", text=basis.reason, names=())
        if isinstance(section, ExpressedModel) and section.flagged:
            yield _flagged(section.flagged)
        if isinstance(section, OfficialSection):
            yield from _unsafe(section)
            yield from edited(model, section.builtins, {})
        return
    for objection, text in (("evaluator", _other_evaluator(section)), ("machine", _other_machine(section))):
        if text:
            yield Doubt(objection=_objection(objection), text=text, names=())
    yield from _unsafe(section)
    if section.flagged:
        yield _flagged(section.flagged)
    yield from edited(model, charged_builtins(section), charged_steps(section))


def _objection(name: str) -> Objection:
    return next(each for each in OBJECTIONS if each == name)


def _unsafe(section: FittedModel | OfficialSection) -> Iterator[Doubt]:
    verdict = section.verdict
    if verdict is None:
        yield Doubt(objection="unsafe", text="its writer did not judge whether prices are safe", names=())
        return
    names = tuple(each.builtin for each in verdict.worst if each.factor > verdict.most_factor)
    if verdict.status != "usable" or names:
        reasons = verdict.reasons or tuple(
            f"{each.builtin}: measured is {each.factor:.2g} times the price"
            for each in verdict.worst
            if each.builtin in names
        )
        yield Doubt(objection="unsafe", text=f"prices are not safe ({'; '.join(reasons[:_NAMED])})", names=names)


def _flagged(flagged: dict[str, tuple[str, ...]]) -> Doubt:
    names = tuple(sorted(flagged))
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if names[_NAMED:] else "")
    return Doubt(objection="flagged", text=f"{len(names)} prices have material flags ({shown})", names=names)


def charged_builtins(section: FittedModel) -> dict[str, dict[str, int]]:
    """The coefficients that a fit charges, in ps, by builtin."""
    return {
        name: {key: each.charged_ps for key, each in fit.coefficients.items() if each.charged_ps is not None}
        for name, fit in section.builtins.items()
    }


def charged_steps(section: FittedModel) -> dict[str, int]:
    """The prices of start-up and steps that a fit charges, in ps."""
    return {name: each.charged_ps for name, each in section.steps.coefficients.items() if each.charged_ps is not None}


def edited(model: CostModel, builtins: Mapping[str, Mapping[str, int]], steps: Mapping[str, int]) -> Iterator[Doubt]:
    """Prices of a model that are not those that its fit charges, and entries that it never fitted."""
    changed = []
    for name, cost in model.builtins.items():
        held = dict(zip(cost.cpu.names, cost.cpu.values, strict=True))
        if name not in builtins or any(held.get(key) != ps for key, ps in builtins[name].items()):
            changed.append(name)
    prices = {kind.json_key: model.steps[kind].cpu for kind in StepKind if kind in model.steps}
    if model.startup is not None:
        prices[STARTUP_KEY] = model.startup.cpu
    for name, ps in prices.items():
        if steps.get(name) != ps:
            changed.append(name)
    if changed:
        text = f"prices differ from what the fit charges ({', '.join(changed[:_NAMED])})"
        yield Doubt(objection="edited", text=text, names=tuple(changed))


def _is_part_of(model: CostModel, whole: CostModel) -> bool:
    """Whether every entry of a model is the same in another."""
    return (
        all(whole.builtins.get(name) == cost for name, cost in model.builtins.items())
        and all(whole.steps.get(kind) == units for kind, units in model.steps.items())
        and model.startup in (None, whole.startup)
    )
