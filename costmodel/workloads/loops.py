"""One loop at any count: the package's own, by name, or a text envelope of the node workbench with its redeemer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, TypeAlias

from costmodel.errors import InputError
from costmodel.plutus import LedgerLanguage, encode_flat, parse_program
from costmodel.workloads.folder import COUNT_ENDS_AT, envelope_programs
from costmodel.workloads.secp_loops import signature_cases, verification_loop
from costmodel.workloads.workload import WorkloadProgram, script_arguments

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
            f"{name}: is no loop; name {', '.join(OWN_LOOPS)} or a .plutus file with its redeemer beside it"
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
