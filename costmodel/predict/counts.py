"""What a cost model says of a program: its ExUnits under the ledger's model, its time under the one in question."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from costmodel.errors import CheckFailed, InputError, ModelError
from costmodel.machine import EvaluationStatus, Features, NativeMachine, Outcome, Script, exact_machine
from costmodel.model import (
    MAX_COST,
    STARTUP_KEY,
    BuiltinCost,
    CostingFunction,
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
    `sizes` has for coefficients of builtins ("addInteger.slope") what the evaluation takes more, in ps, where the
    coefficient is one higher. `footprint` and `features` are what a counting run sees beside steps.
    """

    program: WorkloadProgram
    ex_units: ExUnits
    parts_ns: Mapping[str, float]
    steps: Mapping[str, int]
    builtins: Mapping[str, int]
    sizes: Mapping[str, int] = field(default_factory=dict)
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


def predict(
    model: CostModel, programs: Iterable[WorkloadProgram], coefficients: Collection[str] = ()
) -> tuple[Prediction, ...]:
    """Predictions for programs, in their order, with the sizes of these `coefficients` of builtins.

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
    pricing = _PricedMachines(model, coefficients)
    counted = [pricing.counted(program, script) for program, script in scripts]
    return tuple(
        Prediction(
            program=program,
            ex_units=outcome.spent,
            parts_ns={part: ps_to_ns(ps) for part, ps in pricing.parts_ps(program, script, outcome).items()},
            steps=outcome.steps,
            builtins=outcome.builtins,
            sizes=pricing.sizes(program, script, outcome),
            footprint=features.footprint,
            features=features.counts,
        )
        for (program, script), outcome, features in zip(scripts, outcomes, counted, strict=True)
    )


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


class _PricedMachines:
    """The model in question, as machines: itself, without the cost of one builtin, and with one coefficient higher."""

    def __init__(self, model: CostModel, coefficients: Collection[str]) -> None:
        self._model = model
        self._wanted = frozenset(coefficients)
        self._machines: dict[tuple[Variant, str], NativeMachine] = {}

    def parts_ps(self, program: WorkloadProgram, script: Script, outcome: Outcome) -> dict[str, int]:
        """Picoseconds by part. A builtin's part is what the evaluation costs less when the builtin costs nothing."""
        variant = variant_for(program.language, program.protocol_version)
        whole = self._cpu(variant, script)
        kinds = {_kind(name): count for name, count in outcome.steps.items()}
        steps = {kind.json_key: count * self._model.steps[kind].cpu for kind, count in kinds.items()}
        builtins = {name: whole - self._cpu(variant, script, name) for name in outcome.builtins}
        startup = whole - sum(steps.values()) - sum(builtins.values())
        return {STARTUP_KEY: startup} | steps | builtins

    def counted(self, program: WorkloadProgram, script: Script) -> Features:
        """What a counting run sees, whatever it costs."""
        variant = variant_for(program.language, program.protocol_version)
        return self._machine(variant).features(script, _NO_LIMIT)

    def sizes(self, program: WorkloadProgram, script: Script, outcome: Outcome) -> dict[str, int]:
        """Picoseconds that the evaluation takes more where a coefficient of a builtin is one higher."""
        variant = variant_for(program.language, program.protocol_version)
        names = [f"{builtin}.{name}" for builtin in outcome.builtins for name in self._function(builtin).names]
        wanted = [name for name in names if name in self._wanted]
        whole = self._cpu(variant, script) if wanted else 0
        return {name: self._cpu(variant, script, name) - whole for name in wanted}

    def _function(self, builtin: str) -> CostingFunction:
        return self._model.builtins[builtin].cpu

    def _cpu(self, variant: Variant, script: Script, change: str = "") -> int:
        """What the evaluation takes: under the model, with a builtin for nothing, or with a coefficient one higher."""
        return self._machine(variant, change).evaluate(script, _NO_LIMIT).spent.cpu

    def _machine(self, variant: Variant, change: str = "") -> NativeMachine:
        key = variant, change
        if key not in self._machines:
            self._machines[key] = exact_machine(variant, self._changed(change))
        return self._machines[key]

    def _changed(self, change: str) -> CostModel:
        builtin, _, coefficient = change.partition(".")
        if not builtin:
            return self._model
        changed = _FREE_BUILTIN
        if coefficient:
            function = self._function(builtin)
            values = [
                value + (name == coefficient) for name, value in zip(function.names, function.values, strict=True)
            ]
            changed = replace(self._model.builtins[builtin], cpu=function.with_values(values))
        return replace(self._model, builtins={**self._model.builtins, builtin: changed})


def _kind(name: str) -> StepKind:
    return StepKind[name.upper()]


def _shown(units: ExUnits) -> str:
    return f"{units.cpu} ps and {units.mem} words"
