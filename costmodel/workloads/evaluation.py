"""One evaluation as the ledger does it: of a program with its arguments, or of one that a chain has seen, done again:
what it is, what came of it then, and what comes of it now."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from costmodel.errors import DecodeError, InputError, ModelError
from costmodel.machine import EvaluationStatus, NativeMachine, Outcome, Script, exact_machine
from costmodel.machine.traced import traced
from costmodel.model import ExUnits, from_array, ledger_model, variant_for
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
from costmodel.workloads.workload import WorkloadProgram

PLENTY: Final = ExUnits(10**13, 10**11)
"""The budget of what has none: ten seconds of the reference machine, and an end for a program that has none."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A flat program, its arguments as CBOR, and what is to come of it.

    `parameters` is the ledger's array of the cost model, None for the model that the ledger has today. `expected` are
    the ExUnits of a success, None where they are not known.
    """

    id: str
    flat: bytes
    arguments: tuple[bytes, ...]
    language: LedgerLanguage
    protocol_version: int
    parameters: tuple[int, ...] | None
    budget: ExUnits
    expected_success: bool
    expected: ExUnits | None

    def program(self, source: str) -> WorkloadProgram:
        """The evaluation as a program of a workload."""
        return WorkloadProgram(
            name=self.id,
            flat=self.flat,
            language=self.language,
            protocol_version=self.protocol_version,
            arguments=self.arguments,
            source=source,
            expected=self.expected,
            ledger_parameters=self.parameters,
        )


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one evaluation came out. Times are of this call, in nanoseconds, on whatever the machine was doing besides.

    `refused` says why the script was not evaluated at all; `outcome` is None then.
    """

    case: str
    expected_success: bool
    expected: ExUnits | None
    outcome: Outcome | None
    refused: str | None
    decode_ns: int
    evaluate_ns: int

    @property
    def exact(self) -> bool:
        """Whether success is as expected and, for a success, ExUnits are equal."""
        succeeded = self.outcome is not None and self.outcome.status is EvaluationStatus.SUCCESS
        if not self.expected_success or not succeeded or self.outcome is None:
            return succeeded == self.expected_success
        return self.expected is None or self.outcome.spent == self.expected


def replay(evaluation: Evaluation) -> CaseResult:
    """Decodes and evaluates within the evaluation's own budget and cost model. ModelError, naming it, for an array that
    is none."""
    success, expected = evaluation.expected_success, evaluation.expected
    began = time.perf_counter_ns()
    try:
        script = Script.decode(evaluation.flat, evaluation.language, evaluation.protocol_version)
        for argument in evaluation.arguments:
            script.apply_data(argument)
    except DecodeError as error:
        spent = time.perf_counter_ns() - began
        return CaseResult(evaluation.id, success, expected, None, str(error), spent, 0)
    decoded = time.perf_counter_ns()
    try:
        machine = _machine(evaluation.parameters, evaluation.language, evaluation.protocol_version)
    except ModelError as error:
        raise ModelError(f"corpus case {evaluation.id}: {error}") from None
    ready = time.perf_counter_ns()
    outcome = machine.evaluate(script, evaluation.budget)
    ended = time.perf_counter_ns()
    return CaseResult(evaluation.id, success, expected, outcome, None, decoded - began, ended - ready)


@lru_cache(maxsize=16)
def _machine(parameters: tuple[int, ...] | None, language: LedgerLanguage, protocol_version: int) -> NativeMachine:
    variant = variant_for(language, protocol_version)
    model = ledger_model(variant) if parameters is None else from_array(parameters, language, protocol_version)
    return exact_machine(variant, model)


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
