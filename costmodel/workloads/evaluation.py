"""One evaluation that a chain has seen, done again: what it is, what came of it then, and what comes of it now."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from costmodel.errors import DecodeError, ModelError
from costmodel.machine import EvaluationStatus, NativeMachine, Outcome, Script, exact_machine
from costmodel.model import ExUnits, from_array, ledger_model, variant_for
from costmodel.plutus import LedgerLanguage
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
