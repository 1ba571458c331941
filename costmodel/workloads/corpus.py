"""Replay corpora: evaluations that a chain has seen, each with its cost model and the ExUnits that it took.

The format is version 1 of plutigo's replay corpus: a JSON object with `cases`, each with the flat program, the CBOR of
its arguments, the ledger's parameter array, a budget and what came of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final

import msgspec

from costmodel.errors import DecodeError, InputError, ModelError
from costmodel.machine import NativeMachine, Outcome, Script, Status
from costmodel.model import MAX_COST, ExUnits, Variant, from_array, variant_for
from costmodel.plutus import LedgerLanguage
from costmodel.workloads.workload import Workload, WorkloadProgram

_SCHEMA_VERSION: Final = 1


class _Units(msgspec.Struct, frozen=True):
    steps: Annotated[int, msgspec.Meta(ge=0)]
    memory: Annotated[int, msgspec.Meta(ge=0)]

    @property
    def ex_units(self) -> ExUnits:
        return ExUnits(min(self.steps, MAX_COST), min(self.memory, MAX_COST))


class _Protocol(msgspec.Struct, frozen=True):
    major: int


class _Parameters(msgspec.Struct, frozen=True):
    parameters: tuple[int, ...]


class _Expected(msgspec.Struct, frozen=True):
    success: bool
    ex_units: _Units | None = None


class CorpusCase(msgspec.Struct, frozen=True):
    """One evaluation of a corpus, as the file has it."""

    id: str
    language: LedgerLanguage
    protocol_version: _Protocol
    flat_program_hex: str
    arguments_cbor_hex: tuple[str, ...]
    cost_model: _Parameters
    budget_limit: _Units
    expected: _Expected


class _Corpus(msgspec.Struct, frozen=True):
    schema_version: int
    cases: tuple[CorpusCase, ...]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case came out. Times are of this call, in nanoseconds, on whatever the machine was doing besides.

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
        succeeded = self.outcome is not None and self.outcome.status is Status.SUCCESS
        if not self.expected_success or not succeeded or self.outcome is None:
            return succeeded == self.expected_success
        return self.expected is None or self.outcome.spent == self.expected


def is_corpus(path: Path) -> bool:
    """Whether a file looks like a corpus: a JSON object that speaks of cases before anything a script would hold."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError:
        return False
    return start.lstrip().startswith(b"{") and (b'"cases"' in start or b'"schema_version"' in start)


def load_corpus(path: Path) -> tuple[CorpusCase, ...]:
    """The cases of a corpus file. InputError or DecodeError names the file."""
    try:
        corpus = msgspec.json.decode(path.read_bytes(), type=_Corpus)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (msgspec.MsgspecError, RecursionError) as error:
        raise DecodeError(f"{path}: is no replay corpus: {error}") from None
    if corpus.schema_version != _SCHEMA_VERSION:
        raise InputError(f"{path}: a corpus of version {corpus.schema_version}; this reads version {_SCHEMA_VERSION}")
    return corpus.cases


def from_corpus(path: Path) -> Workload:
    """The evaluations of a corpus that succeed, as a workload. InputError or DecodeError names the file."""
    cases = load_corpus(path)
    succeeding = [case for case in cases if case.expected.success]
    if not succeeding:
        raise InputError(f"{path}: the corpus has no case that succeeds")
    failing = len(cases) - len(succeeding)
    return Workload(
        path.stem,
        tuple(
            WorkloadProgram(
                name=case.id,
                flat=_bytes(case, case.flat_program_hex),
                language=case.language,
                protocol_version=case.protocol_version.major,
                arguments=tuple(_bytes(case, argument) for argument in case.arguments_cbor_hex),
                source=str(path),
                expected=case.expected.ex_units.ex_units if case.expected.ex_units else None,
                ledger_parameters=case.cost_model.parameters,
            )
            for case in succeeding
        ),
        (path,),
        (f"{failing} of {len(cases)} cases fail, which is not timed",) if failing else (),
    )


def replay_corpus(cases: tuple[CorpusCase, ...]) -> Iterator[CaseResult]:
    """Evaluates every case within its own budget and cost model."""
    for case in cases:
        yield _replay(case)


def _replay(case: CorpusCase) -> CaseResult:
    expected = case.expected.ex_units.ex_units if case.expected.ex_units else None
    began = time.perf_counter_ns()
    try:
        script = Script.decode(_bytes(case, case.flat_program_hex), case.language, case.protocol_version.major)
        for argument in case.arguments_cbor_hex:
            script.apply_data(_bytes(case, argument))
    except DecodeError as error:
        spent = time.perf_counter_ns() - began
        return CaseResult(case.id, case.expected.success, expected, None, str(error), spent, 0)
    decoded = time.perf_counter_ns()
    try:
        machine = _machine(case.cost_model.parameters, case.language, case.protocol_version.major)
    except ModelError as error:
        raise ModelError(f"corpus case {case.id}: {error}") from None
    ready = time.perf_counter_ns()
    outcome = machine.evaluate(script, case.budget_limit.ex_units)
    ended = time.perf_counter_ns()
    return CaseResult(case.id, case.expected.success, expected, outcome, None, decoded - began, ended - ready)


def _bytes(case: CorpusCase, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InputError(f"corpus case {case.id}: a program or argument that is not hexadecimal") from None


@lru_cache(maxsize=16)
def _machine(parameters: tuple[int, ...], language: LedgerLanguage, protocol_version: int) -> NativeMachine:
    variant: Variant = variant_for(language, protocol_version)
    return NativeMachine(from_array(parameters, language, protocol_version), variant)
