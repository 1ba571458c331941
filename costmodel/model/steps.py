"""The kinds of machine step that the ledger charges for, and the costs' names in files and parameter lists."""

from __future__ import annotations

from enum import IntEnum

from costmodel.errors import ModelError
from costmodel.model.costing import checked_int
from costmodel.model.units import ExUnits

STARTUP_KEY = "cekStartupCost"


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
