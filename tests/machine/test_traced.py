"""What an evaluator says, and that it says nothing where nobody listens."""

from costmodel.machine import NativeMachine, Script
from costmodel.machine.traced import Narrator, TracedMachine, traced
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.plutus import LedgerLanguage, encode_flat, parse_program
from costmodel.trace import Message, Route, Severity, Trace

PLENTY = ExUnits(10**12, 10**9)


class Ear:
    """A backend that remembers."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    def emit(self, message: Message) -> None:
        self.heard.append(message)

    def close(self) -> str:
        return ""


def machine() -> NativeMachine:
    return NativeMachine(ledger_model(Variant.E), Variant.E)


def script(text: str) -> Script:
    return Script.decode(encode_flat(parse_program(text)), LedgerLanguage.PLUTUS_V3, 10)


ADDS = "(program 1.0.0 [(builtin addInteger) (con integer 1) [(builtin addInteger) (con integer 2) (con integer 3)]])"


def test_a_script_and_its_builtins_are_told() -> None:
    ear = Ear()
    outcome = traced(machine(), Trace(Route(ear))).evaluate(script(ADDS), PLENTY, result=True)
    told, applied = ear.heard
    assert (told.namespace, told.kind, told.severity) == ("evaluator.script", "evaluated", Severity.INFO)
    assert told.fields["cpu"] == outcome.spent.cpu
    assert told.fields["steps"] == outcome.steps
    assert (applied.namespace, applied.kind) == ("evaluator.builtin", "applied")
    assert applied.fields == {"evaluation": 1, "builtin": "addInteger", "count": 2}


def test_tracing_changes_no_outcome() -> None:
    plain = machine().evaluate(script(ADDS), PLENTY, result=True)
    assert traced(machine(), Trace(Route(Ear()))).evaluate(script(ADDS), PLENTY, result=True) == plain


def test_a_failure_is_a_warning_with_its_reason() -> None:
    ear = Ear()
    traced(machine(), Trace(Route(ear))).evaluate(script("(program 1.0.0 (error))"), PLENTY)
    (told,) = ear.heard
    assert told.severity is Severity.WARNING
    assert told.fields["status"] == "evaluation failure"


def test_builtins_alone_can_be_muted() -> None:
    ear = Ear()
    evaluator = traced(machine(), Trace(Route(ear, mute=("evaluator.builtin",))))
    assert isinstance(evaluator, TracedMachine)
    evaluator.evaluate(script(ADDS), PLENTY)
    assert [message.kind for message in ear.heard] == ["evaluated"]


def test_a_muted_evaluator_is_the_machine_itself() -> None:
    plain = machine()
    assert traced(plain, Trace(Route(Ear(), mute=("evaluator",)))) is plain
    assert traced(plain, Trace()) is plain


def test_a_script_that_is_not_evaluated_is_told_as_well() -> None:
    ear = Ear()
    narrator = Narrator.of(Trace(Route(ear)))
    assert narrator is not None
    narrator.refuse("no script", case="a")
    narrator.tell(machine().evaluate(script("(program 1.0.0 (con unit ()))"), PLENTY), case="b")
    refused, evaluated = ear.heard
    assert (refused.kind, refused.severity) == ("refused", Severity.WARNING)
    assert refused.fields == {"evaluation": 1, "error": "no script", "case": "a"}
    assert (evaluated.fields["evaluation"], evaluated.fields["case"]) == (2, "b")
