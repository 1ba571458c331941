"""The protocol parameters in force at an epoch: dated changes of the chain folded in order, overlays on top.

The changes are in `chain/mainnet.toml`. Nothing is copied from epoch to epoch, so a profile is an epoch and a few
overlays: files that change some parameters and leave the others as they are. The node workbench's are `{"epoch_params":
{"alonzo": {…}, …}, "cost_model": {"plutusV1": {name: value, …}, …}}`, both optional. Objects merge key by key and
everything else replaces what was there; cost-model values merge by parameter name. Any document that holds cost models
lies on top with these alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from costmodel.errors import ModelError
from costmodel.model.costing import checked_int
from costmodel.model.costmodel import CostModel
from costmodel.model.files import parse_json, read_bytes
from costmodel.model.formats import UPSTREAM, read_document
from costmodel.model.formats.values import language_of
from costmodel.model.ledger import Variant, ledger_model
from costmodel.model.parameters import Arrays, from_array, merge_array, to_array
from costmodel.model.units import MAX_COST, ExUnits
from costmodel.plutus.language import LedgerLanguage

Tree = Mapping[str, Any]

_FIELDS = {"epoch", "description", "source", "epoch_params", "cost_model"}


@dataclass(frozen=True, slots=True)
class Overlay:
    """Changes to protocol parameters, by section of the genesis files, and to cost models, by parameter name. `notes`
    are for the user."""

    source: str
    parameters: Tree
    cost_models: Mapping[LedgerLanguage, Mapping[str, int] | tuple[int, ...]]
    notes: tuple[str, ...] = ()


def read_overlay(path: Path) -> Overlay:
    """Read an overlay file, or another document's cost models. ModelError, naming file and key, for what is neither."""
    raw = read_bytes(path)
    whole = parse_json(raw, str(path)) if raw.lstrip()[:1] in (b"{", b"[") else None
    if isinstance(whole, dict) and (not whole or whole.keys() & _FIELDS):
        return _read_own(whole, path)
    try:
        document = read_document(raw, str(path))
    except ModelError as error:
        if not isinstance(whole, dict):
            raise
        raise ModelError(
            f"{path}: neither an overlay, which has epoch_params and cost_model, nor a document of cost models "
            f"({str(error).removeprefix(f'{path}: ')})"
        ) from None
    if document.format == UPSTREAM:
        raise ModelError(f"{path}: costing functions, of which an overlay takes none; emit them as arrays first")
    return Overlay(str(path), {}, document.arrays, (f"{path}: only its cost models are taken", *document.notes))


def _read_own(whole: dict[str, Any], path: Path) -> Overlay:
    if unknown := sorted(whole.keys() - _FIELDS):
        raise ModelError(f"{path}: an overlay has no field {unknown[0][:80]!r}; it has epoch_params and cost_model")
    parameters, models = whole.get("epoch_params", {}), whole.get("cost_model", {})
    for field, value in (("epoch_params", parameters), ("cost_model", models)):
        if not isinstance(value, dict):
            raise ModelError(f"{path}: {field} must be an object")
    return Overlay(str(path), parameters, _cost_models(models, path))


def _cost_models(models: Tree, path: Path) -> dict[LedgerLanguage, Mapping[str, int] | tuple[int, ...]]:
    read: dict[LedgerLanguage, Mapping[str, int] | tuple[int, ...]] = {}
    for key, values in models.items():
        language = language_of(key)
        if language is None or language in read:
            why = "no ledger language" if language is None else "a language that is given already"
            raise ModelError(f"{path}: cost_model {key[:80]!r} is {why}; use plutusV1 to plutusV4")
        where = f"{path}: cost_model {key}"
        if isinstance(values, dict):
            read[language] = {name: checked_int(value, f"{where} {name}") for name, value in values.items()}
        elif isinstance(values, list):
            read[language] = tuple(checked_int(value, f"{where}, index {i}") for i, value in enumerate(values))
        else:
            raise ModelError(f"{where} must be a map of parameter names or a list")
    return read


