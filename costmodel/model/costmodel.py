"""The cost model: costing functions of the builtins, costs of the kinds of machine step, and start-up; and all of this
as the flat array of 64-bit integers that the C machine takes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from costmodel.errors import ModelError
from costmodel.model.costing import CostingFunction, checked_int, costing_function
from costmodel.model.shapes import ShapeId
from costmodel.model.units import ExUnits
from costmodel.plutus.builtins import BUILTIN_BY_NAME, BUILTINS

STARTUP_KEY = "cekStartupCost"
_NAMED: Final = 5  # missing prices that an error names


class StepKind(IntEnum):
    """A charged kind of CEK machine step; the value is the kind's index wherever kinds are listed."""

    CONST = 0
    VAR = 1
    LAM = 2
    APPLY = 3
    DELAY = 4
    FORCE = 5
    BUILTIN = 6
    CONSTR = 7
    CASE = 8

    @property
    def json_key(self) -> str:
        """The name in upstream cost-model files and in parameter names, e.g. `cekVarCost`."""
        return f"cek{self.name.capitalize()}Cost"


STEP_KINDS_BY_KEY = {kind.json_key: kind for kind in StepKind}


def step_cost(cpu: object, mem: object, where: str) -> ExUnits:
    """A checked cost (ps, words) of a step or of start-up; ModelError, starting with `where`, if it is none.

    A negative cost is refused: a program would gain budget by running.
    """
    units = ExUnits(checked_int(cpu, f"{where} exBudgetCPU"), checked_int(mem, f"{where} exBudgetMemory"))
    if min(units.cpu, units.mem) < 0:
        raise ModelError(f"{where} is negative: {units.cpu} ps, {units.mem} words")
    return units


@dataclass(frozen=True, slots=True)
class BuiltinCost:
    """What one saturated application of a builtin costs: `cpu` in picoseconds, `memory` in 8-byte words."""

    cpu: CostingFunction
    memory: CostingFunction


# What upstream charges, ps and words alike, for a builtin that nobody has costed yet: more than any budget allows.
_PROHIBITIVE = costing_function("constant_cost", {"constant": 10**11}, None, "uncosted builtin")
_UNCOSTED = BuiltinCost(_PROHIBITIVE, _PROHIBITIVE)


@dataclass(frozen=True, slots=True)
class CostModel:
    """Costs by builtin name and by step kind; any of them may be missing (see `require`).

    `extras` is the raw object under the key "calibrate" of the files that this package writes. `source` tells the user
    where the model came from and is no part of its identity.
    """

    builtins: Mapping[str, BuiltinCost]
    steps: Mapping[StepKind, ExUnits]
    startup: ExUnits | None
    extras: Mapping[str, object] = field(default_factory=dict)
    source: str = field(default="cost model", compare=False)

    def cost_of(self, builtin: str) -> BuiltinCost | None:
        """A builtin's costs: the model's own, upstream's prohibitive constant for an uncosted builtin, else None."""
        own = self.builtins.get(builtin)
        return _UNCOSTED if own is None and not BUILTIN_BY_NAME[builtin].costed else own

    def require(self, builtins: Iterable[str], steps: Iterable[StepKind]) -> None:
        """Raise ModelError, naming the first that are missing, unless the model prices start-up and all of these."""
        missing = [name for name in sorted(set(builtins)) if self.cost_of(name) is None]
        missing += [kind.json_key for kind in sorted(set(steps)) if kind not in self.steps]
        if self.startup is None:
            missing.append(STARTUP_KEY)
        if missing:
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            named = ", ".join(missing[:_NAMED]) + more
            raise ModelError(
                f"{self.source} has no cost for {named}; use a model that has, or one with the ledger's added: "
                "calibrate params emit --complete-from E"
            )


PACK_WIDTH = 12
"""Integers in the row of one costing function."""

PACK_LENGTH = len(BUILTINS) * 2 * PACK_WIDTH + 2 * (1 + len(StepKind))
"""Integers in a packed model."""

_ABSENT_ROW = (int(ShapeId.ABSENT),) + (0,) * (PACK_WIDTH - 1)
_ABSENT_STEP = (-1, -1)


def pack(model: CostModel) -> array[int]:
    """Lay the model out for the C machine: PACK_LENGTH integers of 64 bits (array type 'q', native byte order).

    - Rows of PACK_WIDTH integers, two for each builtin, in the order of flat tags: the CPU costs of tag t
      start at index 2·t·PACK_WIDTH, its memory costs at (2·t + 1)·PACK_WIDTH. A row is
      [shape id, inner shape id, k0 to k9]: the coefficients in the order of the shape's `fields`; for a diagonal shape
      k0 is the constant and the inner model's coefficients follow from k1. Inner shape id is 0 for the other shapes;
      unused places are 0. A row of shape id 0 (ABSENT) means that the model does not price the builtin.
    - Then start-up: CPU, memory; and the nine step kinds in the order of StepKind: CPU, memory each. −1, −1 means that
      the model does not price the step; a priced one is never negative.
    """
    packed = array("q")
    for builtin in BUILTINS:
        cost = model.cost_of(builtin.name)
        for function in (cost.cpu, cost.memory) if cost else (None, None):
            packed.extend(_row(function))
    for units in (model.startup, *(model.steps.get(kind) for kind in StepKind)):
        packed.extend((units.cpu, units.mem) if units else _ABSENT_STEP)
    return packed


def _row(function: CostingFunction | None) -> tuple[int, ...]:
    if function is None:
        return _ABSENT_ROW
    inner = function.model.shape.id if function.model else ShapeId.ABSENT
    values = function.values
    return (int(function.shape.id), int(inner), *values, *(0,) * (PACK_WIDTH - 2 - len(values)))
