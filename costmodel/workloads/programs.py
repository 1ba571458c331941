"""One program with its arguments, evaluated as the ledger would."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from costmodel.errors import DecodeError, InputError
from costmodel.machine import Outcome, Script, exact_machine
from costmodel.machine.traced import traced
from costmodel.model import ExUnits, variant_for
from costmodel.model.sources import LEDGER, open_source
from costmodel.plutus import (
    LedgerLanguage,
    ProgramFile,
    data_from_hex,
    decode_flat,
    encode_data,
    language_available,
    language_named,
    load_data,
    load_program,
    print_program,
)
from costmodel.records.evaluation import EvaluationDocument
from costmodel.records.figures import ExUnitsRecord
from costmodel.trace import SILENT, Trace
from costmodel.workloads.evaluation import PLENTY

_DEFAULT_LANGUAGE: Final = LedgerLanguage.PLUTUS_V3


def evaluated(
    path: Path,
    arguments: Sequence[str] = (),
    *,
    language: str | None = None,
    script: str | None = None,
    protocol_version: int = 11,
    cost_model: Sequence[str] = (LEDGER,),
    budget: ExUnits = PLENTY,
    trace: Trace = SILENT,
) -> EvaluationDocument:
    """Evaluate the program of a file; its language is the file's, else PlutusV3, unless one is named.

    InputError or DecodeError for what cannot be read, ModelError for a cost model that cannot.
    """
    wanted = language_named(language) if language else None
    loaded = load_program(path, language=wanted, default=_DEFAULT_LANGUAGE, name=script)
    chosen = wanted or loaded.language or _DEFAULT_LANGUAGE
    if not language_available(chosen, protocol_version):
        raise InputError(f"{chosen.value} does not exist at protocol version {protocol_version}; choose a later one")
    variant = variant_for(chosen, protocol_version)
    prices = open_source(list(cost_model), language=chosen)
    model = prices.in_force(chosen, protocol_version)
    applied = _applied(path, loaded, arguments, chosen, protocol_version)
    outcome = traced(exact_machine(variant, model), trace).evaluate(applied, budget, result=True)
    return EvaluationDocument(
        status=outcome.status.value,
        result=_result_text(outcome),
        result_missing=outcome.unwritten,
        error=outcome.error,
        ex_units=ExUnitsRecord(cpu=outcome.spent.cpu, mem=outcome.spent.mem),
        steps=outcome.steps,
        builtins=outcome.builtins,
        logs=tuple(outcome.logs),
        language=chosen.value,
        protocol_version=protocol_version,
        variant=variant.value,
        cost_model=model.source,
        notes=(*((f"{path}: {loaded.note}",) if loaded.note else ()), *prices.notes),
    )


def _applied(
    path: Path, program: ProgramFile, arguments: Sequence[str], language: LedgerLanguage, protocol_version: int
) -> Script:
    try:
        # Only text can hold group elements.
        script = Script.decode(program.flat, language, protocol_version, group_elements=program.textual)
    except DecodeError as error:
        raise DecodeError(f"{path}: {error}") from None
    for number, argument in enumerate(arguments, start=1):
        try:
            script.apply_data(_cbor(argument))
        except InputError as error:
            raise type(error)(f"argument {number}: {error}") from None
    return script


def _cbor(argument: str) -> bytes:
    # os.path's test, unlike pathlib's, takes a text that is too long for a file name: most Data is.
    if Path(argument).suffix or os.path.isfile(argument):  # noqa: PTH113
        return encode_data(load_data(Path(argument)))
    return encode_data(data_from_hex(argument))


def _result_text(outcome: Outcome) -> str | None:
    if outcome.result is None:
        return None
    return print_program(decode_flat(outcome.result, allow_group_elements=True))
