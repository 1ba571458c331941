"""What a cost model says of a program: its ExUnits under the ledger's model, its time under the one in question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from costmodel.errors import CheckFailed, InputError, ModelError
from costmodel.machine import BINDERS, EvaluationStatus, Features, NativeMachine, Outcome, Script, exact_machine
from costmodel.machine.usage import Call, UsageRecorder
from costmodel.model import (
    MAX_COST,
    STARTUP_KEY,
    CostModel,
    ExUnits,
    StepKind,
    Variant,
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


@dataclass(frozen=True, slots=True)
class Prediction:
    """One program under the ledger's model and under the model in question.

    `ex_units` are the ledger's. `parts_ns` are the nanoseconds that the model in question predicts for the evaluation,
    by what they are spent on: start-up, each step kind (by the names of cost-model files) and each builtin used.
    `steps` (by kind: "const", "var" …) and `builtins` count one evaluation's machine steps and builtin applications,
    `calls` the latter by sizes. `footprint` and `features` are what a counting run sees beside steps.
    """

    program: WorkloadProgram
    ex_units: ExUnits
    parts_ns: Mapping[str, float]
    steps: Mapping[str, int]
    builtins: Mapping[str, int]
    calls: Mapping[Call, int] = field(default_factory=dict)
    footprint: int = 0
    features: Mapping[str, float] = field(default_factory=dict)

    @property
    def evaluation_ns(self) -> float:
        """Predicted time of one evaluation, start-up included."""
        return sum(self.parts_ns.values())

    @property
    def kinds(self) -> Mapping[str, int]:
        """Machine steps by kind, by the names of `parts_ns`."""
        return {_kind(name).json_key: count for name, count in self.steps.items()}

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each part is spent in one evaluation, by the names of `parts_ns`."""
        return {STARTUP_KEY: 1, **self.kinds, **self.builtins}


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
            ledger[key] = exact_machine(variant, charged(program, variant))
        outcomes.append(_ledger_outcome(ledger[key], program, script))
    model.require(
        {name for outcome in outcomes for name in outcome.builtins},
        {_kind(name) for outcome in outcomes for name in outcome.steps},
    )
    recorders = _Recorders(model)
    predictions = []
    for (program, script), outcome in zip(scripts, outcomes, strict=True):
        calls, features = recorders.calls(program, script), recorders.features(program, script)
        predictions.append(
            Prediction(
                program=program,
                ex_units=outcome.spent,
                parts_ns={part: ps_to_ns(ps) for part, ps in _parts_ps(model, outcome, calls).items()},
                steps=outcome.steps,
                builtins=outcome.builtins,
                calls=calls,
                footprint=features.footprint,
                features=features.counts,
            )
        )
    return tuple(predictions)


def charged(program: WorkloadProgram, variant: Variant) -> CostModel:
    """What the ledger charges the program by."""
    if program.ledger_parameters is None:
        return ledger_model(variant)
    try:
        return from_array(program.ledger_parameters, program.language, program.protocol_version)
    except ModelError as error:
        raise ModelError(f"{program.source}: {program.label}: {error}") from None


def _ledger_outcome(machine: NativeMachine, program: WorkloadProgram, script: Script) -> Outcome:
    outcome = machine.evaluate(script, LEDGER_LIMIT)
    if outcome.status is not EvaluationStatus.SUCCESS:
        raise InputError(f"{program.source}: {program.label} does not run to success: {outcome.error}")
    if program.expected is not None and outcome.spent != program.expected:
        raise CheckFailed(
            f"{program.source}: {program.label} uses {_shown(outcome.spent)}, expected are {_shown(program.expected)}"
        )
    return outcome


class _Recorders:
    """Records what programs do, on machines of the model in question: its shapes say by which measures sizes count."""

    def __init__(self, model: CostModel) -> None:
        self._model = model
        self._machines: dict[Variant, NativeMachine] = {}

    def features(self, program: WorkloadProgram, script: Script) -> Features:
        """What a counting run sees, whatever it costs."""
        machine = self._machine(program)
        found = machine.features(script, _NO_LIMIT)
        passed = machine.binders_passed(program.script(own_frames=True), _NO_LIMIT)
        return replace(found, counts=found.counts | {BINDERS: float(passed)})

    def calls(self, program: WorkloadProgram, script: Script) -> dict[Call, int]:
        return UsageRecorder(self._machine(program)).record(script, _NO_LIMIT).calls

    def _machine(self, program: WorkloadProgram) -> NativeMachine:
        variant = variant_for(program.language, program.protocol_version)
        if variant not in self._machines:
            self._machines[variant] = exact_machine(variant, self._model)
        return self._machines[variant]


def _parts_ps(model: CostModel, outcome: Outcome, calls: Mapping[Call, int]) -> dict[str, int]:
    """Picoseconds by part, as they are charged."""
    parts = {STARTUP_KEY: 0 if model.startup is None else model.startup.cpu}
    for name, count in outcome.steps.items():
        kind = _kind(name)
        parts[kind.json_key] = count * model.steps[kind].cpu
    parts |= dict.fromkeys(outcome.builtins, 0)
    for (name, sizes), count in calls.items():
        parts[name] += count * model.builtins[name].cpu.evaluate(sizes)
    return parts


def _kind(name: str) -> StepKind:
    return StepKind[name.upper()]


def _shown(units: ExUnits) -> str:
    return f"{units.cpu} ps and {units.mem} words"
