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

_KEYS = {kind: kind.json_key for kind in StepKind}

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


Units = tuple[int, int]
"""CPU and memory, of any size: sums of parts may exceed what ExUnits hold."""


@dataclass
class Pricing:
    """One packed cost model."""

    name: str
    packed: bytes
    _calls: dict[Call, Units] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._integers = ffi.from_buffer("int64_t[]", self.packed)
        if len(self._integers) != PACK_LENGTH:
            raise ValueError("not a packed model")
        steps = PACK_LENGTH - 2 * (1 + len(StepKind))
        prices = ffi.unpack(self._integers + steps, PACK_LENGTH - steps)
        self._startup, *self._steps = zip(prices[::2], prices[1::2], strict=True)

    def parts(self, usage: Usage) -> dict[str, Units]:
        """What a usage costs, by price: start-up, kinds of steps and builtins. ModelError where the model lacks a
        price."""
        parts = {STARTUP_KEY: self._known(self._startup, STARTUP_KEY)}
        for kind, count in usage.steps.items():
            if count:
                cpu, mem = self._known(self._steps[kind], _KEYS[kind])
                parts[_KEYS[kind]] = count * cpu, count * mem
        calls, nothing = self._calls, (0, 0)
        for call, count in usage.calls.items():
            cpu, mem = calls[call] if call in calls else self._called(call)
            before = parts.get(call[0], nothing)
            parts[call[0]] = before[0] + count * cpu, before[1] + count * mem
        return parts

    def _called(self, call: Call) -> Units:
        """The price of one call of a builtin at its sizes, which is kept."""
        name, sizes = call
        row = self._integers + BUILTIN_BY_NAME[name].tag * 2 * PACK_WIDTH
        padded = ffi.new("int64_t[6]", list(sizes))
        units = int(lib.cal_cost(row, padded)), int(lib.cal_cost(row + PACK_WIDTH, padded))
        if row[0] == 0:
            raise ModelError(f"{self.name} has no cost for {name}; use a model that has")
        self._calls[call] = units
        return units

    def _known(self, units: Units, name: str) -> Units:
        if min(units) < 0:
            raise ModelError(f"{self.name} has no cost for {name}; use a model that has")
        return units


def total(parts: Mapping[str, Units]) -> ExUnits:
    """The sum of parts, saturating as the ledger's does."""
    cpu, mem = (sum(each) for each in zip(*parts.values(), strict=True))
    return ExUnits(min(cpu, MAX_COST), min(mem, MAX_COST))


@lru_cache(maxsize=64)
def _pricing(name: str, packed: bytes) -> Pricing:
    return Pricing(name, packed)