def merge_trees(base: Tree, change: Tree) -> dict[str, Any]:
    """`base` with `change` on top: objects key by key, everything else whole. Neither argument is altered.

    An object with a `tag`, such as a nonce, is one alternative of several and replaces another with all its fields.
    """
    merged = dict(base)
    for key, value in change.items():
        below = merged.get(key)
        if isinstance(value, dict) and "tag" not in value:
            merged[key] = merge_trees(below if isinstance(below, dict) else {}, value)
        else:
            merged[key] = value
    return merged


_SECTIONS = {"byron", "shelley", "alonzo", "conway", "dijkstra"}
# A variant's arrays are laid out by the shapes of a protocol version at which it is in force.
_VERSION_OF = {Variant.A: 8, Variant.B: 10, Variant.C: 10, Variant.D: 11, Variant.E: 11}
_Section = TypeVar("_Section", bound=msgspec.Struct)
_Natural = Annotated[int, msgspec.Meta(ge=0, le=MAX_COST)]


class _Rational(msgspec.Struct, forbid_unknown_fields=True):
    numerator: _Natural
    denominator: _Natural

    def value(self, where: str) -> Fraction:
        if self.denominator <= 0:
            raise ModelError(f"{where} has the denominator {self.denominator}")
        return Fraction(self.numerator, self.denominator)


