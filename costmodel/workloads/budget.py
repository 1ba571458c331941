"""Budget fitting: the largest loop count whose exact ExUnits stay within a target, as the node workbench seeks it.

Strategies and the fields of the summary are those of the workbench's `calibrate-script`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

import msgspec

from costmodel.errors import InputError
from costmodel.machine import EvaluationStatus, Outcome, exact_machine
from costmodel.model import ExUnits, variant_for
from costmodel.model.timeline import ProtocolParameters
from costmodel.plutus import Data, data_to_json
from costmodel.records.cluster import Budget, BudgetUnits
from costmodel.workloads.evaluation import PLENTY
from costmodel.workloads.loops import Loop
from costmodel.workloads.workload import script_redeemer

SCALES: Final = (1.5, 2.0)
"""Factors by which `scaled_fits` enlarges limits."""

_Limit = tuple[Literal["tx", "block"], Literal["cpu", "mem"]]
_UNITS: Final = {"cpu": "steps", "mem": "memory"}

# Which limits are enlarged, in which order, by what a script is limited by: where its target is a transaction's limit,
# and where it is a part of a block's.
_TX_ORDER: Final[dict[str, tuple[_Limit, ...]]] = {
    "memory": (("tx", "mem"), ("block", "mem"), ("block", "cpu"), ("tx", "cpu")),
    "steps": (("tx", "cpu"), ("block", "cpu"), ("block", "mem"), ("tx", "mem")),
}
_BLOCK_ORDER: Final[dict[str, tuple[_Limit, ...]]] = {
    "memory": (("block", "mem"), ("block", "cpu")),
    "steps": (("block", "cpu"), ("block", "mem")),
}

_MOST_LOOPS: Final = 10_000_000
_BLOCK_FACTORS: Final = tuple(Fraction(quarters, 4) for quarters in range(4, 9))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a transaction and what a block may spend."""

    tx: ExUnits
    block: ExUnits

    @classmethod
    def of(cls, parameters: ProtocolParameters) -> Limits:
        """The limits in force. InputError before Alonzo, which has none."""
        tx, block = parameters.max_tx_execution_units, parameters.max_block_execution_units
        if tx is None or block is None:
            raise InputError("scripts have no budget before Alonzo; choose a later epoch")
        return cls(tx, block)


@dataclass(frozen=True, slots=True)
class Strategy:
    """What a loop is fitted to, a transaction having one script.

    `txbudget`: a transaction's limit. `txperblock_N`: the Nth part of a block's limit, and no more than a
    transaction's. `blockbudget_r`, 1 ≤ r ≤ 2: a block's limit shared by ⌈r·k⌉ transactions, k being how many times a
    transaction's limit goes into it; `blockbudget` tries r = 1, 1.25 … 2 and takes the most loops a block.
    """

    name: str
    transactions: int | None = None
    factor: Fraction | None = None

    @classmethod
    def parse(cls, text: str) -> Strategy:
        """From the workbench's spelling. InputError for any other."""
        if text in ("txbudget", "blockbudget"):
            return cls(text)
        if (match := re.fullmatch(r"txperblock_(\d{1,6})", text)) and int(match[1]) > 0:
            return cls(text, transactions=int(match[1]))
        if (match := re.fullmatch(r"blockbudget_(\d(?:\.\d{1,9})?)", text)) and 1 <= Fraction(match[1]) <= 2:
            return cls(text, factor=Fraction(match[1]))
        raise InputError(
            f"unknown strategy {text[:80]!r}; use txbudget, txperblock_N, blockbudget or blockbudget_R, 1 ≤ R ≤ 2"
        )

    def target(self, limits: Limits) -> ExUnits:
        """What one script may spend. Not for a bare `blockbudget`, which stands for several strategies."""
        tx, block = limits.tx, limits.block
        if self.transactions is not None:
            share = _divided(block, self.transactions)
            return ExUnits(min(share.cpu, tx.cpu), min(share.mem, tx.mem))
        if self.factor is not None:
            times = max(Fraction(block.cpu, tx.cpu), Fraction(block.mem, tx.mem))
            return _divided(block, math.ceil(self.factor * times))
        return tx


