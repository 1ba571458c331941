"""What an evaluator says of its work: a message a script, and one for each builtin that it has applied."""

from __future__ import annotations

from typing import Final, Protocol

from costmodel.machine.interface import EvaluationStatus, Outcome
from costmodel.machine.native import Script
from costmodel.model import ExUnits
from costmodel.trace import Channel, Severity, Trace

SCRIPTS: Final = "evaluator.script"
BUILTINS: Final = "evaluator.builtin"


class ScriptRunner(Protocol):
    """What evaluates decoded scripts."""

    def evaluate(self, script: Script, budget: ExUnits, *, result: bool = False) -> Outcome: ...


class Narrator:
    """Says what came of evaluations. One for a thread: it numbers them."""

    def __init__(self, scripts: Channel | None, builtins: Channel | None) -> None:
        self._scripts, self._builtins = scripts, builtins
        self._number = 0

    @classmethod
    def of(cls, trace: Trace) -> Narrator | None:
        """None where nobody would hear it."""
        scripts, builtins = trace.channel(SCRIPTS), trace.channel(BUILTINS)
        return cls(scripts, builtins) if scripts or builtins else None

    def tell(self, outcome: Outcome, **about: object) -> None:
        """Say how one evaluation came out; `about` names it."""
        self._number += 1
        if self._scripts is not None:
            self._scripts.emit(
                "evaluated",
                Severity.INFO if outcome.status is EvaluationStatus.SUCCESS else Severity.WARNING,
                evaluation=self._number,
                status=outcome.status.value,
                error=outcome.error,
                cpu=outcome.spent.cpu,
                memory=outcome.spent.mem,
                steps=outcome.steps,
                **about,
            )
        if self._builtins is not None:
            for name, count in outcome.builtins.items():
                self._builtins.emit("applied", Severity.DEBUG, evaluation=self._number, builtin=name, count=count)

    def refuse(self, reason: str, **about: object) -> None:
        """Say that a script was not evaluated, since it does not decode or may not be run."""
        self._number += 1
        if self._scripts is not None:
            self._scripts.emit("refused", Severity.WARNING, evaluation=self._number, error=reason, **about)


class TracedMachine:
    """An evaluator that has its evaluations told."""

    def __init__(self, machine: ScriptRunner, narrator: Narrator) -> None:
        self._machine, self._narrator = machine, narrator

    def evaluate(self, script: Script, budget: ExUnits, *, result: bool = False) -> Outcome:
        outcome = self._machine.evaluate(script, budget, result=result)
        self._narrator.tell(outcome, nodes=script.nodes)
        return outcome


def traced(machine: ScriptRunner, trace: Trace) -> ScriptRunner:
    """An evaluator that says what it does, or, where that is muted, the machine itself: not to trace costs nothing."""
    narrator = Narrator.of(trace)
    return machine if narrator is None else TracedMachine(machine, narrator)
