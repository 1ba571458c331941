"""Where a cost model comes from: a variant's letter, files in any format, or the chain at an epoch.

A source holds either costing functions, which a language lays out as its array, or arrays, which a language and a
protocol version turn into costing functions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from costmodel.errors import ModelError
from costmodel.model.costmodel import STARTUP_KEY, CostModel, StepKind
from costmodel.model.files import load, read_bytes
from costmodel.model.formats import FORMATS, UPSTREAM, inferred_version, read_document
from costmodel.model.ledger import Variant, builtin_file_order, ledger_model, variant_for
from costmodel.model.parameters import (
    ANY_LENGTH_SINCE,
    Arrays,
    from_array,
    parameter_count,
    parameter_names,
    to_array,
)
from costmodel.model.timeline import ProtocolParameters, parameters_at
from costmodel.plutus.language import LedgerLanguage, language_available

LEDGER = "ledger"
"""The name of the source in which every language has its own variant's model."""

_SETTLED = tuple(language for language in LedgerLanguage if language is not LedgerLanguage.PLUTUS_V4)
_EPOCH = re.compile(r"epoch:(\d{1,9})")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Either `model` or `arrays` is given, or neither: then every language has its own variant's model.

    `variant` is that of a ledger model. `protocol_version` is the one that arrays are in force at, stated by their
    document or else, as `inferred` says, told from their lengths. `unreadable` has reasons by language, `notes` are for
    the user.
    """

    name: str
    model: CostModel | None = None
    variant: Variant | None = None
    arrays: Arrays | None = None
    protocol_version: int | None = None
    inferred: bool = False
    unreadable: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def languages(self, protocol_version: int) -> tuple[LedgerLanguage, ...]:
        """The languages that it says something about at a protocol version."""
        if self.arrays is not None:
            found = tuple(each for each in self.arrays if language_available(each, protocol_version))
            if not found:
                names = ", ".join(each.value for each in self.arrays)
                raise ModelError(f"{self.name} has {names} alone, and nothing at protocol version {protocol_version}")
            return found
        deployed = tuple(language for language in _SETTLED if language_available(language, protocol_version))
        if self.model is None:
            return deployed
        if self.variant is None:
            raise ModelError(f"{self.name} does not say which language it is for; choose with --language")
        fitting = tuple(each for each in deployed if variant_for(each, protocol_version) is self.variant)
        if not fitting:
            raise ModelError(f"no language uses model {self.variant} at protocol version {protocol_version}")
        return fitting

    def array(self, language: LedgerLanguage, protocol_version: int) -> tuple[int, ...]:
        """The language's integers at a protocol version; ModelError where they are not those that the ledger has."""
        if self.arrays is None:
            count = parameter_count(language, protocol_version)
            model = self.model or ledger_model(variant_for(language, protocol_version))
            return tuple(to_array(model, language, protocol_version, count))
        array, count = self._own(language), parameter_count(language, protocol_version)
        if protocol_version < ANY_LENGTH_SINCE and len(array) != count:
            raise ModelError(
                f"{self.name} has {len(array)} parameters of {language.value}, and before protocol version "
                f"{ANY_LENGTH_SINCE} the ledger takes just {count}; use --protocol-version {ANY_LENGTH_SINCE} or more"
            )
        return array

    def cost_model(self, language: LedgerLanguage, protocol_version: int) -> CostModel:
        """The costing functions for a language; what an array does not reach to is missing."""
        if self.arrays is None:
            return self.model or ledger_model(variant_for(language, protocol_version))
        array = self._own(language)
        model = from_array(array, language, protocol_version)
        beyond = {name.split("-")[0] for name in parameter_names(language)[len(array) :]}
        return CostModel(
            {name: cost for name, cost in model.builtins.items() if name not in beyond},
            {kind: units for kind, units in model.steps.items() if kind.json_key not in beyond},
            model.startup,
            source=self.name,
        )

    def in_force(self, language: LedgerLanguage, protocol_version: int) -> CostModel:
        """What the ledger makes of it at a protocol version: parameters that an array lacks cost the most there is."""
        if self.arrays is None:
            return self.cost_model(language, protocol_version)
        return replace(from_array(self._own(language), language, protocol_version), source=self.name)

    def _own(self, language: LedgerLanguage) -> tuple[int, ...]:
        assert self.arrays is not None  # noqa: S101 - both callers have seen to it
        if language not in self.arrays:
            reason = self.unreadable.get(language.value)
            raise ModelError(reason or f"{self.name} has no cost model of {language.value}")
        return self.arrays[language]


def chain(parameters: ProtocolParameters, name: str) -> ModelSource:
    """The cost models in force on the chain."""
    if not parameters.cost_models:
        raise ModelError(f"{name}: no cost model is in force; Alonzo began at epoch 290")
    return ModelSource(name, arrays=parameters.cost_models, protocol_version=parameters.major, notes=parameters.notes)


def open_source(specs: Sequence[str], form: str | None = None, language: LedgerLanguage | None = None) -> ModelSource:
    """A source from a variant's letter, `ledger`, `epoch:N`, or files: several are parts of one upstream model.

    `form` is the name of the files' format where it is not to be told from their content; `language` that of a file
    that does not say.
    """
    if len(specs) == 1 and form is None:
        if specs[0] == LEDGER:
            return ModelSource("the ledger's models")
        if specs[0] in Variant.__members__:
            variant = Variant(specs[0])
            return ModelSource(f"ledger model {variant}", ledger_model(variant), variant)
        if match := _EPOCH.fullmatch(specs[0]):
            return chain(parameters_at(int(match[1])), f"epoch {int(match[1])}")
    if form is not None and form != UPSTREAM and form not in FORMATS:
        raise ModelError(f"unknown format {form!r}; use one of {', '.join([UPSTREAM, *FORMATS])}")
    paths = [Path(spec) for spec in specs]
    if len(paths) == 1:
        document = read_document(read_bytes(paths[0]), str(paths[0]), form, language)
        if document.format != UPSTREAM:
            stated = document.protocol_version
            return ModelSource(
                str(paths[0]),
                arrays=document.arrays,
                protocol_version=inferred_version(document.arrays) if stated is None else stated,
                inferred=stated is None,
                unreadable=document.unreadable,
                notes=document.notes,
            )
    elif form not in (None, UPSTREAM):
        raise ModelError("only a model in upstream's layout comes in several files; give one file")
    model = load(paths)
    return ModelSource(model.source, model)


def complete(source: ModelSource, variant: Variant) -> tuple[ModelSource, tuple[str, ...]]:
    """A source of costing functions with the entries that it lacks taken from a variant, and the names of those."""
    if source.model is None:
        raise ModelError(f"{source.name} is complete; only a model of costing functions can lack entries")
    own, ledger = source.model, ledger_model(variant)
    missing = [name for name in builtin_file_order() if name in ledger.builtins and name not in own.builtins]
    missing += [kind.json_key for kind in StepKind if kind not in own.steps]
    missing += [STARTUP_KEY] if own.startup is None else []
    whole = replace(
        own,
        builtins={**ledger.builtins, **own.builtins},
        steps={kind: own.steps.get(kind, ledger.steps[kind]) for kind in StepKind},
        startup=own.startup or ledger.startup,
    )
    return replace(source, model=whole), tuple(missing)
