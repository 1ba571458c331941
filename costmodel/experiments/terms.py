"""Small programs to measure with, and the cells that they become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import msgspec

from costmodel.errors import ModelError
from costmodel.machine import EvaluationStatus, NativeMachine, Script, exact_machine
from costmodel.machine.native import decoded
from costmodel.model import ExUnits, Variant, proposed_model
from costmodel.plutus import (
    BUILTINS,
    INTEGER,
    UPLC_1_1_0,
    Apply,
    Batch,
    Builtin,
    BuiltinTerm,
    Const,
    Constant,
    Force,
    Lam,
    LedgerLanguage,
    Program,
    Term,
    Var,
    available_since,
    decode_flat,
    encode_flat,
)
from costmodel.records.run import Experiment, Work
from costmodel.runs.design import Cell

LANGUAGE: Final = LedgerLanguage.PLUTUS_V3
PROTOCOL_VERSION: Final = 11
"""Everything is measured where every builtin of the chain is available; those of later versions, at theirs."""

_VARIANT: Final = Variant.E
_UNLIMITED: Final = ExUnits(2**63 - 1, 2**63 - 1)
_RESULT_CAP: Final = 1 << 26  # bytes: the largest values of a domain are longer than anyone would print

# The no-ops follow the chain's builtins: arities 1 to 6, each with 0, 1 and 2 forces (native/builtins/table.h).
_FIRST_NOP_TAG: Final = len(BUILTINS)
_NOP_FORCES: Final = 3


def nop(arity: int, forces: int) -> Builtin:
    """The builtin that does nothing with `arity` arguments after `forces` forces."""
    variables = ["a", "b"][:forces] + ["integer"] * arity
    tag = _FIRST_NOP_TAG + (arity - 1) * _NOP_FORCES + forces
    # With one argument the second variable is left for the result.
    signature = f"{', '.join(variables[:arity])} -> {'b' if forces > arity else 'unit'}"
    return Builtin(tag, f"nop{arity}_{forces}", Batch.ONE, signature, {}, costed=False)


def integer(value: int) -> Const:
    """An integer constant."""
    return Const(Constant(INTEGER, value))


def saturated(builtin: Builtin, forces: int, arguments: Iterable[Term]) -> Term:
    """A builtin applied to all its arguments."""
    term: Term = BuiltinTerm(builtin)
    for _ in range(forces):
        term = Force(term)
    for argument in arguments:
        term = Apply(term, argument)
    return term


def sequence(terms: Sequence[Term], body: Term) -> Term:
    """Evaluates closed terms one after another, drops their values and goes on with `body`."""
    for term in reversed(terms):
        body = Apply(Lam(body), term)
    return body


@dataclass(frozen=True, slots=True)
class Bound:
    """What the item of a row with this number, from 0, came to."""

    item: int


Operand = Const | Bound
"""What a builtin is applied to."""

Operands = tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Application:
    """A saturated builtin."""

    builtin: Builtin
    operands: Operands

    def term(self, depth: int) -> Term:
        """Below `depth` binders, of which each holds the value of one item."""
        arguments = (Var(depth - one.item) if isinstance(one, Bound) else one for one in self.operands)
        return saturated(self.builtin, self.builtin.forces, arguments)


Item = Const | Application


def row(items: Sequence[Item]) -> Term:
    """Evaluates items one after another; each may refer to the values of those before it."""
    return sequence(_terms(items), integer(0))


def version_of(builtin: Builtin) -> int:
    """The protocol version at which a builtin is measured: the first that has it, where that is a later one."""
    return max(PROTOCOL_VERSION, available_since(builtin.batch, LANGUAGE))


def constant_of(items: Sequence[Item], protocol_version: int = PROTOCOL_VERSION) -> Constant:
    """The constant that the last item of a row comes to."""
    *others, last = _terms(items)
    flat = encode_flat(Program(UPLC_1_1_0, sequence(others, last)))
    outcome = _machine().evaluate(Script.decode(flat, LANGUAGE, protocol_version), _UNLIMITED, result=True)
    term = decode_flat(outcome.result).term if outcome.result is not None else None
    if not isinstance(term, Const):
        raise ModelError(f"the design is wrong: what is to be made comes to no constant ({outcome.error})")
    return term.constant


def bytes_of(items: Sequence[Item]) -> bytes:
    """The byte string that the last item of a row comes to."""
    value = constant_of(items).value
    if not isinstance(value, bytes):
        raise ModelError("the design is wrong: operands that are to be made do not come to a byte string")
    return value


def _terms(items: Sequence[Item]) -> list[Term]:
    return [item.term(at) if isinstance(item, Application) else item for at, item in enumerate(items)]


def cell(
    name: str,
    experiment: Experiment,
    operation: str,
    term: Term,
    *,
    sizes: tuple[int, ...] = (),
    sizes_by_measure: Mapping[str, tuple[int, ...]] | None = None,
    repeats: int = 1,
    work: Work = "evaluate",
    arguments: tuple[bytes, ...] = (),
    budget: ExUnits = _UNLIMITED,
    counted: bool = True,
    protocol_version: int = PROTOCOL_VERSION,
) -> Cell:
    """A cell for a term, with the steps of one evaluation as the machine takes them, and what else it sees if that is
    to be `counted`, which takes several evaluations.

    ModelError for a term that does not run to success within the budget at the ledger's prices.
    """
    flat = encode_flat(Program(UPLC_1_1_0, term))
    script = Script.decode(flat, LANGUAGE, protocol_version, measuring=True)
    for argument in arguments:
        script.apply_data(argument)
    outcome = _machine().evaluate(script, budget)
    if outcome.status is not EvaluationStatus.SUCCESS:
        raise ModelError(f"the design of {name} is wrong: its program ends in {outcome.status.value}, {outcome.error}")
    made = Cell(
        id=name,
        experiment=experiment,
        operation=operation,
        sizes=sizes,
        sizes_by_measure=dict(sizes_by_measure or {}),
        work=work,
        flat=flat,
        arguments=arguments,
        repeats=repeats,
        steps=outcome.steps,
        builtins=outcome.builtins,
        language=LANGUAGE.value,
        protocol_version=protocol_version,
        nops=True,
    )
    return with_features(made, budget) if counted else made


def with_features(made: Cell, budget: ExUnits) -> Cell:
    """A cell, and what else the machine sees of it, which takes several evaluations."""
    features = _machine().features(decoded(made), budget)
    return msgspec.structs.replace(made, footprint=features.footprint, features=features.counts)


def binders_passed(made: Cell) -> int:
    """What `NativeMachine.binders_passed` counts in one evaluation of a cell without arguments."""
    script = Script.decode(made.flat, LANGUAGE, made.protocol_version, measuring=True, own_frames=True)
    return _machine().binders_passed(script, _UNLIMITED)


@cache
def _machine() -> NativeMachine:
    return exact_machine(_VARIANT, proposed_model(_VARIANT), result_cap=_RESULT_CAP)
