"""The package's own SECP workload: scripts, keys and signatures in the folder `secp`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
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


class SignatureCase(NamedTuple):
    """A signature that holds, and the script (`ecdsa` or `schnorr`) that verifies it. `vectors.toml` says how made."""

    script: str
    key: bytes
    message: bytes
    signature: bytes


@cache
def signature_cases() -> Mapping[str, SignatureCase]:
    """The cases of `vectors.toml` by name."""
    table = tomllib.loads((_FOLDER / "vectors.toml").read_text("utf-8"))
    return MappingProxyType(
        {
            name: SignatureCase(row["script"], *(bytes.fromhex(row[part]) for part in ("key", "message", "signature")))
            for name, row in table.items()
        }
    )


def secp(
    loop_counts: Iterable[int] = DEFAULT_LOOP_COUNTS, protocol_version: int = DEFAULT_PROTOCOL_VERSION
) -> Workload:
    """ECDSA and Schnorr verifications in a loop (PlutusV2), each case at each loop count.

    The Schnorr loop comes with a message of 32 and with one of 64 bytes. InputError for a loop count below 1.
    """
    counts = checked_loop_counts(loop_counts)
    return Workload(
        "secp",
        tuple(
            verification_loop(name, case, count, protocol_version)
            for name, case in signature_cases().items()
            for count in counts
        ),
    )


def verification_loop(name: str, case: SignatureCase, loop_count: int, protocol_version: int) -> WorkloadProgram:
    """The program that verifies one signature `loop_count` times; it fails unless the signature holds."""
    redeemer = DataConstr(0, (loop_count, case.key, case.message, case.signature))
    return WorkloadProgram(
        name=name,
        flat=_flat(case.script),
        language=_LANGUAGE,
        protocol_version=protocol_version,
        arguments=script_arguments(_LANGUAGE, redeemer),
        source=f"workload secp: {name}",
        loop_count=loop_count,
    )


@cache
def _flat(script: str) -> bytes:
    return encode_flat(parse_program((_FOLDER / f"{script}.uplc").read_text("utf-8")))
