"""Drives OpShin's `uplc`, an evaluator in Python, by version 1 of the driver protocol.

Its machine holds prices of its own, and recurses with the depth of the program.
"""

import gc
import hashlib
import json
import sys
import threading
import time
from importlib.metadata import version
from platform import python_version

import cbor2
from uplc.ast import Apply, Constant, Program, data_from_cbor
from uplc.cost_model import (
    Budget,
    default_builtin_cost_model_plutus_v2,
    default_builtin_cost_model_plutus_v3,
    default_cek_machine_cost_model_plutus_v2,
    default_cek_machine_cost_model_plutus_v3,
)
from uplc.flat_encoder import FlatEncodingVisitor
from uplc.machine import Machine
from uplc.tools import unflatten

MODELS = {
    "PlutusV2": (default_cek_machine_cost_model_plutus_v2, default_builtin_cost_model_plutus_v2),
    "PlutusV3": (default_cek_machine_cost_model_plutus_v3, default_builtin_cost_model_plutus_v3),
}


class BudgetSpent(Exception):
    """A program used up its budget."""


class Kept:
    """A loaded program and its machine."""

    def __init__(self, request):
        # The package unwraps CBOR around the flat bytes.
        self.wrapped = cbor2.dumps(bytes.fromhex(request["flat"]))
        self.arguments = [bytes.fromhex(argument) for argument in request["arguments"]]
        self.program = self.decoded()
        budget = request["budget"]
        cek, builtins = MODELS[request["language"]]
        self.machine = Machine(Budget(cpu=budget["cpu"], memory=budget["mem"]), cek(), builtins())
        self.computed = None

    def decoded(self):
        program = unflatten(self.wrapped)
        for argument in self.arguments:
            program = Program(program.version, Apply(program.term, data_from_cbor(argument)))
        return program

    def evaluate(self):
        self.computed = self.machine.eval(self.program)
        # The machine returns what it should raise.
        if isinstance(self.computed.result, Exception):
            if "budget" in str(self.computed.result).lower():
                raise BudgetSpent
            raise self.computed.result

    def outcome(self):
        cost = {"cpu": self.computed.cost.cpu, "mem": self.computed.cost.memory}
        if not isinstance(self.computed.result, Constant):
            return cost  # what is no constant is not written back as the ledger writes it
        encoder = FlatEncodingVisitor()
        encoder.visit(Program(self.program.version, self.computed.result))
        digest = hashlib.sha256(bytes(encoder.bit_writer.finalize())).hexdigest()
        return cost | {"digest": digest}


def time_programs(request, programs):
    """The answer to a request to time."""
    evaluating = request["work"] == "evaluate"
    once = Kept.evaluate if evaluating else Kept.decoded
    if request["warm_up"]:
        gc.collect()  # so that what others left is not collected now
    for turn in range(request["warm_up"]):
        once(programs[turn % len(programs)])
    count, iterations = len(programs), request["iterations"]
    begin = time.perf_counter_ns()
    for turn in range(iterations):
        once(programs[turn % count])
    ns = time.perf_counter_ns() - begin
    results = [kept.outcome() for kept in programs[:iterations]] if evaluating else []
    return {"type": "timed", "ns": ns, "results": results}


def answered(request, kept):
    """The answer to any request, without its number."""
    try:
        if request["type"] == "load":
            kept[request["program"]] = Kept(request)
            gc.freeze()  # loaded programs stay, and are not for the collector to walk through
            return {"type": "loaded"}
        return time_programs(request, [kept[number] for number in request["programs"]])
    except BudgetSpent:
        return {"type": "out_of_budget", "reason": ""}
    except Exception as error:
        kind = "refused" if request["type"] == "load" else "failed"
        return {"type": kind, "reason": f"{type(error).__name__}: {error}"[:1000]}


def say(message):
    """One line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main():
    """Hello, and an answer to each request."""
    say(
        {
            "type": "hello",
            "protocol": 1,
            "evaluator": "opshin-uplc",
            "version": version("uplc"),
            "build": "",
            "runtime": f"CPython {python_version()}",
            "clock": "time.perf_counter_ns",
            "resolution_ns": time.get_clock_info("perf_counter").resolution * 1e9,
            "capabilities": {
                "languages": sorted(MODELS),
                "protocol_versions": [9, 10, 11],
                "cost_model": "built in",
                "ex_units": True,
                "decode": True,
                "arguments": True,
                "results": "flat",
                "collector": True,
                "compiler": False,
            },
        }
    )
    kept = {}
    for line in sys.stdin:
        request = json.loads(line)
        say(answered(request, kept) | {"request": request["request"]})


if __name__ == "__main__":
    sys.setrecursionlimit(1_000_000)
    threading.stack_size(1 << 29)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