@dataclass(frozen=True, slots=True)
class BudgetFit:
    """The largest loop count within a target. `limited_by` has "steps", "memory" or both: what one more would exceed.

    `redeemer` makes the script loop so often. `scaled` names the enlarged limits and the factor, and is empty for the
    limits in force.
    """

    script: str
    strategy: Strategy
    limits: Limits
    target: ExUnits
    loop_count: int
    used: ExUnits
    limited_by: tuple[str, ...]
    redeemer: Data
    scaled: str = ""

    @property
    def transactions_per_block(self) -> int:
        """How many such transactions a block's limit has room for."""
        return min(self.limits.block.cpu // self.used.cpu, self.limits.block.mem // self.used.mem)

    @property
    def loops_per_block(self) -> int:
        return self.loop_count * self.transactions_per_block

    def document(self, scales: Sequence[BudgetFit] = ()) -> Budget:
        """The workbench's budget summary (its names), and the same of `scales`."""
        tags = {"steps": "ExceededStepLimit", "memory": "ExceededMemoryLimit"}
        number = self.transactions_per_block
        in_block = ExUnits(self.used.cpu * number, self.used.mem * number)
        return Budget(
            script_id=self.script,
            script_arg_redeemer=msgspec.json.decode(data_to_json(self.redeemer)),
            budget_strategy=self.strategy.name,
            scaled=self.scaled,
            budget_per_tx=_units(self.limits.tx),
            budget_per_tx_input=_units(self.limits.tx),
            budget_per_block=_units(self.limits.block),
            budget_target=_units(self.target),
            loop_counter=self.loop_count,
            loop_limiting_factors=tuple(tags[limit] for limit in self.limited_by),
            budget_used_per_tx_input=_units(self.used),
            projected_budget_unused_per_tx=_units(_less(self.limits.tx, self.used)),
            projected_budget_unused_per_block=_units(_less(self.limits.block, in_block)),
            projected_tx_per_block=number,
            projected_loops_per_block=self.loops_per_block,
            scales=tuple(fit.document() for fit in scales),
        )


class Meter:
    """Exact ExUnits of a loop at any count, under the cost model in force."""

    def __init__(self, loop: Loop, parameters: ProtocolParameters) -> None:
        self.loop = loop
        first = loop(1)
        self.name = first.name
        variant = variant_for(first.language, parameters.major)
        self._machine = exact_machine(variant, parameters.cost_model(first.language))

    def within(self, count: int, target: ExUnits) -> bool:
        """Whether so many iterations stay within a target. InputError for a script that fails for another reason."""
        outcome = self._outcome(count, target)
        return outcome.status is EvaluationStatus.SUCCESS and _fits(outcome.spent, target)

    def redeemer(self, count: int) -> Data:
        """What makes the script loop so often."""
        program = self.loop(count)
        return script_redeemer(program.language, program.arguments)

    def spent(self, count: int) -> ExUnits:
        """ExUnits of so many iterations, whatever the limits."""
        return self._outcome(count, PLENTY).spent

    def _outcome(self, count: int, budget: ExUnits) -> Outcome:
        program = self.loop(count)
        outcome = self._machine.evaluate(program.script(), budget)
        if outcome.status not in (EvaluationStatus.SUCCESS, EvaluationStatus.OVER_BUDGET):
            raise InputError(f"{program.source}: {program.label} does not run to success: {outcome.error}")
        return outcome


def fit_budget(meter: Meter, strategy: Strategy, limits: Limits, scaled: str = "") -> BudgetFit:
    """Binary search for the largest loop count within the strategy's target.

    InputError where not one iteration fits, and where the count makes no difference to what is spent.
    """
    if strategy.name == "blockbudget":
        tried = (Strategy(f"blockbudget_{float(factor):g}", factor=factor) for factor in _BLOCK_FACTORS)
        fits_of = [fit_budget(meter, each, limits, scaled) for each in tried]
        return max(reversed(fits_of), key=lambda fit: fit.loops_per_block)  # of equal ones the workbench has the last
    target = strategy.target(limits)
    if not meter.within(1, target):
        raise InputError(f"{meter.name}: not one iteration fits into {target.cpu:,} ps and {target.mem:,} words")
    fits, exceeds = 1, 2
    while meter.within(exceeds, target):
        if exceeds >= _MOST_LOOPS:
            raise InputError(f"{meter.name}: {exceeds:,} iterations still fit; does its redeemer count its loop?")
        fits, exceeds = exceeds, exceeds * 2
    while exceeds - fits > 1:
        middle = (fits + exceeds) // 2
        if meter.within(middle, target):
            fits = middle
        else:
            exceeds = middle
    over = meter.spent(exceeds)
    limited = [name for name, much in (("steps", over.cpu > target.cpu), ("memory", over.mem > target.mem)) if much]
    redeemer, used = meter.redeemer(fits), meter.spent(fits)
    return BudgetFit(meter.name, strategy, limits, target, fits, used, tuple(limited), redeemer, scaled)


def scaled_fits(meter: Meter, base: BudgetFit) -> list[BudgetFit]:
    """The workbench's automatic scaling of a fit: what it takes to let a script do more by each of SCALES.

    For each scale, limits are enlarged by it one after another, what limits the script first, until the script is
    limited by the same and a block holds as many transactions as before. All fits on the way are given. The workbench
    is told, or takes from the strategy, whether a script is after steps or memory; here the fit shows it.
    """
    order = (_TX_ORDER if base.strategy.name == "txbudget" else _BLOCK_ORDER)[base.limited_by[0]]
    found = []
    for scale in SCALES:
        limits, labels = base.limits, list[str]()
        for of, unit in order:
            now: ExUnits = getattr(limits, of)
            limits = replace(limits, **{of: replace(now, **{unit: int(getattr(now, unit) * Fraction(scale))})})
            labels.append(f"{of} {_UNITS[unit]}")
            fit = fit_budget(meter, base.strategy, limits, f"{', '.join(labels)} ×{scale:g}")
            found.append(fit)
            if (fit.limited_by, fit.transactions_per_block) == (base.limited_by, base.transactions_per_block):
                break
    return found


def _divided(units: ExUnits, by: int) -> ExUnits:
    return ExUnits(units.cpu // by, units.mem // by)


def _less(units: ExUnits, used: ExUnits) -> ExUnits:
    return ExUnits(units.cpu - used.cpu, units.mem - used.mem)


def _fits(spent: ExUnits, target: ExUnits) -> bool:
    return spent.cpu <= target.cpu and spent.mem <= target.mem


def _units(units: ExUnits) -> BudgetUnits:
    return BudgetUnits(memory=units.mem, steps=units.cpu)
