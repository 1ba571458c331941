"""The driver of the native machine, by the protocol of benches/driver.py; `python -m benches.native` runs it.

Iterations run in C, between two readings of the clock that measurements use.
"""

from __future__ import annotations

from typing import Final

from benches.driver import Request, Timing, serve
from costmodel import __version__
from costmodel.errors import CheckFailed
from costmodel.machine import NativeMachine, Outcome, Script, Status, build_info
from costmodel.model import ExUnits, ledger_model, variant_for
from costmodel.plutus import LedgerLanguage
from costmodel.runs.design import Cell
from costmodel.timing.batches import Stopwatch, Timed
from costmodel.timing.clock import Clock, choose_clock
from costmodel.timing.native_evaluator import NativeEvaluator

_LANGUAGE: Final = LedgerLanguage.PLUTUS_V3
_PROTOCOL_VERSION: Final = 11
_BUDGET: Final = ExUnits(10**12, 10**10)


class _Driver:
    def __init__(self) -> None:
        variant = variant_for(_LANGUAGE, _PROTOCOL_VERSION)
        self._machine = NativeMachine(ledger_model(variant), variant)
        self._stopwatch = Stopwatch(Clock(choose_clock()))
        self._native = NativeEvaluator(self._stopwatch.clock)

    def answer(self, request: Request) -> Timing:
        outcome = self._evaluate(request.flat) if request.work == "evaluate" else None
        work = self._native.prepare(
            Cell(
                id=request.work,
                experiment="replay",
                operation=request.work,
                work="decode" if outcome is None else "evaluate",
                flat=request.flat,
                steps={} if outcome is None else outcome.steps,
                builtins={} if outcome is None else outcome.builtins,
                language=_LANGUAGE.value,
                protocol_version=_PROTOCOL_VERSION,
            )
        )
        (reading,) = self._stopwatch.time([Timed(work, request.iterations)])
        ns = round(reading.ticks * self._stopwatch.ns_per_tick)
        return Timing(ns) if outcome is None else Timing(ns, outcome.spent.cpu, outcome.spent.mem)

    def _evaluate(self, flat: bytes) -> Outcome:
        outcome = self._machine.evaluate(Script.decode(flat, _LANGUAGE, _PROTOCOL_VERSION), _BUDGET)
        if outcome.status is not Status.SUCCESS:
            raise CheckFailed(f"ends in {outcome.status.value}: {outcome.error}")
        return outcome


if __name__ == "__main__":
    serve(f"calibrate {__version__}", f"{build_info().compiler}, {build_info().flags}", _Driver().answer)
