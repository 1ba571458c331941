"""What a cost model says of a program: its ExUnits under the ledger's model, its time under the one in question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from costmodel.errors import CheckFailed, InputError, ModelError
from costmodel.machine import NativeMachine, Outcome, Script, Status
from costmodel.model import (
    MAX_COST,
    STARTUP_KEY,
    BuiltinCost,
    CostModel,
    ExUnits,
    StepKind,
    Variant,
    costing_function,
    from_array,
    ledger_model,
    ps_to_ns,
    variant_for,
)
from costmodel.workloads import WorkloadProgram

LEDGER_LIMIT: Final = ExUnits(cpu=10**12, mem=10**9)
"""What a program may use: a second at the ledger's prices, a hundred times what a transaction may."""

# The ledger's budget has stopped what never ends; no price list may stop what does.
_NO_LIMIT: Final = ExUnits(MAX_COST, MAX_COST)
_FREE: Final = costing_function("constant_cost", {"constant": 0}, None, "no cost")
_FREE_BUILTIN: Final = BuiltinCost(_FREE, _FREE)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One program under the ledger's model and under the model in question.

    `ex_units` are the ledger's. `parts_ns` are the nanoseconds that the model in question predicts for the evaluation,
    by what they are spent on: start-up, each step kind (by the names of cost-model files) and each builtin used.
    `steps` (by kind: "const", "var" …) and `builtins` count one evaluation's machine steps and builtin applications.
    """

    program: WorkloadProgram
    ex_units: ExUnits
    parts_ns: Mapping[str, float]
    steps: Mapping[str, int]
    builtins: Mapping[str, int]

    @property
    def evaluation_ns(self) -> float:
        """Predicted time of one evaluation, start-up included."""
        return sum(self.parts_ns.values())

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each part is spent in one evaluation, by the names of `parts_ns`."""
        steps = {_kind(name).json_key: count for name, count in self.steps.items()}
        return {STARTUP_KEY: 1} | steps | dict(self.builtins)


def predict(model: CostModel, programs: Iterable[WorkloadProgram]) -> tuple[Prediction, ...]:
    """Predictions for programs, in their order.

    InputError for a program that does not run to success under the ledger's model, CheckFailed for one whose ExUnits
    are not the expected ones, ModelError for a model that does not price what a program uses.
    """
    ledger: dict[tuple[Variant, tuple[int, ...] | None], NativeMachine] = {}
    scripts = [(program, program.script()) for program in programs]
    outcomes: list[Outcome] = []
    for program, script in scripts:
        variant = variant_for(program.language, program.protocol_version)
        key = variant, program.ledger_parameters
        if key not in ledger:
            ledger[key] = NativeMachine(_charged(program, variant), variant)
        outcomes.append(_ledger_outcome(ledger[key], program, script))
    model.require(
        {name for outcome in outcomes for name in outcome.builtins},
        {_kind(name) for outcome in outcomes for name in outcome.steps},
    )
    pricing = _Pricing(model)
    return tuple(
        Prediction(
            program=program,
            ex_units=outcome.spent,
            parts_ns={part: ps_to_ns(ps) for part, ps in pricing.parts_ps(program, script, outcome).items()},
            steps=outcome.steps,
            builtins=outcome.builtins,
        )
        for (program, script), outcome in zip(scripts, outcomes, strict=True)
    )


def _charged(program: WorkloadProgram, variant: Variant) -> CostModel:
    """What the ledger charges the program by."""
    if program.ledger_parameters is None:
        return ledger_model(variant)
    try:
        return from_array(program.ledger_parameters, program.language, program.protocol_version)
    except ModelError as error:
        raise ModelError(f"{program.source}: {program.label}: {error}") from None


def _ledger_outcome(machine: NativeMachine, program: WorkloadProgram, script: Script) -> Outcome:
    outcome = machine.evaluate(script, LEDGER_LIMIT)
    if outcome.status is not Status.SUCCESS:
        raise InputError(f"{program.source}: {program.label} does not run to success: {outcome.error}")
    if program.expected is not None and outcome.spent != program.expected:
        raise CheckFailed(
            f"{program.source}: {program.label} uses {_shown(outcome.spent)}, expected are {_shown(program.expected)}"
        )
    return outcome


class _Pricing:
    """The model in question, as machines: itself, and without the cost of one builtin."""

    def __init__(self, model: CostModel) -> None:
        self._model = model
        self._machines: dict[tuple[Variant, str], NativeMachine] = {}

    def parts_ps(self, program: WorkloadProgram, script: Script, outcome: Outcome) -> dict[str, int]:
        """Picoseconds by part. A builtin's part is what the evaluation costs less when the builtin costs nothing."""
        variant = variant_for(program.language, program.protocol_version)
        whole = self._cpu(variant, script)
        kinds = {_kind(name): count for name, count in outcome.steps.items()}
        steps = {kind.json_key: count * self._model.steps[kind].cpu for kind, count in kinds.items()}
        builtins = {name: whole - self._cpu(variant, script, free=name) for name in outcome.builtins}
        startup = whole - sum(steps.values()) - sum(builtins.values())
        return {STARTUP_KEY: startup} | steps | builtins

    def _cpu(self, variant: Variant, script: Script, free: str = "") -> int:
        key = variant, free
        if key not in self._machines:
            builtins = {**self._model.builtins, free: _FREE_BUILTIN} if free else self._model.builtins
            self._machines[key] = NativeMachine(replace(self._model, builtins=builtins), variant)
        return self._machines[key].evaluate(script, _NO_LIMIT).spent.cpu


def _kind(name: str) -> StepKind:
    return StepKind[name.upper()]


def _shown(units: ExUnits) -> str:
    return f"{units.cpu} ps and {units.mem} words"
