"""What a script is charged for, apart from any prices: its steps by kind and its calls of builtins by sizes.

Recorded once, a usage prices the script under every cost model: an evaluation's ExUnits are its start-up, its steps
and its calls, each at their price, and a price never changes what is done. Only where a run is ended by its budget
does its price decide what is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from costmodel._native import ffi, lib
from costmodel.errors import EnvironmentFault, ModelError
from costmodel.machine.interface import EvaluationStatus
from costmodel.machine.native import STATUSES, NativeMachine, Script, text_of
from costmodel.model import ExUnits, StepKind
from costmodel.plutus import BUILTINS

Call = tuple[str, tuple[int, ...]]
"""A builtin's name and the sizes of all of its arguments, in the measures of its costing function."""

_ARITY: Final = {builtin.tag: builtin.arity for builtin in BUILTINS}
_NAME: Final = {builtin.tag: builtin.name for builtin in BUILTINS}


@dataclass(frozen=True, slots=True)
class Usage:
    """One run. `steps` are those that were paid for, by kind; `calls` how often each call was made."""

    status: EvaluationStatus
    spent: ExUnits
    steps: dict[StepKind, int]
    calls: dict[Call, int]


class UsageRecorder:
    """Records usages by a native machine. Not for use by two threads at once."""

    def __init__(self, machine: NativeMachine) -> None:
        self._machine = machine
        handle = lib.cal_usage_new()
        if handle == ffi.NULL:
            raise EnvironmentFault("no memory to record calls in")
        self._usage = ffi.gc(handle, lib.cal_usage_free)

    def record(self, script: Script, budget: ExUnits) -> Usage:
        """Runs a script within a budget. ModelError where the machine's model lacks a price for what it does."""
        raw, error = ffi.new("cal_outcome *"), ffi.new("cal_error *")
        limit = ffi.new("cal_ex_units *", {"cpu": budget.cpu, "mem": budget.mem})
        status = lib.cal_machine_run_usage(self._machine.handle, script.handle, limit[0], self._usage, raw, error)
        lib.cal_machine_release(self._machine.handle)
        if status == lib.CAL_UNSUPPORTED:
            raise ModelError(text_of(error))
        usage = self._usage
        steps = {kind: int(raw.steps[kind] - usage.unpaid[kind]) for kind in StepKind}
        calls = {}
        for row in ffi.unpack(usage.rows, usage.count):
            sizes = tuple(ffi.unpack(row.sizes, _ARITY[row.tag]))
            calls[_NAME[row.tag], sizes] = int(row.count)
        return Usage(STATUSES[status], ExUnits(raw.spent.cpu, raw.spent.mem), steps, calls)
