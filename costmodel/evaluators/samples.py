"""Programs that a driver is tried with: every kind of step, and builtins of every kind of constant."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from costmodel.errors import ModelError
from costmodel.machine import EvaluationStatus, Script, exact_machine
from costmodel.machine.driver import BUDGET
from costmodel.model import variant_for
from costmodel.plutus import LedgerLanguage, encode_flat, parse_program


@dataclass(frozen=True, kw_only=True)
class SampleProgram:
    """A program to be evaluated, as `Subject`."""

    id: str
    flat: bytes
    language: str
    protocol_version: int
    steps: dict[str, int]
    builtins: dict[str, int]
    work: str = "evaluate"
    arguments: tuple[bytes, ...] = ()
    vary: tuple[int, ...] = ()
    nops: bool = False


LOOP: Final = """
  [(lam loop [loop loop (con integer {rounds})])
   (lam self (lam n
     (force [(force (builtin ifThenElse))
       [(builtin lessThanEqualsInteger) n (con integer 0)]
       (delay n)
       (delay [self self [(builtin subtractInteger) n (con integer 1)]])])))]"""
"""Counts down."""

_TEXTS: Final = {
    "constant": "(con unit ())",
    "function": "(lam x (lam y [y x]))",
    "closure": "[(lam x (lam y [y x])) (con integer 7)]",
    "force": "(force (delay (con bool True)))",
    "integers": "[(builtin addInteger) [(builtin multiplyInteger) (con integer 123456789012345678901234567890) "
    "(con integer -98765432109876543210)] (con integer 1)]",
    "division": "[(builtin divideInteger) (con integer -1000000000000000000000) (con integer 7)]",
    "bytes": "[(builtin appendByteString) (con bytestring #00ff) (con bytestring #%s)]" % ("a5" * 300),
    "text": '[(builtin decodeUtf8) [(builtin encodeUtf8) (con string "h\u00e9llo")]]',
    "choice": "(force [(force (builtin ifThenElse)) (con bool True) (delay (con integer 1)) (delay (error))])",
    "list": "[(force (builtin headList)) [(force (builtin tailList)) (con (list integer) [1,2,3])]]",
    "pair": "[(force (force (builtin sndPair))) (con (pair integer bytestring) (5, #beef))]",
    "data": "[(builtin serialiseData) (con data (Constr 1 [I 5, B #0102, List [I -1], Map [(I 1, I 2)]]))]",
    "hashes": "[(builtin sha2_256) [(builtin sha3_256) [(builtin blake2b_256) (con bytestring #616263)]]]",
    "partial": "[(builtin addInteger) (con integer 4)]",
    "loop": LOOP.format(rounds=30),
}
_FROM_V3: Final = {
    "constr": "(case (constr 1 (con integer 3) (con integer 4)) (error) (lam a (lam b [(builtin addInteger) a b])))",
}


def samples(language: LedgerLanguage, protocol_version: int) -> list[SampleProgram]:
    """The programs that a language has at a protocol version."""
    version = "1.1.0" if language is LedgerLanguage.PLUTUS_V3 else "1.0.0"
    texts = _TEXTS | (_FROM_V3 if language is LedgerLanguage.PLUTUS_V3 else {})
    if language is LedgerLanguage.PLUTUS_V1:
        texts = {name: text for name, text in texts.items() if "serialiseData" not in text}
    return [
        sample(f"{name} in {language.value} at {protocol_version}", text, language, protocol_version, version)
        for name, text in texts.items()
    ]


def sample(
    name: str,
    text: str,
    language: LedgerLanguage = LedgerLanguage.PLUTUS_V3,
    protocol_version: int = 10,
    version: str = "1.1.0",
) -> SampleProgram:
    """A program from its text, which has to run to success on the native machine."""
    flat = encode_flat(parse_program(f"(program {version} {text})"))
    script = Script.decode(flat, language, protocol_version)
    outcome = exact_machine(variant_for(language, protocol_version)).evaluate(script, BUDGET)
    if outcome.status is not EvaluationStatus.SUCCESS:
        raise ModelError(f"the sample {name} is wrong: it ends in {outcome.status.value}, {outcome.error}")
    return SampleProgram(
        id=name,
        flat=flat,
        language=language.value,
        protocol_version=protocol_version,
        steps=outcome.steps,
        builtins=outcome.builtins,
    )


def _bytes(length: int, number: int) -> str:
    return hashlib.shake_256(number.to_bytes(4, "big")).hexdigest(length)


def operand_texts(builtin: str, count: int) -> list[str]:
    """Programs that apply a builtin once, each to other operands that cost the same. Signatures are wrong, and are
    found to be so only at the end of their verification."""
    return [_OPERANDS[builtin].format(*_values(builtin, number)) for number in range(count)]


_OPERANDS: Final = {
    "multiplyInteger": "[(builtin multiplyInteger) (con integer {0}) (con integer {1})]",
    "sha2_256": "[(builtin sha2_256) (con bytestring #{0})]",
    "blake2b_256": "[(builtin blake2b_256) (con bytestring #{0})]",
    "bls12_381_G1_hashToGroup": "[(builtin bls12_381_G1_compress) "
    "[(builtin bls12_381_G1_hashToGroup) (con bytestring #{0}) (con bytestring #74)]]",
    "verifyEd25519Signature": "[(builtin verifyEd25519Signature) (con bytestring #{0}) (con bytestring #{1}) "
    "(con bytestring #{2}00)]",
}
OPERAND_BUILTINS: Final = tuple(_OPERANDS)
# The base point of the curve, which is a public key that every verifier accepts (RFC 8032, section 5.1).
_ED25519_KEY: Final = "58" + "66" * 31


def _values(builtin: str, number: int) -> tuple[str, ...]:
    if builtin == "multiplyInteger":
        return tuple(str(int(_bytes(1500, 2 * number + side), 16) | 1 << 11_999) for side in range(2))
    if builtin == "verifyEd25519Signature":
        return _ED25519_KEY, _bytes(32, number), _ED25519_KEY + _bytes(31, number)
    return (_bytes(8 if "hashToGroup" in builtin else 4096, number),)
