"""One builtin applied to constants, on the native machine."""

from __future__ import annotations

from functools import cache
from typing import Any

from costmodel.machine import EvaluationStatus, NativeMachine, Outcome, Script
from costmodel.model import MAX_COST, ExUnits, Variant, ledger_model
from costmodel.plutus import (
    BOOL,
    BUILTIN_BY_NAME,
    BYTESTRING,
    INTEGER,
    UPLC_1_0_0,
    Apply,
    BuiltinTerm,
    Const,
    Constant,
    Force,
    Program,
    Term,
    decode_flat,
    encode_flat,
)

UNLIMITED = ExUnits(MAX_COST, MAX_COST)


def short(value: object) -> str:
    """A name for a parameter of a test: large integers by their length, as Python refuses to write them out."""
    if isinstance(value, int) and value.bit_length() > 64:
        return f"{'-' if value < 0 else ''}{value.bit_length()}bits"
    return repr(value)


@cache
def _machine(variant: Variant) -> NativeMachine:
    return NativeMachine(ledger_model(variant), variant, result_cap=1 << 26)


def constant(value: Any) -> Constant:
    """A boolean, integer or byte string as a constant; one that is a constant already as it is."""
    if isinstance(value, Constant):
        return value
    types = {bool: BOOL, int: INTEGER, bytes: BYTESTRING}
    return Constant(types[type(value)], value)


def application(name: str, *arguments: Any) -> Term:
    """A saturated call; each argument is a term, or a value for `constant`."""
    builtin = BUILTIN_BY_NAME[name]
    term: Term = BuiltinTerm(builtin)
    for _ in range(builtin.forces):
        term = Force(term)
    for argument in arguments:
        term = Apply(term, argument if isinstance(argument, Term) else Const(constant(argument)))
    return term


def evaluate(term: Term, variant: Variant = Variant.E, budget: ExUnits = UNLIMITED) -> Outcome:
    flat = encode_flat(Program(UPLC_1_0_0, term), allow_group_elements=True)
    return _machine(variant).evaluate(Script.decode(flat, None, group_elements=True), budget, result=True)


def value_of(term: Term, variant: Variant = Variant.E) -> Any:
    """The value of the constant that a term evaluates to; None if its evaluation fails."""
    outcome = evaluate(term, variant)
    if outcome.status is EvaluationStatus.FAILURE:
        return None
    assert outcome.status is EvaluationStatus.SUCCESS, outcome.error
    assert outcome.result is not None
    result = decode_flat(outcome.result, allow_group_elements=True).term
    assert isinstance(result, Const)
    return result.constant.value


def call(name: str, *arguments: Any, variant: Variant = Variant.E) -> Any:
    """The value that a builtin gives for some arguments; None if it fails."""
    return value_of(application(name, *arguments), variant)
