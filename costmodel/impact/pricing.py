"""Pricing usages under cost models that cross to other processes as packed integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from costmodel._native import ffi, lib
from costmodel.errors import ModelError
from costmodel.machine.usage import Call, Usage
from costmodel.model import MAX_COST, STARTUP_KEY, ExUnits, StepKind, pack
from costmodel.model.costmodel import PACK_LENGTH, PACK_WIDTH
from costmodel.model.sources import ModelSource
from costmodel.plutus import BUILTIN_BY_NAME, LedgerLanguage, language_available

# A protocol version for each set of variants that the chain has had.
_ERAS = (8, 10, 11)


@dataclass(frozen=True)
class PriceList:
    """A source of cost models as packed models by language and era; picklable. `name` is for messages."""

    name: str
    packed: Mapping[tuple[LedgerLanguage, int], bytes]

    def pricing(self, language: LedgerLanguage, protocol_version: int) -> Pricing:
        """The prices of scripts of a language. ModelError where the source has none."""
        packed = self.packed.get((language, _era(protocol_version)))
        if packed is None:
            raise ModelError(f"{self.name} has no model of {language.value} at protocol version {protocol_version}")
        return _pricing(self.name, packed)


def price_list(source: ModelSource) -> PriceList:
    """The prices of a source for all languages and eras that it has a model of. ModelError where it has none."""
    packed: dict[tuple[LedgerLanguage, int], bytes] = {}
    problem: ModelError | None = None
    for language in LedgerLanguage:
        for era in _ERAS:
            if not language_available(language, era):
                continue
            try:
                packed[language, era] = pack(source.cost_model(language, era)).tobytes()
            except ModelError as error:
                problem = error
    if not packed:
        raise problem or ModelError(f"{source.name} has no cost model")
    return PriceList(source.name, packed)


def _era(protocol_version: int) -> int:
    return _ERAS[0] if protocol_version < 9 else _ERAS[1] if protocol_version < 11 else _ERAS[2]


@dataclass
class Pricing:
    """One packed cost model. `part` gives what a kind of step, the start-up or a call costs, once each."""

    name: str
    packed: bytes
    _calls: dict[Call, ExUnits] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._integers = ffi.from_buffer("int64_t[]", self.packed)
        if len(self._integers) != PACK_LENGTH:
            raise ValueError("not a packed model")
        self._steps = PACK_LENGTH - 2 * (1 + len(StepKind))

    @property
    def startup(self) -> ExUnits:
        return self._at(self._steps, STARTUP_KEY)

    def step(self, kind: StepKind) -> ExUnits:
        """A step's price. ModelError where the model has none."""
        return self._at(self._steps + 2 + 2 * kind, kind.json_key)

    def call(self, call: Call) -> ExUnits:
        """The price of one call of a builtin at its sizes. ModelError where the model has none."""
        if call not in self._calls:
            name, sizes = call
            row = self._integers + BUILTIN_BY_NAME[name].tag * 2 * PACK_WIDTH
            padded = ffi.new("int64_t[6]", list(sizes))
            units = lib.cal_cost(row, padded), lib.cal_cost(row + PACK_WIDTH, padded)
            if self._integers[BUILTIN_BY_NAME[name].tag * 2 * PACK_WIDTH] == 0:
                raise ModelError(f"{self.name} has no cost for {name}; use a model that has")
            self._calls[call] = ExUnits(*units)
        return self._calls[call]

    def parts(self, usage: Usage) -> dict[str, ExUnits]:
        """What a usage costs, by price: start-up, kinds of steps and builtins. Exact, so it may exceed 64 bits."""
        parts = {STARTUP_KEY: self.startup}
        for kind, count in usage.steps.items():
            if count:
                price = self.step(kind)
                parts[kind.json_key] = ExUnits(count * price.cpu, count * price.mem)
        for (name, sizes), count in usage.calls.items():
            price = self.call((name, sizes))
            before = parts.get(name, ExUnits(0, 0))
            parts[name] = ExUnits(before.cpu + count * price.cpu, before.mem + count * price.mem)
        return parts

    def _at(self, index: int, name: str) -> ExUnits:
        units = ExUnits(self._integers[index], self._integers[index + 1])
        if units.cpu < 0 or units.mem < 0:
            raise ModelError(f"{self.name} has no cost for {name}; use a model that has")
        return units


def total(parts: Mapping[str, ExUnits]) -> ExUnits:
    """The sum of parts, saturating as the ledger's does."""
    return ExUnits(
        min(sum(part.cpu for part in parts.values()), MAX_COST), min(sum(part.mem for part in parts.values()), MAX_COST)
    )


@lru_cache(maxsize=64)
def _pricing(name: str, packed: bytes) -> Pricing:
    return Pricing(name, packed)
