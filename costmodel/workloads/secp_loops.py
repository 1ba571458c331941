"""The package's own SECP workload: script, keys and signatures in the folder `secp`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from string import Template
from types import MappingProxyType
from typing import Final, NamedTuple

from costmodel.plutus import DataConstr, LedgerLanguage, encode_flat, parse_program
from costmodel.workloads.workload import (
    DEFAULT_LOOP_COUNTS,
    DEFAULT_PROTOCOL_VERSION,
    Workload,
    WorkloadProgram,
    checked_loop_counts,
    script_arguments,
)

_FOLDER: Final = resources.files("costmodel.workloads") / "secp"
_LANGUAGE: Final = LedgerLanguage.PLUTUS_V2


_VERIFY: Final = {"ecdsa": "verifyEcdsaSecp256k1Signature", "schnorr": "verifySchnorrSecp256k1Signature"}
_GO_ON: Final = "[ loop loop [ (builtin subtractInteger) left (con integer 1) ] ]"
_FAIL: Final = "(error)"


class SignatureCase(NamedTuple):
    """A signature, and the script (`ecdsa` or `schnorr`) that verifies it. `vectors.toml` says how made.

    Where it does not `hold`, the script is one that expects just that: the check is made all the same.
    """

    script: str
    key: bytes
    message: bytes
    signature: bytes
    holds: bool = True


@cache
def signature_cases() -> Mapping[str, SignatureCase]:
    """The cases of `vectors.toml` by name."""
    table = tomllib.loads((_FOLDER / "vectors.toml").read_text("utf-8"))
    return MappingProxyType(
        {
            name: SignatureCase(
                script=row["script"],
                key=bytes.fromhex(row["key"]),
                message=bytes.fromhex(row["message"]),
                signature=bytes.fromhex(row["signature"]),
                holds="signed_label" not in row,
            )
            for name, row in table.items()
        }
    )


def secp(
    loop_counts: Iterable[int] = DEFAULT_LOOP_COUNTS, protocol_version: int = DEFAULT_PROTOCOL_VERSION
) -> Workload:
    """ECDSA and Schnorr verifications in a loop (PlutusV2), each case at each loop count.

    The Schnorr loop comes with messages of 32, 64 and 512 bytes, and both with a signature that does not hold.
    InputError for a loop count below 1.
    """
    counts = checked_loop_counts(loop_counts)
    return Workload(
        "secp",
        tuple(
            verification_loop(name, case, count, protocol_version)
            for name, case in signature_cases().items()
            for count in counts
        ),
        loops=True,
    )


def verification_loop(name: str, case: SignatureCase, loop_count: int, protocol_version: int) -> WorkloadProgram:
    """The program that verifies one signature `loop_count` times; it fails unless that comes out as the case says."""
    redeemer = DataConstr(0, (loop_count, case.key, case.message, case.signature))
    return WorkloadProgram(
        name=name,
        flat=_flat(case.script, case.holds),
        language=_LANGUAGE,
        protocol_version=protocol_version,
        arguments=script_arguments(_LANGUAGE, redeemer),
        source=f"workload secp: {name}",
        loop_count=loop_count,
    )


@cache
def _flat(script: str, holds: bool) -> bytes:
    text = Template((_FOLDER / "loop.uplc").read_text("utf-8")).substitute(
        verify=_VERIFY[script],
        if_it_holds=_GO_ON if holds else _FAIL,
        if_not=_FAIL if holds else _GO_ON,
    )
    return encode_flat(parse_program(text))
