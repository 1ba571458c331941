"""The CBOR around flat: the byte strings that a script is wrapped in, and the forms of reference scripts.

On the chain a script is one CBOR byte string around flat. cardano-cli's text envelopes and UTxO files have that in
another one. A reference script is `[language, script]`, in the byte string of a CBOR tag 24.
"""

from typing import Final, NamedTuple

import cbor2

from costmodel.errors import DecodeError
from costmodel.plutus.language import LedgerLanguage

_BYTES: Final = 2  # major type
_INDEFINITE: Final = 31
_EMBEDDED: Final = b"\xd8\x18"  # tag 24: CBOR in a byte string
_PAIR: Final = 0x82
_LANGUAGES: Final = dict(enumerate(LedgerLanguage, start=1))  # 0 is a native script
# The node ignores bytes behind the byte string of these, and refuses them from PlutusV3 on.
_LENIENT: Final = (LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V2)


class Unwrapped(NamedTuple):
    """Flat bytes, and how many byte strings were around them: one or two."""

    flat: bytes
    wrappers: int


def is_wrapped(content: bytes) -> bool:
    """Whether bytes begin as a CBOR byte string, which flat never does: its major version would be 64 or more."""
    return bool(content) and content[0] >> 5 == _BYTES


def unwrap_script(cbor: bytes, language: LedgerLanguage | None = None) -> Unwrapped:
    """Flat in one or two CBOR byte strings of definite length. DecodeError where there are none or more.

    Bytes behind the inner one, which is the script's own, are ignored in PlutusV1 and V2, as by the node.
    """
    if not is_wrapped(cbor):
        flat = f"; flat alone begins as these bytes do ({cbor[:2].hex()})" if cbor[:1] <= b"\x01" and cbor else ""
        raise DecodeError(f"script: the CBOR byte string around the flat program is missing{flat}")
    script, behind = _byte_string(cbor)
    wrappers = 1
    if is_wrapped(script):
        if behind:
            raise DecodeError("script: bytes follow the outer CBOR byte string")
        script, behind = _byte_string(script)
        wrappers = 2
    if is_wrapped(script):
        raise DecodeError(
            "script: wrapped one level too deep: three CBOR byte strings around the flat program, where the chain has "
            "one and a text envelope two"
        )
    if behind and language not in _LENIENT:
        raise DecodeError("script: bytes follow the CBOR byte string around the flat program")
    return Unwrapped(script, wrappers)


def wrap_script(flat: bytes) -> bytes:
    """Flat in two CBOR byte strings, as cardano-cli writes it."""
    return cbor2.dumps(cbor2.dumps(flat))


def read_reference(cbor: bytes) -> tuple[bytes, LedgerLanguage] | None:
    """The wrapped script and the language of a reference script, with or without its tag; None for other bytes."""
    if cbor.startswith(_EMBEDDED) and is_wrapped(cbor[2:]):
        cbor, behind = _byte_string(cbor[2:])
        if behind:
            raise DecodeError("reference script: bytes follow it")
    if len(cbor) < 3 or cbor[0] != _PAIR or cbor[1] not in _LANGUAGES or not is_wrapped(cbor[2:]):
        return None
    return cbor[2:], _LANGUAGES[cbor[1]]


def _byte_string(cbor: bytes) -> tuple[bytes, bytes]:
    """What a byte string holds, and what follows it. The caller has looked at the major type."""
    information = cbor[0] & 31
    if information == _INDEFINITE:
        raise DecodeError("script: a CBOR byte string of indefinite length, which the node does not read")
    width = 0 if information < 24 else 1 << (information - 24)
    if information > 27 or len(cbor) <= width:
        raise DecodeError("script: the CBOR byte string around the flat program is malformed or cut short")
    length = int.from_bytes(cbor[1 : 1 + width], "big") if width else information
    begin = 1 + width
    if length > len(cbor) - begin:
        raise DecodeError("script: the CBOR byte string around the flat program is cut short")
    return cbor[begin : begin + length], cbor[begin + length :]
