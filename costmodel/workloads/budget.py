"""Budget fitting: the largest loop count whose exact ExUnits stay within a target, as the node workbench seeks it.

Strategies and the fields of the summary are those of the workbench's `calibrate-script`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from costmodel.errors import InputError
from costmodel.machine import NativeMachine, Outcome, Status
from costmodel.model import ExUnits, variant_for
from costmodel.model.timeline import ProtocolParameters
from costmodel.workloads.evaluation import PLENTY
from costmodel.workloads.loops import Loop

SCALES: Final = (1.5, 2.0)
"""Factors by which `scaled_fits` enlarges the limits, one at a time."""

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

    `scaled` names the enlarged limit and the factor, and is empty for the limits in force.
    """

    script: str
    strategy: Strategy
    limits: Limits
    target: ExUnits
    loop_count: int
    used: ExUnits
    limited_by: tuple[str, ...]
    scaled: str = ""

    @property
    def transactions_per_block(self) -> int:
        """How many such transactions a block's limit has room for."""
        return min(self.limits.block.cpu // self.used.cpu, self.limits.block.mem // self.used.mem)

    @property
    def loops_per_block(self) -> int:
        return self.loop_count * self.transactions_per_block

    def to_dict(self) -> dict[str, Any]:
        """The workbench's budget summary (its names; `steps` are picoseconds, `memory` words), and `scaled`."""
        tags = {"steps": "ExceededStepLimit", "memory": "ExceededMemoryLimit"}
        number = self.transactions_per_block
        in_block = ExUnits(self.used.cpu * number, self.used.mem * number)
        return {
            "scriptId": self.script,
            "budgetStrategy": self.strategy.name,
            "budgetPerBlock": _units(self.limits.block),
            "budgetPerTx": _units(self.limits.tx),
            "budgetPerTxInput": _units(self.limits.tx),
            "budgetTarget": _units(self.target),
            "loopCounter": self.loop_count,
            "loopLimitingFactors": [tags[limit] for limit in self.limited_by],
            "budgetUsedPerTxInput": _units(self.used),
            "projectedBudgetUnusedPerTx": _units(_less(self.limits.tx, self.used)),
            "projectedBudgetUnusedPerBlock": _units(_less(self.limits.block, in_block)),
            "projectedTxPerBlock": number,
            "projectedLoopsPerBlock": self.loops_per_block,
            "scaled": self.scaled,
        }


class Meter:
    """Exact ExUnits of a loop at any count, under the cost model in force."""

    def __init__(self, loop: Loop, parameters: ProtocolParameters) -> None:
        self.loop = loop
        first = loop(1)
        self.name = first.name
        variant = variant_for(first.language, parameters.major)
        self._machine = NativeMachine(parameters.cost_model(first.language), variant)

    def within(self, count: int, target: ExUnits) -> bool:
        """Whether so many iterations stay within a target. InputError for a script that fails for another reason."""
        outcome = self._outcome(count, target)
        return outcome.status is Status.SUCCESS and _fits(outcome.spent, target)

    def spent(self, count: int) -> ExUnits:
        """ExUnits of so many iterations, whatever the limits."""
        return self._outcome(count, PLENTY).spent

    def _outcome(self, count: int, budget: ExUnits) -> Outcome:
        program = self.loop(count)
        outcome = self._machine.evaluate(program.script(), budget)
        if outcome.status not in (Status.SUCCESS, Status.OVER_BUDGET):
            raise InputError(f"{program.source}: {program.label} does not run to success: {outcome.error}")
        return outcome


def fit_budget(meter: Meter, strategy: Strategy, limits: Limits, scaled: str = "") -> BudgetFit:
    """Binary search for the largest loop count within the strategy's target.

    InputError where not one iteration fits, and where the count makes no difference to what is spent.
    """
    if strategy.name == "blockbudget":
        tried = (Strategy(f"blockbudget_{float(factor):g}", factor=factor) for factor in _BLOCK_FACTORS)
        return max((fit_budget(meter, each, limits, scaled) for each in tried), key=lambda fit: fit.loops_per_block)
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
    return BudgetFit(meter.name, strategy, limits, target, fits, meter.spent(fits), tuple(limited), scaled)


def scaled_fits(meter: Meter, strategy: Strategy, limits: Limits) -> list[BudgetFit]:
    """The same with each limit enlarged by each of SCALES, one at a time: which of them buys more loops."""
    found = []
    for of in ("tx", "block"):
        for unit, name in (("mem", "memory"), ("cpu", "steps")):
            for scale in SCALES:
                now: ExUnits = getattr(limits, of)
                enlarged = replace(now, **{unit: int(getattr(now, unit) * Fraction(scale))})
                label = f"{of} {name} ×{scale:g}"
                found.append(fit_budget(meter, strategy, replace(limits, **{of: enlarged}), label))
    return found


def _divided(units: ExUnits, by: int) -> ExUnits:
    return ExUnits(units.cpu // by, units.mem // by)


def _less(units: ExUnits, used: ExUnits) -> ExUnits:
    return ExUnits(units.cpu - used.cpu, units.mem - used.mem)


def _fits(spent: ExUnits, target: ExUnits) -> bool:
    return spent.cpu <= target.cpu and spent.mem <= target.mem


def _units(units: ExUnits) -> dict[str, int]:
    return {"memory": units.mem, "steps": units.cpu}
