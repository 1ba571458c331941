"""What fuzzing found, each as a small program."""

import pytest

from costmodel.errors import DecodeError
from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.plutus import LedgerLanguage, Term, decode_flat, encode_flat, parse_program

PLENTY = ExUnits(10**12, 10**12)


def result_of(term: str) -> Term:
    flat = encode_flat(parse_program(f"(program 1.1.0 {term})"))
    script = Script.decode(flat, LedgerLanguage.PLUTUS_V3, 11)
    outcome = NativeMachine(ledger_model(Variant.E), Variant.E).evaluate(script, PLENTY, result=True)
    assert outcome.status is EvaluationStatus.SUCCESS
    assert outcome.result is not None
    return decode_flat(outcome.result).term


@pytest.mark.parametrize(
    ("program", "result"),
    [
        (
            "[(lam y (delay [(lam x [x y]) (con integer 1)])) (con integer 5)]",
            "(delay [(lam x [x (con integer 5)]) (con integer 1)])",
        ),
        (
            "[(lam y (delay (lam u [(lam x [(lam z [x y z u]) x]) u]))) (con integer 5)]",
            "(delay (lam u [(lam x [(lam z [x (con integer 5) z u]) x]) u]))",
        ),
        (
            # Forced once already, so the variable has a value that the second delay must not be written with.
            "[(lam y [(lam d [(lam z d) (force d)]) (delay [(lam x (delay [x y])) (con integer 1)])]) (con unit ())]",
            "(delay [(lam x (delay [x (con unit ())])) (con integer 1)])",
        ),
    ],
)
def test_lets_in_a_delay_are_written_as_variables(program: str, result: str) -> None:
    assert result_of(program) == parse_program(f"(program 1.1.0 {result})").term


def test_surrogates_are_no_text() -> None:
    with pytest.raises(DecodeError, match="surrogate"):
        parse_program('(program 1.1.0 (con string "a\ud800"))')
