"""Ledger languages, and what each of them offers at a protocol version (major number).

Source: PlutusLedgerApi.Common.Versions of plutus v1.68.
"""

import re
from enum import Enum
from typing import Final, NamedTuple

from costmodel.errors import InputError
from costmodel.plutus.builtins import Batch, Builtin
from costmodel.plutus.term import SUMS_OF_PRODUCTS, Version


class LedgerLanguage(Enum):
    """The language that a script is submitted in; the value is the name that cardano-cli and cost-model files use."""

    PLUTUS_V1 = "PlutusV1"
    PLUTUS_V2 = "PlutusV2"
    PLUTUS_V3 = "PlutusV3"
    PLUTUS_V4 = "PlutusV4"


_V1 = LedgerLanguage.PLUTUS_V1
_V2 = LedgerLanguage.PLUTUS_V2
_V3 = LedgerLanguage.PLUTUS_V3
_V4 = LedgerLanguage.PLUTUS_V4

UPLC_1_0_0: Final = Version(1, 0, 0)
UPLC_1_1_0: Final = SUMS_OF_PRODUCTS

# First protocol version of each: 5 Alonzo, 7 Vasil, 9 Chang, 12 Dijkstra.
_LANGUAGE_SINCE: Final = {_V1: 5, _V2: 7, _V3: 9, _V4: 12}

# Batch -> language -> first protocol version. That of batch 7 is provisional: 12 is not in force.
_BATCH_SINCE: Final[dict[Batch, dict[LedgerLanguage, int]]] = {
    Batch.ONE: {_V1: 5, _V2: 7, _V3: 9, _V4: 12},
    Batch.TWO: {_V1: 11, _V2: 7, _V3: 9, _V4: 12},
    Batch.THREE: {_V1: 11, _V2: 8, _V3: 9, _V4: 12},
    Batch.FOUR_A: {_V1: 11, _V2: 11, _V3: 9, _V4: 12},
    Batch.FOUR_B: {_V1: 11, _V2: 10, _V3: 9, _V4: 12},
    Batch.FIVE: {_V1: 11, _V2: 11, _V3: 10, _V4: 12},
    Batch.SIX: {_V1: 11, _V2: 11, _V3: 11, _V4: 12},
    Batch.SEVEN: {_V1: 12, _V2: 12, _V3: 12, _V4: 12},
}

_UPLC_SINCE: Final[dict[Version, dict[LedgerLanguage, int]]] = {
    UPLC_1_0_0: _LANGUAGE_SINCE,
    UPLC_1_1_0: {_V1: 11, _V2: 11, _V3: 9, _V4: 12},
}

_CASE_ON_CONSTANTS_SINCE: Final = 11
_BOUNDS_SINCE: Final = 11


class DecodingBounds(NamedTuple):
    """What a script may hold at most, of any language: fields in a constructor term, and nodes in the type of a
    constant, each application counting as one (`list integer` has three)."""

    constr_fields: int
    type_size: int


NO_BOUNDS: Final = DecodingBounds(2**32 - 1, 2**32 - 1)
"""More than a script could hold in memory."""


def available_since(batch: Batch, language: LedgerLanguage) -> int:
    """First protocol version that has a batch of builtins in a language."""
    return _BATCH_SINCE[batch][language]


def available(builtin: Builtin, language: LedgerLanguage, protocol_version: int) -> bool:
    """Whether a script may use a builtin."""
    return protocol_version >= available_since(builtin.batch, language)


def language_available(language: LedgerLanguage, protocol_version: int) -> bool:
    """Whether scripts may be submitted in a language."""
    return protocol_version >= _LANGUAGE_SINCE[language]


def uplc_version_available(version: Version, language: LedgerLanguage, protocol_version: int) -> bool:
    """Whether a script may be written in a version of UPLC."""
    since = _UPLC_SINCE.get(version, {}).get(language)
    return since is not None and protocol_version >= since


def case_on_constants_available(language: LedgerLanguage, protocol_version: int) -> bool:
    """Whether Case may scrutinise a constant instead of a Constr."""
    return language_available(language, protocol_version) and protocol_version >= _CASE_ON_CONSTANTS_SINCE


def decoding_bounds(protocol_version: int) -> DecodingBounds:
    """The bounds that hold for scripts submitted at a protocol version."""
    return DecodingBounds(1024, 32) if protocol_version >= _BOUNDS_SINCE else NO_BOUNDS


def language_named(name: str) -> LedgerLanguage:
    """A ledger language from "PlutusV2", "V2" or "v2"."""
    match = re.fullmatch(r"(?i)(?:plutus)?v([1-4])", name)
    if match is None:
        raise InputError(f"unknown ledger language {name!r}; use PlutusV1, PlutusV2, PlutusV3 or PlutusV4")
    return LedgerLanguage(f"PlutusV{match[1]}")