class _ExecutionPrices(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    pr_steps: _Rational
    pr_mem: _Rational


class _ExUnitsLimit(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    ex_units_mem: _Natural
    ex_units_steps: _Natural


class _Alonzo(msgspec.Struct, forbid_unknown_fields=True):
    lovelacePerUTxOWord: _Natural  # noqa: N815 - camel case as Python's libraries do not spell it
    executionPrices: _ExecutionPrices  # noqa: N815
    maxTxExUnits: _ExUnitsLimit  # noqa: N815
    maxBlockExUnits: _ExUnitsLimit  # noqa: N815
    maxValueSize: _Natural  # noqa: N815
    maxCollateralInputs: _Natural  # noqa: N815
    collateralPercentage: _Natural  # noqa: N815


class _ProtocolVersion(msgspec.Struct, forbid_unknown_fields=True):
    major: _Natural
    minor: _Natural


class _Shelley(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What `shelley.protocolParams` holds. Fields that nothing here reads are listed to tell them from misspellings."""

    protocol_version: _ProtocolVersion
    max_tx_size: _Natural
    max_block_body_size: _Natural
    max_block_header_size: _Natural
    min_fee_a: _Natural
    min_fee_b: _Natural
    decentralisation_param: float
    e_max: _Natural
    extra_entropy: dict[str, Any]
    min_pool_cost: _Natural
    pool_deposit: _Natural
    key_deposit: _Natural
    n_opt: _Natural
    rho: float
    tau: float
    a0: float
    min_u_tx_o_value: _Natural = msgspec.field(name="minUTxOValue")


@dataclass(frozen=True, slots=True)
class ProtocolParameters:
    """The parameters that price and bound transactions, in the units of the ledger.

    Sizes are in bytes, prices in lovelace a unit of memory and a step (picosecond). ExUnits, prices and
    `max_value_size` are None before Alonzo. `tree` has all of them by section of the genesis files. `notes` are for the
    user: what is not known, or was left out of an overlay.
    """

    protocol_version: tuple[int, int]
    max_tx_size: int
    max_block_body_size: int
    max_block_header_size: int
    max_tx_execution_units: ExUnits | None
    max_block_execution_units: ExUnits | None
    price_memory: Fraction | None
    price_steps: Fraction | None
    max_value_size: int | None
    cost_models: Arrays
    tree: Tree
    notes: tuple[str, ...] = ()

    def cost_model(self, language: LedgerLanguage) -> CostModel:
        """The cost model in force for a language; ModelError where the chain has none."""
        if language not in self.cost_models:
            raise ModelError(f"no cost model of {language.value} is in force at protocol version {self.major}")
        return from_array(self.cost_models[language], language, self.major)

    @property
    def major(self) -> int:
        """The major protocol version."""
        return self.protocol_version[0]


@cache
def _changes() -> tuple[dict[str, Any], ...]:
    text = resources.files("costmodel.model").joinpath("chain/mainnet.toml").read_text("utf-8")
    return tuple(sorted(tomllib.loads(text)["change"], key=lambda change: int(change["epoch"])))


def last_change() -> int:
    """The epoch of the last change that is known; later ones take an overlay."""
    return int(_changes()[-1]["epoch"])


def parameters_at(epoch: int, overlays: Sequence[Path] = ()) -> ProtocolParameters:
    """The protocol parameters in force at a mainnet epoch, with overlay files on top, the last one uppermost.

    ModelError before Shelley, for an unreadable overlay, and for one that names what is no parameter.
    """
    tree: dict[str, Any] = {}
    arrays: dict[LedgerLanguage, tuple[int, ...]] = {}
    for change in _changes():
        if change["epoch"] <= epoch:
            tree = merge_trees(tree, {key: change[key] for key in change.keys() - {"epoch", "costModels"}})
            for name, form in change.get("costModels", {}).items():
                arrays[LedgerLanguage(name)] = _array(form, LedgerLanguage(name))
    if not tree:
        raise ModelError(f"epoch {epoch} is before Shelley; parameters are known from epoch {_changes()[0]['epoch']}")
    source = f"epoch {epoch}"
    notes: tuple[str, ...] = ()
    if epoch > (known := last_change()):
        later = "" if overlays else "; what came later takes --overlay"
        notes = (f"changes of mainnet's parameters are known up to epoch {known}{later}",)
    for overlay in map(read_overlay, overlays):
        tree = merge_trees(tree, _known_sections(overlay))
        for language, values in overlay.cost_models.items():
            arrays[language] = merge_array(arrays.get(language, ()), values, language, overlay.source)
        source = f"{source} + {overlay.source}"
        notes += overlay.notes
    return replace(_parameters(tree, arrays, source), notes=notes)


def _array(form: Mapping[str, Any] | Sequence[int], language: LedgerLanguage) -> tuple[int, ...]:
    """A cost model as the table has it: all its integers, or what tells them from a variant's."""
    if not isinstance(form, Mapping):
        return merge_array((), form, language, "chain")
    variant = Variant(form["variant"])
    own = to_array(ledger_model(variant), language, _VERSION_OF[variant], form["entries"])
    return merge_array(own, form.get("except", {}), language, "chain")


def _known_sections(overlay: Overlay) -> Tree:
    if unknown := sorted(overlay.parameters.keys() - _SECTIONS):
        raise ModelError(f"{overlay.source}: epoch_params has no section {unknown[0][:80]!r}")
    for name, section in overlay.parameters.items():
        if not isinstance(section, dict):
            raise ModelError(f"{overlay.source}: epoch_params {name} must be an object")
    return overlay.parameters


def _parameters(tree: Tree, arrays: Arrays, source: str) -> ProtocolParameters:
    shelley = _section(tree["shelley"].get("protocolParams"), _Shelley, f"{source}: shelley.protocolParams")
    alonzo = _section(tree["alonzo"], _Alonzo, f"{source}: alonzo") if "alonzo" in tree else None
    tx, block = (alonzo.maxTxExUnits, alonzo.maxBlockExUnits) if alonzo else (None, None)
    prices = alonzo.executionPrices if alonzo else None
    return ProtocolParameters(
        protocol_version=(shelley.protocol_version.major, shelley.protocol_version.minor),
        max_tx_size=shelley.max_tx_size,
        max_block_body_size=shelley.max_block_body_size,
        max_block_header_size=shelley.max_block_header_size,
        max_tx_execution_units=ExUnits(tx.ex_units_steps, tx.ex_units_mem) if tx else None,
        max_block_execution_units=ExUnits(block.ex_units_steps, block.ex_units_mem) if block else None,
        price_memory=prices.pr_mem.value(f"{source}: prMem") if prices else None,
        price_steps=prices.pr_steps.value(f"{source}: prSteps") if prices else None,
        max_value_size=alonzo.maxValueSize if alonzo else None,
        cost_models=dict(sorted(arrays.items(), key=lambda item: item[0].value)),
        tree=tree,
    )


def _section(values: object, section: type[_Section], where: str) -> _Section:
    try:
        return msgspec.convert(values, section)
    except msgspec.ValidationError as error:
        raise ModelError(f"{where}: {error}") from error
