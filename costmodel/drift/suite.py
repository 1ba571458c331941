"""The fixed suite of drift checks: a program of each family of builtins, mixtures of machine steps, short SECP loops.

The programs depend on a seed that stands here and on nothing else, so that counts of different days are counts of the
same work; `suite_sha256` names it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

import msgspec

from costmodel.drift.limits import NO_LIMITS, DriftLimits
from costmodel.errors import InputError
from costmodel.machine import EvaluationStatus, Script, exact_machine
from costmodel.model import variant_for
from costmodel.plutus import LedgerLanguage, encode_flat, parse_program
from costmodel.predict.counts import LEDGER_LIMIT
from costmodel.records.run import Work
from costmodel.runs.design import Cell
from costmodel.workloads import Workload, WorkloadProgram, secp

EVERY: Final = "*"
"""Pattern of all operations."""

_SEED: Final = 20240229
_PROTOCOL_VERSION: Final = 11
_LANGUAGE: Final = LedgerLanguage.PLUTUS_V3

# RFC 8032, section 7.1, test 1: key, and signature of the empty message.
_ED25519_KEY: Final = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
_ED25519_SIGNATURE: Final = (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465"
    "5141438e7a100b"
)

# By name, so that a loop more in the workload does not make this another suite.
_SECP_LOOPS: Final = ("ecdsa", "schnorr-32", "schnorr-512")

_STEPS: Final = {
    # Counts down through a fixed point, as compiled contracts do.
    "loop": """[(lam loop [loop loop (con integer 60)]) (lam self (lam n
        (force [(force (builtin ifThenElse)) [(builtin lessThanEqualsInteger) n (con integer 0)]
            (delay n) (delay [self self [(builtin subtractInteger) n (con integer 1)]])])))]""",
    # Looks up variables of every depth of a closure.
    "closures": """[(lam f [f [f [f [f [f [f [f [f (con integer 1)]]]]]]]])
        (lam a [(lam b [(lam c [(lam d [(lam e [(lam g a) e]) d]) c]) b]) a])]""",
    # Builds sums and takes them apart.
    "sums": """[(lam f [f [f [f [f [f [f [f [f (con integer 1)]]]]]]]])
        (lam a (case (constr 1 a a) (lam b (lam c b)) (lam b (lam c (case (constr 0 c) (lam d d))))))]""",
    # Suspends and forces.
    "delays": """[(lam f [f [f [f [f [f [f [f [f (con integer 1)]]]]]]]])
        (lam a (force (force (delay (delay (force (delay a)))))))]""",
}


@cache
def drift_suite() -> tuple[Cell, ...]:
    """The cells, in a fixed order, with the counts that the machine comes to."""
    return tuple(_cells())


def chosen(
    operations: str = EVERY, workload: Workload | None = None, limits: DriftLimits = NO_LIMITS
) -> tuple[Cell, ...]:
    """The cells of the suite, or of a workload, that match any of the shell patterns, with commas between. InputError
    if a pattern matches none, and for limits of operations that there are not."""
    cells = drift_suite() if workload is None else _programs(workload)
    names = [cell.id for cell in cells]
    limits.require(names)
    found = matching(operations, names)
    return tuple(cell for cell in cells if cell.id in found)


def matching(operations: str, names: Sequence[str]) -> set[str]:
    """The names that match any of the patterns. InputError if a pattern matches none."""
    found: set[str] = set()
    for pattern in map(str.strip, operations.split(",")):
        fitting = {name for name in names if fnmatchcase(name, pattern)}
        if not fitting:
            raise InputError(f"no operation matches {pattern!r}; one is {next(iter(names), 'none')!r}")
        found |= fitting
    return found


def _programs(workload: Workload) -> tuple[Cell, ...]:
    return tuple(_cell(program.label, program.name, program) for program in workload.programs)


def suite_sha256() -> str:
    """Names the suite: the hash of what its cells execute."""
    digest = hashlib.sha256()
    for cell in drift_suite():
        digest.update(msgspec.json.encode([cell.id, cell.work, cell.language, cell.protocol_version]))
        digest.update(msgspec.msgpack.encode([cell.flat, cell.arguments]))
    return digest.hexdigest()


def _cells() -> Iterator[Cell]:
    for name, term in _STEPS.items():
        yield _cell(f"steps {name}", name, _program(term))
    chance = random.Random(_SEED)  # noqa: S311 - programs to be reproduced, no secret
    for family, repeats, term in _families(chance):
        operation = term.partition("(builtin ")[2].partition(")")[0]
        nested = "(con unit ())"
        for _ in range(repeats):
            nested = f"[(lam x {nested}) {term}]"
        yield _cell(f"{family} {operation}", operation, _program(nested))
    works: tuple[Work, ...] = ("evaluate", "call")
    for program in secp((2,), _PROTOCOL_VERSION).programs:
        for work in works if program.name in _SECP_LOOPS else ():
            yield _cell(f"secp {program.label} {work}", program.name, program, work)


def _families(chance: random.Random) -> Iterator[tuple[str, int, str]]:
    """Family, applications in one program, and the application: of each family what its time is mostly spent on."""

    def integer(length: int) -> str:
        return f"(con integer {chance.getrandbits(8 * length) | 1 << (8 * length - 1)})"

    def octets(length: int) -> str:
        return f"(con bytestring #{chance.randbytes(length).hex()})"

    def data(width: int) -> str:
        parts = ", ".join(f"I {chance.getrandbits(40)}, B #{chance.randbytes(28).hex()}" for _ in range(width))
        return f"(con data (Constr 0 [{parts}]))"

    def group(name: str) -> str:
        return f"[(builtin bls12_381_{name}_hashToGroup) {octets(32)} {octets(16)}]"

    text = "".join(chance.choices("aä€𝄞", k=200))
    small = data(2)
    yield "integers", 16, f"[(builtin addInteger) {integer(8)} {integer(8)}]"
    yield "integers", 8, f"[(builtin multiplyInteger) {integer(256)} {integer(256)}]"
    yield "integers", 8, f"[(builtin divideInteger) {integer(512)} {integer(256)}]"
    yield "modular", 1, f"[(builtin expModInteger) {integer(32)} {integer(32)} {integer(32)}]"
    yield "conversions", 8, f"[(builtin integerToByteString) (con bool True) (con integer 0) {integer(256)}]"
    yield "bytestrings", 8, f"[(builtin appendByteString) {octets(512)} {octets(512)}]"
    yield "strings", 8, f'[(builtin encodeUtf8) (con string "{text}")]'
    yield "bitwise", 8, f"[(builtin andByteString) (con bool True) {octets(512)} {octets(512)}]"
    yield "shifts", 8, f"[(builtin shiftByteString) {octets(512)} (con integer 13)]"
    for name in ("sha2_256", "sha3_256", "keccak_256", "blake2b_256", "ripemd_160"):
        yield "hashes", 2, f"[(builtin {name}) {octets(512)}]"
    signature = f"(con bytestring #{_ED25519_KEY}) (con bytestring #) (con bytestring #{_ED25519_SIGNATURE})"
    yield "signatures", 1, f"[(builtin verifyEd25519Signature) {signature}]"
    yield "control", 16, "[(force (builtin ifThenElse)) (con bool True) (con integer 1) (con integer 2)]"
    yield "lists", 16, "[(force (builtin mkCons)) (con integer 1) (con (list integer) [2, 3])]"
    yield "data", 16, f"[(builtin unConstrData) {small}]"
    yield "data", 4, f"[(builtin serialiseData) {data(16)}]"
    same = data(16)
    yield "data", 4, f"[(builtin equalsData) {same} {same}]"
    yield "groups", 1, f"[(builtin bls12_381_G1_scalarMul) {integer(31)} {group('G1')}]"
    yield "groups", 1, f"[(builtin bls12_381_G2_add) {group('G2')} {group('G2')}]"
    yield "pairing", 1, f"[(builtin bls12_381_millerLoop) {group('G1')} {group('G2')}]"


def _program(term: str) -> WorkloadProgram:
    return WorkloadProgram(
        name="drift suite",
        flat=encode_flat(parse_program(f"(program 1.1.0 {term})")),
        language=_LANGUAGE,
        protocol_version=_PROTOCOL_VERSION,
        arguments=(),
        source="drift suite",
    )


def _cell(name: str, operation: str, program: WorkloadProgram, work: Work = "evaluate") -> Cell:
    variant = variant_for(program.language, program.protocol_version)
    script: Script = program.script()
    outcome = exact_machine(variant).evaluate(script, LEDGER_LIMIT)
    if outcome.status is not EvaluationStatus.SUCCESS:
        raise InputError(f"{program.source}: {name} ends in {outcome.status.value}: {outcome.error}")
    return Cell(
        id=name,
        experiment="replay",
        operation=operation,
        work=work,
        flat=program.flat,
        arguments=program.arguments,
        steps=dict(outcome.steps),
        builtins=dict(outcome.builtins),
        language=program.language.value,
        protocol_version=program.protocol_version,
    )
