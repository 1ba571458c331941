"""Which variant of the cost model a ledger language uses at a protocol version."""

from __future__ import annotations

from enum import StrEnum

from costmodel.errors import ModelError
from costmodel.plutus.language import LedgerLanguage, language_available


class Variant(StrEnum):
    """A variant of the builtins' semantics and costing functions, by the letter of its upstream files."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


_CHANG, _VAN_ROSSEM = 9, 11


def variant_for(language: LedgerLanguage, protocol_version: int) -> Variant:
    """The variant for a ledger language at a (major) protocol version; ModelError before the language's first one."""
    if not language_available(language, protocol_version):
        raise ModelError(f"{language.value} does not exist at protocol version {protocol_version}; use a later one")
    if language in (LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V2):
        if protocol_version < _CHANG:
            return Variant.A
        return Variant.B if protocol_version < _VAN_ROSSEM else Variant.D
    return Variant.C if protocol_version < _VAN_ROSSEM else Variant.E
