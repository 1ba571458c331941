"""One loop at any count: the package's own, by name, or a text envelope of the node workbench with its redeemer. The
package's own SECP workload has script, keys and signatures in the folder `secp`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from costmodel.errors import InputError
from costmodel.plutus import DataConstr, LedgerLanguage, encode_flat, parse_program
from costmodel.workloads.folder import COUNT_ENDS_AT, envelope_programs
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


Loop: TypeAlias = Callable[[int], WorkloadProgram]
"""The program that runs its loop so many times, from 1."""

OWN_LOOPS: Final = ("loop", "ecdsa", "schnorr")


def find_loop(name: str, protocol_version: int) -> Loop:
    """One of OWN_LOOPS, or the file NAME.plutus with NAME.redeemer.json beside it.

    InputError or DecodeError for what is neither, and for a script without a loop count.
    """
    if name == "loop":
        return lambda count: _counting(count, protocol_version)
    if name in OWN_LOOPS:
        # Of Schnorr's messages the first, 32 bytes, is what a transaction's hash would be.
        case = next(case for case in signature_cases().values() if case.script == name and case.holds)
        return lambda count: verification_loop(name, case, count, protocol_version)
    path = Path(name)
    if path.suffix != ".plutus" or not path.is_file():
        raise InputError(
            f"unknown script {name!r}; name {', '.join(OWN_LOOPS)} or a .plutus file with its redeemer beside it"
        )

    def loop(count: int) -> WorkloadProgram:
        program = envelope_programs(path, path.with_suffix(".redeemer.json"), (count,), protocol_version)[0]
        if program.loop_count is None:
            raise InputError(f"{path}: its redeemer has no integer {COUNT_ENDS_AT}, so nothing says how often it loops")
        return program

    loop(1)  # what is wrong with the files is said now
    return loop


def _counting(count: int, protocol_version: int) -> WorkloadProgram:
    return WorkloadProgram(
        name="loop",
        flat=_counting_flat(),
        language=LedgerLanguage.PLUTUS_V3,
        protocol_version=protocol_version,
        arguments=script_arguments(LedgerLanguage.PLUTUS_V3, count),
        source="loop of the package",
        loop_count=count,
    )


@cache
def _counting_flat() -> bytes:
    text = (resources.files("costmodel.workloads") / "count_loop.uplc").read_text("utf-8")
    return encode_flat(parse_program(text))
