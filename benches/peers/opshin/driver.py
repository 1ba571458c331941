"""Times opshin's `uplc`, an evaluator written in Python, by the protocol of benches/driver.py."""

import sys
from importlib.metadata import version
from platform import python_version

import cbor2
from uplc.ast import Program  # type: ignore[import-not-found,unused-ignore]
from uplc.cost_model import (  # type: ignore[import-not-found,unused-ignore]
    Budget,
    default_builtin_cost_model_plutus_v3,
    default_cek_machine_cost_model_plutus_v3,
)
from uplc.machine import ComputationResult, Machine  # type: ignore[import-not-found,unused-ignore]
from uplc.tools import unflatten  # type: ignore[import-not-found,unused-ignore]

from benches.driver import Request, Timing, serve, time_calls

_MACHINE = Machine(
    Budget(cpu=10**12, memory=10**10),
    default_cek_machine_cost_model_plutus_v3(),
    default_builtin_cost_model_plutus_v3(),
)


def _evaluate(program: Program) -> ComputationResult:
    computed = _MACHINE.eval(program)
    # The machine returns what it should raise.
    if isinstance(computed.result, Exception):
        raise computed.result
    return computed


def answer(request: Request) -> Timing:
    wrapped = cbor2.dumps(request.flat)
    if request.work == "decode":
        return Timing(time_calls(request, lambda: unflatten(wrapped)))
    program = unflatten(wrapped)
    spent = _evaluate(program).cost
    return Timing(time_calls(request, lambda: _evaluate(program)), spent.cpu, spent.memory)


if __name__ == "__main__":
    # The machine recurses with the depth of the program.
    sys.setrecursionlimit(100_000)
    serve(f"opshin uplc {version('uplc')}", f"CPython {python_version()}", answer)
