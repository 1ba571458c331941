"""The native machine as an evaluator that is timed: works that the C side iterates, checked beforehand, and the loop of
hashing that sessions are compared by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from costmodel._native import ffi, lib
from costmodel.errors import CheckFailed
from costmodel.machine import BuildInfo, NativeMachine, Order, Reading, Script, Subject, build_info
from costmodel.machine.native import decode_options, decoded, exact_outcome, language_of, machine_for
from costmodel.model import ExUnits
from costmodel.plutus import LedgerLanguage
from costmodel.timing.clock import Clock
from costmodel.timing.memory import Heap

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
_EVALUATING: Final = ("evaluate", "start", "call")


def native_facts(build: BuildInfo) -> dict[str, str]:
    """The native machine as a manifest names it: its sources, and all that decides what they were compiled to."""
    return {
        "name": "native",
        "sha256": build.source_sha256,
        "compiler": build.compiler,
        "flags": build.flags,
        "libraries": build.libraries,
    }


@dataclass(eq=False)
class NativeWork:
    """A `cal_work` with everything that it points to. Its result was found by one run and is what every batch must
    come to."""

    name: str
    evaluator: NativeEvaluator
    handle: Any
    owned: tuple[Any, ...] = ()

    @property
    def spent(self) -> ExUnits:
        """What one run spends."""
        return ExUnits(self.handle.expected.spent.cpu, self.handle.expected.spent.mem)


class NativeEvaluator:
    """`Evaluator` for the native machine: one machine for each ledger language, protocol version and cost model. They
    lie where the `heap` puts them."""

    differences: Mapping[str, str] = {}
    collects = False
    warm_up_ns = 0.0

    def __init__(self, clock: Clock | None = None, heap: Heap | None = None) -> None:
        """Without a `clock` works are made, and not timed."""
        self._clock, self._heap = clock, heap or Heap()
        self._machines: dict[tuple[LedgerLanguage, int, tuple[int, ...] | None], NativeMachine] = {}
        self._scheduling = ffi.new("cal_scheduling *", lib.cal_scheduling_open())

    @property
    def facts(self) -> dict[str, str]:
        return native_facts(build_info())

    def close(self) -> None:
        lib.cal_scheduling_close(self._scheduling)

    def _machine(self, subject: Subject, parameters: Sequence[int] | None) -> NativeMachine:
        key = (language_of(subject), subject.protocol_version, None if parameters is None else tuple(parameters))
        if key not in self._machines:
            self._heap.settle()
            self._machines[key] = machine_for(subject, parameters)
            self._heap.settle()
        return self._machines[key]

    def prepare(
        self, subject: Subject, *, checked: bool = False, parameters: Sequence[int] | None = None
    ) -> NativeWork:
        """CheckFailed where the machine does not do what the subject says, unless that was `checked` before; InputError
        or one of its kind where it cannot be run at all."""
        machine = self._machine(subject, parameters)
        self._heap.gap()
        script = decoded(subject)
        if not checked and subject.work in _EVALUATING:
            exact_outcome(subject, machine, script, BUDGET)
        return self._work(subject, machine, script)

    def _work(self, subject: Subject, machine: NativeMachine, script: Script) -> NativeWork:
        options = decode_options(language_of(subject), subject.protocol_version, subject.nops)
        # Copies: the subject's own bytes lie where they did before the heap was drawn.
        flat, *arguments = (ffi.new("uint8_t[]", octets) for octets in (subject.flat, *subject.arguments))
        pointers = ffi.new("const uint8_t *[]", arguments)
        lengths = ffi.new("size_t[]", [len(argument) for argument in subject.arguments])
        handle = ffi.new(
            "cal_work *",
            {
                "kind": _KINDS[subject.work],
                "machine": machine.handle,
                "script": script.handle,
                "flat": flat,
                "flat_length": len(subject.flat),
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
        expect_result(subject.id, handle)
        # cffi structs do not keep alive what they point to.
        return NativeWork(subject.id, self, handle, (machine, script, options, flat, arguments, pointers, lengths))

    def hash_yardstick(self) -> NativeWork:
        """The fixed loop of arithmetic, as a work."""
        handle = ffi.new("cal_work *", {"kind": lib.CAL_WORK_HASH})
        expect_result("hash yardstick", handle)
        return NativeWork("hash yardstick", self, handle)

    def time(self, orders: Sequence[Order]) -> list[Reading]:
        """CheckFailed where a run did not come to its expected result."""
        if self._clock is None:
            raise TypeError("an evaluator without a clock times nothing")
        native = ffi.new("cal_batch_order[]", len(orders))
        for order, wanted in zip(native, orders, strict=True):
            if not isinstance(wanted.work, NativeWork):
                raise TypeError(f"{wanted.work.name} is not the native machine's")
            order.work, order.iterations, order.warm_up = wanted.work.handle, wanted.iterations, wanted.warm_up
        batches = ffi.new("cal_batch[]", len(orders))
        done, error = ffi.new("size_t *"), ffi.new("cal_error *")
        status = lib.cal_batches_time(self._clock.native, self._scheduling, native, len(orders), batches, done, error)
        if status != lib.CAL_OK:
            raise CheckFailed(f"cell {orders[done[0]].work.name!r}: {error_text(error)}")
        return [Reading(batch.ticks, _disturbance(batch), batch.cpu_end) for batch in batches]


def _disturbance(batch: Any) -> str:
    found = (
        ("preempted", batch.involuntary > 0),
        ("delayed", batch.run_delay_ns > 0),
        ("migrated", batch.cpu_begin != batch.cpu_end),
    )
    return "+".join(name for name, raised in found if raised)


def expect_result(name: str, handle: Any) -> None:
    """Run a work once, and expect its result of every batch from now on."""
    result, error = ffi.new("cal_work_result *"), ffi.new("cal_error *")
    if lib.cal_work_once(handle, result, error) != lib.CAL_OK:
        raise CheckFailed(f"cell {name!r} cannot be timed: {error_text(error)}")
    handle.expected = result[0]


def error_text(error: Any) -> str:
    return str(ffi.string(error.text).decode("utf-8", "replace"))
