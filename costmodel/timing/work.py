"""Cells as work that the C side can iterate, checked against the machine beforehand."""

from __future__ import annotations

from typing import Any, Final

from costmodel._native import ffi, lib
from costmodel.errors import CheckFailed, InputError
from costmodel.machine import NativeMachine, Script, Status
from costmodel.machine.native import decode_options
from costmodel.model import ExUnits, ledger_model, variant_for
from costmodel.plutus import LedgerLanguage
from costmodel.runs.design import Cell
from costmodel.timing.heap import Heap

# Far above any block's limit, and yet no reason to spend a second on a cell that does not end.
BUDGET: Final = ExUnits(10**12, 10**10)

_KINDS: Final = {
    "evaluate": lib.CAL_WORK_EVALUATE,
    "start": lib.CAL_WORK_START,
    "decode": lib.CAL_WORK_PREPARE,
    "apply": lib.CAL_WORK_PREPARE,
    "call": lib.CAL_WORK_CALL,
    "setup": lib.CAL_WORK_SETUP,
}


class Workshop:
    """Makes works, and owns the machines that they run on: one for each ledger language and protocol version. They lie
    where the `heap` puts them."""

    def __init__(self, heap: Heap | None = None) -> None:
        self._heap = heap or Heap()
        self._machines: dict[tuple[LedgerLanguage, int], NativeMachine] = {}

    def _machine(self, language: LedgerLanguage, protocol_version: int) -> NativeMachine:
        key = (language, protocol_version)
        if key not in self._machines:
            variant = variant_for(language, protocol_version)
            model = ledger_model(variant)
            self._heap.settle()
            self._machines[key] = NativeMachine(model, variant)
            self._heap.settle()
        return self._machines[key]

    def make(self, cell: Cell, *, checked: bool = False) -> TimedWork:
        """The cell's work. CheckFailed where the machine does not do what the cell says, unless that was `checked` by
        an earlier process; InputError or one of its kind where the cell cannot be run at all."""
        try:
            language = LedgerLanguage(cell.language)
        except ValueError:
            raise InputError(f"cell {cell.id!r} is in {cell.language!r}, which is no ledger language") from None
        machine = self._machine(language, cell.protocol_version)
        self._heap.gap()
        script = Script.decode(cell.flat, language, cell.protocol_version, measuring=cell.nops)
        for argument in cell.arguments:
            script.apply_data(argument)
        if not checked and cell.work in ("evaluate", "start", "call"):
            _check_counts(cell, machine, script)
        options = decode_options(language, cell.protocol_version, cell.nops)
        return TimedWork(cell, machine, script, options)


def _check_counts(cell: Cell, machine: NativeMachine, script: Script) -> None:
    outcome = machine.evaluate(script, BUDGET)
    if outcome.status is not Status.SUCCESS:
        raise CheckFailed(f"cell {cell.id!r} ends in {outcome.status.value} instead of success: {outcome.error}")
    for what, planned, counted in (("steps", cell.steps, outcome.steps), ("builtins", cell.builtins, outcome.builtins)):
        expected = {name: count for name, count in planned.items() if count}
        if expected != counted:
            raise CheckFailed(f"cell {cell.id!r} takes the {what} {counted} instead of the planned {expected}")


class TimedWork:
    """A `cal_work` with everything that it points to. Its result was found by one run and is what every batch must
    come to."""

    def __init__(self, cell: Cell, machine: NativeMachine, script: Script, options: Any) -> None:
        self.name = cell.id
        # Copies: the cell's own bytes lie where they did before the heap was drawn.
        flat, *arguments = (ffi.new("uint8_t[]", octets) for octets in (cell.flat, *cell.arguments))
        pointers = ffi.new("const uint8_t *[]", arguments)
        lengths = ffi.new("size_t[]", [len(argument) for argument in cell.arguments])
        self.handle = ffi.new(
            "cal_work *",
            {
                "kind": _KINDS[cell.work],
                "machine": machine.handle,
                "script": script.handle,
                "flat": flat,
                "flat_length": len(cell.flat),
                "options": options,
                "arguments": pointers,
                "argument_lengths": lengths,
                "argument_count": len(arguments),
                "packed": machine.packed,
                "packed_length": len(machine.packed),
                "variant": machine.variant,
                "budget": {"cpu": BUDGET.cpu, "mem": BUDGET.mem},
            },
        )
        # cffi structs do not keep alive what they point to.
        self._owned = (machine, script, options, flat, arguments, pointers, lengths)
        expect_result(self.name, self.handle)


class HashYardstick:
    """The fixed loop of arithmetic, as a work."""

    def __init__(self) -> None:
        self.name = "hash yardstick"
        self.handle = ffi.new("cal_work *", {"kind": lib.CAL_WORK_HASH})
        expect_result(self.name, self.handle)


def expect_result(name: str, handle: Any) -> None:
    """Run a work once, and expect its result of every batch from now on."""
    result, error = ffi.new("cal_work_result *"), ffi.new("cal_error *")
    if lib.cal_work_once(handle, result, error) != lib.CAL_OK:
        raise CheckFailed(f"cell {name!r} cannot be timed: {error_text(error)}")
    handle.expected = result[0]


def error_text(error: Any) -> str:
    return str(ffi.string(error.text).decode("utf-8", "replace"))
